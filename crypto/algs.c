#include "crypto/algs.h"

#include "crypto/lib.h"

static const struct kpc_alg_info alg_rows[KP_ALG_MAX + 1];

const struct kpc_alg_info *kpc_alg_find(uint32_t alg)
{
    return alg != KP_ALG_NONE && alg <= KP_ALG_MAX ? &alg_rows[alg] : NULL;
}

uint32_t kpc_plain_kty(uint32_t kty)
{
    switch (kty) {
    case KP_KTY_RSA:
    case KP_KTY_RSA_HSM:
        return KP_KTY_RSA;
    case KP_KTY_EC:
    case KP_KTY_EC_HSM:
        return KP_KTY_EC;
    case KP_KTY_OCT:
    case KP_KTY_OCT_HSM:
        return KP_KTY_OCT;
    default:
        return KP_KTY_NONE;
    }
}

uint32_t kpc_curve_bits(uint32_t curve)
{
    switch (curve) {
#define XX(symbol, number, text, bits, coord_len)                                                  \
    case number:                                                                                   \
        return bits;
        KP_CURVE_MAP(XX)
#undef XX
    default:
        return 0;
    }
}

size_t kpc_curve_coord_len(uint32_t curve)
{
    switch (curve) {
#define XX(symbol, number, text, bits, coord_len)                                                  \
    case number:                                                                                   \
        return coord_len;
        KP_CURVE_MAP(XX)
#undef XX
    default:
        return 0;
    }
}

bool kpc_alg_fits(uint32_t kty, uint32_t bits, uint32_t curve, uint32_t alg)
{
    const struct kpc_alg_info *info = kpc_alg_find(alg);
    if (!info || info->kty != kpc_plain_kty(kty))
        return false;
    if (info->curve != KP_CURVE_NONE)
        return info->curve == curve;
    if (info->key_bits != 0)
        return info->key_bits == bits;
    /* CKM_AES_KEY_WRAP takes its size from the key; an HMAC key may be longer than any AES key. */
    return info->family != KP_FAMILY_AES_WRAP || bits == 128 || bits == 192 || bits == 256;
}

bool kpc_alg_serves(uint32_t alg, uint32_t op)
{
    static const uint64_t crypt = KP_OP_BIT(KP_OP_ENCRYPT) | KP_OP_BIT(KP_OP_DECRYPT);
    static const uint64_t wrap = KP_OP_BIT(KP_OP_WRAP) | KP_OP_BIT(KP_OP_UNWRAP);
    static const uint64_t sign = KP_OP_BIT(KP_OP_SIGN) | KP_OP_BIT(KP_OP_VERIFY);
    static const uint64_t by_family[] = {0, crypt | wrap, sign, sign, wrap, crypt, crypt, sign};

    const struct kpc_alg_info *info = kpc_alg_find(alg);
    if (!info || op > KP_OP_MAX)
        return false;
    return (by_family[info->family] & KP_OP_BIT(op)) != 0;
}

uint32_t kpc_alg_key_op(uint32_t op)
{
    switch (op) {
    case KP_OP_ENCRYPT:
        return KP_KEY_OP_ENCRYPT;
    case KP_OP_DECRYPT:
        return KP_KEY_OP_DECRYPT;
    case KP_OP_WRAP:
        return KP_KEY_OP_WRAP;
    case KP_OP_UNWRAP:
        return KP_KEY_OP_UNWRAP;
    case KP_OP_SIGN:
        return KP_KEY_OP_SIGN;
    case KP_OP_VERIFY:
        return KP_KEY_OP_VERIFY;
    default:
        return 0;
    }
}

/* name, alg, family, kty, key_bits, curve, digest, digest_len */
#define ROW(symbol, name, family, kty, key_bits, curve, digest, digest_len)                        \
    [KP_ALG_##symbol] = {name,         KP_ALG_##symbol, KP_FAMILY_##family,                        \
                         KP_KTY_##kty, key_bits,        KP_CURVE_##curve,                          \
                         digest,       digest_len}

static const struct kpc_alg_info alg_rows[KP_ALG_MAX + 1] = {
    ROW(RSA1_5, "RSA1_5", RSA_CRYPT, RSA, 0, NONE, KPC_DIGEST_NONE, 0),
    ROW(RSA_OAEP, "RSA-OAEP", RSA_CRYPT, RSA, 0, NONE, KPC_SHA1, 0),
    ROW(RSA_OAEP_256, "RSA-OAEP-256", RSA_CRYPT, RSA, 0, NONE, KPC_SHA256, 0),
    ROW(RS256, "RS256", RSA_SIGN, RSA, 0, NONE, KPC_SHA256, 32),
    ROW(RS384, "RS384", RSA_SIGN, RSA, 0, NONE, KPC_SHA384, 48),
    ROW(RS512, "RS512", RSA_SIGN, RSA, 0, NONE, KPC_SHA512, 64),
    ROW(PS256, "PS256", RSA_SIGN, RSA, 0, NONE, KPC_SHA256, 32),
    ROW(PS384, "PS384", RSA_SIGN, RSA, 0, NONE, KPC_SHA384, 48),
    ROW(PS512, "PS512", RSA_SIGN, RSA, 0, NONE, KPC_SHA512, 64),
    ROW(RSNULL, "RSNULL", RSA_SIGN, RSA, 0, NONE, KPC_DIGEST_NONE, 0),
    ROW(ES256, "ES256", EC_SIGN, EC, 0, P256, KPC_SHA256, 32),
    ROW(ES256K, "ES256K", EC_SIGN, EC, 0, P256K, KPC_SHA256, 32),
    ROW(ES384, "ES384", EC_SIGN, EC, 0, P384, KPC_SHA384, 48),
    ROW(ES512, "ES512", EC_SIGN, EC, 0, P521, KPC_SHA512, 64),
    ROW(A128KW, "A128KW", AES_WRAP, OCT, 128, NONE, KPC_DIGEST_NONE, 0),
    ROW(A192KW, "A192KW", AES_WRAP, OCT, 192, NONE, KPC_DIGEST_NONE, 0),
    ROW(A256KW, "A256KW", AES_WRAP, OCT, 256, NONE, KPC_DIGEST_NONE, 0),
    ROW(CKM_AES_KEY_WRAP, "CKM_AES_KEY_WRAP", AES_WRAP, OCT, 0, NONE, KPC_DIGEST_NONE, 0),
    ROW(CKM_AES_KEY_WRAP_PAD, "CKM_AES_KEY_WRAP_PAD", AES_WRAP, OCT, 0, NONE, KPC_DIGEST_NONE, 0),
    ROW(A128GCM, "A128GCM", AES_GCM, OCT, 128, NONE, KPC_DIGEST_NONE, 0),
    ROW(A192GCM, "A192GCM", AES_GCM, OCT, 192, NONE, KPC_DIGEST_NONE, 0),
    ROW(A256GCM, "A256GCM", AES_GCM, OCT, 256, NONE, KPC_DIGEST_NONE, 0),
    ROW(A128CBC, "A128CBC", AES_CBC, OCT, 128, NONE, KPC_DIGEST_NONE, 0),
    ROW(A192CBC, "A192CBC", AES_CBC, OCT, 192, NONE, KPC_DIGEST_NONE, 0),
    ROW(A256CBC, "A256CBC", AES_CBC, OCT, 256, NONE, KPC_DIGEST_NONE, 0),
    ROW(A128CBCPAD, "A128CBCPAD", AES_CBC, OCT, 128, NONE, KPC_DIGEST_NONE, 0),
    ROW(A192CBCPAD, "A192CBCPAD", AES_CBC, OCT, 192, NONE, KPC_DIGEST_NONE, 0),
    ROW(A256CBCPAD, "A256CBCPAD", AES_CBC, OCT, 256, NONE, KPC_DIGEST_NONE, 0),
    ROW(HS256, "HS256", HMAC, OCT, 0, NONE, KPC_SHA256, 0),
    ROW(HS384, "HS384", HMAC, OCT, 0, NONE, KPC_SHA384, 0),
    ROW(HS512, "HS512", HMAC, OCT, 0, NONE, KPC_SHA512, 0),
};
