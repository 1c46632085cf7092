/* RSA keys: what is taken in, what is refused and why, what comes out again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/bn.h>

#include "crypto/key.h"
#include "support/vectors_keys.h"

#define SECRET_LIMIT KPC_PRIVATE_MAX_LEN

static kp_status import_as(const struct vec_jwk *jwk, enum kpc_origin origin, struct kp_error *err)
{
    struct kpc_key *key = NULL;
    kp_status st = kpc_key_from_jwk(&jwk->params, origin, &key, err);
    assert_true((st == KP_OK) == (key != NULL));
    kpc_key_release(key);
    return st;
}

static void assert_refused(const struct vec_jwk *jwk, const char *part)
{
    struct kp_error err = {0};
    vec_assert_failed(import_as(jwk, KPC_FOREIGN, &err), KP_USAGE, &err, part);
    vec_assert_failed(import_as(jwk, KPC_STORED, &err), KP_USAGE, &err, part);
}

/* ---- Taken in ---- */

static void rsa_import_published_keys_describe_their_numbers(void **state)
{
    static const struct vec_jwk_text *const texts[] = {&vec_rsa_rfc7515_a2, &vec_rsa_rfc7516_a1,
                                                       &vec_rsa_rfc7516_a2};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct vec_jwk jwk;
        struct kp_key_info info = {0};
        struct kpc_key *key = vec_key(texts[i]);
        vec_jwk_load(&jwk, texts[i]);
        kpc_key_describe(key, &info);
        assert_int_equal(info.kty, KP_KTY_RSA);
        assert_int_equal(info.bits, 2048);
        assert_int_equal(info.curve, KP_CURVE_NONE);
        assert_true(kpc_key_has_private(key));
        vec_assert_bytes(info.n, jwk.params.n);
        vec_assert_bytes(info.e, jwk.params.e);
        assert_int_equal(info.x.len + info.y.len, 0);
        kpc_key_release(key);
    }
}

static void rsa_import_leading_zeros_are_dropped(void **state)
{
    struct vec_jwk jwk;
    struct kp_key_info info = {0};
    struct kpc_key *key = NULL;
    uint8_t padded[3 + 256] = {0};
    (void)state;
    vec_jwk_load(&jwk, &vec_rsa_rfc7515_a2);
    memcpy(padded + 3, jwk.n.b, 256);
    jwk.params.n = kpb_span(padded, sizeof padded);
    assert_int_equal(kpc_key_from_jwk(&jwk.params, KPC_FOREIGN, &key, NULL), KP_OK);
    kpc_key_describe(key, &info);
    vec_assert_bytes(info.n, vec_span(&jwk.n));
    kpc_key_release(key);
}

static void export_rsa(const struct kpc_key *key, kp_buf *secret, struct kpc_private *members)
{
    kp_buf_init_secret(secret, "test.export", SECRET_LIMIT);
    assert_int_equal(kpc_key_export_private(key, secret, members, NULL), KP_OK);
}

static void rsa_export_gives_back_every_private_member(void **state)
{
    struct vec_jwk jwk;
    struct kpc_private out;
    kp_buf secret;
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    (void)state;
    vec_jwk_load(&jwk, &vec_rsa_rfc7515_a2);
    export_rsa(key, &secret, &out);
    vec_assert_bytes(out.d, jwk.params.d);
    vec_assert_bytes(out.p, jwk.params.p);
    vec_assert_bytes(out.q, jwk.params.q);
    vec_assert_bytes(out.dp, jwk.params.dp);
    vec_assert_bytes(out.dq, jwk.params.dq);
    vec_assert_bytes(out.qi, jwk.params.qi);
    assert_int_equal(out.k.len, 0);
    kp_buf_clear(&secret);
    kpc_key_release(key);
}

static void rsa_import_without_primes_recovers_them(void **state)
{
    static const struct vec_jwk_text *const texts[] = {&vec_rsa_rfc7515_a2, &vec_rsa_rfc7516_a1,
                                                       &vec_rsa_rfc7516_a2};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct vec_jwk_text bare = *texts[i];
        struct vec_jwk jwk;
        struct kpc_private out;
        kp_buf secret;
        bare.p = bare.q = bare.dp = bare.dq = bare.qi = NULL;
        struct kpc_key *key = vec_key(&bare);
        vec_jwk_load(&jwk, texts[i]);
        export_rsa(key, &secret, &out);
        /* these published keys have p above q, as recovery orders them */
        vec_assert_bytes(out.p, jwk.params.p);
        vec_assert_bytes(out.q, jwk.params.q);
        vec_assert_bytes(out.dp, jwk.params.dp);
        vec_assert_bytes(out.dq, jwk.params.dq);
        vec_assert_bytes(out.qi, jwk.params.qi);
        kp_buf_clear(&secret);
        kpc_key_release(key);
    }
}

/* Big-endian bytes of a number, which is freed. */
static struct vec take_number(BIGNUM *number)
{
    struct vec v = {0};
    assert_non_null(number);
    v.len = (size_t)BN_num_bytes(number);
    assert_int_equal(BN_bn2bin(number, v.b), v.len);
    BN_free(number);
    return v;
}

static BIGNUM *number_of(kp_span bytes)
{
    BIGNUM *number = BN_bin2bn(bytes.ptr, (int)bytes.len, NULL);
    assert_non_null(number);
    return number;
}

static struct vec inverse_of(kp_span a, kp_span modulus)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *number = number_of(a), *mod = number_of(modulus);
    struct vec v = take_number(BN_mod_inverse(NULL, number, mod, ctx));
    BN_free(number);
    BN_free(mod);
    BN_CTX_free(ctx);
    return v;
}

static void rsa_import_with_q_above_p_is_taken(void **state)
{
    struct vec_jwk jwk;
    struct kp_error err = {0};
    (void)state;
    vec_jwk_load(&jwk, &vec_rsa_rfc7516_a1);
    kp_span p = jwk.params.p, dp = jwk.params.dp;
    jwk.params.p = jwk.params.q;
    jwk.params.q = p;
    jwk.params.dp = jwk.params.dq;
    jwk.params.dq = dp;
    assert_refused(&jwk, "qi of the RSA key");
    jwk.qi = inverse_of(jwk.params.q, jwk.params.p);
    jwk.params.qi = vec_span(&jwk.qi);
    if (import_as(&jwk, KPC_FOREIGN, &err) != KP_OK)
        fail_msg("%s", err.text);
}

/*
 * The odd number after prime q of the key, times the key's p: consistent, but no product of primes.
 */
static void make_composite(struct vec_jwk *jwk)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p = number_of(jwk->params.p), *q = number_of(jwk->params.q),
           *e = number_of(jwk->params.e);
    BIGNUM *n = BN_new(), *p1 = BN_dup(p), *q1 = BN_dup(q), *phi = BN_new(), *d = NULL;
    BIGNUM *dp = BN_new(), *dq = BN_new();
    assert_true(BN_sub_word(p1, 1));
    while (!d) {
        assert_true(BN_add_word(q, 2) && BN_copy(q1, q) && BN_sub_word(q1, 1));
        assert_true(BN_mul(phi, p1, q1, ctx));
        d = BN_check_prime(q, ctx, NULL) ? NULL : BN_mod_inverse(NULL, e, phi, ctx);
    }
    assert_true(BN_mul(n, p, q, ctx) && BN_mod(dp, d, p1, ctx) && BN_mod(dq, d, q1, ctx));
    jwk->n = take_number(n);
    jwk->d = take_number(d);
    jwk->q = take_number(BN_dup(q));
    jwk->dp = take_number(dp);
    jwk->dq = take_number(dq);
    jwk->qi = inverse_of(vec_span(&jwk->q), jwk->params.p);
    BN_free(p), BN_free(q), BN_free(e), BN_free(p1), BN_free(q1), BN_free(phi);
    BN_CTX_free(ctx);
}

static void rsa_import_composite_prime_is_refused_from_outside(void **state)
{
    struct vec_jwk jwk;
    struct kp_error err = {0};
    (void)state;
    vec_jwk_load(&jwk, &vec_rsa_rfc7516_a1);
    make_composite(&jwk);
    jwk.params.n = vec_span(&jwk.n);
    jwk.params.d = vec_span(&jwk.d);
    jwk.params.q = vec_span(&jwk.q);
    jwk.params.dp = vec_span(&jwk.dp);
    jwk.params.dq = vec_span(&jwk.dq);
    jwk.params.qi = vec_span(&jwk.qi);
    vec_assert_failed(import_as(&jwk, KPC_FOREIGN, &err), KP_USAGE, &err, "is not prime");
    /* the documented difference: what we stored was proven when it came in */
    assert_int_equal(import_as(&jwk, KPC_STORED, NULL), KP_OK);
}

static void assert_round_trip(uint32_t bits)
{
    struct kp_key_info info = {0}, again_info = {0};
    struct kpc_private out;
    struct kp_error err = {0};
    kp_buf secret;
    struct kpc_key *again = NULL;
    struct kpc_key *key = vec_new_key(KP_KTY_RSA, bits, 0);
    kpc_key_describe(key, &info);
    export_rsa(key, &secret, &out);
    assert_int_equal(info.bits, bits);
    assert_int_equal(info.n.len, bits / 8);
    struct kp_key_params params = {.struct_size = sizeof params, .kty = KP_KTY_RSA_HSM};
    params.n = info.n;
    params.e = info.e;
    params.d = out.d;
    params.p = out.p;
    params.q = out.q;
    params.dp = out.dp;
    params.dq = out.dq;
    params.qi = out.qi;
    if (kpc_key_from_jwk(&params, KPC_STORED, &again, &err) != KP_OK)
        fail_msg("%s", err.text);
    kpc_key_describe(again, &again_info);
    vec_assert_bytes(again_info.n, info.n);
    kp_buf_clear(&secret);
    kpc_key_release(again);
    kpc_key_release(key);
}

static void rsa_generate_each_size_exports_and_imports(void **state)
{
    (void)state;
    assert_round_trip(2048);
    assert_round_trip(3072);
    assert_round_trip(4096);
}

static void rsa_generate_honours_the_public_exponent(void **state)
{
    static const uint64_t exponents[] = {3, 17, 65539, UINT64_C(4294967311)};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct kp_key_params params = {.struct_size = sizeof params, .kty = KP_KTY_RSA};
        struct kpc_key *key = NULL;
        struct kp_key_info info = {0};
        uint64_t e = 0;
        params.public_exponent = exponents[i];
        assert_int_equal(kpc_key_generate(&params, &key, NULL), KP_OK);
        kpc_key_describe(key, &info);
        for (size_t at = 0; at < info.e.len; at++)
            e = e << 8 | info.e.ptr[at];
        assert_true(e == exponents[i]);
        assert_int_equal(info.bits, 2048);
        kpc_key_release(key);
    }
}

/* ---- Refused ---- */

static void rsa_generate_wrong_wishes_are_refused(void **state)
{
    struct kp_key_params params = {.struct_size = sizeof params, .kty = KP_KTY_RSA, .bits = 1024};
    struct kpc_key *key = NULL;
    struct kp_error err = {0};
    (void)state;
    vec_assert_failed(kpc_key_generate(&params, &key, &err), KP_USAGE, &err, "not 1024");
    params.bits = 2049;
    vec_assert_failed(kpc_key_generate(&params, &key, &err), KP_USAGE, &err, "not 2049");
    params.bits = 2048;
    params.public_exponent = 1;
    vec_assert_failed(kpc_key_generate(&params, &key, &err), KP_USAGE, &err, "public exponent");
    params.public_exponent = 65536;
    vec_assert_failed(kpc_key_generate(&params, &key, &err), KP_USAGE, &err, "public exponent");
    params.kty = 99;
    vec_assert_failed(kpc_key_generate(&params, &key, &err), KP_USAGE, &err, "kty 99");
    assert_null(key);
}

static void rsa_import_missing_member_is_named(void **state)
{
    struct vec_jwk jwk;
    kp_span none = {NULL, 0};
    (void)state;
    vec_jwk_load(&jwk, &vec_rsa_rfc7515_a2);
    const struct {
        kp_span *member;
        const char *part;
    } cases[] = {
        {&jwk.params.n, "no n,"},   {&jwk.params.e, "no e,"},   {&jwk.params.d, "p but no d"},
        {&jwk.params.p, "no p,"},   {&jwk.params.q, "no q,"},   {&jwk.params.dp, "no dp,"},
        {&jwk.params.dq, "no dq,"}, {&jwk.params.qi, "no qi,"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kp_span kept = *cases[i].member;
        *cases[i].member = none;
        assert_refused(&jwk, cases[i].part);
        *cases[i].member = kept;
    }
}

/* One bit of each member in turn: the sentence names the first member that cannot be right. */
static void rsa_import_altered_member_is_named(void **state)
{
    struct vec_jwk jwk;
    (void)state;
    vec_jwk_load(&jwk, &vec_rsa_rfc7515_a2);
    const struct {
        struct vec *member;
        const char *part;
    } cases[] = {
        {&jwk.n, "p times q"},  {&jwk.d, "d of the"},   {&jwk.p, "p times q"},
        {&jwk.q, "p times q"},  {&jwk.dp, "dp of the"}, {&jwk.dq, "dq of the"},
        {&jwk.qi, "qi of the"}, {&jwk.e, "d of the"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t *byte = &cases[i].member->b[cases[i].member->len - 1];
        *byte ^= 0x02;
        assert_refused(&jwk, cases[i].part);
        *byte ^= 0x02;
    }
}

static void rsa_import_wrong_sizes_are_refused(void **state)
{
    struct vec_jwk jwk;
    uint8_t big[600];
    (void)state;
    memset(big, 0xff, sizeof big);
    vec_jwk_load(&jwk, &vec_rsa_rfc7515_a2);
    jwk.params.n = kpb_span(big, 128);
    assert_refused(&jwk, "n of the RSA key has 1024 bits");
    jwk.params.n = kpb_span(big, 513);
    assert_refused(&jwk, "n of the RSA key has 513 bytes");
    jwk.params.n = kpb_span(jwk.n.b, 255);
    assert_refused(&jwk, "n of the RSA key has 2040 bits");
    jwk.params.n = vec_span(&jwk.n);
    jwk.params.d = kpb_span(big, 256);
    assert_refused(&jwk, "d of the RSA key is not below n");
    jwk.params.d = vec_span(&jwk.d);
    jwk.params.e = kpb_span(big, 9);
    assert_refused(&jwk, "e of the RSA key has 72 bits");
    jwk.params.e = vec_span(&jwk.e);
    jwk.params.p = kpb_span(big, 127);
    assert_refused(&jwk, "p of the RSA key must have half");
    jwk.params.p = vec_span(&jwk.q);
    assert_refused(&jwk, "p and q of the RSA key are equal");
}

static void rsa_import_even_numbers_are_refused(void **state)
{
    static const uint8_t four[] = {4}, one[] = {1};
    struct vec_jwk jwk;
    (void)state;
    vec_jwk_load(&jwk, &vec_rsa_rfc7515_a2);
    jwk.params.e = kpb_span(four, 1);
    assert_refused(&jwk, "e of the RSA key must be odd");
    jwk.params.e = kpb_span(one, 1);
    assert_refused(&jwk, "e of the RSA key must be odd");
    jwk.params.e = vec_span(&jwk.e);
    jwk.n.b[jwk.n.len - 1] ^= 1;
    assert_refused(&jwk, "n of the RSA key is even");
}

static void rsa_import_wrong_d_alone_is_refused(void **state)
{
    static const uint8_t small[] = {5};
    struct vec_jwk_text bare = vec_rsa_rfc7515_a2;
    struct vec_jwk jwk;
    (void)state;
    bare.p = bare.q = bare.dp = bare.dq = bare.qi = NULL;
    vec_jwk_load(&jwk, &bare);
    jwk.d.b[10] ^= 1;
    assert_refused(&jwk, "d of the RSA key does not belong");
    jwk.params.d = kpb_span(small, 1);
    assert_refused(&jwk, "d of the RSA key does not belong");
}

static void rsa_import_foreign_members_are_refused(void **state)
{
    struct vec_jwk jwk;
    (void)state;
    vec_jwk_load(&jwk, &vec_rsa_rfc7515_a2);
    jwk.params.k = vec_span(&jwk.d);
    assert_refused(&jwk, "no k");
    jwk.params.k = kpb_span(NULL, 0);
    jwk.params.y = vec_span(&jwk.d);
    assert_refused(&jwk, "no x and y");
}

static void rsa_import_public_with_small_factor_is_refused(void **state)
{
    struct kp_key_info info = {.struct_size = sizeof info, .kty = KP_KTY_RSA};
    static const uint8_t e[] = {1, 0, 1};
    uint8_t n[256];
    struct kpc_key *key = NULL;
    struct kp_error err = {0};
    (void)state;
    memset(n, 0xff, sizeof n); /* 2^2048 - 1 = 3 * 5 * 17 * ... */
    info.n = kpb_span(n, sizeof n);
    info.e = kpb_span(e, sizeof e);
    vec_assert_failed(kpc_key_from_public(&info, &key, &err), KP_USAGE, &err,
                      "not a product of two primes");
}

/* ---- Public only ---- */

static void rsa_public_key_has_nothing_to_export(void **state)
{
    struct kpc_private out;
    struct kp_error err = {0};
    kp_buf secret;
    struct kpc_key *key = vec_public_key(&vec_rsa_rfc7515_a2);
    (void)state;
    kp_buf_init_secret(&secret, "test.export", SECRET_LIMIT);
    assert_false(kpc_key_has_private(key));
    vec_assert_failed(kpc_key_export_private(key, &secret, &out, &err), KP_USAGE, &err,
                      "only its public part");
    kp_buf_clear(&secret);
    kpc_key_release(key);
}

static void rsa_public_key_from_description_equals_the_original(void **state)
{
    struct kp_key_info info = {.struct_size = sizeof info}, again_info = {0};
    struct kpc_key *again = NULL;
    struct kpc_key *key = vec_key(&vec_rsa_rfc7516_a2);
    (void)state;
    kpc_key_describe(key, &info);
    assert_int_equal(kpc_key_from_public(&info, &again, NULL), KP_OK);
    kpc_key_describe(again, &again_info);
    vec_assert_bytes(again_info.n, info.n);
    vec_assert_bytes(again_info.e, info.e);
    kpc_key_release(again);
    kpc_key_release(key);
}

static void rsa_export_needs_a_secret_buffer_with_room(void **state)
{
    struct kpc_private out;
    struct kp_error err = {0};
    kp_buf buf;
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    (void)state;
    kp_buf_init(&buf, "test.export", SECRET_LIMIT);
    vec_assert_failed(kpc_key_export_private(key, &buf, &out, &err), KP_USAGE, &err,
                      "secret buffer only");
    kp_buf_clear(&buf);
    kp_buf_init_secret(&buf, "test.export", SECRET_LIMIT - 1);
    vec_assert_failed(kpc_key_export_private(key, &buf, &out, &err), KP_USAGE, &err, "are needed");
    kp_buf_clear(&buf);
    kpc_key_release(key);
}

static void key_release_of_null_and_second_reference_are_harmless(void **state)
{
    struct kpc_key *key = vec_new_key(KP_KTY_OCT, 128, 0);
    (void)state;
    kpc_key_release(NULL);
    assert_ptr_equal(kpc_key_acquire(key), key);
    kpc_key_release(key);
    assert_int_equal(kpc_key_bits(key), 128);
    kpc_key_release(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_import_published_keys_describe_their_numbers),
        cmocka_unit_test(rsa_import_leading_zeros_are_dropped),
        cmocka_unit_test(rsa_export_gives_back_every_private_member),
        cmocka_unit_test(rsa_import_without_primes_recovers_them),
        cmocka_unit_test(rsa_import_with_q_above_p_is_taken),
        cmocka_unit_test(rsa_import_composite_prime_is_refused_from_outside),
        cmocka_unit_test(rsa_generate_each_size_exports_and_imports),
        cmocka_unit_test(rsa_generate_honours_the_public_exponent),
        cmocka_unit_test(rsa_generate_wrong_wishes_are_refused),
        cmocka_unit_test(rsa_import_missing_member_is_named),
        cmocka_unit_test(rsa_import_altered_member_is_named),
        cmocka_unit_test(rsa_import_wrong_sizes_are_refused),
        cmocka_unit_test(rsa_import_even_numbers_are_refused),
        cmocka_unit_test(rsa_import_wrong_d_alone_is_refused),
        cmocka_unit_test(rsa_import_foreign_members_are_refused),
        cmocka_unit_test(rsa_import_public_with_small_factor_is_refused),
        cmocka_unit_test(rsa_public_key_has_nothing_to_export),
        cmocka_unit_test(rsa_public_key_from_description_equals_the_original),
        cmocka_unit_test(rsa_export_needs_a_secret_buffer_with_room),
        cmocka_unit_test(key_release_of_null_and_second_reference_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
