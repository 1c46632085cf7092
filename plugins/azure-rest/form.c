#include "plugins/azure-rest/form.h"

#include "base/span.h"

static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static size_t encoded_len(kp_span bytes)
{
    size_t n = bytes.len;
    for (size_t i = 0; i < bytes.len; i++)
        if (!is_unreserved(bytes.ptr[i]))
            n += 2;
    return n;
}

kp_status azr_percent_encode(kp_span bytes, kp_buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    uint8_t *to;
    if (bytes.len > SIZE_MAX / 3)
        return KP_USAGE;
    kp_status st = kp_buf_extend(out, encoded_len(bytes), &to);
    for (size_t i = 0; st == KP_OK && i < bytes.len; i++) {
        uint8_t c = bytes.ptr[i];
        if (is_unreserved(c)) {
            *to++ = c;
            continue;
        }
        *to++ = '%';
        *to++ = (uint8_t)digits[c >> 4];
        *to++ = (uint8_t)digits[c & 0xf];
    }
    return st;
}

kp_status azr_form_add(kp_buf *out, const char *name, kp_span value)
{
    kp_status st = out->len > 0 ? kp_buf_append_byte(out, '&') : KP_OK;
    if (st == KP_OK)
        st = kp_buf_append_str(out, name);
    if (st == KP_OK)
        st = kp_buf_append_byte(out, '=');
    return st == KP_OK ? azr_percent_encode(value, out) : st;
}
