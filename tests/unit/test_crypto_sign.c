/* Signatures: RFC examples, low-level OpenSSL as the independent party, limits, forgeries. */
#define OPENSSL_SUPPRESS_DEPRECATED /* the low-level calls are the point */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "crypto/ops.h"
#include "support/vectors_keys.h"

/* The signing input of RFC 7515 appendices A.2 and A.3, behind the header. */
#define RFC7515_PAYLOAD                                                                            \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"                             \
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

static struct vec digest_of(kp_span bytes, const EVP_MD *md)
{
    struct vec v = {0};
    unsigned int len = 0;
    assert_int_equal(EVP_Digest(bytes.ptr, bytes.len, v.b, &len, md, NULL), 1);
    v.len = len;
    return v;
}

static struct vec text_digest(const char *text, const EVP_MD *md)
{
    return digest_of(kpb_span_str(text), md);
}

/* ---- RSA ---- */

static void rs256_jws_example_is_made_and_verified(void **state)
{
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    struct vec digest = text_digest("eyJhbGciOiJSUzI1NiJ9." RFC7515_PAYLOAD, EVP_sha256());
    struct vec expected = vec_b64("cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
                                  "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"
                                  "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
                                  "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
                                  "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
                                  "p0igcN_IoypGlUPQGe77Rw");
    struct vec made;
    (void)state;
    assert_int_equal(vec_sign(key, KP_ALG_RS256, vec_span(&digest), &made, NULL), KP_OK);
    vec_assert_bytes(vec_span(&made), vec_span(&expected));
    assert_true(vec_verify(key, KP_ALG_RS256, vec_span(&digest), vec_span(&expected)));
    kpc_key_release(key);
}

static const struct {
    uint32_t pkcs1, pss;
    int nid;
} rsa_algs[] = {{KP_ALG_RS256, KP_ALG_PS256, NID_sha256},
                {KP_ALG_RS384, KP_ALG_PS384, NID_sha384},
                {KP_ALG_RS512, KP_ALG_PS512, NID_sha512}};

static RSA *rsa_apart(void)
{
    struct vec_jwk jwk;
    RSA *rsa = RSA_new();
    vec_jwk_load(&jwk, &vec_rsa_rfc7515_a2);
    assert_int_equal(RSA_set0_key(rsa, BN_bin2bn(jwk.n.b, (int)jwk.n.len, NULL),
                                  BN_bin2bn(jwk.e.b, (int)jwk.e.len, NULL),
                                  BN_bin2bn(jwk.d.b, (int)jwk.d.len, NULL)),
                     1);
    return rsa;
}

static void rs_signatures_equal_low_level_openssl(void **state)
{
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    RSA *rsa = rsa_apart();
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct vec digest = text_digest("some text", EVP_get_digestbynid(rsa_algs[i].nid));
        struct vec made, apart;
        unsigned int len = 0;
        assert_int_equal(vec_sign(key, rsa_algs[i].pkcs1, vec_span(&digest), &made, NULL), KP_OK);
        assert_int_equal(
            RSA_sign(rsa_algs[i].nid, digest.b, (unsigned int)digest.len, apart.b, &len, rsa), 1);
        apart.len = len;
        vec_assert_bytes(vec_span(&made), vec_span(&apart));
    }
    RSA_free(rsa);
    kpc_key_release(key);
}

static void ps_signatures_agree_with_low_level_openssl_both_ways(void **state)
{
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    RSA *rsa = rsa_apart();
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const EVP_MD *md = EVP_get_digestbynid(rsa_algs[i].nid);
        struct vec digest = text_digest("some text", md);
        struct vec made;
        uint8_t block[256], apart[256];
        int salt_len = (int)digest.len;
        assert_int_equal(vec_sign(key, rsa_algs[i].pss, vec_span(&digest), &made, NULL), KP_OK);
        assert_int_equal(RSA_public_decrypt(256, made.b, block, rsa, RSA_NO_PADDING), 256);
        assert_int_equal(RSA_verify_PKCS1_PSS_mgf1(rsa, digest.b, md, md, block, salt_len), 1);
        /* and one made apart; with another salt length it is not ours */
        assert_int_equal(RSA_padding_add_PKCS1_PSS_mgf1(rsa, block, digest.b, md, md, salt_len), 1);
        assert_int_equal(RSA_private_encrypt(256, block, apart, rsa, RSA_NO_PADDING), 256);
        assert_true(vec_verify(key, rsa_algs[i].pss, vec_span(&digest), kpb_span(apart, 256)));
        assert_int_equal(RSA_padding_add_PKCS1_PSS_mgf1(rsa, block, digest.b, md, md, 8), 1);
        assert_int_equal(RSA_private_encrypt(256, block, apart, rsa, RSA_NO_PADDING), 256);
        assert_false(vec_verify(key, rsa_algs[i].pss, vec_span(&digest), kpb_span(apart, 256)));
    }
    RSA_free(rsa);
    kpc_key_release(key);
}

static void rsnull_is_bare_type_1_padding(void **state)
{
    static const size_t lens[] = {1, 20, 51, 245};
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    RSA *rsa = rsa_apart();
    uint8_t bytes[245];
    (void)state;
    memset(bytes, 0x42, sizeof bytes);
    for (size_t i = 0; i < 4; i++) {
        struct vec made;
        uint8_t block[256], expected[256];
        kp_span value = kpb_span(bytes, lens[i]);
        assert_int_equal(vec_sign(key, KP_ALG_RSNULL, value, &made, NULL), KP_OK);
        assert_int_equal(RSA_public_decrypt(256, made.b, block, rsa, RSA_NO_PADDING), 256);
        memset(expected, 0xff, sizeof expected);
        expected[0] = 0;
        expected[1] = 1;
        expected[255 - lens[i]] = 0;
        memcpy(expected + 256 - lens[i], bytes, lens[i]);
        assert_memory_equal(block, expected, 256);
        assert_true(vec_verify(key, KP_ALG_RSNULL, value, vec_span(&made)));
        bytes[0] ^= 1;
        assert_false(vec_verify(key, KP_ALG_RSNULL, value, vec_span(&made)));
        bytes[0] ^= 1;
    }
    RSA_free(rsa);
    kpc_key_release(key);
}

/* RS256 is RSNULL over the DigestInfo: RFC 8017 section 9.2, note 1. */
static void rsnull_over_digestinfo_equals_rs256(void **state)
{
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    struct vec digest = text_digest("some text", EVP_sha256());
    struct vec info = vec_hex("3031300d060960864801650304020105000420");
    struct vec made, expected;
    (void)state;
    memcpy(info.b + info.len, digest.b, digest.len);
    info.len += digest.len;
    assert_int_equal(vec_sign(key, KP_ALG_RSNULL, vec_span(&info), &made, NULL), KP_OK);
    assert_int_equal(vec_sign(key, KP_ALG_RS256, vec_span(&digest), &expected, NULL), KP_OK);
    vec_assert_bytes(vec_span(&made), vec_span(&expected));
    kpc_key_release(key);
}

/* ---- EC ---- */

static void es256_jws_example_verifies(void **state)
{
    struct kpc_key *key = vec_public_key(&vec_ec_rfc7515_a3);
    struct vec digest = text_digest("eyJhbGciOiJFUzI1NiJ9." RFC7515_PAYLOAD, EVP_sha256());
    struct vec signature =
        vec_b64("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
                "pmWQxfKTUJqPP3-Kg6NU1Q");
    (void)state;
    assert_true(vec_verify(key, KP_ALG_ES256, vec_span(&digest), vec_span(&signature)));
    for (size_t i = 0; i < signature.len; i++) {
        signature.b[i] ^= 1;
        assert_false(vec_verify(key, KP_ALG_ES256, vec_span(&digest), vec_span(&signature)));
        signature.b[i] ^= 1;
    }
    kpc_key_release(key);
}

static void es512_jws_example_verifies(void **state)
{
    struct kpc_key *key = vec_public_key(&vec_ec_rfc7515_a4);
    struct vec digest = text_digest("eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA", EVP_sha512());
    struct vec signature =
        vec_b64("AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZq"
                "wqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8Kp"
                "EHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn");
    (void)state;
    assert_int_equal(signature.len, 132);
    assert_true(vec_verify(key, KP_ALG_ES512, vec_span(&digest), vec_span(&signature)));
    kpc_key_release(key);
}

/* RFC 6979 appendix A.2.6: message "sample", SHA-384. */
static void es384_deterministic_example_verifies(void **state)
{
    struct kpc_key *key = vec_public_key(&vec_ec_rfc6979_p384);
    struct vec digest = text_digest("sample", EVP_sha384());
    struct vec signature =
        vec_hex("94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C"
                "81A648152E44ACF96E36DD1E80FABE46"
                "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F"
                "A329C145786E679E7B82C71A38628AC8");
    (void)state;
    assert_true(vec_verify(key, KP_ALG_ES384, vec_span(&digest), vec_span(&signature)));
    kpc_key_release(key);
}

/* Wycheproof ecdsa_secp256k1_sha256_p1363: cases 1 (valid), 4, 11, 14, 19, 21. */
static void es256k_published_cases_are_judged_right(void **state)
{
    static const struct {
        const char *signature;
        bool valid;
    } cases[] = {
        {"813ef79ccefa9a56f7ba805f0e478584fe5f0dd5f567bc09b5123ccbc9832365"
         "900e75ad233fcc908509dbff5922647db37c21f4afd3203ae8dc4ae7794b0f87",
         true},
        {"7ec10863310565a908457fa0f1b87a79bc4fcf10b9e0e4320ac021c106b31ddc"
         "6ff18a52dcc0336f7af62400a6dd9b810732baf1ff758000d6f613a556eb31ba",
         false},
        {"0000000000000000000000000000000000000000000000000000000000000000"
         "0000000000000000000000000000000000000000000000000000000000000000",
         false},
        {"0000000000000000000000000000000000000000000000000000000000000000"
         "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
         false},
        {"0000000000000000000000000000000000000000000000000000000000000001"
         "0000000000000000000000000000000000000000000000000000000000000001",
         false},
        {"0000000000000000000000000000000000000000000000000000000000000001"
         "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
         false},
    };
    struct kpc_key *key = vec_public_key(&vec_ec_p256k);
    struct vec message = vec_hex("313233343030");
    struct vec digest = digest_of(vec_span(&message), EVP_sha256());
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vec signature = vec_hex(cases[i].signature);
        assert_int_equal(vec_verify(key, KP_ALG_ES256K, vec_span(&digest), vec_span(&signature)),
                         cases[i].valid);
    }
    kpc_key_release(key);
}

static const struct {
    uint32_t alg, curve;
    int nid, md_nid;
    size_t coord_len;
} ec_algs[] = {{KP_ALG_ES256, KP_CURVE_P256, NID_X9_62_prime256v1, NID_sha256, 32},
               {KP_ALG_ES256K, KP_CURVE_P256K, NID_secp256k1, NID_sha256, 32},
               {KP_ALG_ES384, KP_CURVE_P384, NID_secp384r1, NID_sha384, 48},
               {KP_ALG_ES512, KP_CURVE_P521, NID_secp521r1, NID_sha512, 66}};

static EC_KEY *ec_apart(const struct kpc_key *key, int nid)
{
    struct kp_key_info info = {0};
    EC_KEY *ec = EC_KEY_new_by_curve_name(nid);
    kpc_key_describe(key, &info);
    BIGNUM *x = BN_bin2bn(info.x.ptr, (int)info.x.len, NULL);
    BIGNUM *y = BN_bin2bn(info.y.ptr, (int)info.y.len, NULL);
    assert_int_equal(EC_KEY_set_public_key_affine_coordinates(ec, x, y), 1);
    BN_free(x);
    BN_free(y);
    return ec;
}

/* Enough signatures that some r or s begins with a zero byte and must be filled up. */
static void es_signatures_are_full_length_and_verify_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct kpc_key *key = vec_new_key(KP_KTY_EC, 0, ec_algs[i].curve);
        EC_KEY *ec = ec_apart(key, ec_algs[i].nid);
        int n = (int)ec_algs[i].coord_len;
        for (int round = 0; round < 600; round++) {
            struct vec digest =
                digest_of(kpb_span(&round, sizeof round), EVP_get_digestbynid(ec_algs[i].md_nid));
            struct vec made;
            assert_int_equal(vec_sign(key, ec_algs[i].alg, vec_span(&digest), &made, NULL), KP_OK);
            assert_int_equal(made.len, 2 * ec_algs[i].coord_len);
            ECDSA_SIG *pair = ECDSA_SIG_new();
            assert_int_equal(
                ECDSA_SIG_set0(pair, BN_bin2bn(made.b, n, NULL), BN_bin2bn(made.b + n, n, NULL)),
                1);
            assert_int_equal(ECDSA_do_verify(digest.b, (int)digest.len, pair, ec), 1);
            ECDSA_SIG_free(pair);
            if (round % 50 == 0)
                assert_true(vec_verify(key, ec_algs[i].alg, vec_span(&digest), vec_span(&made)));
        }
        EC_KEY_free(ec);
        kpc_key_release(key);
    }
}

/* ---- HMAC ---- */

/* RFC 4231 section 4; cases 2, 3 and 5 have keys below what is taken in. Case 6's is above. */
static void hs_published_vectors_match(void **state)
{
    static const struct {
        const char *key, *data, *hs256, *hs384, *hs512;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
         "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
         "faea9ea9076ede7f4af152e8b2fa9cb6",
         "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
         "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "dddddddddddddddddddddddddddddddddddddddddddddddddd"
         "dddddddddddddddddddddddddddddddddddddddddddddddddd",
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
         "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b"
         "2a5ab39dc13814b94e3ab6e101a34f27",
         "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
         "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
        {"0102030405060708090a0b0c0d0e0f10111213141516171819",
         "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
         "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
         "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e"
         "6801dd23c4a7d679ccf8a386c674cffb",
         "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
         "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct vec k = vec_hex(cases[i].key), data = vec_hex(cases[i].data);
        struct kpc_key *key = vec_oct_key(vec_span(&k));
        const char *expected[] = {cases[i].hs256, cases[i].hs384, cases[i].hs512};
        for (uint32_t j = 0; j < 3; j++) {
            struct vec mac = vec_hex(expected[j]), made;
            uint32_t alg = KP_ALG_HS256 + j;
            assert_int_equal(vec_sign(key, alg, vec_span(&data), &made, NULL), KP_OK);
            vec_assert_bytes(vec_span(&made), vec_span(&mac));
            assert_true(vec_verify(key, alg, vec_span(&data), vec_span(&mac)));
            mac.b[mac.len - 1] ^= 1;
            assert_false(vec_verify(key, alg, vec_span(&data), vec_span(&mac)));
        }
        kpc_key_release(key);
    }
}

/* RFC 7515 appendix A.1: here value is the signing input itself, under a 512-bit key. */
static void hs256_jws_example_is_made(void **state)
{
    struct kpc_key *key = vec_key(&vec_oct_rfc7515_a1);
    struct vec expected = vec_b64("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), made;
    kp_span input = kpb_span_str("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC7515_PAYLOAD);
    (void)state;
    assert_int_equal(vec_sign(key, KP_ALG_HS256, input, &made, NULL), KP_OK);
    vec_assert_bytes(vec_span(&made), vec_span(&expected));
    kpc_key_release(key);
}

/* ---- What is refused ---- */

static void sign_digest_of_another_length_is_refused(void **state)
{
    struct kpc_key *rsa = vec_key(&vec_rsa_rfc7515_a2);
    struct kpc_key *ec = vec_key(&vec_ec_rfc7515_a4);
    struct kpc_key *oct = vec_key(&vec_oct_rfc7515_a1);
    uint8_t bytes[300] = {0};
    struct vec made;
    struct kp_error err = {0};
    (void)state;
    vec_assert_failed(vec_sign(rsa, KP_ALG_RS256, kpb_span(bytes, 31), &made, &err), KP_USAGE, &err,
                      "the digest has 31 bytes; RS256 takes 32");
    vec_assert_failed(vec_sign(rsa, KP_ALG_PS384, kpb_span(bytes, 32), &made, &err), KP_USAGE, &err,
                      "the digest has 32 bytes; PS384 takes 48");
    vec_assert_failed(vec_sign(ec, KP_ALG_ES512, kpb_span(bytes, 66), &made, &err), KP_USAGE, &err,
                      "the digest has 66 bytes; ES512 takes 64");
    vec_assert_failed(vec_sign(rsa, KP_ALG_RSNULL, kpb_span(bytes, 246), &made, &err), KP_USAGE,
                      &err, "RSNULL with a 2048-bit key takes at most 245");
    vec_assert_failed(vec_sign(rsa, KP_ALG_RSNULL, kpb_span(NULL, 0), &made, &err), KP_USAGE, &err,
                      "the value to sign with RSNULL is empty");
    vec_assert_failed(vec_sign(oct, KP_ALG_HS256, kpb_span(NULL, 0), &made, &err), KP_USAGE, &err,
                      "the value to sign with HS256 is empty");
    assert_int_equal(made.len, 0);
    kpc_key_release(rsa);
    kpc_key_release(ec);
    kpc_key_release(oct);
}

static void sign_with_a_key_that_does_not_fit_is_refused(void **state)
{
    struct kpc_key *rsa = vec_key(&vec_rsa_rfc7515_a2);
    struct kpc_key *ec = vec_key(&vec_ec_rfc7515_a3);
    uint8_t bytes[64] = {0};
    struct vec made;
    struct kp_error err = {0};
    (void)state;
    vec_assert_failed(vec_sign(ec, KP_ALG_ES256K, kpb_span(bytes, 32), &made, &err), KP_USAGE, &err,
                      "ES256K needs a P-256K key; this one is P-256 with 256 bits");
    vec_assert_failed(vec_sign(ec, KP_ALG_RS256, kpb_span(bytes, 32), &made, &err), KP_USAGE, &err,
                      "RS256 needs an RSA key");
    vec_assert_failed(vec_sign(rsa, KP_ALG_HS512, kpb_span(bytes, 64), &made, &err), KP_USAGE, &err,
                      "HS512 needs an oct key");
    vec_assert_failed(vec_sign(rsa, KP_ALG_RSA_OAEP, kpb_span(bytes, 32), &made, &err), KP_USAGE,
                      &err, "RSA-OAEP does not sign");
    vec_assert_failed(vec_sign(rsa, 77, kpb_span(bytes, 32), &made, &err), KP_USAGE, &err,
                      "algorithm 77");
    kpc_key_release(rsa);
    kpc_key_release(ec);
}

static void sign_with_a_public_key_is_refused_and_verify_works(void **state)
{
    struct kpc_key *key = vec_key(&vec_ec_rfc7515_a3);
    struct kpc_key *open = vec_public_key(&vec_ec_rfc7515_a3);
    uint8_t bytes[32] = {3};
    struct vec made;
    struct kp_error err = {0};
    (void)state;
    vec_assert_failed(vec_sign(open, KP_ALG_ES256, kpb_span(bytes, 32), &made, &err), KP_USAGE,
                      &err, "only its public part");
    assert_int_equal(vec_sign(key, KP_ALG_ES256, kpb_span(bytes, 32), &made, NULL), KP_OK);
    assert_true(vec_verify(open, KP_ALG_ES256, kpb_span(bytes, 32), vec_span(&made)));
    kpc_key_release(key);
    kpc_key_release(open);
}

static void verify_signature_of_another_length_is_refused(void **state)
{
    struct kpc_key *key = vec_key(&vec_ec_rfc7515_a3);
    uint8_t bytes[72] = {0x30};
    bool valid = true;
    struct kp_error err = {0};
    (void)state;
    vec_assert_failed(
        kpc_verify(key, KP_ALG_ES256, kpb_span(bytes, 32), kpb_span(bytes, 71), &valid, &err),
        KP_USAGE, &err, "the signature has 71 bytes; ES256 with this key makes 64");
    assert_false(valid);
    kpc_key_release(key);
}

static void sign_small_output_area_is_refused(void **state)
{
    struct kpc_key *key = vec_key(&vec_ec_rfc7515_a3);
    uint8_t bytes[32] = {0}, area[64];
    struct kpc_out out = {area, 63, 9};
    struct kp_error err = {0};
    (void)state;
    vec_assert_failed(kpc_sign(key, KP_ALG_ES256, kpb_span(bytes, 32), &out, &err), KP_USAGE, &err,
                      "64 are needed");
    assert_int_equal(out.len, 0);
    assert_int_equal(kpc_max_output_len(key, KP_ALG_ES256, KP_OP_SIGN, 32), 64);
    assert_int_equal(kpc_max_output_len(key, KP_ALG_ES256, KP_OP_VERIFY, 32), 0);
    assert_int_equal(kpc_max_output_len(key, KP_ALG_ES384, KP_OP_SIGN, 48), 0);
    kpc_key_release(key);
}

static void verify_any_flipped_bit_is_false_for_every_rsa_algorithm(void **state)
{
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        uint32_t alg = i % 2 ? rsa_algs[i / 2].pss : rsa_algs[i / 2].pkcs1;
        struct vec digest = text_digest("text", EVP_get_digestbynid(rsa_algs[i / 2].nid));
        struct vec made;
        assert_int_equal(vec_sign(key, alg, vec_span(&digest), &made, NULL), KP_OK);
        for (size_t at = 0; at < made.len; at += 15) {
            made.b[at] ^= 0x80;
            assert_false(vec_verify(key, alg, vec_span(&digest), vec_span(&made)));
            made.b[at] ^= 0x80;
        }
        digest.b[0] ^= 1;
        assert_false(vec_verify(key, alg, vec_span(&digest), vec_span(&made)));
    }
    kpc_key_release(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rs256_jws_example_is_made_and_verified),
        cmocka_unit_test(rs_signatures_equal_low_level_openssl),
        cmocka_unit_test(ps_signatures_agree_with_low_level_openssl_both_ways),
        cmocka_unit_test(rsnull_is_bare_type_1_padding),
        cmocka_unit_test(rsnull_over_digestinfo_equals_rs256),
        cmocka_unit_test(es256_jws_example_verifies),
        cmocka_unit_test(es512_jws_example_verifies),
        cmocka_unit_test(es384_deterministic_example_verifies),
        cmocka_unit_test(es256k_published_cases_are_judged_right),
        cmocka_unit_test(es_signatures_are_full_length_and_verify_apart),
        cmocka_unit_test(hs_published_vectors_match),
        cmocka_unit_test(hs256_jws_example_is_made),
        cmocka_unit_test(sign_digest_of_another_length_is_refused),
        cmocka_unit_test(sign_with_a_key_that_does_not_fit_is_refused),
        cmocka_unit_test(sign_with_a_public_key_is_refused_and_verify_works),
        cmocka_unit_test(verify_signature_of_another_length_is_refused),
        cmocka_unit_test(sign_small_output_area_is_refused),
        cmocka_unit_test(verify_any_flipped_bit_is_false_for_every_rsa_algorithm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
