/*
 * The engine's buffers: reading what it hands over, answering within what it offers. Pure functions
 * over the engine's memory, any thread.
 */
#ifndef KP_EKM_BUFFERS_H
#define KP_EKM_BUFFERS_H

#include "ekm/call.h"

/* Whether a buffer takes n bytes. */
bool ekm_fits(const void *ptr, uint32_t cb, size_t n);
/* Puts bytes into data if they fit: cb is then their length. If not, cb is the length that is
 * needed, and nothing else changes: usage with 2. */
kp_status ekm_put_data(struct ekm_call *call, kp_span bytes, SqlCpData *data) KP_MUST_USE;
/* Puts text as UTF-16; it is known to fit. */
void ekm_put_text(kp_span text, SqlCpStr *str);

/* A view of the engine's bytes. Errors: usage with 6: NULL, or empty. what: "the plaintext". */
kp_status ekm_take_data(struct ekm_call *call, const SqlCpData *data, const char *what,
                        kp_span *ret) KP_MUST_USE;
/* Copies a thumbprint and names it for the log. Errors: usage with 6. */
kp_status ekm_take_thumb(struct ekm_call *call, const SqlCpKeyThumbprint *data,
                         struct ekm_thumb *ret) KP_MUST_USE;
/*
 * Appends the engine's text to out as UTF-8. Empty text is allowed, a NULL one of a length is not.
 * Errors: usage with 6 (half a character, no UTF-16, more than max_chars), no_memory.
 */
kp_status ekm_take_text(struct ekm_call *call, const SqlCpStr *str, const char *what,
                        size_t max_chars, kp_buf *out) KP_MUST_USE;

#endif /* KP_EKM_BUFFERS_H */
