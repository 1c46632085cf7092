/* The rows of algorithms: each makes something and undoes or verifies it, with a key that fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "support/plugin_suite.h"

static const uint8_t PLAIN[64] = "sixty-four bytes: any digest that is signed is a part of them.";

/* What a row needs to know of its algorithm. */
struct kind {
    uint32_t make; /* operations */
    uint32_t undo;
    uint32_t kty;
    uint32_t bits;
    uint32_t curve;
    size_t len; /* of what it is made of */
};

#define RSA_CRYPT                                                                                  \
    {                                                                                              \
        KP_OP_WRAP, KP_OP_UNWRAP, KP_KTY_RSA, 2048, 0, 32                                          \
    }
#define RSA_SIGN(len)                                                                              \
    {                                                                                              \
        KP_OP_SIGN, KP_OP_VERIFY, KP_KTY_RSA, 2048, 0, len                                         \
    }
#define EC_SIGN(curve, len)                                                                        \
    {                                                                                              \
        KP_OP_SIGN, KP_OP_VERIFY, KP_KTY_EC, 0, curve, len                                         \
    }
#define OCT_WRAP(bits)                                                                             \
    {                                                                                              \
        KP_OP_WRAP, KP_OP_UNWRAP, KP_KTY_OCT, bits, 0, 32                                          \
    }
#define OCT_CRYPT(bits)                                                                            \
    {                                                                                              \
        KP_OP_ENCRYPT, KP_OP_DECRYPT, KP_KTY_OCT, bits, 0, 32                                      \
    }
#define OCT_SIGN(len)                                                                              \
    {                                                                                              \
        KP_OP_SIGN, KP_OP_VERIFY, KP_KTY_OCT, 256, 0, len                                          \
    }

static const struct kind KINDS[KP_ALG_MAX + 1] = {
    [KP_ALG_RSA1_5] = RSA_CRYPT,
    [KP_ALG_RSA_OAEP] = RSA_CRYPT,
    [KP_ALG_RSA_OAEP_256] = RSA_CRYPT,
    [KP_ALG_RS256] = RSA_SIGN(32),
    [KP_ALG_RS384] = RSA_SIGN(48),
    [KP_ALG_RS512] = RSA_SIGN(64),
    [KP_ALG_PS256] = RSA_SIGN(32),
    [KP_ALG_PS384] = RSA_SIGN(48),
    [KP_ALG_PS512] = RSA_SIGN(64),
    [KP_ALG_RSNULL] = RSA_SIGN(32),
    [KP_ALG_ES256] = EC_SIGN(KP_CURVE_P256, 32),
    [KP_ALG_ES256K] = EC_SIGN(KP_CURVE_P256K, 32),
    [KP_ALG_ES384] = EC_SIGN(KP_CURVE_P384, 48),
    [KP_ALG_ES512] = EC_SIGN(KP_CURVE_P521, 64),
    [KP_ALG_A128KW] = OCT_WRAP(128),
    [KP_ALG_A192KW] = OCT_WRAP(192),
    [KP_ALG_A256KW] = OCT_WRAP(256),
    [KP_ALG_CKM_AES_KEY_WRAP] = OCT_WRAP(256),
    [KP_ALG_CKM_AES_KEY_WRAP_PAD] = {KP_OP_WRAP, KP_OP_UNWRAP, KP_KTY_OCT, 256, 0, 33},
    [KP_ALG_A128GCM] = OCT_CRYPT(128),
    [KP_ALG_A192GCM] = OCT_CRYPT(192),
    [KP_ALG_A256GCM] = OCT_CRYPT(256),
    [KP_ALG_A128CBC] = OCT_CRYPT(128),
    [KP_ALG_A192CBC] = OCT_CRYPT(192),
    [KP_ALG_A256CBC] = OCT_CRYPT(256),
    [KP_ALG_A128CBCPAD] = OCT_CRYPT(128),
    [KP_ALG_A192CBCPAD] = OCT_CRYPT(192),
    [KP_ALG_A256CBCPAD] = OCT_CRYPT(256),
    [KP_ALG_HS256] = OCT_SIGN(32),
    [KP_ALG_HS384] = OCT_SIGN(48),
    [KP_ALG_HS512] = OCT_SIGN(64),
};

/* The vault makes the nonce of GCM; of CBC the caller brings the initialization vector. */
static bool brings_iv(uint32_t alg)
{
    return kp_alg_family_of(alg) == KP_FAMILY_AES_CBC;
}

/* What was made is the other operation's business now. */
static struct kp_request undo_of(const struct kind *kind, const struct kp_request *made,
                                 const struct kp_reply *reply)
{
    struct kp_request undo = *made;
    undo.op = kind->undo;
    undo.version = reply->version;
    if (kind->undo == KP_OP_VERIFY) {
        undo.signature = reply->value;
        return undo;
    }
    undo.value = reply->value;
    if (kp_alg_family_of(made->alg) == KP_FAMILY_AES_GCM) {
        assert_true(reply->iv.len > 0);
        assert_true(reply->tag.len > 0);
        undo.iv = reply->iv;
        undo.tag = reply->tag;
    }
    return undo;
}

static void expect_undone(const struct kind *kind, kp_span plain, const struct kp_reply *reply)
{
    if (kind->undo == KP_OP_VERIFY)
        assert_true(reply->flags & KP_REPLY_VERIFIED);
    else
        assert_true(kpb_span_eq(reply->value, plain));
}

struct kp_request suite_use(const char *name, uint32_t alg)
{
    static const uint8_t iv[16] = "sixteen bytes iv";
    struct kp_request request = suite_request(KINDS[alg].make, name);
    request.alg = alg;
    request.value = kpb_span(PLAIN, KINDS[alg].len);
    request.iv = brings_iv(alg) ? kpb_span(iv, sizeof iv) : request.iv;
    return request;
}

/* The same with another pair of operations. */
static bool round_trip_as(struct suite_vault *vault, const struct kind *kind,
                          const struct kp_request *request)
{
    struct kp_result made;
    struct kp_result undone;
    if (!suite_served(vault, request, &made)) {
        kp_result_clear(&made);
        return false;
    }
    struct kp_request undo = undo_of(kind, request, &made.reply);
    suite_must(vault, &undo, &undone);
    expect_undone(kind, request->value, &undone.reply);
    kp_result_clear(&made);
    kp_result_clear(&undone);
    return true;
}

bool suite_round_trip(struct suite_vault *vault, const char *name, uint32_t alg)
{
    struct kind kind = KINDS[alg];
    struct kp_request request = suite_use(name, alg);
    bool is_served = round_trip_as(vault, &kind, &request);
    if (is_served && kp_alg_family_of(alg) == KP_FAMILY_RSA_CRYPT) {
        kind.undo = KP_OP_DECRYPT;
        request.op = KP_OP_ENCRYPT;
        is_served = round_trip_as(vault, &kind, &request);
    }
    return is_served;
}

static const char *round_trip(struct suite_vault *vault, uint32_t alg)
{
    const struct kind *kind = &KINDS[alg];
    const char *name = "of-no-consequence"; /* what is not offered is refused before the key */
    if (vault->caps->algs & KP_ALG_BIT(alg))
        name = suite_key(vault, kind->kty, kind->bits, kind->curve);
    return suite_round_trip(vault, name, alg) ? SUITE_YES : SUITE_NO;
}

const struct suite_row suite_algorithms[] = {
#define XX(symbol, number, text, family) {text, number, round_trip},
    KP_ALG_MAP(XX)
#undef XX
};
const size_t suite_n_algorithms = sizeof suite_algorithms / sizeof suite_algorithms[0];
