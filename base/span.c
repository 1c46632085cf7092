#include "base/span.h"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_name_char(uint8_t c)
{
    uint8_t letter = (uint8_t)((c | 0x20) - 'a'); /* both cases at once */
    return letter < 26 || (uint8_t)(c - '0') < 10 || c == '-';
}

static bool is_name(kp_span text, size_t max_len)
{
    if (text.len == 0 || text.len > max_len)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_name_char(text.ptr[i]))
            return false;
    }
    return true;
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
