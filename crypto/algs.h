/*
 * What each algorithm needs of a key, as data. Pure functions over constant tables; any thread.
 * Key types given as HSM kinds count as their plain kinds.
 */
#ifndef KP_CRYPTO_ALGS_H
#define KP_CRYPTO_ALGS_H

#include <stdbool.h>

#include <keyprovider/types.h>

/* One algorithm. Static storage. */
struct kpc_alg_info {
    const char *name; /* as the services spell it */
    uint32_t alg;     /* enum kp_alg */
    enum kp_alg_family family;
    uint32_t kty;        /* KP_KTY_RSA, _EC or _OCT */
    uint32_t key_bits;   /* size of the key it takes; 0: any size of its type */
    uint32_t curve;      /* EC: the one curve; otherwise 0 */
    uint32_t digest;     /* enum kpc_digest (crypto/lib.h); 0: none */
    uint32_t digest_len; /* bytes a value to sign must have; 0: any length */
};

/* Row of an algorithm, NULL for a number that is none. */
const struct kpc_alg_info *kpc_alg_find(uint32_t alg);

/* The plain kind of a key type: RSA for RSA-HSM and so on; 0 for a number that is none. */
uint32_t kpc_plain_kty(uint32_t kty);

/* Bits of a curve and bytes of one coordinate; 0 for a number that is none. */
uint32_t kpc_curve_bits(uint32_t curve);
size_t kpc_curve_coord_len(uint32_t curve);

/*
 * Whether a key of this type, size in bits and curve (EC only, otherwise ignored) can be used with
 * alg. RFC 7518 sections 3.1 and 4.1; Key Vault REST 7.6. HS* take an oct key of any size: RFC 7518
 * section 3.2 asks for one as long as the digest, but a Managed HSM makes none above 256 bits and
 * still offers HS512.
 */
bool kpc_alg_fits(uint32_t kty, uint32_t bits, uint32_t curve, uint32_t alg);

/*
 * Whether alg may be asked for in this operation (enum kp_op): RSA encryption serves encrypt,
 * decrypt, wrap and unwrap; AES key wrap serves wrap and unwrap; AES-GCM and AES-CBC encrypt and
 * decrypt; the rest sign and verify. Managed HSM and Key Vault REST 7.6.
 */
bool kpc_alg_serves(uint32_t alg, uint32_t op);

/* The permission an operation needs (one bit of enum kp_key_op), 0 for one that needs none. */
uint32_t kpc_alg_key_op(uint32_t op);

#endif /* KP_CRYPTO_ALGS_H */
