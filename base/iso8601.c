#include "base/iso8601.h"

#include <stdbool.h>

#include "base/span.h"

#define SECONDS_A_DAY INT64_C(86400)
#define DAYS_400_YEARS INT64_C(146097)
#define DAYS_0000_03_01_TO_1970 INT64_C(719468)
#define UNIX_YEAR_0000 INT64_C(-62167219200)
#define UNIX_YEAR_9999 INT64_C(253402300799)

/* A day of the proleptic Gregorian calendar. */
struct date {
    int64_t year;
    int64_t month; /* 1..12 */
    int64_t day;   /* 1..31 */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* What floor_div leaves, 0..b-1. */
static int64_t floor_mod(int64_t a, int64_t b)
{
    return a % b < 0 ? a % b + b : a % b;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    if (month == 2)
        return is_leap(year) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/*
 * Years are counted from 1 March, so that the leap day is the last of its year and the months March
 * to February have the lengths 31 30 31 30 31 31 30 31 30 31 31 28/29: five months are 153 days.
 */
static int64_t days_from_date(struct date d)
{
    int64_t year = d.month > 2 ? d.year : d.year - 1;
    int64_t month = d.month > 2 ? d.month - 3 : d.month + 9;
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * month + 2) / 5 + d.day - 1;

    return era * DAYS_400_YEARS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
           day_of_year - DAYS_0000_03_01_TO_1970;
}

static struct date date_from_days(int64_t days)
{
    int64_t since_march = days + DAYS_0000_03_01_TO_1970;
    int64_t era = floor_div(since_march, DAYS_400_YEARS);
    int64_t day = since_march - era * DAYS_400_YEARS;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t day_of_year = day - (year * 365 + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct date d;

    d.day = day_of_year - (153 * month + 2) / 5 + 1;
    d.month = month < 10 ? month + 3 : month - 9;
    d.year = era * 400 + year + (d.month <= 2 ? 1 : 0);
    return d;
}

static struct date add_months(struct date d, int64_t months)
{
    int64_t total = d.year * 12 + (d.month - 1) + months;
    int64_t last;

    d.year = floor_div(total, 12);
    d.month = total - d.year * 12 + 1;
    last = days_in_month(d.year, d.month);
    if (d.day > last)
        d.day = last;
    return d;
}

static int64_t unix_from_days(int64_t days, int64_t second_of_day)
{
    const int64_t max_days = INT64_MAX / SECONDS_A_DAY - 1;

    if (days > max_days)
        return INT64_MAX;
    if (days < -max_days)
        return KP_TIME_NONE + 1;
    return days * SECONDS_A_DAY + second_of_day;
}

int64_t kpb_duration_shift(int64_t unix_s, struct kpb_duration d, int sign)
{
    int64_t days = floor_div(unix_s, SECONDS_A_DAY);
    int64_t second_of_day = floor_mod(unix_s, SECONDS_A_DAY);
    int64_t months = sign < 0 ? -(int64_t)d.months : (int64_t)d.months;

    if (unix_s == KP_TIME_NONE)
        return KP_TIME_NONE;
    days = days_from_date(add_months(date_from_days(days), months));
    days += sign < 0 ? -(int64_t)d.days : (int64_t)d.days;
    return unix_from_days(days, second_of_day);
}

/* Takes a decimal number off the front of text. */
static bool take_number(kp_span *text, uint32_t *ret)
{
    uint64_t value = 0;
    size_t n = 0;

    while (n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9') {
        value = value * 10 + (uint64_t)(text->ptr[n] - '0');
        if (value > UINT32_MAX)
            return false;
        n++;
    }
    *text = kpb_span(text->ptr + n, text->len - n);
    *ret = (uint32_t)value;
    return n > 0;
}

static bool add_scaled(uint32_t *sum, uint32_t value, uint32_t scale)
{
    uint64_t total = *sum + (uint64_t)value * scale;

    if (total > UINT32_MAX)
        return false;
    *sum = (uint32_t)total;
    return true;
}

/* Adds one part; *rank is the highest unit still allowed. W ranks first and stands alone. */
static bool add_part(struct kpb_duration *d, uint32_t value, uint8_t unit, int *rank)
{
    int r = unit == 'Y' ? 3 : unit == 'M' ? 2 : unit == 'D' ? 1 : unit == 'W' ? 4 : 0;

    if (r == 0 || r > *rank)
        return false;
    *rank = unit == 'W' ? 0 : r - 1;
    if (unit == 'Y' || unit == 'M')
        return add_scaled(&d->months, value, unit == 'Y' ? 12 : 1);
    return add_scaled(&d->days, value, unit == 'W' ? 7 : 1);
}

kp_status kpb_duration_parse(kp_span text, struct kpb_duration *ret)
{
    struct kpb_duration d = {0, 0};
    int rank = 4;

    if (text.len < 3 || text.ptr[0] != 'P')
        return KP_USAGE;
    text = kpb_span(text.ptr + 1, text.len - 1);
    while (text.len) {
        uint32_t value;

        if (!take_number(&text, &value) || text.len == 0)
            return KP_USAGE;
        if (!add_part(&d, value, text.ptr[0], &rank))
            return KP_USAGE;
        text = kpb_span(text.ptr + 1, text.len - 1);
    }
    *ret = d;
    return KP_OK;
}

static void put_digits(char *out, int64_t value, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

void kpb_time_format(int64_t unix_s, char out[KPB_TIME_TEXT_LEN])
{
    static const char pattern[KPB_TIME_TEXT_LEN] = "0000-00-00T00:00:00Z";
    int64_t t = unix_s < UNIX_YEAR_0000   ? UNIX_YEAR_0000
                : unix_s > UNIX_YEAR_9999 ? UNIX_YEAR_9999
                                          : unix_s;
    int64_t days = floor_div(t, SECONDS_A_DAY);
    int64_t second = floor_mod(t, SECONDS_A_DAY);
    struct date d = date_from_days(days);

    memcpy(out, pattern, sizeof pattern);
    put_digits(out, d.year, 4);
    put_digits(out + 5, d.month, 2);
    put_digits(out + 8, d.day, 2);
    put_digits(out + 11, second / 3600, 2);
    put_digits(out + 14, second / 60 % 60, 2);
    put_digits(out + 17, second % 60, 2);
}

static bool read_digits(const uint8_t *p, int n, int64_t *ret)
{
    *ret = 0;
    for (int i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        *ret = *ret * 10 + (p[i] - '0');
    }
    return true;
}

static bool read_date(const uint8_t *p, struct date *ret)
{
    if (!read_digits(p, 4, &ret->year) || p[4] != '-' || !read_digits(p + 5, 2, &ret->month) ||
        p[7] != '-' || !read_digits(p + 8, 2, &ret->day))
        return false;
    if (ret->month < 1 || ret->month > 12 || ret->day < 1)
        return false;
    return ret->day <= days_in_month(ret->year, ret->month);
}

static bool read_time_of_day(const uint8_t *p, int64_t *ret_second)
{
    int64_t h;
    int64_t m;
    int64_t s;

    if (!read_digits(p, 2, &h) || p[2] != ':' || !read_digits(p + 3, 2, &m) || p[5] != ':' ||
        !read_digits(p + 6, 2, &s))
        return false;
    *ret_second = h * 3600 + m * 60 + s;
    return h < 24 && m < 60 && s < 60;
}

kp_status kpb_time_parse(kp_span text, int64_t *ret_unix_s)
{
    struct date d;
    int64_t second;

    if (text.len != KPB_TIME_TEXT_LEN - 1 || text.ptr[10] != 'T' || text.ptr[19] != 'Z')
        return KP_USAGE;
    if (!read_date(text.ptr, &d) || !read_time_of_day(text.ptr + 11, &second))
        return KP_USAGE;
    *ret_unix_s = unix_from_days(days_from_date(d), second);
    return KP_OK;
}
