/* Random bytes from OpenSSL's generators of the calling thread. Any thread; may read the system's
 * entropy source, which does not block once the machine is up. */
#ifndef KP_CRYPTO_RANDOM_H
#define KP_CRYPTO_RANDOM_H

#include <keyprovider/status.h>

/* Fills out with len random bytes that may become public: IVs, salts, the answer to `random`.
 * Errors: internal when the generator fails (out is wiped then), no_memory. */
kp_status kpc_random(uint8_t *out, size_t len, struct kp_error *reterr) KP_MUST_USE;

/* The same from the generator kept apart for secrets (NIST SP 800-90A; RAND_priv_bytes). */
kp_status kpc_random_secret(uint8_t *out, size_t len, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_CRYPTO_RANDOM_H */
