/*
 * Internal to crypto/: the families of algorithms behind kpc_encrypt, kpc_decrypt, kpc_sign and
 * kpc_verify. The dispatcher (ops.c) has checked that the algorithm fits the key and the call and
 * that the private part is there where needed; a family checks sizes and computes.
 */
#ifndef KP_CRYPTO_FAMILIES_H
#define KP_CRYPTO_FAMILIES_H

#include "crypto/algs.h"
#include "crypto/key_parts.h"
#include "crypto/lib.h"
#include "crypto/ops.h"

/* One encryption or decryption. Everything is borrowed for the call. */
struct kpc_crypt_job {
    struct kpc_key *key;
    const struct kpc_alg_info *alg;
    enum kpc_direction direction;
    const struct kpc_input *in;
    struct kpc_result *ret;
    struct kp_error *err;
};

/* One signature or its verification. */
struct kpc_sign_job {
    struct kpc_key *key;
    const struct kpc_alg_info *alg;
    kp_span digest;
    struct kp_error *err;
};

/* The room of ret is checked already, between check and run. run sets ret->value.len. */
struct kpc_crypt_family {
    kp_status (*check)(const struct kpc_crypt_job *job);
    kp_status (*run)(const struct kpc_crypt_job *job);
    size_t (*max_len)(const struct kpc_key *key, const struct kpc_alg_info *alg,
                      enum kpc_direction direction, size_t in_len);
};

struct kpc_sign_family {
    kp_status (*check)(const struct kpc_sign_job *job);
    kp_status (*sign)(const struct kpc_sign_job *job, struct kpc_out *ret);
    kp_status (*verify)(const struct kpc_sign_job *job, kp_span signature, bool *ret_valid);
    size_t (*signature_len)(const struct kpc_key *key, const struct kpc_alg_info *alg);
};

extern const struct kpc_crypt_family kpc_rsa_crypt_family;
extern const struct kpc_crypt_family kpc_aes_wrap_family;
extern const struct kpc_crypt_family kpc_aes_gcm_family;
extern const struct kpc_crypt_family kpc_aes_cbc_family;
extern const struct kpc_sign_family kpc_rsa_sign_family;
extern const struct kpc_sign_family kpc_ec_sign_family;
extern const struct kpc_sign_family kpc_hmac_family;

/*
 * The one answer to a value that cannot be recovered, whatever the reason; wipes the output area.
 */
kp_status kpc_fail_unreadable(const struct kpc_crypt_job *job);

/* OpenSSL failed at something that no input can cause. */
kp_status kpc_fail_crypt(const struct kpc_crypt_job *job);

/*
 * Turns what EVP_PKEY_verify answered into a verdict: 1 is valid, 0 is not, unless memory ran out
 * on the way; anything else is internal.
 */
kp_status kpc_take_verdict(const struct kpc_sign_job *job, int answer, bool *ret_valid);

/* An AES context keyed for the job. iv as long as the mode's, or NULL. NULL when OpenSSL fails. */
EVP_CIPHER_CTX *kpc_aes_context(const struct kpc_crypt_job *job, enum kpc_aes_mode mode,
                                const uint8_t *iv);

#endif /* KP_CRYPTO_FAMILIES_H */
