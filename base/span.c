#include "base/span.h"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* 1 for what key names and versions are made of. A look-up: every request asks for each byte. */
#define IN_NAME_8(c)                                                                               \
    [c] = 1, [(c) + 1] = 1, [(c) + 2] = 1, [(c) + 3] = 1, [(c) + 4] = 1, [(c) + 5] = 1,            \
    [(c) + 6] = 1, [(c) + 7] = 1
static const uint8_t in_name[256] = {
    IN_NAME_8('0'), ['8'] = 1,      ['9'] = 1, ['-'] = 1, IN_NAME_8('A'),
    IN_NAME_8('I'), IN_NAME_8('Q'), ['Y'] = 1, ['Z'] = 1, IN_NAME_8('a'),
    IN_NAME_8('i'), IN_NAME_8('q'), ['y'] = 1, ['z'] = 1,
};

static bool is_name(kp_span text, size_t max_len)
{
    if (text.len == 0 || text.len > max_len)
        return false;
    uint8_t all = 1; /* no way out in between: nearly every name is good */
    for (size_t i = 0; i < text.len; i++)
        all &= in_name[text.ptr[i]];
    return all == 1;
}

bool kpb_span_eq_nocase(kp_span a, kp_span b)
{
    if (a.len != b.len)
        return false;
    if (kpb_span_eq(a, b))
        return true; /* what nearly every comparison finds */
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool kpb_span_starts_with(kp_span text, const char *prefix)
{
    size_t n = strlen(prefix);

    return text.len >= n && kpb_span_eq(kpb_span(text.ptr, n), kpb_span(prefix, n));
}

bool kpb_span_ends_with_nocase(kp_span text, const char *suffix)
{
    size_t n = strlen(suffix);

    if (n == 0)
        return true;
    return text.len >= n &&
           kpb_span_eq_nocase(kpb_span(text.ptr + (text.len - n), n), kpb_span(suffix, n));
}

bool kpb_span_eq_secret(kp_span a, kp_span b)
{
    volatile uint8_t difference = 0; /* volatile: no early way out can be compiled in */

    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        difference = (uint8_t)(difference | (a.ptr[i] ^ b.ptr[i]));
    return difference == 0;
}

bool kpb_is_key_name(kp_span text)
{
    return is_name(text, KP_KEY_NAME_MAX_LEN);
}

bool kpb_is_key_version(kp_span text)
{
    return is_name(text, KP_KEY_VERSION_MAX_LEN);
}
