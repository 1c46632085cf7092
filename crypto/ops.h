/*
 * The four things a key does. encrypt and decrypt also serve wrap and unwrap: with a key type and
 * an algorithm given they are the same computation (Key Vault REST 7.6).
 *
 * Threads: any, also many at once with one key. Nothing here blocks or allocates through
 * base/mem.h; OpenSSL allocates a context per call and frees it. The first use of an algorithm with
 * a key prepares that context; later calls only copy it.
 *
 * Order of checks, each with its own sentence: algorithm known, of the right kind for the call, fit
 * for the key; private part present where needed; members the algorithm does not take absent;
 * sizes; room for the result. All of these are `usage` and say nothing about secrets. A value that
 * cannot be recovered is `integrity`, always with the same sentence. On failure the output area
 * holds nothing of a plaintext.
 *
 * RSA1_5 decryption and padding oracles (Bleichenbacher 1998, RFC 3218): the padding is checked in
 * constant time by OpenSSL, every way to fail ends in one status and one sentence, and the output
 * area is written and wiped the same way. What cannot be hidden while callers must be told that a
 * wrapped key is damaged, is the fact of failure itself: the caller sees a status. Newer OpenSSL
 * can answer a random message instead (implicit rejection); we switch that off, because a caller
 * that unwraps a damaged key to a wrong one loses data without a word. So: offer RSA1_5 only where
 * a counterpart needs it, never to anonymous callers; RSA-OAEP has no such oracle (RFC 8017 7.1.2).
 * AES-CBC with padding is unauthenticated and has the same limit.
 */
#ifndef KP_CRYPTO_OPS_H
#define KP_CRYPTO_OPS_H

#include "crypto/key.h"

#define KPC_GCM_IV_LEN 12u
#define KPC_CBC_IV_LEN 16u
#define KPC_TAG_LEN 16u

/* Room of the caller: len says how much of it is filled. */
struct kpc_out {
    uint8_t *ptr;
    size_t cap;
    size_t len;
};

/*
 * What to encrypt or decrypt. At most KP_PAYLOAD_MAX_LEN bytes each; empty spans are absent
 * members.
 *   RSA*           value
 *   A*KW, CKM_*    value
 *   A*GCM encrypt  value [aad]; the IV is made here
 *   A*GCM decrypt  value iv(12) tag(16) [aad]
 *   A*CBC*         value iv(16); aad is ignored, as the service does
 */
struct kpc_input {
    uint32_t alg; /* enum kp_alg */
    kp_span value;
    kp_span iv;
    kp_span aad;
    kp_span tag;
};

/*
 * Where the result goes. The caller sets value.ptr and value.cap to at least kpc_max_output_len; it
 * must not overlap the input. iv and tag are filled with those used, their lengths 0 when none.
 */
struct kpc_result {
    struct kpc_out value;
    size_t iv_len;
    size_t tag_len;
    uint8_t iv[KPC_CBC_IV_LEN];
    uint8_t tag[KPC_TAG_LEN];
};

/*
 * Bytes the output area must offer for op (encrypt, decrypt, wrap, unwrap, sign) over in_len bytes.
 * An upper bound: a result may be shorter. 0 when the algorithm does not fit the key or the
 * operation and for verify.
 */
size_t kpc_max_output_len(const struct kpc_key *key, uint32_t alg, uint32_t op, size_t in_len);

/*
 * Limits of value: RSA1_5 k-11, RSA-OAEP k-42, RSA-OAEP-256 k-66 bytes with k the modulus length
 * (RFC 8017 section 7); A*KW and CKM_AES_KEY_WRAP a multiple of 8 from 16 (RFC 3394);
 * CKM_AES_KEY_WRAP_PAD from 1 (RFC 5649); A*CBC from 1, filled with zeros up to the block; A*CBCPAD
 * PKCS #7. GCM IVs are random: at most 2^32 encryptions under one key (NIST SP 800-38D section
 * 8.3).
 */
kp_status kpc_encrypt(struct kpc_key *key, const struct kpc_input *in, struct kpc_result *ret,
                      struct kp_error *reterr) KP_MUST_USE;

/* The zeros of A*CBC stay on the result, as they do at the service. */
kp_status kpc_decrypt(struct kpc_key *key, const struct kpc_input *in, struct kpc_result *ret,
                      struct kp_error *reterr) KP_MUST_USE;

/*
 * Signs a digest of exactly the algorithm's digest length. RS*: the DigestInfo is made here. PS*:
 * MGF1 with the same digest, salt as long as the digest. RSNULL: PKCS #1 v1.5 type 1 padding over
 * the caller's 1..k-11 bytes and nothing else. ES*: r and s, each of full length, never DER. HS*:
 * the HMAC of value, of any length from 1 (a Managed HSM computes it over the digest it is given).
 */
kp_status kpc_sign(struct kpc_key *key, uint32_t alg, kp_span digest, struct kpc_out *ret_signature,
                   struct kp_error *reterr) KP_MUST_USE;

/*
 * *ret_valid tells whether signature is one of this key over digest. A wrong signature is no error;
 * one of a length the algorithm never makes is `usage`. HS* compare in constant time.
 */
kp_status kpc_verify(struct kpc_key *key, uint32_t alg, kp_span digest, kp_span signature,
                     bool *ret_valid, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_CRYPTO_OPS_H */
