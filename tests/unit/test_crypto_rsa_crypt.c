/* RSA encryption: RFC examples, low-level OpenSSL as the independent party, limits, damage. */
#define OPENSSL_SUPPRESS_DEPRECATED /* the low-level calls are the point */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "crypto/ops.h"
#include "support/vectors_keys.h"

static const uint32_t algs[] = {KP_ALG_RSA1_5, KP_ALG_RSA_OAEP, KP_ALG_RSA_OAEP_256};
static const size_t overheads[] = {11, 42, 66};

/* ---- RFC 7516 appendices A.1 and A.2: the content keys of the examples ---- */

static void rsa_jwe_oaep_example_unwraps(void **state)
{
    struct kpc_key *key = vec_key(&vec_rsa_rfc7516_a1);
    struct vec wrapped = vec_b64("OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe"
                                 "ipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb23nfa6c9d-StnImGyFDb"
                                 "Sv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5XnZAYpQdb76FdIKLaV"
                                 "mqgfwX7XWRxv2322i-vDxRfqNzo_tETKzpVLzfiwQyeyPGLBIO56YJ7eObdv0je8"
                                 "1860ppamavo35UgoRdbYaBcoh9QcfylQr66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi"
                                 "6UklfCpIMfIjf7iGdXKHzg");
    struct vec plain = vec_hex("b1a1f480548fe1733fb403ff6b9ad4f68a076e5b702e22692f82cb2e7aea40fc");
    struct vec_result out;
    struct kpc_input in = {.alg = KP_ALG_RSA_OAEP, .value = vec_span(&wrapped)};
    (void)state;
    assert_int_equal(vec_decrypt(key, &in, &out, NULL), KP_OK);
    vec_assert_bytes(vec_span(&out.value), vec_span(&plain));
    kpc_key_release(key);
}

static void rsa_jwe_pkcs1_example_unwraps(void **state)
{
    struct kpc_key *key = vec_key(&vec_rsa_rfc7516_a2);
    struct vec wrapped = vec_b64("UGhIOguC7IuEvf_NPVaXsGMoLOmwvc1GyqlIKOK1nN94nHPoltGRhWhw7Zx0-kFm"
                                 "1NJn8LE9XShH59_i8J0PH5ZZyNfGy2xGdULU7sHNF6Gp2vPLgNZ__deLKxGHZ7Pc"
                                 "HALUzoOegEI-8E66jX2E4zyJKx-YxzZIItRzC5hlRirb6Y5Cl_p-ko3YvkkysZIF"
                                 "NPccxRU7qve1WYPxqbb2Yw8kZqa2rMWI5ng8OtvzlV7elprCbuPhcCdZ6XDP0_F8"
                                 "rkXds2vE4X-ncOIM8hAYHHi29NX0mcKiRaD0-D-ljQTP-cFPgwCp6X-nZZd9OHBv"
                                 "-B3oWh2TbqmScqXMR4gp_A");
    struct vec plain = vec_hex("04d31fc5549dfcfe0b649dfa3faa6ace6b7cd42d6f6b09dbc8b100f08f9c2ccf");
    struct vec_result out;
    struct kpc_input in = {.alg = KP_ALG_RSA1_5, .value = vec_span(&wrapped)};
    (void)state;
    assert_int_equal(vec_decrypt(key, &in, &out, NULL), KP_OK);
    vec_assert_bytes(vec_span(&out.value), vec_span(&plain));
    kpc_key_release(key);
}

/* ---- The independent party: RSA_* calls over the published numbers ---- */

static RSA *rsa_apart(const struct vec_jwk *jwk)
{
    RSA *rsa = RSA_new();
    assert_int_equal(RSA_set0_key(rsa, BN_bin2bn(jwk->n.b, (int)jwk->n.len, NULL),
                                  BN_bin2bn(jwk->e.b, (int)jwk->e.len, NULL),
                                  BN_bin2bn(jwk->d.b, (int)jwk->d.len, NULL)),
                     1);
    return rsa;
}

static const EVP_MD *md_apart(uint32_t alg)
{
    return alg == KP_ALG_RSA_OAEP ? EVP_sha1() : EVP_sha256();
}

static int unpad_apart(uint32_t alg, const uint8_t *block, uint8_t *out)
{
    const EVP_MD *md = md_apart(alg);
    if (alg == KP_ALG_RSA1_5)
        return RSA_padding_check_PKCS1_type_2(out, 256, block + 1, 255, 256);
    return RSA_padding_check_PKCS1_OAEP_mgf1(out, 256, block + 1, 255, 256, NULL, 0, md, md);
}

static void pad_apart(uint32_t alg, kp_span plain, uint8_t block[256])
{
    const EVP_MD *md = md_apart(alg);
    int ok = alg == KP_ALG_RSA1_5
                 ? RSA_padding_add_PKCS1_type_2(block, 256, plain.ptr, (int)plain.len)
                 : RSA_padding_add_PKCS1_OAEP_mgf1(block, 256, plain.ptr, (int)plain.len, NULL, 0,
                                                   md, md);
    assert_int_equal(ok, 1);
}

static void rsa_encrypt_is_opened_by_low_level_openssl(void **state)
{
    struct vec_jwk jwk;
    struct kpc_key *key = vec_public_key(&vec_rsa_rfc7515_a2);
    uint8_t plain[32], block[256], opened[256];
    (void)state;
    vec_jwk_load(&jwk, &vec_rsa_rfc7515_a2);
    memset(plain, 0xc3, sizeof plain);
    RSA *rsa = rsa_apart(&jwk);
    for (size_t i = 0; i < 3; i++) {
        struct vec_result out;
        struct kpc_input in = {.alg = algs[i], .value = {plain, sizeof plain}};
        assert_int_equal(vec_encrypt(key, &in, &out, NULL), KP_OK);
        assert_int_equal(out.value.len, 256);
        assert_int_equal(RSA_private_decrypt(256, out.value.b, block, rsa, RSA_NO_PADDING), 256);
        assert_int_equal(unpad_apart(algs[i], block, opened), sizeof plain);
        assert_memory_equal(opened, plain, sizeof plain);
    }
    RSA_free(rsa);
    kpc_key_release(key);
}

static void rsa_decrypt_opens_what_low_level_openssl_made(void **state)
{
    struct vec_jwk jwk;
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    uint8_t plain[100], block[256], wrapped[256];
    (void)state;
    vec_jwk_load(&jwk, &vec_rsa_rfc7515_a2);
    memset(plain, 0x3c, sizeof plain);
    RSA *rsa = rsa_apart(&jwk);
    for (size_t i = 0; i < 3; i++) {
        struct vec_result out;
        pad_apart(algs[i], kpb_span(plain, sizeof plain), block);
        assert_int_equal(RSA_public_encrypt(256, block, wrapped, rsa, RSA_NO_PADDING), 256);
        struct kpc_input in = {.alg = algs[i], .value = {wrapped, sizeof wrapped}};
        assert_int_equal(vec_decrypt(key, &in, &out, NULL), KP_OK);
        vec_assert_bytes(vec_span(&out.value), kpb_span(plain, sizeof plain));
    }
    RSA_free(rsa);
    kpc_key_release(key);
}

/* ---- Limits ---- */

static void assert_limits(struct kpc_key *key, size_t k)
{
    uint8_t plain[KPC_RSA_MAX_LEN];
    memset(plain, 0x77, sizeof plain);
    for (size_t i = 0; i < 3; i++) {
        size_t max = k - overheads[i];
        size_t lens[] = {0, 1, 16, 32, max};
        struct vec_result wrapped, opened;
        struct kp_error err = {0};
        struct kpc_input in = {.alg = algs[i], .value = {plain, max + 1}};
        assert_int_equal(kpc_max_output_len(key, algs[i], KP_OP_WRAP, max), k);
        vec_assert_failed(vec_encrypt(key, &in, &wrapped, &err), KP_USAGE, &err, "takes at most");
        for (size_t j = 0; j < 5; j++) {
            in.value = kpb_span(lens[j] ? plain : NULL, lens[j]);
            assert_int_equal(vec_encrypt(key, &in, &wrapped, NULL), KP_OK);
            struct kpc_input back = {.alg = algs[i], .value = vec_span(&wrapped.value)};
            assert_int_equal(vec_decrypt(key, &back, &opened, NULL), KP_OK);
            vec_assert_bytes(vec_span(&opened.value), kpb_span(plain, lens[j]));
        }
    }
}

static void rsa_payload_limits_hold_for_each_size(void **state)
{
    (void)state;
    for (uint32_t bits = 2048; bits <= 4096; bits += 1024) {
        struct kpc_key *key = vec_new_key(KP_KTY_RSA, bits, 0);
        assert_limits(key, bits / 8);
        kpc_key_release(key);
    }
}

static void rsa_limit_sentence_names_algorithm_and_sizes(void **state)
{
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    uint8_t plain[200] = {0};
    struct vec_result out;
    struct kp_error err = {0};
    struct kpc_input in = {.alg = KP_ALG_RSA_OAEP_256, .value = {plain, sizeof plain}};
    (void)state;
    assert_int_equal(vec_encrypt(key, &in, &out, &err), KP_USAGE);
    assert_string_equal(err.text, "the value has 200 bytes; RSA-OAEP-256 with a 2048-bit key takes "
                                  "at most 190");
    assert_int_equal(vec_decrypt(key, &in, &out, &err), KP_USAGE);
    assert_string_equal(err.text,
                        "the value has 200 bytes; RSA-OAEP-256 under a 2048-bit key makes "
                        "256");
    in.aad = kpb_span(plain, 4);
    vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err, "no iv, aad or tag");
    kpc_key_release(key);
}

/* ---- Damage ---- */

static void assert_unreadable(struct kpc_key *key, uint32_t alg, const uint8_t *wrapped)
{
    static const uint8_t zeros[VEC_MAX_LEN];
    struct vec_result out;
    struct kp_error err = {0};
    struct kpc_input in = {.alg = alg, .value = {wrapped, 256}};
    assert_int_equal(vec_decrypt(key, &in, &out, &err), KP_INTEGRITY);
    assert_string_equal(err.text, "the value cannot be recovered: it was altered, or made with "
                                  "another key, version or algorithm");
    assert_int_equal(err.code, 0);
    assert_int_equal(out.r.value.len, 0);
    assert_memory_equal(out.value.b, zeros, sizeof zeros);
}

static void rsa_unwrap_with_another_key_is_integrity(void **state)
{
    struct kpc_key *key = vec_key(&vec_rsa_rfc7516_a1);
    struct kpc_key *other = vec_key(&vec_rsa_rfc7516_a2);
    uint8_t plain[32] = {1};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct vec_result out;
        struct kpc_input in = {.alg = algs[i], .value = {plain, sizeof plain}};
        assert_int_equal(vec_encrypt(key, &in, &out, NULL), KP_OK);
        assert_unreadable(other, algs[i], out.value.b);
        assert_unreadable(key, algs[(i + 1) % 3], out.value.b);
        out.value.b[200] ^= 1;
        assert_unreadable(key, algs[i], out.value.b);
    }
    kpc_key_release(key);
    kpc_key_release(other);
}

/* Each way PKCS #1 v1.5 padding can be wrong ends the same: RFC 8017 section 7.2.2, step 3. */
static void rsa_pkcs1_every_kind_of_bad_padding_answers_alike(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } damages[] = {{0, 1}, {1, 1}, {1, 0}, {2, 0}, {9, 0}};
    struct vec_jwk jwk;
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    uint8_t plain[32] = {5}, block[256], wrapped[256];
    (void)state;
    vec_jwk_load(&jwk, &vec_rsa_rfc7515_a2);
    RSA *rsa = rsa_apart(&jwk);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        pad_apart(KP_ALG_RSA1_5, kpb_span(plain, sizeof plain), block);
        block[damages[i].at] = damages[i].value;
        assert_int_equal(RSA_public_encrypt(256, block, wrapped, rsa, RSA_NO_PADDING), 256);
        assert_unreadable(key, KP_ALG_RSA1_5, wrapped);
    }
    memset(block, 0xff, sizeof block); /* no zero byte that would end the padding */
    block[0] = 0;
    block[1] = 2;
    assert_int_equal(RSA_public_encrypt(256, block, wrapped, rsa, RSA_NO_PADDING), 256);
    assert_unreadable(key, KP_ALG_RSA1_5, wrapped);
    memset(wrapped, 0xff, sizeof wrapped); /* not below the modulus */
    assert_unreadable(key, KP_ALG_RSA1_5, wrapped);
    assert_unreadable(key, KP_ALG_RSA_OAEP_256, wrapped);
    RSA_free(rsa);
    kpc_key_release(key);
}

static void rsa_public_key_wraps_and_refuses_to_unwrap(void **state)
{
    struct kpc_key *key = vec_public_key(&vec_rsa_rfc7515_a2);
    uint8_t plain[32] = {1};
    struct vec_result out;
    struct kp_error err = {0};
    struct kpc_input in = {.alg = KP_ALG_RSA_OAEP_256, .value = {plain, sizeof plain}};
    (void)state;
    assert_int_equal(vec_encrypt(key, &in, &out, NULL), KP_OK);
    in.value = vec_span(&out.value);
    struct vec_result opened;
    vec_assert_failed(vec_decrypt(key, &in, &opened, &err), KP_USAGE, &err, "only its public part");
    kpc_key_release(key);
}

static void crypt_with_a_signing_or_unknown_algorithm_is_refused(void **state)
{
    struct kpc_key *key = vec_public_key(&vec_rsa_rfc7515_a2);
    uint8_t plain[32] = {1};
    struct vec_result out;
    struct kp_error err = {0};
    struct kpc_input in = {.alg = KP_ALG_RS256, .value = {plain, sizeof plain}};
    (void)state;
    vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err, "RS256 signs");
    in.alg = KP_ALG_NONE;
    vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err, "algorithm 0");
    in.alg = KP_ALG_MAX + 1;
    vec_assert_failed(vec_decrypt(key, &in, &out, &err), KP_USAGE, &err, "algorithm 32");
    in.alg = KP_ALG_A256KW;
    vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err,
                      "this one is RSA with 2048 bits");
    kpc_key_release(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_jwe_oaep_example_unwraps),
        cmocka_unit_test(rsa_jwe_pkcs1_example_unwraps),
        cmocka_unit_test(rsa_encrypt_is_opened_by_low_level_openssl),
        cmocka_unit_test(rsa_decrypt_opens_what_low_level_openssl_made),
        cmocka_unit_test(rsa_payload_limits_hold_for_each_size),
        cmocka_unit_test(rsa_limit_sentence_names_algorithm_and_sizes),
        cmocka_unit_test(rsa_unwrap_with_another_key_is_integrity),
        cmocka_unit_test(rsa_pkcs1_every_kind_of_bad_padding_answers_alike),
        cmocka_unit_test(rsa_public_key_wraps_and_refuses_to_unwrap),
        cmocka_unit_test(crypt_with_a_signing_or_unknown_algorithm_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
