#include <openssl/core_names.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "crypto/algs.h"
#include "crypto/key_parts.h"
#include "crypto/lib.h"

#define EC_COORD_MAX_LEN 66u
#define EC_POINT_UNCOMPRESSED 0x04u /* SEC 1 section 2.3.3 */

static const char *find_group(uint32_t curve)
{
    switch (curve) {
    case KP_CURVE_P256:
        return "P-256";
    case KP_CURVE_P256K:
        return "secp256k1";
    case KP_CURVE_P384:
        return "P-384";
    case KP_CURVE_P521:
        return "P-521";
    default:
        return NULL;
    }
}

static kp_status set_curve(struct kpc_key *key, uint32_t curve, struct kp_error *reterr)
{
    if (!find_group(curve))
        return kpb_fail(reterr, KP_USAGE,
                        "curve %u is none; the curves are P-256, P-256K, P-384 and P-521", curve);
    key->curve = curve;
    key->bits = kpc_curve_bits(curve);
    key->first_len = kpc_curve_coord_len(curve);
    key->second_len = key->first_len;
    return KP_OK;
}

kp_status kpc_ec_generate(struct kpc_key *key, const struct kp_key_params *params,
                          struct kp_error *reterr)
{
    kp_status st = set_curve(key, params->curve ? params->curve : KP_CURVE_P256, reterr);
    if (st != KP_OK)
        return st;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(kpc_lib_ctx(), "EC", NULL);
    if (!ctx || EVP_PKEY_keygen_init(ctx) <= 0 ||
        EVP_PKEY_CTX_set_group_name(ctx, find_group(key->curve)) <= 0 ||
        EVP_PKEY_generate(ctx, &key->pkey) <= 0)
        st = kpc_fail_openssl(reterr, "OpenSSL could not generate an EC key");
    EVP_PKEY_CTX_free(ctx);
    key->has_private = true;
    if (st == KP_OK)
        st = kpc_pkey_integer(key, OSSL_PKEY_PARAM_EC_PUB_X, key->pub, key->first_len, reterr);
    if (st == KP_OK)
        st = kpc_pkey_integer(key, OSSL_PKEY_PARAM_EC_PUB_Y, key->pub + key->first_len,
                              key->second_len, reterr);
    return st;
}

static kp_status check_member(const struct kpc_key *key, kp_span bytes, const char *member,
                              struct kp_error *reterr)
{
    if (bytes.len == 0)
        return kpb_fail(reterr, KP_USAGE, "the EC key has no %s", member);
    if (bytes.len != key->first_len)
        return kpb_fail(reterr, KP_USAGE, "%s of the EC key has %zu bytes; on %s it has %zu",
                        member, bytes.len, kp_curve_text(key->curve), key->first_len);
    return KP_OK;
}

static kp_status check_members(const struct kpc_key *key, const struct kp_key_params *params,
                               struct kp_error *reterr)
{
    if (params->n.len > 0 || params->e.len > 0)
        return kpb_fail(reterr, KP_USAGE, "an EC key has no n and e");
    if (params->k.len > 0)
        return kpb_fail(reterr, KP_USAGE, "an EC key has no k");
    kp_status st = check_member(key, params->x, "x", reterr);
    if (st == KP_OK)
        st = check_member(key, params->y, "y", reterr);
    if (st == KP_OK && params->d.len > 0)
        st = check_member(key, params->d, "d", reterr);
    return st;
}

/*
 * Makes key->pkey from the public point and, when d is not NULL, the private scalar in the
 * machine's byte order. OpenSSL refuses a point that is not on the curve.
 */
static kp_status make_pkey(struct kpc_key *key, uint8_t *d, const char *refusal,
                           struct kp_error *reterr)
{
    char group[16] = {0};
    uint8_t point[1 + 2 * EC_COORD_MAX_LEN] = {EC_POINT_UNCOMPRESSED};
    size_t point_len = 1 + key->first_len + key->second_len;
    memcpy(group, find_group(key->curve), strlen(find_group(key->curve)));
    memcpy(point + 1, key->pub, point_len - 1);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, point_len),
        d ? OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, d, key->first_len)
          : OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end()};
    return kpc_pkey_make(key, "EC", params, refusal, reterr);
}

static kp_status take_public(struct kpc_key *key, const struct kp_key_params *params,
                             struct kp_error *reterr)
{
    static const char refusal[] = "x and y of the EC key are no point of its curve";
    memcpy(key->pub, params->x.ptr, key->first_len);
    memcpy(key->pub + key->first_len, params->y.ptr, key->second_len);
    kp_status st = make_pkey(key, NULL, refusal, reterr);
    if (st != KP_OK)
        return st;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(kpc_lib_ctx(), key->pkey, NULL);
    /* The quick check leaves out the order of the point, which on curves of cofactor 1 is given. */
    if (!ctx || EVP_PKEY_public_check_quick(ctx) <= 0)
        st = kpc_refuse_input(reterr, refusal);
    EVP_PKEY_CTX_free(ctx);
    return st;
}

static kp_status prove_private(const struct kpc_key *key, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(kpc_lib_ctx(), key->pkey, NULL);
    if (!ctx || EVP_PKEY_private_check(ctx) <= 0)
        st = kpc_refuse_input(reterr, "d of the EC key is zero or not below the order");
    else if (EVP_PKEY_pairwise_check(ctx) <= 0)
        st = kpc_refuse_input(reterr, "d of the EC key does not belong to its x and y");
    EVP_PKEY_CTX_free(ctx);
    return st;
}

static kp_status take_private(struct kpc_key *key, kp_span d, struct kp_error *reterr)
{
    uint8_t *scratch = kpb_secret_alloc("crypto.key.scratch", EC_COORD_MAX_LEN);
    if (!scratch)
        return kpb_fail_memory(reterr, "crypto.key.scratch");
    memcpy(scratch, d.ptr, d.len);
    kpc_native_order(scratch, d.len);
    EVP_PKEY_free(key->pkey);
    key->pkey = NULL; /* the public half, made again with d */
    key->has_private = true;
    kp_status st =
        make_pkey(key, scratch, "d of the EC key is zero or not below the order", reterr);
    kpb_secret_free(scratch, EC_COORD_MAX_LEN);
    return st == KP_OK ? prove_private(key, reterr) : st;
}

kp_status kpc_ec_import(struct kpc_key *key, const struct kp_key_params *params,
                        struct kp_error *reterr)
{
    kp_status st = set_curve(key, params->curve, reterr);
    if (st == KP_OK)
        st = check_members(key, params, reterr);
    if (st == KP_OK)
        st = take_public(key, params, reterr);
    if (st == KP_OK && params->d.len > 0)
        st = take_private(key, params->d, reterr);
    return st;
}
