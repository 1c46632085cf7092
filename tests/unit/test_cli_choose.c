/* cli/choose: the algorithm that applies when none is named. */
#include "cli/choose.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint32_t pick(uint32_t op, uint32_t kty, uint32_t bits, uint32_t curve, uint32_t digest)
{
    const struct kp_key_info key = {
        .struct_size = sizeof key, .kty = kty, .bits = bits, .curve = curve};
    return cli_alg_default(op, &key, digest);
}

static void default_of_rsa(void **state)
{
    (void)state;
    assert_int_equal(pick(KP_OP_WRAP, KP_KTY_RSA, 3072, 0, 0), KP_ALG_RSA_OAEP_256);
    assert_int_equal(pick(KP_OP_ENCRYPT, KP_KTY_RSA_HSM, 2048, 0, 0), KP_ALG_RSA_OAEP_256);
    assert_int_equal(pick(KP_OP_UNWRAP, KP_KTY_RSA, 2048, 0, 0), KP_ALG_RSA_OAEP_256);
    assert_int_equal(pick(KP_OP_SIGN, KP_KTY_RSA, 2048, 0, 0), KP_ALG_PS256);
    assert_int_equal(pick(KP_OP_SIGN, KP_KTY_RSA, 2048, 0, 384), KP_ALG_PS384);
    assert_int_equal(pick(KP_OP_VERIFY, KP_KTY_RSA, 2048, 0, 512), KP_ALG_PS512);
}

static void default_of_oct_follows_its_size(void **state)
{
    (void)state;
    assert_int_equal(pick(KP_OP_WRAP, KP_KTY_OCT, 128, 0, 0), KP_ALG_A128KW);
    assert_int_equal(pick(KP_OP_WRAP, KP_KTY_OCT, 192, 0, 0), KP_ALG_A192KW);
    assert_int_equal(pick(KP_OP_WRAP, KP_KTY_OCT_HSM, 256, 0, 0), KP_ALG_A256KW);
    assert_int_equal(pick(KP_OP_ENCRYPT, KP_KTY_OCT, 128, 0, 0), KP_ALG_A128GCM);
    assert_int_equal(pick(KP_OP_DECRYPT, KP_KTY_OCT, 256, 0, 0), KP_ALG_A256GCM);
    assert_int_equal(pick(KP_OP_SIGN, KP_KTY_OCT, 256, 0, 512), KP_ALG_HS512);
}

static void default_of_ec_follows_its_curve(void **state)
{
    (void)state;
    assert_int_equal(pick(KP_OP_SIGN, KP_KTY_EC, 256, KP_CURVE_P256, 0), KP_ALG_ES256);
    assert_int_equal(pick(KP_OP_SIGN, KP_KTY_EC, 256, KP_CURVE_P256K, 0), KP_ALG_ES256K);
    assert_int_equal(pick(KP_OP_SIGN, KP_KTY_EC_HSM, 384, KP_CURVE_P384, 256), KP_ALG_ES384);
    assert_int_equal(pick(KP_OP_VERIFY, KP_KTY_EC, 521, KP_CURVE_P521, 0), KP_ALG_ES512);
}

static void default_of_what_cannot_be_is_none(void **state)
{
    (void)state;
    assert_int_equal(pick(KP_OP_WRAP, KP_KTY_EC, 256, KP_CURVE_P256, 0), KP_ALG_NONE);
    assert_int_equal(pick(KP_OP_WRAP, KP_KTY_OCT, 512, 0, 0), KP_ALG_NONE);
    assert_int_equal(pick(KP_OP_WRAP, KP_KTY_OCT, 129, 0, 0), KP_ALG_NONE);
    assert_int_equal(pick(KP_OP_WRAP, KP_KTY_NONE, 0, 0, 0), KP_ALG_NONE);
    assert_int_equal(pick(KP_OP_SIGN, KP_KTY_EC, 0, KP_CURVE_NONE, 0), KP_ALG_NONE);
    assert_int_equal(pick(KP_OP_GET_KEY, KP_KTY_RSA, 2048, 0, 0), KP_ALG_NONE);
}

/* An algorithm's digest is the number in its name; those that sign no digest have 0. */
static void digest_bits_follow_the_name(void **state)
{
    (void)state;
    for (uint32_t alg = 1; alg <= KP_ALG_MAX; alg++) {
        const enum kp_alg_family family = kp_alg_family_of(alg);
        const bool signs =
            family == KP_FAMILY_RSA_SIGN || family == KP_FAMILY_EC_SIGN || family == KP_FAMILY_HMAC;
        const bool any = !signs || alg == KP_ALG_RSNULL;
        const uint32_t bits = cli_alg_digest_bits(alg);
        if (any) {
            assert_int_equal(bits, 0);
            continue;
        }
        const char *name = kp_alg_text(alg);
        assert_int_equal(bits, (uint32_t)(name[2] - '0') * 100 + (uint32_t)(name[3] - '0') * 10 +
                                   (uint32_t)(name[4] - '0'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_of_rsa),
        cmocka_unit_test(default_of_oct_follows_its_size),
        cmocka_unit_test(default_of_ec_follows_its_curve),
        cmocka_unit_test(default_of_what_cannot_be_is_none),
        cmocka_unit_test(digest_bits_follow_the_name),
    };
    return cmocka_run_group_tests_name("cli_choose", tests, NULL, NULL);
}
