/*
 * The private part of one key version as text: sealed under the vault's key when it has a
 * passphrase, in clear otherwise. Either way the text belongs to one key name, version and public
 * part: moved to another, or altered, it does not open.
 *
 * The text is base64url of
 *     0x01 || iv(12) || AES-256-GCM(parts) || tag(16)      with a passphrase
 *     0x00 || parts || SHA-256(binding || parts)[0..16)    without: notices damage, hides nothing
 * where the binding, the GCM's additional data, is SHA-256 over name, version, kty, crv, bits, n,
 * e, x, y, each after its length in 4 bytes, and parts are d, p, q, dp, dq, qi, k, each after its
 * length in 2 bytes, big-endian.
 *
 * Threads: any; a sealer is fixed once its vault is open.
 */
#ifndef KP_PLUGINS_FILE_TEST_SEAL_H
#define KP_PLUGINS_FILE_TEST_SEAL_H

#include "crypto/seal.h"
#include "plugins/file-test/keyfile.h"

/* What private parts are sealed with. */
struct ft_sealer {
    kp_span key; /* KPC_SEAL_KEY_LEN bytes of secret memory, borrowed; empty: in clear */
};

/*
 * Writes the text for the private part of key to out (secret unless sealed), as version v of
 * `name`; looks at id, kty, curve, bits, n, e, x and y of v. Errors: no_memory, internal.
 */
kp_status ft_seal_key(const struct ft_sealer *sealer, const char *name, const struct ft_version *v,
                      const struct kpc_key *key, kp_buf *out, struct kp_error *reterr) KP_MUST_USE;

/*
 * Opens v->sealed and makes the key. *ret_key: the caller's reference.
 * Errors: integrity when it was altered, cut, moved, or belongs to a vault with (without) a
 * passphrase; no_memory.
 */
kp_status ft_unseal_key(const struct ft_sealer *sealer, const char *name,
                        const struct ft_version *v, struct kpc_key **ret_key,
                        struct kp_error *reterr) KP_MUST_USE;

/* Opens v->sealed under one sealer and writes it for another to out; the backup's way. */
kp_status ft_reseal(const struct ft_sealer *from, const struct ft_sealer *to, const char *name,
                    const struct ft_version *v, kp_buf *out, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_FILE_TEST_SEAL_H */
