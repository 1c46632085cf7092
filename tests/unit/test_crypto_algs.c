/* The table of algorithms: what fits which key, what serves which operation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/algs.h"

static void algs_every_row_carries_its_public_name_and_family(void **state)
{
    (void)state;
    for (uint32_t alg = 1; alg <= KP_ALG_MAX; alg++) {
        const struct kpc_alg_info *info = kpc_alg_find(alg);
        assert_non_null(info);
        assert_int_equal(info->alg, alg);
        assert_string_equal(info->name, kp_alg_text(alg));
        assert_int_equal(info->family, kp_alg_family_of(alg));
    }
    assert_null(kpc_alg_find(KP_ALG_NONE));
    assert_null(kpc_alg_find(KP_ALG_MAX + 1));
}

/* The table of RFC 7518 sections 3.1, 4.1 and the service's additions, key by key. */
static const struct {
    uint32_t kty, bits, curve;
    uint64_t algs;
} fitting[] = {
#define BIT(name) KP_ALG_BIT(KP_ALG_##name)
    {KP_KTY_RSA, 2048, 0,
     BIT(RSA1_5) | BIT(RSA_OAEP) | BIT(RSA_OAEP_256) | BIT(RS256) | BIT(RS384) | BIT(RS512) |
         BIT(PS256) | BIT(PS384) | BIT(PS512) | BIT(RSNULL)},
    {KP_KTY_EC, 256, KP_CURVE_P256, BIT(ES256)},
    {KP_KTY_EC_HSM, 256, KP_CURVE_P256K, BIT(ES256K)},
    {KP_KTY_EC, 384, KP_CURVE_P384, BIT(ES384)},
    {KP_KTY_EC, 521, KP_CURVE_P521, BIT(ES512)},
#define ANY_AES BIT(CKM_AES_KEY_WRAP) | BIT(CKM_AES_KEY_WRAP_PAD)
#define ANY_HMAC BIT(HS256) | BIT(HS384) | BIT(HS512)
    {KP_KTY_OCT, 128, 0,
     BIT(A128KW) | BIT(A128GCM) | BIT(A128CBC) | BIT(A128CBCPAD) | ANY_AES | ANY_HMAC},
    {KP_KTY_OCT_HSM, 192, 0,
     BIT(A192KW) | BIT(A192GCM) | BIT(A192CBC) | BIT(A192CBCPAD) | ANY_AES | ANY_HMAC},
    {KP_KTY_OCT, 256, 0,
     BIT(A256KW) | BIT(A256GCM) | BIT(A256CBC) | BIT(A256CBCPAD) | ANY_AES | ANY_HMAC},
    {KP_KTY_OCT, 512, 0, ANY_HMAC},
    {KP_KTY_NONE, 256, 0, 0},
    {99, 256, 0, 0},
};

static void algs_fit_exactly_the_keys_they_are_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fitting / sizeof fitting[0]; i++) {
        uint64_t fits = 0;
        for (uint32_t alg = 0; alg <= KP_ALG_MAX + 1; alg++)
            if (kpc_alg_fits(fitting[i].kty, fitting[i].bits, fitting[i].curve, alg))
                fits |= KP_ALG_BIT(alg);
        assert_true(fits == fitting[i].algs);
    }
}

static void algs_serve_exactly_their_operations(void **state)
{
    static const struct {
        uint32_t family;
        uint64_t ops;
    } serving[] = {
        {KP_FAMILY_RSA_CRYPT, KP_OP_BIT(KP_OP_ENCRYPT) | KP_OP_BIT(KP_OP_DECRYPT) |
                                  KP_OP_BIT(KP_OP_WRAP) | KP_OP_BIT(KP_OP_UNWRAP)},
        {KP_FAMILY_RSA_SIGN, KP_OP_BIT(KP_OP_SIGN) | KP_OP_BIT(KP_OP_VERIFY)},
        {KP_FAMILY_EC_SIGN, KP_OP_BIT(KP_OP_SIGN) | KP_OP_BIT(KP_OP_VERIFY)},
        {KP_FAMILY_AES_WRAP, KP_OP_BIT(KP_OP_WRAP) | KP_OP_BIT(KP_OP_UNWRAP)},
        {KP_FAMILY_AES_GCM, KP_OP_BIT(KP_OP_ENCRYPT) | KP_OP_BIT(KP_OP_DECRYPT)},
        {KP_FAMILY_AES_CBC, KP_OP_BIT(KP_OP_ENCRYPT) | KP_OP_BIT(KP_OP_DECRYPT)},
        {KP_FAMILY_HMAC, KP_OP_BIT(KP_OP_SIGN) | KP_OP_BIT(KP_OP_VERIFY)},
    };
    (void)state;
    for (uint32_t alg = 1; alg <= KP_ALG_MAX; alg++) {
        uint64_t ops = 0;
        for (uint32_t op = 0; op <= KP_OP_MAX; op++)
            ops |= kpc_alg_serves(alg, op) ? KP_OP_BIT(op) : 0;
        assert_int_equal(serving[kp_alg_family_of(alg) - 1].family, kp_alg_family_of(alg));
        assert_true(ops == serving[kp_alg_family_of(alg) - 1].ops);
    }
    assert_false(kpc_alg_serves(KP_ALG_NONE, KP_OP_WRAP));
    assert_false(kpc_alg_serves(KP_ALG_A128KW, KP_OP_MAX + 1));
    assert_false(kpc_alg_serves(KP_ALG_A128KW, UINT32_MAX));
}

static void algs_operation_names_its_permission(void **state)
{
    (void)state;
    assert_int_equal(kpc_alg_key_op(KP_OP_ENCRYPT), KP_KEY_OP_ENCRYPT);
    assert_int_equal(kpc_alg_key_op(KP_OP_DECRYPT), KP_KEY_OP_DECRYPT);
    assert_int_equal(kpc_alg_key_op(KP_OP_WRAP), KP_KEY_OP_WRAP);
    assert_int_equal(kpc_alg_key_op(KP_OP_UNWRAP), KP_KEY_OP_UNWRAP);
    assert_int_equal(kpc_alg_key_op(KP_OP_SIGN), KP_KEY_OP_SIGN);
    assert_int_equal(kpc_alg_key_op(KP_OP_VERIFY), KP_KEY_OP_VERIFY);
    assert_int_equal(kpc_alg_key_op(KP_OP_GET_KEY), 0);
    assert_int_equal(kpc_alg_key_op(99), 0);
}

static void algs_curves_have_their_sizes(void **state)
{
    (void)state;
    assert_int_equal(kpc_curve_bits(KP_CURVE_P521), 521);
    assert_int_equal(kpc_curve_coord_len(KP_CURVE_P521), 66);
    assert_int_equal(kpc_curve_coord_len(KP_CURVE_P256K), 32);
    assert_int_equal(kpc_curve_bits(KP_CURVE_NONE), 0);
    assert_int_equal(kpc_curve_coord_len(77), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(algs_every_row_carries_its_public_name_and_family),
        cmocka_unit_test(algs_fit_exactly_the_keys_they_are_for),
        cmocka_unit_test(algs_serve_exactly_their_operations),
        cmocka_unit_test(algs_operation_names_its_permission),
        cmocka_unit_test(algs_curves_have_their_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
