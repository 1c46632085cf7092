/* Small helpers over kp_span. Pure functions, any thread; nothing here owns memory. */
#ifndef KP_BASE_SPAN_H
#define KP_BASE_SPAN_H

#include <stdbool.h>
#include <string.h>

#include <keyprovider/types.h>

static inline kp_span kpb_span(const void *ptr, size_t len)
{
    kp_span s = {(const uint8_t *)ptr, len};
    return s;
}

/* View of a NUL-terminated string; NULL gives the empty span. */
static inline kp_span kpb_span_str(const char *text)
{
    return kpb_span(text, text ? strlen(text) : 0);
}

static inline bool kpb_span_eq(kp_span a, kp_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool kpb_span_eq_str(kp_span a, const char *text)
{
    return kpb_span_eq(a, kpb_span_str(text));
}

/* ASCII letters compared without case. */
bool kpb_span_eq_nocase(kp_span a, kp_span b);
bool kpb_span_starts_with(kp_span text, const char *prefix);
bool kpb_span_ends_with_nocase(kp_span text, const char *suffix);

/* Compares secrets: time depends on the lengths only. */
bool kpb_span_eq_secret(kp_span a, kp_span b);

/* A key name of Key Vault: 1..127 of 0-9 a-z A-Z and hyphen (REST 7.6). */
bool kpb_is_key_name(kp_span text);
/* A version: 1..KP_KEY_VERSION_MAX_LEN of 0-9 a-z A-Z and hyphen. */
bool kpb_is_key_version(kp_span text);

#endif /* KP_BASE_SPAN_H */
