#include "base/encode.h"

#include "base/mem.h"
#include "base/span.h"

/*
 * What passes here may be a key or a token, so no table is indexed and no branch taken by a digit's
 * value: both would show it in cache and branch timing. A mask is 0xffffffff for yes and 0 for no.
 */

/* Yes when lo <= c <= hi; all three are below 256. */
static uint32_t mask_between(uint32_t c, uint32_t lo, uint32_t hi)
{
    return (((c - lo) | (hi - c)) >> 31) - 1u;
}

#define BAD_DIGIT 0x100u

static uint32_t hex_value(uint32_t c)
{
    uint32_t digit = mask_between(c, '0', '9');
    uint32_t lower = mask_between(c, 'a', 'f');
    uint32_t upper = mask_between(c, 'A', 'F');

    return (digit & (c - '0')) | (lower & (c - 'a' + 10)) | (upper & (c - 'A' + 10)) |
           (~(digit | lower | upper) & BAD_DIGIT);
}

static char hex_digit(uint32_t value)
{
    return (char)('0' + value + (mask_between(value, 10, 15) & ('a' - '0' - 10)));
}

void kpb_hex_encode(kp_span bytes, char *out)
{
    for (size_t i = 0; i < bytes.len; i++) {
        out[2 * i] = hex_digit(bytes.ptr[i] >> 4);
        out[2 * i + 1] = hex_digit(bytes.ptr[i] & 0xfu);
    }
    out[2 * bytes.len] = '\0';
}

static bool is_hex(kp_span text)
{
    uint32_t bad = 0;

    for (size_t i = 0; i < text.len; i++)
        bad |= hex_value(text.ptr[i]);
    return (bad & BAD_DIGIT) == 0;
}

kp_status kpb_hex_decode(kp_span text, uint8_t *out, size_t out_len)
{
    if (text.len % 2 || text.len / 2 != out_len || !is_hex(text))
        return KP_PROTOCOL;
    for (size_t i = 0; i < out_len; i++)
        out[i] = (uint8_t)(hex_value(text.ptr[2 * i]) << 4 | hex_value(text.ptr[2 * i + 1]));
    return KP_OK;
}

static uint32_t base64url_value(uint32_t c)
{
    uint32_t upper = mask_between(c, 'A', 'Z');
    uint32_t lower = mask_between(c, 'a', 'z');
    uint32_t digit = mask_between(c, '0', '9');
    uint32_t minus = mask_between(c, '-', '-');
    uint32_t under = mask_between(c, '_', '_');

    return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) |
           (minus & 62) | (under & 63) | (~(upper | lower | digit | minus | under) & BAD_DIGIT);
}

static uint8_t base64url_digit(uint32_t value)
{
    return (uint8_t)((mask_between(value, 0, 25) & (value + 'A')) |
                     (mask_between(value, 26, 51) & (value - 26 + 'a')) |
                     (mask_between(value, 52, 61) & (value - 52 + '0')) |
                     (mask_between(value, 62, 62) & '-') | (mask_between(value, 63, 63) & '_'));
}

/* Writes the 2, 3 or 4 digits of 1, 2 or 3 bytes. */
static void encode_group(const uint8_t *in, size_t n, uint8_t *out)
{
    uint32_t bits = (uint32_t)in[0] << 16;

    if (n > 1)
        bits |= (uint32_t)in[1] << 8;
    if (n > 2)
        bits |= in[2];
    for (size_t i = 0; i <= n; i++)
        out[i] = base64url_digit(bits >> (18 - 6 * i) & 0x3fu);
}

kp_status kpb_base64url_encode(kp_span bytes, kp_buf *out)
{
    size_t tail = bytes.len % 3;
    uint8_t *to;
    kp_status st;

    if (bytes.len / 3 > (SIZE_MAX - 4) / 4)
        return KP_USAGE;
    st = kp_buf_extend(out, bytes.len / 3 * 4 + (tail ? tail + 1 : 0), &to);
    if (st != KP_OK)
        return st;
    for (size_t i = 0; i < bytes.len; i += 3, to += 4)
        encode_group(bytes.ptr + i, bytes.len - i < 3 ? bytes.len - i : 3, to);
    return KP_OK;
}

/*
 * Reads 2, 3 or 4 digits as 1, 2 or 3 bytes. Returns BAD_DIGIT or a stray low bit when they are
 * not what an encoder writes, else 0.
 */
static uint32_t decode_group(const uint8_t *in, size_t n, uint8_t *out)
{
    uint32_t bits = 0;
    uint32_t bad = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t value = base64url_value(in[i]);

        bad |= value & BAD_DIGIT;
        bits |= (value & 0x3fu) << (18 - 6 * i);
    }
    for (size_t i = 0; i + 1 < n; i++)
        out[i] = (uint8_t)(bits >> (16 - 8 * i));
    return bad | (bits & (0xffffffu >> (8 * (n - 1))));
}

/* The digits without their padding; padding must fill the last group exactly. */
static kp_status strip_padding(kp_span text, kp_span *ret)
{
    size_t n = text.len;

    while (n && text.len - n < 2 && text.ptr[n - 1] == '=')
        n--;
    if ((n != text.len && text.len % 4) || n % 4 == 1)
        return KP_PROTOCOL;
    *ret = kpb_span(text.ptr, n);
    return KP_OK;
}

static uint32_t decode_groups(kp_span digits, uint8_t *to)
{
    uint32_t bad = 0;

    for (size_t i = 0; i < digits.len; i += 4, to += 3)
        bad |= decode_group(digits.ptr + i, digits.len - i < 4 ? digits.len - i : 4, to);
    return bad;
}

kp_status kpb_base64url_decode(kp_span text, kp_buf *out)
{
    size_t before = out->len;
    kp_span digits;
    uint8_t *to;
    kp_status st = strip_padding(text, &digits);

    if (st != KP_OK)
        return st;
    st = kp_buf_extend(out, digits.len / 4 * 3 + digits.len % 4 * 3 / 4, &to);
    if (st != KP_OK)
        return st;
    if (decode_groups(digits, to) == 0)
        return KP_OK;
    kpb_wipe(to, out->len - before);
    out->len = before;
    return KP_PROTOCOL;
}
