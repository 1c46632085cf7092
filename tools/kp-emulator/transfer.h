/*
 * Keys wrapped for the way: CKM_RSA_AES_KEY_WRAP and its kin. An ephemeral AES-256 key under
 * RSA-OAEP, then the target under AES key wrap with padding: PKCS #8 DER for RSA and EC, the bytes
 * themselves for oct (PKCS #11 v3.0 section 2.1.21; RFC 5649). Any thread.
 */
#ifndef KP_TOOLS_KP_EMULATOR_TRANSFER_H
#define KP_TOOLS_KP_EMULATOR_TRANSFER_H

#include <openssl/evp.h>

#include "crypto/key.h"

/* The digest of OAEP that an enc names, NULL for a name that is none: SHA-1 for
 * CKM_RSA_AES_KEY_WRAP, SHA-256 and SHA-384 for RSA_AES_KEY_WRAP_256 and _384. */
const char *emu_transfer_digest(kp_span enc);
/* Wraps key under the RSA key of n and e, appended to out. Errors: usage, internal, no_memory. */
kp_status emu_transfer_wrap(const struct kpc_key *key, kp_span n, kp_span e, const char *digest,
                            kp_buf *out, struct kp_error *reterr) KP_MUST_USE;
/* Unwraps with an RSA key of ours; what was wrapped goes to secret. Errors: integrity, usage. */
kp_status emu_transfer_unwrap(const struct kpc_key *kek, kp_span text, const char *digest,
                              kp_buf *secret, struct kp_error *reterr) KP_MUST_USE;

/* PKCS #8 DER of a private RSA or EC key, or the bytes of an oct key (pkcs8.c). */
kp_status emu_pkcs8_write(const struct kpc_key *key, kp_buf *secret, struct kp_error *reterr)
    KP_MUST_USE;
/*
 * Reads PKCS #8 DER: fills the JWK members of params, which point into secret. Errors: usage.
 */
kp_status emu_pkcs8_read(kp_span der, kp_buf *secret, struct kp_key_params *params,
                         struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_TOOLS_KP_EMULATOR_TRANSFER_H */
