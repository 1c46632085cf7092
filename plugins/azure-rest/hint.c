#include "plugins/azure-rest/hint.h"

#include <stdio.h>
#include <string.h>

#include "base/iso8601.h"
#include "base/span.h"

#define HINT_MAX_MS UINT64_C(3600000)

static bool find_header(const struct kp_http_reply *reply, const char *name, kp_span *ret)
{
    for (uint32_t i = 0; i < reply->n_headers; i++) {
        if (!kpb_span_eq_nocase(reply->headers[i].name, kpb_span_str(name)))
            continue;
        *ret = reply->headers[i].value;
        return true;
    }
    return false;
}

static uint64_t cut_hint(uint64_t ms)
{
    return ms < HINT_MAX_MS ? ms : HINT_MAX_MS;
}

static bool read_number(kp_span text, uint64_t *ret)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > 12)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *ret = value;
    return true;
}

static bool read_ms(const struct kp_http_reply *reply, const char *name, uint64_t *ret)
{
    kp_span text;
    if (!find_header(reply, name, &text) || !read_number(text, ret))
        return false;
    *ret = cut_hint(*ret);
    return true;
}

/* Number of a month's name, 0 for none. */
static uint32_t month_of(kp_span name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (uint32_t i = 0; i < 12; i++) {
        if (memcmp(names + 3 * i, name.ptr, 3) == 0)
            return i + 1;
    }
    return 0;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT": RFC 9110 section 5.6.7, the one form that is sent today. */
static bool read_date(kp_span text, int64_t *ret_unix_s)
{
    char iso[KPB_TIME_TEXT_LEN];
    const char *at = (const char *)text.ptr;
    if (text.len != 29 || memcmp(at + 25, " GMT", 4) != 0)
        return false;
    (void)snprintf(iso, sizeof iso, "%.4s-%02u-%.2sT%.8sZ", at + 12,
                   month_of(kpb_span(at + 8, 3)) % 100u, at + 5, at + 17);
    return kpb_time_parse(kpb_span_str(iso), ret_unix_s) == KP_OK;
}

uint64_t azr_hint_ms(const struct kp_http_reply *reply, int64_t now_unix_s)
{
    uint64_t value = 0;
    int64_t at_unix_s;
    kp_span text;
    if (read_ms(reply, "retry-after-ms", &value) || read_ms(reply, "x-ms-retry-after-ms", &value))
        return value;
    if (!find_header(reply, "Retry-After", &text))
        return KP_NO_RETRY_HINT;
    if (read_number(text, &value))
        return cut_hint(value < HINT_MAX_MS ? value * 1000 : HINT_MAX_MS);
    if (!read_date(text, &at_unix_s))
        return KP_NO_RETRY_HINT;
    return at_unix_s > now_unix_s ? cut_hint((uint64_t)(at_unix_s - now_unix_s) * 1000) : 0;
}
