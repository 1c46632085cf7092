#include "base/utf8.h"

/* One row per line of the grammar UTF8-char in RFC 3629 section 4. */
struct sequence {
    uint8_t first_min;
    uint8_t first_max;
    uint8_t second_min;
    uint8_t second_max;
    uint8_t len;
};

static const struct sequence sequences[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static bool is_tail(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

static bool matches(const struct sequence *s, kp_span text)
{
    if (text.ptr[0] < s->first_min || text.ptr[0] > s->first_max || text.len < s->len)
        return false;
    if (text.ptr[1] < s->second_min || text.ptr[1] > s->second_max)
        return false;
    for (size_t i = 2; i < s->len; i++) {
        if (!is_tail(text.ptr[i]))
            return false;
    }
    return true;
}

size_t kpb_utf8_next(kp_span text)
{
    if (text.len == 0)
        return 0;
    if (text.ptr[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
        if (matches(&sequences[i], text))
            return sequences[i].len;
    }
    return 0;
}

bool kpb_utf8_is_valid(kp_span text)
{
    while (text.len) {
        size_t n = kpb_utf8_next(text);

        if (n == 0)
            return false;
        text.ptr += n;
        text.len -= n;
    }
    return true;
}

/* RFC 3629 section 3. */
size_t kpb_utf8_put(uint8_t into[KPB_UTF8_MAX_LEN], uint32_t c)
{
    static const uint8_t firsts[] = {0, 0, 0xc0, 0xe0, 0xf0}; /* by length */
    size_t n = 1 + (size_t)(c >= 0x80) + (size_t)(c >= 0x800) + (size_t)(c >= 0x10000);

    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        into[i] = (uint8_t)(0x80 | (c & 0x3f));
    into[0] = (uint8_t)(firsts[n] | c);
    return n;
}
