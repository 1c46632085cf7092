/*
 * Keys from passphrases and from other keys. Any thread. Sources: RFC 7914 (scrypt), RFC 5869
 * (HKDF).
 */
#ifndef KP_CRYPTO_KDF_H
#define KP_CRYPTO_KDF_H

#include <keyprovider/status.h>

/*
 * What one guess of a passphrase shall cost: 128 * n * r bytes of memory and p times the work. Kept
 * beside what the key protects; a reader refuses values beyond the limits, so that a hostile file
 * cannot ask for a machine's memory or an hour.
 */
struct kpc_scrypt_cost {
    uint64_t n; /* power of two */
    uint32_t r;
    uint32_t p;
};

/* The cost to ask for: 32 MiB and about 0.1 s. */
#define KPC_SCRYPT_N (UINT64_C(1) << 15)
#define KPC_SCRYPT_R 8u
#define KPC_SCRYPT_P 1u
#define KPC_SCRYPT_MAX_MEMORY (UINT64_C(128) << 20) /* bytes: 128 * n * r */
#define KPC_SCRYPT_MAX_WORK (UINT64_C(1) << 24)     /* n * r * p */
#define KPC_SALT_MIN_LEN 8u                         /* RFC 8018 section 4.1 */
#define KPC_SALT_LEN 16u                            /* what we make: NIST SP 800-132 section 5.1 */
#define KPC_PASSPHRASE_MAX_LEN 1024u

/*
 * Derives out_len bytes (1..64) from a passphrase (1..1024 bytes) and a random salt (8..64 bytes;
 * new ones have KPC_SALT_LEN). Takes a while and memory by design: a worker's job. out must be
 * secret memory of the caller.
 * Errors: usage naming the parameter, no_memory, internal.
 */
kp_status kpc_kdf_passphrase(kp_span passphrase, kp_span salt, const struct kpc_scrypt_cost *cost,
                             uint8_t *out, size_t out_len, struct kp_error *reterr) KP_MUST_USE;

/*
 * Derives out_len bytes (1..64) from a uniformly random key (16..64 bytes) with HKDF-SHA-256. salt
 * and info may be empty; info tells uses apart. Errors: usage, no_memory, internal.
 */
kp_status kpc_hkdf_sha256(kp_span key, kp_span salt, kp_span info, uint8_t *out, size_t out_len,
                          struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_CRYPTO_KDF_H */
