/* Digests, HMAC, key derivation, sealing and random bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "support/vectors_keys.h"

/* ---- SHA-256, HMAC ---- */

/* FIPS 180-4 examples: one block, two blocks, nothing. */
static const struct {
    const char *text, *digest;
} sha_vectors[] = {
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
};

static void sha256_published_vectors_match(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        uint8_t out[KPC_SHA256_LEN];
        struct vec expected = vec_hex(sha_vectors[i].digest);
        assert_int_equal(kpc_sha256(kpb_span_str(sha_vectors[i].text), out, NULL), KP_OK);
        vec_assert_bytes(kpb_span(out, sizeof out), vec_span(&expected));
    }
}

static void sha256_in_pieces_equals_all_at_once(void **state)
{
    struct kpc_sha256 hash = {0};
    uint8_t out[KPC_SHA256_LEN];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        kp_span text = kpb_span_str(sha_vectors[i].text);
        struct vec expected = vec_hex(sha_vectors[i].digest);
        assert_int_equal(kpc_sha256_start(&hash, NULL), KP_OK);
        for (size_t at = 0; at < text.len; at++)
            assert_int_equal(kpc_sha256_feed(&hash, kpb_span(text.ptr + at, 1), NULL), KP_OK);
        assert_int_equal(kpc_sha256_finish(&hash, out, NULL), KP_OK);
        vec_assert_bytes(kpb_span(out, sizeof out), vec_span(&expected));
    }
    assert_null(hash.ctx);
}

static void sha256_idle_digest_is_refused_and_clear_is_harmless(void **state)
{
    struct kpc_sha256 hash = {0};
    uint8_t out[KPC_SHA256_LEN];
    struct kp_error err = {0};
    (void)state;
    vec_assert_failed(kpc_sha256_feed(&hash, kpb_span_str("x"), &err), KP_USAGE, &err, "started");
    vec_assert_failed(kpc_sha256_finish(&hash, out, &err), KP_USAGE, &err, "started");
    kpc_sha256_clear(&hash);
    assert_int_equal(kpc_sha256_start(&hash, NULL), KP_OK);
    assert_int_equal(kpc_sha256_start(&hash, NULL), KP_OK); /* begins anew */
    kpc_sha256_clear(&hash);
}

/* RFC 4231 sections 4.3 and 4.7: a short key, and one above the block. */
static void hmac_sha256_published_vectors_match(void **state)
{
    uint8_t out[KPC_SHA256_LEN], key[131];
    struct kp_error err = {0};
    struct vec jefe = vec_hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    struct vec large = vec_hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    (void)state;
    assert_int_equal(kpc_hmac_sha256(kpb_span_str("Jefe"),
                                     kpb_span_str("what do ya want for nothing?"), out, NULL),
                     KP_OK);
    vec_assert_bytes(kpb_span(out, sizeof out), vec_span(&jefe));
    memset(key, 0xaa, sizeof key);
    assert_int_equal(
        kpc_hmac_sha256(kpb_span(key, sizeof key),
                        kpb_span_str("Test Using Larger Than Block-Size Key - Hash Key First"), out,
                        NULL),
        KP_OK);
    vec_assert_bytes(kpb_span(out, sizeof out), vec_span(&large));
    vec_assert_failed(kpc_hmac_sha256(kpb_span(NULL, 0), kpb_span_str("x"), out, &err), KP_USAGE,
                      &err, "empty");
}

/* ---- Derivation ---- */

/* RFC 7914 section 12, third vector. */
static void scrypt_published_vector_matches(void **state)
{
    const struct kpc_scrypt_cost cost = {16384, 8, 1};
    struct vec expected =
        vec_hex("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
    uint8_t out[64];
    (void)state;
    assert_int_equal(kpc_kdf_passphrase(kpb_span_str("pleaseletmein"),
                                        kpb_span_str("SodiumChloride"), &cost, out, 64, NULL),
                     KP_OK);
    vec_assert_bytes(kpb_span(out, sizeof out), vec_span(&expected));
}

/* RFC 5869 appendix A.1 (first bytes of the output are the same at any length) and A.2's shape. */
static void hkdf_published_vector_matches(void **state)
{
    struct vec ikm = vec_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    struct vec salt = vec_hex("000102030405060708090a0b0c");
    struct vec info = vec_hex("f0f1f2f3f4f5f6f7f8f9");
    struct vec okm = vec_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                             "34007208d5b887185865");
    struct vec bare = vec_hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                              "9d201395faa4b61a96c8");
    uint8_t out[42];
    (void)state;
    assert_int_equal(
        kpc_hkdf_sha256(vec_span(&ikm), vec_span(&salt), vec_span(&info), out, sizeof out, NULL),
        KP_OK);
    vec_assert_bytes(kpb_span(out, sizeof out), vec_span(&okm));
    /* appendix A.3: neither salt nor info */
    assert_int_equal(kpc_hkdf_sha256(vec_span(&ikm), kpb_span(NULL, 0), kpb_span(NULL, 0), out,
                                     sizeof out, NULL),
                     KP_OK);
    vec_assert_bytes(kpb_span(out, sizeof out), vec_span(&bare));
}

static void hkdf_wrong_sizes_are_refused(void **state)
{
    uint8_t bytes[2000] = {0}, out[65];
    struct kp_error err = {0};
    kp_span none = {NULL, 0};
    (void)state;
    vec_assert_failed(kpc_hkdf_sha256(kpb_span(bytes, 15), none, none, out, 32, &err), KP_USAGE,
                      &err, "has 15 bytes");
    vec_assert_failed(kpc_hkdf_sha256(kpb_span(bytes, 32), none, none, out, 65, &err), KP_USAGE,
                      &err, "not 65");
    vec_assert_failed(kpc_hkdf_sha256(kpb_span(bytes, 32), none, none, out, 0, &err), KP_USAGE,
                      &err, "not 0");
    vec_assert_failed(
        kpc_hkdf_sha256(kpb_span(bytes, 32), none, kpb_span(bytes, 1025), out, 32, &err), KP_USAGE,
        &err, "the info has 1025 bytes");
}

static void scrypt_default_cost_derives_repeatably(void **state)
{
    const struct kpc_scrypt_cost cost = {KPC_SCRYPT_N, KPC_SCRYPT_R, KPC_SCRYPT_P};
    kp_span salt = kpb_span_str("sixteen bytes of");
    uint8_t one[32], two[32];
    (void)state;
    assert_int_equal(kpc_kdf_passphrase(kpb_span_str("correct horse"), salt, &cost, one, 32, NULL),
                     KP_OK);
    assert_int_equal(kpc_kdf_passphrase(kpb_span_str("correct horse"), salt, &cost, two, 32, NULL),
                     KP_OK);
    assert_memory_equal(one, two, 32);
    assert_int_equal(kpc_kdf_passphrase(kpb_span_str("correct hors"), salt, &cost, two, 32, NULL),
                     KP_OK);
    assert_memory_not_equal(one, two, 32);
}

static void scrypt_cost_out_of_bounds_is_refused(void **state)
{
    static const struct {
        struct kpc_scrypt_cost cost;
        const char *part;
    } cases[] = {
        {{1000, 8, 1}, "power of two"},
        {{512, 8, 1}, "power of two"},
        {{0, 8, 1}, "power of two"},
        {{1 << 15, 0, 1}, "more than 128 MiB"},
        {{1 << 18, 8, 1}, "more than 128 MiB"},
        {{UINT64_C(1) << 63, 8, 1}, "more than 128 MiB"},
        {{1 << 15, UINT32_MAX, 1}, "more than 128 MiB"},
        {{1 << 15, 8, 0}, "too much work"},
        {{1 << 15, 8, UINT32_MAX}, "too much work"},
    };
    kp_span salt = kpb_span_str("sixteen bytes of");
    uint8_t out[32];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kp_error err = {0};
        vec_assert_failed(
            kpc_kdf_passphrase(kpb_span_str("secret"), salt, &cases[i].cost, out, 32, &err),
            KP_USAGE, &err, cases[i].part);
    }
}

static void scrypt_wrong_passphrase_and_salt_sizes_are_refused(void **state)
{
    const struct kpc_scrypt_cost cost = {1024, 8, 1};
    uint8_t bytes[1025] = {0}, out[32];
    struct kp_error err = {0};
    (void)state;
    vec_assert_failed(
        kpc_kdf_passphrase(kpb_span(NULL, 0), kpb_span(bytes, 16), &cost, out, 32, &err), KP_USAGE,
        &err, "the passphrase is empty");
    vec_assert_failed(
        kpc_kdf_passphrase(kpb_span(bytes, 1025), kpb_span(bytes, 16), &cost, out, 32, &err),
        KP_USAGE, &err, "longer than 1024");
    vec_assert_failed(
        kpc_kdf_passphrase(kpb_span(bytes, 8), kpb_span(bytes, 65), &cost, out, 32, &err), KP_USAGE,
        &err, "the salt has 65 bytes");
    vec_assert_failed(
        kpc_kdf_passphrase(kpb_span(bytes, 8), kpb_span(bytes, 7), &cost, out, 32, &err), KP_USAGE,
        &err, "the salt has 7 bytes");
    assert_int_equal(
        kpc_kdf_passphrase(kpb_span(bytes, 1024), kpb_span(bytes, 64), &cost, out, 32, NULL),
        KP_OK);
}

/* ---- Sealing ---- */

static const uint8_t seal_key[32] = {1, 2, 3};

static kp_status seal(kp_span aad, kp_span plain, struct vec *ret, struct kp_error *err)
{
    struct kpc_out out = {ret->b, sizeof ret->b, 0};
    kp_status st = kpc_seal(kpb_span(seal_key, 32), aad, plain, &out, err);
    ret->len = out.len;
    return st;
}

static kp_status unseal(kp_span aad, kp_span sealed, struct vec *ret, struct kp_error *err)
{
    struct kpc_out out = {ret->b, sizeof ret->b, 0};
    memset(ret->b, 0x99, sizeof ret->b);
    kp_status st = kpc_open(kpb_span(seal_key, 32), aad, sealed, &out, err);
    ret->len = out.len;
    return st;
}

static void seal_every_length_opens_again(void **state)
{
    uint8_t bytes[70];
    kp_span aad = kpb_span_str("where it belongs");
    (void)state;
    memset(bytes, 0xab, sizeof bytes);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        struct vec sealed, again, opened;
        assert_int_equal(seal(aad, kpb_span(bytes, len), &sealed, NULL), KP_OK);
        assert_int_equal(seal(aad, kpb_span(bytes, len), &again, NULL), KP_OK);
        assert_int_equal(sealed.len, len + KPC_SEAL_OVERHEAD);
        assert_memory_not_equal(sealed.b, again.b, 12);
        assert_int_equal(unseal(aad, vec_span(&sealed), &opened, NULL), KP_OK);
        vec_assert_bytes(vec_span(&opened), kpb_span(bytes, len));
    }
}

/* The layout is AES-256-GCM as published: test case 14 of the GCM submission. */
static void seal_layout_is_iv_ciphertext_tag(void **state)
{
    static const uint8_t zero_key[32];
    struct vec sealed = vec_hex("000000000000000000000000"
                                "cea7403d4d606b6e074ec5d3baf39d18"
                                "d0d1c8a799996bf0265b98b5d48ab919");
    uint8_t area[16], zeros[16] = {0};
    struct kpc_out out = {area, sizeof area, 0};
    (void)state;
    assert_int_equal(
        kpc_open(kpb_span(zero_key, 32), kpb_span(NULL, 0), vec_span(&sealed), &out, NULL), KP_OK);
    assert_int_equal(out.len, 16);
    assert_memory_equal(area, zeros, 16);
}

static void seal_any_alteration_is_integrity_and_leaves_nothing(void **state)
{
    static const uint8_t zeros[9];
    kp_span aad = kpb_span_str("place");
    struct vec sealed, opened;
    struct kp_error err = {0};
    (void)state;
    assert_int_equal(seal(aad, kpb_span_str("plaintext"), &sealed, NULL), KP_OK);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.b[i] ^= 2;
        vec_assert_failed(unseal(aad, vec_span(&sealed), &opened, &err), KP_INTEGRITY, &err,
                          "altered");
        assert_memory_equal(opened.b, zeros, sizeof zeros);
        sealed.b[i] ^= 2;
    }
    vec_assert_failed(unseal(kpb_span_str("plaza"), vec_span(&sealed), &opened, &err), KP_INTEGRITY,
                      &err, "altered");
    for (size_t len = 0; len < KPC_SEAL_OVERHEAD; len++)
        vec_assert_failed(unseal(aad, kpb_span(sealed.b, len), &opened, &err), KP_INTEGRITY, &err,
                          "cut short");
    vec_assert_failed(unseal(aad, kpb_span(sealed.b, sealed.len - 1), &opened, &err), KP_INTEGRITY,
                      &err, "altered");
}

static void seal_wrong_key_length_and_room_are_refused(void **state)
{
    uint8_t area[40];
    struct kpc_out out = {area, 32, 0};
    struct kp_error err = {0};
    kp_span none = {NULL, 0}, five = kpb_span(seal_key, 5);
    (void)state;
    vec_assert_failed(kpc_seal(kpb_span(seal_key, 16), none, five, &out, &err), KP_USAGE, &err,
                      "has 32 bytes, not 16");
    vec_assert_failed(kpc_seal(kpb_span(seal_key, 32), none, five, &out, &err), KP_USAGE, &err,
                      "33 are needed");
    out.cap = 4;
    memset(area, 0, sizeof area);
    vec_assert_failed(kpc_open(kpb_span(seal_key, 32), none, kpb_span(area, 33), &out, &err),
                      KP_USAGE, &err, "5 are needed");
}

/* ---- Random ---- */

static void random_bytes_differ_and_fill_the_area(void **state)
{
    uint8_t one[64] = {0}, two[64] = {0}, three[64] = {0};
    int zeros = 0;
    (void)state;
    assert_int_equal(kpc_random(one, sizeof one, NULL), KP_OK);
    assert_int_equal(kpc_random(two, sizeof two, NULL), KP_OK);
    assert_int_equal(kpc_random_secret(three, sizeof three, NULL), KP_OK);
    assert_memory_not_equal(one, two, sizeof one);
    assert_memory_not_equal(one, three, sizeof one);
    for (size_t i = 0; i < sizeof one; i++)
        zeros += one[i] == 0;
    assert_true(zeros < 16);
    assert_int_equal(kpc_random(one, 0, NULL), KP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_published_vectors_match),
        cmocka_unit_test(sha256_in_pieces_equals_all_at_once),
        cmocka_unit_test(sha256_idle_digest_is_refused_and_clear_is_harmless),
        cmocka_unit_test(hmac_sha256_published_vectors_match),
        cmocka_unit_test(scrypt_published_vector_matches),
        cmocka_unit_test(hkdf_published_vector_matches),
        cmocka_unit_test(hkdf_wrong_sizes_are_refused),
        cmocka_unit_test(scrypt_default_cost_derives_repeatably),
        cmocka_unit_test(scrypt_cost_out_of_bounds_is_refused),
        cmocka_unit_test(scrypt_wrong_passphrase_and_salt_sizes_are_refused),
        cmocka_unit_test(seal_every_length_opens_again),
        cmocka_unit_test(seal_layout_is_iv_ciphertext_tag),
        cmocka_unit_test(seal_any_alteration_is_integrity_and_leaves_nothing),
        cmocka_unit_test(seal_wrong_key_length_and_room_are_refused),
        cmocka_unit_test(random_bytes_differ_and_fill_the_area),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
