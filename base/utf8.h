/* Writing UTF-8, and telling it from bytes that only look like it. Pure functions, any thread. */
#ifndef KP_BASE_UTF8_H
#define KP_BASE_UTF8_H

#include <stdbool.h>

#include <keyprovider/types.h>

/*
 * Length, 1..4 bytes, of the well-formed character that text starts with; 0 when it starts with
 * none (empty, cut, overlong, surrogate, above U+10FFFF). Source: RFC 3629 section 4.
 */
size_t kpb_utf8_next(kp_span text);

#define KPB_UTF8_MAX_LEN 4u /* bytes of a character */

/* Writes the character c, U+0000..U+10FFFF and no surrogate; its length, 1..4 bytes. */
size_t kpb_utf8_put(uint8_t into[KPB_UTF8_MAX_LEN], uint32_t c);

/* The whole span is well-formed UTF-8. */
bool kpb_utf8_is_valid(kp_span text);

/* True of a byte that must not reach a terminal or a line of log as it is: C0 controls and DEL. */
static inline bool kpb_is_control(uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}

/* The same of a character of n bytes (kpb_utf8_next): C1 controls, U+0080 to U+009F, too. */
static inline bool kpb_is_control_char(const uint8_t *p, size_t n)
{
    return kpb_is_control(p[0]) || (n == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

#endif /* KP_BASE_UTF8_H */
