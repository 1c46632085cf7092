#include "plugins/azure-rest/http_date.h"

#include <stdio.h>

#include "base/iso8601.h"
#include "base/span.h"

/* A date as it is read, digits only where a pattern says so. */
struct date {
    uint32_t year;
    uint32_t month; /* from 1 */
    uint32_t day;
    kp_span clock; /* HH:MM:SS */
};

static bool read_digits(kp_span text, size_t at, size_t n, uint32_t *ret)
{
    uint32_t value = 0;
    if (text.len < n || at > text.len - n)
        return false;
    for (size_t i = at; i < at + n; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    *ret = value;
    return true;
}

static bool read_month(kp_span text, size_t at, uint32_t *ret)
{
    static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (text.len < 3 || at > text.len - 3)
        return false;
    for (uint32_t i = 0; i < 12; i++) {
        if (memcmp(text.ptr + at, MONTHS + (size_t)3 * i, 3) == 0) {
            *ret = i + 1;
            return true;
        }
    }
    return false;
}

/* "06 Nov 1994 08:49:37 GMT", behind the comma. */
static bool read_fixed(kp_span text, struct date *ret)
{
    if (text.len != 24 || memcmp(text.ptr + 20, " GMT", 4) != 0)
        return false;
    ret->clock = kpb_span(text.ptr + 12, 8);
    return read_digits(text, 0, 2, &ret->day) && read_month(text, 3, &ret->month) &&
           read_digits(text, 7, 4, &ret->year);
}

/* "06-Nov-94 08:49:37 GMT", behind the comma. */
static bool read_rfc850(kp_span text, struct date *ret)
{
    if (text.len != 22 || memcmp(text.ptr + 18, " GMT", 4) != 0 ||
        !read_digits(text, 0, 2, &ret->day) || !read_month(text, 3, &ret->month) ||
        !read_digits(text, 7, 2, &ret->year))
        return false;
    ret->year += ret->year < 70 ? 2000 : 1900;
    ret->clock = kpb_span(text.ptr + 10, 8);
    return true;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool read_asctime(kp_span text, struct date *ret)
{
    if (text.len != 24)
        return false;
    ret->clock = kpb_span(text.ptr + 11, 8);
    bool has_day = text.ptr[8] == ' ' ? read_digits(text, 9, 1, &ret->day)
                                      : read_digits(text, 8, 2, &ret->day);
    return has_day && read_month(text, 4, &ret->month) && read_digits(text, 20, 4, &ret->year);
}

static bool read_any(kp_span text, struct date *ret)
{
    for (size_t i = 0; i + 2 <= text.len && i < 10; i++) {
        if (text.ptr[i] != ',')
            continue;
        kp_span rest = kpb_span(text.ptr + i + 2, text.len - i - 2);
        return text.ptr[i + 1] == ' ' && (read_fixed(rest, ret) || read_rfc850(rest, ret));
    }
    return read_asctime(text, ret);
}

bool azr_http_date_read(kp_span text, int64_t *ret_unix_s)
{
    char iso[40];
    struct date date;
    if (text.len < 20 || !read_any(text, &date))
        return false;
    int n = snprintf(iso, sizeof iso, "%04u-%02u-%02uT%.8sZ", (unsigned)date.year,
                     (unsigned)date.month, (unsigned)date.day, (const char *)date.clock.ptr);
    return n > 0 && kpb_time_parse(kpb_span(iso, (size_t)n), ret_unix_s) == KP_OK;
}
