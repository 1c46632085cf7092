/* UTF-8 to the little-endian UTF-16 of the interface and back. Pure functions, any thread. */
#ifndef KP_TOOLS_EKM_REHEARSE_UTF16_H
#define KP_TOOLS_EKM_REHEARSE_UTF16_H

#include "tools/ekm-rehearse/memory.h"

/*
 * Bytes of UTF-16LE, no terminator, in m. text: well-formed UTF-8; empty gives an empty span whose
 * pointer is not NULL. Errors: usage for malformed UTF-8; no_memory.
 */
kp_status rh_utf16_from_utf8(kp_span text, struct rh_memory *m, kp_span *ret) KP_MUST_USE;

/* The way back. Errors: usage for an odd length or a lone surrogate; no_memory. */
kp_status rh_utf16_to_utf8(kp_span wide, struct rh_memory *m, kp_span *ret) KP_MUST_USE;

#endif /* KP_TOOLS_EKM_REHEARSE_UTF16_H */
