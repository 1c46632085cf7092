/* EC and oct keys: what is taken in, what is refused and why, what comes out again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/key.h"
#include "support/vectors_keys.h"

static const uint32_t curves[] = {KP_CURVE_P256, KP_CURVE_P256K, KP_CURVE_P384, KP_CURVE_P521};
static const uint32_t curve_bits[] = {256, 256, 384, 521};
static const size_t coord_lens[] = {32, 32, 48, 66};

static void assert_refused(const struct vec_jwk *jwk, const char *part)
{
    struct kpc_key *key = NULL;
    struct kp_error err = {0};
    vec_assert_failed(kpc_key_from_jwk(&jwk->params, KPC_FOREIGN, &key, &err), KP_USAGE, &err,
                      part);
    assert_null(key);
}

static void ec_import_published_keys_describe_and_export(void **state)
{
    static const struct vec_jwk_text *const texts[] = {&vec_ec_rfc7515_a3, &vec_ec_rfc7515_a4,
                                                       &vec_ec_rfc6979_p384};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct vec_jwk jwk;
        struct kp_key_info info = {0};
        struct kpc_private out;
        kp_buf secret;
        struct kpc_key *key = vec_key(texts[i]);
        vec_jwk_load(&jwk, texts[i]);
        kp_buf_init_secret(&secret, "test.export", KPC_PRIVATE_MAX_LEN);
        assert_int_equal(kpc_key_export_private(key, &secret, &out, NULL), KP_OK);
        vec_assert_bytes(out.d, jwk.params.d);
        kpc_key_describe(key, &info);
        vec_assert_bytes(info.x, jwk.params.x);
        vec_assert_bytes(info.y, jwk.params.y);
        assert_int_equal(info.curve, texts[i]->curve);
        assert_int_equal(info.n.len + info.e.len, 0);
        kp_buf_clear(&secret);
        kpc_key_release(key);
    }
}

/* Enough of them that some coordinate or scalar begins with a zero byte. */
static void ec_generate_each_curve_round_trips_at_full_length(void **state)
{
    (void)state;
    for (int i = 0; i < 4 * 64; i++) {
        size_t c = (size_t)i % 4;
        struct kp_key_info info = {0};
        struct kpc_private out;
        struct kpc_key *again = NULL;
        kp_buf secret;
        struct kpc_key *key = vec_new_key(KP_KTY_EC_HSM, 0, curves[c]);
        kpc_key_describe(key, &info);
        assert_int_equal(info.kty, KP_KTY_EC);
        assert_int_equal(info.bits, curve_bits[c]);
        assert_int_equal(info.x.len, coord_lens[c]);
        assert_int_equal(info.y.len, coord_lens[c]);
        kp_buf_init_secret(&secret, "test.export", KPC_PRIVATE_MAX_LEN);
        assert_int_equal(kpc_key_export_private(key, &secret, &out, NULL), KP_OK);
        assert_int_equal(out.d.len, coord_lens[c]);
        struct kp_key_params params = {.struct_size = sizeof params, .kty = KP_KTY_EC};
        params.curve = curves[c];
        params.x = info.x;
        params.y = info.y;
        params.d = out.d;
        assert_int_equal(kpc_key_from_jwk(&params, KPC_STORED, &again, NULL), KP_OK);
        kp_buf_clear(&secret);
        kpc_key_release(again);
        kpc_key_release(key);
    }
}

static void ec_generate_without_a_curve_takes_p256(void **state)
{
    struct kpc_key *key = vec_new_key(KP_KTY_EC, 0, KP_CURVE_NONE);
    (void)state;
    assert_int_equal(kpc_key_curve(key), KP_CURVE_P256);
    kpc_key_release(key);
}

static void ec_import_malformed_member_is_named(void **state)
{
    static const struct {
        const char *missing;
        const char *shorter;
    } parts[] = {{"no x", "x of the EC key has 31 bytes"},
                 {"no y", "y of the EC key has 31 bytes"},
                 {NULL, "d of the EC key has 31 bytes"}};
    struct vec_jwk jwk;
    (void)state;
    vec_jwk_load(&jwk, &vec_ec_rfc7515_a3);
    kp_span *members[] = {&jwk.params.x, &jwk.params.y, &jwk.params.d};
    for (size_t i = 0; i < 3; i++) {
        kp_span kept = *members[i];
        members[i]->len = 31;
        assert_refused(&jwk, parts[i].shorter);
        members[i]->len = 0;
        if (parts[i].missing)
            assert_refused(&jwk, parts[i].missing);
        *members[i] = kept;
    }
}

static void ec_import_point_off_the_curve_is_refused(void **state)
{
    struct vec_jwk jwk;
    (void)state;
    vec_jwk_load(&jwk, &vec_ec_rfc7515_a3);
    jwk.y.b[5] ^= 1;
    assert_refused(&jwk, "no point of its curve");
    jwk.y.b[5] ^= 1;
    memset(jwk.x.b, 0xff, 32); /* not below the field's prime */
    assert_refused(&jwk, "no point of its curve");
}

static void ec_import_point_of_another_curve_is_refused(void **state)
{
    struct vec_jwk jwk;
    (void)state;
    vec_jwk_load(&jwk, &vec_ec_rfc7515_a3);
    jwk.params.curve = KP_CURVE_P256K;
    assert_refused(&jwk, "no point of its curve");
    jwk.params.curve = KP_CURVE_P384;
    assert_refused(&jwk, "x of the EC key has 32 bytes; on P-384 it has 48");
    jwk.params.curve = 9;
    assert_refused(&jwk, "curve 9");
    jwk.params.curve = KP_CURVE_NONE;
    assert_refused(&jwk, "curve 0");
}

static void ec_import_wrong_scalar_is_refused(void **state)
{
    struct vec_jwk jwk;
    (void)state;
    vec_jwk_load(&jwk, &vec_ec_rfc7515_a3);
    jwk.d.b[31] ^= 1;
    assert_refused(&jwk, "d of the EC key does not belong");
    memset(jwk.d.b, 0, 32);
    assert_refused(&jwk, "d of the EC key is zero");
    memset(jwk.d.b, 0xff, 32);
    assert_refused(&jwk, "d of the EC key is zero or not below the order");
}

static void ec_import_foreign_members_are_refused(void **state)
{
    struct vec_jwk jwk;
    (void)state;
    vec_jwk_load(&jwk, &vec_ec_rfc7515_a3);
    jwk.params.n = vec_span(&jwk.x);
    assert_refused(&jwk, "no n and e");
    jwk.params.n.len = 0;
    jwk.params.k = vec_span(&jwk.x);
    assert_refused(&jwk, "no k");
}

static void ec_public_key_from_description_has_no_private_part(void **state)
{
    struct kp_key_info info = {.struct_size = sizeof info}, again_info = {0};
    struct kpc_key *again = NULL;
    struct kpc_key *key = vec_key(&vec_ec_rfc7515_a4);
    (void)state;
    kpc_key_describe(key, &info);
    assert_int_equal(kpc_key_from_public(&info, &again, NULL), KP_OK);
    assert_false(kpc_key_has_private(again));
    kpc_key_describe(again, &again_info);
    vec_assert_bytes(again_info.x, info.x);
    kpc_key_release(again);
    kpc_key_release(key);
}

/* ---- oct ---- */

static void oct_generate_each_size_differs_every_time(void **state)
{
    static const uint32_t sizes[] = {128, 192, 256, 0};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct kpc_private a, b;
        kp_buf secret;
        struct kpc_key *one = vec_new_key(KP_KTY_OCT_HSM, sizes[i], 0);
        struct kpc_key *two = vec_new_key(KP_KTY_OCT, sizes[i], 0);
        kp_buf_init_secret(&secret, "test.export", 2 * KPC_PRIVATE_MAX_LEN);
        assert_int_equal(kp_buf_reserve(&secret, 2 * KPC_PRIVATE_MAX_LEN), KP_OK);
        assert_int_equal(kpc_key_export_private(one, &secret, &a, NULL), KP_OK);
        assert_int_equal(kpc_key_export_private(two, &secret, &b, NULL), KP_OK);
        assert_int_equal(a.k.len, (sizes[i] ? sizes[i] : 256) / 8);
        assert_int_equal(kpc_key_bits(one), a.k.len * 8);
        assert_false(kpb_span_eq(a.k, b.k));
        kp_buf_clear(&secret);
        kpc_key_release(one);
        kpc_key_release(two);
    }
}

static void oct_import_sizes_outside_the_range_are_refused(void **state)
{
    static const size_t bad[] = {1, 15, 65, 100};
    struct vec_jwk jwk;
    uint8_t bytes[100] = {7};
    (void)state;
    vec_jwk_load(&jwk, &vec_oct_rfc7516_a3);
    for (size_t i = 0; i < 4; i++) {
        jwk.params.k = kpb_span(bytes, bad[i]);
        assert_refused(&jwk, "k of the oct key has");
    }
    jwk.params.k.len = 0;
    assert_refused(&jwk, "the oct key has no k");
    jwk.params.k.len = 16;
    jwk.params.d = jwk.params.k;
    assert_refused(&jwk, "no n, e and d");
    jwk.params.d.len = 0;
    jwk.params.x = jwk.params.k;
    assert_refused(&jwk, "no x and y");
}

static void oct_generate_and_publish_wrong_wishes_are_refused(void **state)
{
    struct kp_key_params params = {.struct_size = sizeof params, .kty = KP_KTY_OCT, .bits = 512};
    struct kp_key_info info = {.struct_size = sizeof info, .kty = KP_KTY_OCT_HSM};
    struct kpc_key *key = NULL;
    struct kp_error err = {0};
    (void)state;
    vec_assert_failed(kpc_key_generate(&params, &key, &err), KP_USAGE, &err, "not 512");
    vec_assert_failed(kpc_key_from_public(&info, &key, &err), KP_USAGE, &err, "no public part");
    assert_null(key);
}

static void oct_description_never_holds_the_secret(void **state)
{
    struct kp_key_info info = {0};
    struct kpc_key *key = vec_key(&vec_oct_rfc7515_a1);
    (void)state;
    kpc_key_describe(key, &info);
    assert_int_equal(info.bits, 512);
    assert_int_equal(info.n.len + info.e.len + info.x.len + info.y.len, 0);
    kpc_key_release(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ec_import_published_keys_describe_and_export),
        cmocka_unit_test(ec_generate_each_curve_round_trips_at_full_length),
        cmocka_unit_test(ec_generate_without_a_curve_takes_p256),
        cmocka_unit_test(ec_import_malformed_member_is_named),
        cmocka_unit_test(ec_import_point_off_the_curve_is_refused),
        cmocka_unit_test(ec_import_point_of_another_curve_is_refused),
        cmocka_unit_test(ec_import_wrong_scalar_is_refused),
        cmocka_unit_test(ec_import_foreign_members_are_refused),
        cmocka_unit_test(ec_public_key_from_description_has_no_private_part),
        cmocka_unit_test(oct_generate_each_size_differs_every_time),
        cmocka_unit_test(oct_import_sizes_outside_the_range_are_refused),
        cmocka_unit_test(oct_generate_and_publish_wrong_wishes_are_refused),
        cmocka_unit_test(oct_description_never_holds_the_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
