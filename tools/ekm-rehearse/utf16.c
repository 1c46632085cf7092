#include "tools/ekm-rehearse/utf16.h"

#include "base/utf8.h"

static const uint8_t lead_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};

/* The character that starts with these len bytes of well-formed UTF-8. */
static uint32_t decode(const uint8_t *p, size_t len)
{
    uint32_t c = p[0] & lead_mask[len];
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (p[i] & 0x3fu);
    return c;
}

static size_t put_unit(uint8_t *out, uint32_t unit)
{
    out[0] = (uint8_t)unit;
    out[1] = (uint8_t)(unit >> 8);
    return 2;
}

static size_t put_wide(uint8_t *out, uint32_t c)
{
    if (c < 0x10000u)
        return put_unit(out, c);
    c -= 0x10000u;
    return put_unit(out, 0xd800u | c >> 10) + put_unit(out + 2, 0xdc00u | (c & 0x3ffu));
}

kp_status rh_utf16_from_utf8(kp_span text, struct rh_memory *m, kp_span *ret)
{
    /* No character needs more than twice its bytes of UTF-8. */
    uint8_t *out = rh_memory_take(m, text.len * 2 + 1);
    size_t len = 0;
    if (!out)
        return KP_NO_MEMORY;
    while (text.len) {
        const size_t n = kpb_utf8_next(text);
        if (n == 0)
            return KP_USAGE;
        len += put_wide(out + len, decode(text.ptr, n));
        text.ptr += n;
        text.len -= n;
    }
    *ret = (kp_span){out, len};
    return KP_OK;
}

static size_t put_utf8(uint8_t *out, uint32_t c)
{
    if (c < 0x80u) {
        out[0] = (uint8_t)c;
        return 1;
    }
    const size_t n = c < 0x800u ? 2 : c < 0x10000u ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (uint8_t)(0x80u | (c & 0x3fu));
    out[0] = (uint8_t)(c | (0xf0u << (4 - n) & 0xffu));
    return n;
}

static uint32_t unit_at(kp_span wide, size_t at)
{
    return at + 1 < wide.len ? wide.ptr[at] | (uint32_t)wide.ptr[at + 1] << 8 : 0;
}

/* Bytes of the character at the front, 0 for a lone surrogate. */
static size_t next_wide(kp_span wide, uint32_t *ret)
{
    const uint32_t high = unit_at(wide, 0);
    const uint32_t low = unit_at(wide, 2);
    *ret = high;
    if (high < 0xd800u || high > 0xdfffu)
        return 2;
    if (high > 0xdbffu || low < 0xdc00u || low > 0xdfffu)
        return 0;
    *ret = 0x10000u + ((high & 0x3ffu) << 10 | (low & 0x3ffu));
    return 4;
}

kp_status rh_utf16_to_utf8(kp_span wide, struct rh_memory *m, kp_span *ret)
{
    /* A unit needs at most three bytes, a pair four. */
    uint8_t *out = wide.len % 2 ? NULL : rh_memory_take(m, wide.len / 2 * 3 + 1);
    size_t len = 0;
    if (!out)
        return wide.len % 2 ? KP_USAGE : KP_NO_MEMORY;
    while (wide.len) {
        uint32_t c = 0;
        const size_t n = next_wide(wide, &c);
        if (n == 0)
            return KP_USAGE;
        len += put_utf8(out + len, c);
        wide.ptr += n;
        wide.len -= n;
    }
    *ret = (kp_span){out, len};
    return KP_OK;
}
