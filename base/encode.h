/*
 * Hex and base64url. Pure functions, any thread. Decoders accept exactly what they say and write
 * nothing on failure.
 */
#ifndef KP_BASE_ENCODE_H
#define KP_BASE_ENCODE_H

#include "base/buf.h"

/* Lower-case hex; out gets 2 * bytes.len characters and a NUL. */
void kpb_hex_encode(kp_span bytes, char *out);
/* Decodes exactly out_len bytes from 2 * out_len hex digits of either case. */
kp_status kpb_hex_decode(kp_span text, uint8_t *out, size_t out_len) KP_MUST_USE;

/* RFC 4648 section 5 without padding, appended to out. */
kp_status kpb_base64url_encode(kp_span bytes, kp_buf *out) KP_MUST_USE;
/*
 * Accepts the url-safe alphabet with or without padding; anything else, also stray bits in the last
 * character, is `protocol`. Appended to out.
 */
kp_status kpb_base64url_decode(kp_span text, kp_buf *out) KP_MUST_USE;

#endif /* KP_BASE_ENCODE_H */
