#include "ekm/utf16.h"

#include "base/span.h"
#include "base/utf8.h"

static bool is_high(uint32_t unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(uint32_t unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

kp_status ekm_utf16_read(const uint16_t *units, size_t n, kp_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t c = units[i];
        uint8_t bytes[KPB_UTF8_MAX_LEN];
        kp_status st;

        if (c == 0 || is_low(c))
            return KP_USAGE;
        if (is_high(c)) {
            if (++i == n || !is_low(units[i]))
                return KP_USAGE;
            c = 0x10000 + ((c & 0x3ff) << 10) + (units[i] & 0x3ffu);
        }
        st = kp_buf_append(out, kpb_span(bytes, kpb_utf8_put(bytes, c)));
        if (st != KP_OK)
            return st;
    }
    return KP_OK;
}

/* The character that text begins with, len bytes of well-formed UTF-8. */
static uint32_t char_of(const uint8_t *text, size_t len)
{
    static const uint8_t masks[] = {0x7f, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = text[0] & masks[len];

    for (size_t i = 1; i < len; i++)
        c = (c << 6) | (text[i] & 0x3fu);
    return c;
}

size_t ekm_utf16_len(kp_span text)
{
    size_t n = 0;

    for (size_t i = 0, len; i < text.len; i += len) {
        len = kpb_utf8_next(kpb_span(text.ptr + i, text.len - i));
        if (len == 0)
            return n;
        n += len == 4 ? 2 : 1;
    }
    return n;
}

void ekm_utf16_write(kp_span text, uint16_t *units)
{
    for (size_t i = 0, len; i < text.len; i += len) {
        uint32_t c;

        len = kpb_utf8_next(kpb_span(text.ptr + i, text.len - i));
        if (len == 0)
            return;
        c = char_of(text.ptr + i, len);
        if (len == 4) {
            *units++ = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        *units++ = (uint16_t)c;
    }
}
