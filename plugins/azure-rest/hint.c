#include "plugins/azure-rest/hint.h"

#include "base/span.h"
#include "plugins/azure-rest/http_date.h"

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
    if (!azr_http_date_read(text, &at_unix_s))
        return KP_NO_RETRY_HINT;
    return at_unix_s > now_unix_s ? cut_hint((uint64_t)(at_unix_s - now_unix_s) * 1000) : 0;
}
