/*
 * Sealing small secrets at rest: AES-256-GCM with a random IV in front and the tag behind. Any
 * thread. Layout: iv(12) || ciphertext || tag(16). One key seals at most 2^32 times (NIST SP
 * 800-38D section 8.3); derive one per object where that could come near.
 */
#ifndef KP_CRYPTO_SEAL_H
#define KP_CRYPTO_SEAL_H

#include "crypto/ops.h"

#define KPC_SEAL_KEY_LEN 32u
#define KPC_SEAL_OVERHEAD (KPC_GCM_IV_LEN + KPC_TAG_LEN)

/*
 * Seals plain under key (32 bytes), bound to aad, which the reader must present again. out needs
 * room for plain.len + KPC_SEAL_OVERHEAD and must not overlap plain.
 * Errors: usage (key length, room, more than KP_PAYLOAD_MAX_LEN), no_memory, internal.
 */
kp_status kpc_seal(kp_span key, kp_span aad, kp_span plain, struct kpc_out *out,
                   struct kp_error *reterr) KP_MUST_USE;

/*
 * Opens what kpc_seal made. out needs room for sealed.len - KPC_SEAL_OVERHEAD, in secret memory of
 * the caller. Errors: integrity when the key, the aad or a byte of it is another one (out holds
 * nothing then), or when sealed is too short; usage; no_memory.
 */
kp_status kpc_open(kp_span key, kp_span aad, kp_span sealed, struct kpc_out *out,
                   struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_CRYPTO_SEAL_H */
