/*
 * Between the engine's UTF-16LE and the UTF-8 of everything else. Pure functions, any thread; the
 * machine is little-endian, as every SQL Server's.
 */
#ifndef KP_EKM_UTF16_H
#define KP_EKM_UTF16_H

#include "base/buf.h"

/*
 * Appends n units of UTF-16 to out as UTF-8. Errors: usage (a surrogate without its other half, a
 * NUL, or longer than out may hold), no_memory.
 */
kp_status ekm_utf16_read(const uint16_t *units, size_t n, kp_buf *out) KP_MUST_USE;

/* Units that well-formed UTF-8 takes. */
size_t ekm_utf16_len(kp_span text);
/* Writes ekm_utf16_len(text) units, no NUL. */
void ekm_utf16_write(kp_span text, uint16_t *units);

#endif /* KP_EKM_UTF16_H */
