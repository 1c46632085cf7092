/* base/names: every enum value has its text and finds its way back. */
#include <keyprovider/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

#define CHECK(kind, number, text)                                                                  \
    do {                                                                                           \
        assert_string_equal(kp_##kind##_text(number), text);                                       \
        assert_int_equal(kp_##kind##_from_text(kpb_span_str(text)), number);                       \
    } while (0)

static void op_names_round_trip(void **state)
{
    uint32_t n = 0;

    (void)state;
#define XX(symbol, number, text, traits)                                                           \
    CHECK(op, KP_OP_##symbol, text);                                                               \
    assert_int_equal(KP_OP_##symbol, ++n);                                                         \
    assert_int_equal(kp_op_traits(KP_OP_##symbol), traits);
    KP_OP_MAP(XX)
#undef XX
    assert_int_equal(n, KP_OP_MAX);
}

static void alg_names_round_trip(void **state)
{
    uint32_t n = 0;

    (void)state;
#define XX(symbol, number, text, family)                                                           \
    CHECK(alg, KP_ALG_##symbol, text);                                                             \
    assert_int_equal(KP_ALG_##symbol, ++n);                                                        \
    assert_int_equal(kp_alg_family_of(KP_ALG_##symbol), family);
    KP_ALG_MAP(XX)
#undef XX
    assert_int_equal(n, KP_ALG_MAX);
}

static void kty_and_curve_names_round_trip(void **state)
{
    uint32_t n = 0;

    (void)state;
#define XX(symbol, number, text)                                                                   \
    CHECK(kty, KP_KTY_##symbol, text);                                                             \
    assert_int_equal(KP_KTY_##symbol, ++n);
    KP_KTY_MAP(XX)
#undef XX
    n = 0;
#define XX(symbol, number, text, bits, coord_len)                                                  \
    CHECK(curve, KP_CURVE_##symbol, text);                                                         \
    assert_int_equal(KP_CURVE_##symbol, ++n);
    KP_CURVE_MAP(XX)
#undef XX
}

static void key_op_names_round_trip(void **state)
{
    uint32_t seen = 0;

    (void)state;
#define XX(symbol, bit, text)                                                                      \
    CHECK(key_op, KP_KEY_OP_##symbol, text);                                                       \
    assert_int_equal(seen &KP_KEY_OP_##symbol, 0);                                                 \
    seen |= KP_KEY_OP_##symbol;
    KP_KEY_OP_MAP(XX)
#undef XX
    assert_string_equal(kp_key_op_text(KP_KEY_OP_SIGN | KP_KEY_OP_VERIFY), "?");
}

static void names_unknown_number_is_question_mark(void **state)
{
    static const uint32_t bad[] = {0, 1000, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_string_equal(kp_op_text(bad[i]), "?");
        assert_string_equal(kp_alg_text(bad[i]), "?");
        assert_string_equal(kp_kty_text(bad[i]), "?");
        assert_string_equal(kp_curve_text(bad[i]), "?");
        assert_string_equal(kp_key_op_text(bad[i]), "?");
        assert_int_equal(kp_op_traits(bad[i]), 0);
        assert_int_equal(kp_alg_family_of(bad[i]), KP_FAMILY_NONE);
    }
    assert_string_equal(kp_op_text(KP_OP_MAX + 1), "?");
    assert_string_equal(kp_alg_text(KP_ALG_MAX + 1), "?");
    assert_string_equal(kp_kty_text(KP_KTY_OCT_HSM + 1), "?");
    assert_string_equal(kp_curve_text(KP_CURVE_P521 + 1), "?");
}

static void names_unknown_text_is_zero(void **state)
{
    static const char *const bad[] = {"", "?", "WRAP", "rsa", "rsa-oaep", "RSA-OAEP-2560", "p-256"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(kp_op_from_text(kpb_span_str(bad[i])), 0);
        assert_int_equal(kp_alg_from_text(kpb_span_str(bad[i])), 0);
        assert_int_equal(kp_kty_from_text(kpb_span_str(bad[i])), 0);
        assert_int_equal(kp_curve_from_text(kpb_span_str(bad[i])), 0);
        assert_int_equal(kp_key_op_from_text(kpb_span_str(bad[i])), 0);
    }
    assert_int_equal(kp_alg_from_text(kpb_span("RSA1_5\0", 7)), 0);
    assert_int_equal(kp_op_from_text(kpb_span(NULL, 0)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(op_names_round_trip),
        cmocka_unit_test(alg_names_round_trip),
        cmocka_unit_test(kty_and_curve_names_round_trip),
        cmocka_unit_test(key_op_names_round_trip),
        cmocka_unit_test(names_unknown_number_is_question_mark),
        cmocka_unit_test(names_unknown_text_is_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
