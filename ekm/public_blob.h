/*
 * The public half of an RSA key as the engine gets it: a BCRYPT_RSAPUBLIC_BLOB of Windows CNG. One
 * function, so that another form would be one change; what the engine makes of it is not known.
 */
#ifndef KP_EKM_PUBLIC_BLOB_H
#define KP_EKM_PUBLIC_BLOB_H

#include <keyprovider/types.h>

#define EKM_BLOB_MAX_LEN 1024u /* RSA 4096 takes 539 bytes with the usual exponent */

/*
 * Writes header, exponent and modulus (big-endian integers without leading zeros) and returns the
 * length; 0 when they do not fit or one is empty.
 * Source: BCRYPT_RSAKEY_BLOB, learn.microsoft.com, bcrypt.h.
 */
size_t ekm_public_blob(kp_span n, kp_span e, uint32_t bits, uint8_t out[EKM_BLOB_MAX_LEN]);

#endif /* KP_EKM_PUBLIC_BLOB_H */
