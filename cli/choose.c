#include "cli/choose.h"

#include "base/span.h"
#include "cli/session.h"

/* Picks by size from three algorithms that follow each other. */
static uint32_t by_bits(uint32_t bits, uint32_t small, uint32_t first, uint32_t step)
{
    if (bits < small || (bits - small) % step != 0 || (bits - small) / step > 2) {
        return KP_ALG_NONE;
    }
    return first + (bits - small) / step;
}

static uint32_t alg_of_curve(uint32_t curve)
{
    switch (curve) {
    case KP_CURVE_P256:
        return KP_ALG_ES256;
    case KP_CURVE_P256K:
        return KP_ALG_ES256K;
    case KP_CURVE_P384:
        return KP_ALG_ES384;
    case KP_CURVE_P521:
        return KP_ALG_ES512;
    default:
        return KP_ALG_NONE;
    }
}

static uint32_t sign_default(const struct kp_key_info *key, uint32_t digest_bits)
{
    const uint32_t bits = digest_bits ? digest_bits : 256;
    switch (key->kty) {
    case KP_KTY_RSA:
    case KP_KTY_RSA_HSM:
        return by_bits(bits, 256, KP_ALG_PS256, 128);
    case KP_KTY_EC:
    case KP_KTY_EC_HSM:
        return alg_of_curve(key->curve);
    case KP_KTY_OCT:
    case KP_KTY_OCT_HSM:
        return by_bits(bits, 256, KP_ALG_HS256, 128);
    default:
        return KP_ALG_NONE;
    }
}

static uint32_t crypt_default(const struct kp_key_info *key, uint32_t first_oct)
{
    switch (key->kty) {
    case KP_KTY_RSA:
    case KP_KTY_RSA_HSM:
        return KP_ALG_RSA_OAEP_256;
    case KP_KTY_OCT:
    case KP_KTY_OCT_HSM:
        return by_bits(key->bits, 128, first_oct, 64);
    default:
        return KP_ALG_NONE;
    }
}

uint32_t cli_alg_default(uint32_t op, const struct kp_key_info *key, uint32_t digest_bits)
{
    switch (op) {
    case KP_OP_WRAP:
    case KP_OP_UNWRAP:
        return crypt_default(key, KP_ALG_A128KW);
    case KP_OP_ENCRYPT:
    case KP_OP_DECRYPT:
        return crypt_default(key, KP_ALG_A128GCM);
    case KP_OP_SIGN:
    case KP_OP_VERIFY:
        return sign_default(key, digest_bits);
    default:
        return KP_ALG_NONE;
    }
}

uint32_t cli_alg_digest_bits(uint32_t alg)
{
    switch (alg) {
    case KP_ALG_RS256:
    case KP_ALG_PS256:
    case KP_ALG_ES256:
    case KP_ALG_ES256K:
    case KP_ALG_HS256:
        return 256;
    case KP_ALG_RS384:
    case KP_ALG_PS384:
    case KP_ALG_ES384:
    case KP_ALG_HS384:
        return 384;
    case KP_ALG_RS512:
    case KP_ALG_PS512:
    case KP_ALG_ES512:
    case KP_ALG_HS512:
        return 512;
    default:
        return 0;
    }
}

/* A service that keeps the length of symmetric keys to itself leaves the choice to the caller. */
static kp_status refuse_to_choose(struct cli *c, uint32_t op, const struct kp_key_info *key)
{
    const bool is_oct = key->kty == KP_KTY_OCT || key->kty == KP_KTY_OCT_HSM;
    if (is_oct && key->bits == 0) {
        const bool wraps = op == KP_OP_WRAP || op == KP_OP_UNWRAP;
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "this vault does not tell how long a key of type %s is; name the algorithm "
                        "for its length with --alg, such as %s for 256 bits",
                        kp_kty_text(key->kty), wraps ? "A256KW" : "A256GCM");
    }
    return kpb_fail(&c->fault.error, KP_USAGE,
                    "a key of type %s has no usual algorithm for %s; name one with --alg",
                    kp_kty_text(key->kty), kp_op_text(op));
}

static kp_status ask_key(struct cli *c, uint32_t op, const struct kp_key_ref *key,
                         uint32_t digest_bits, uint32_t *ret_alg)
{
    struct kp_request request;
    struct kp_result result;
    kp_status st = cli_request_init(c, KP_OP_GET_KEY, key, &request);
    if (st != KP_OK) {
        return st;
    }
    st = cli_call(c, &request, &result);
    if (st == KP_OK) {
        *ret_alg = cli_alg_default(op, result.reply.key, digest_bits);
        if (*ret_alg == KP_ALG_NONE) {
            st = refuse_to_choose(c, op, result.reply.key);
        }
    }
    if (st == KP_UNSUPPORTED) {
        st = kpb_fail(&c->fault.error, KP_USAGE,
                      "this vault does not tell a key's type; name the algorithm with --alg");
    }
    kp_result_clear(&result);
    return st;
}

kp_status cli_alg_choose(struct cli *c, uint32_t op, const struct kp_key_ref *key,
                         uint32_t digest_bits, uint32_t *ret_alg)
{
    const char *name = cli_opt(c, CLI_OPT_ALG);
    if (!name) {
        return ask_key(c, op, key, digest_bits, ret_alg);
    }
    *ret_alg = kp_alg_from_text(kpb_span_str(name));
    if (*ret_alg == KP_ALG_NONE) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "there is no algorithm '%s'; 'kp help algorithms' lists them", name);
    }
    return KP_OK;
}
