/* AES key wrap, GCM and CBC against published vectors, and every malformed size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "crypto/ops.h"
#include "support/vectors_keys.h"

static struct kpc_key *hex_key(const char *digits)
{
    struct vec k = vec_hex(digits);
    return vec_oct_key(vec_span(&k));
}

/* ---- Key wrap ---- */

struct wrap_vector {
    uint32_t alg;
    const char *kek;
    const char *plain;
    const char *wrapped;
};

#define KEK_256 "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
#define DATA_256 "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F"

static const struct wrap_vector wrap_vectors[] = {
    /* RFC 3394 sections 4.1 to 4.6 */
    {KP_ALG_A128KW, "000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF",
     "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5"},
    {KP_ALG_A192KW, "000102030405060708090A0B0C0D0E0F1011121314151617",
     "00112233445566778899AABBCCDDEEFF", "96778B25AE6CA435F92B5B97C050AED2468AB8A17AD84E5D"},
    {KP_ALG_A256KW, KEK_256, "00112233445566778899AABBCCDDEEFF",
     "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7"},
    {KP_ALG_A192KW, "000102030405060708090A0B0C0D0E0F1011121314151617",
     "00112233445566778899AABBCCDDEEFF0001020304050607",
     "031D33264E15D33268F24EC260743EDCE1C6C7DDEE725A936BA814915C6762D2"},
    {KP_ALG_A256KW, KEK_256, "00112233445566778899AABBCCDDEEFF0001020304050607",
     "A8F9BC1612C68B3FF6E6F4FBE30E71E4769C8B80A32CB8958CD5D17D6B254DA1"},
    {KP_ALG_CKM_AES_KEY_WRAP, KEK_256, DATA_256,
     "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"},
    /* RFC 5649 section 6 */
    {KP_ALG_CKM_AES_KEY_WRAP_PAD, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8",
     "c37b7e6492584340bed12207808941155068f738",
     "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"},
    {KP_ALG_CKM_AES_KEY_WRAP_PAD, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8",
     "466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"},
};
#define N_WRAP_VECTORS (sizeof wrap_vectors / sizeof wrap_vectors[0])

static void aes_wrap_published_vectors_match_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_WRAP_VECTORS; i++) {
        const struct wrap_vector *v = &wrap_vectors[i];
        struct kpc_key *key = hex_key(v->kek);
        struct vec plain = vec_hex(v->plain), wrapped = vec_hex(v->wrapped);
        struct vec_result out;
        struct kpc_input in = {.alg = v->alg, .value = vec_span(&plain)};
        assert_int_equal(vec_encrypt(key, &in, &out, NULL), KP_OK);
        vec_assert_bytes(vec_span(&out.value), vec_span(&wrapped));
        in.value = vec_span(&wrapped);
        assert_int_equal(vec_decrypt(key, &in, &out, NULL), KP_OK);
        vec_assert_bytes(vec_span(&out.value), vec_span(&plain));
        kpc_key_release(key);
    }
}

/* RFC 7516 appendix A.3: the content key of the example under A128KW. */
static void aes_wrap_jwe_example_unwraps(void **state)
{
    struct kpc_key *key = vec_key(&vec_oct_rfc7516_a3);
    struct vec wrapped = vec_b64("6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ");
    struct vec plain = vec_hex("04d31fc5549dfcfe0b649dfa3faa6ace6b7cd42d6f6b09dbc8b100f08f9c2ccf");
    struct vec_result out;
    struct kpc_input in = {.alg = KP_ALG_A128KW, .value = vec_span(&wrapped)};
    (void)state;
    assert_int_equal(vec_decrypt(key, &in, &out, NULL), KP_OK);
    vec_assert_bytes(vec_span(&out.value), vec_span(&plain));
    kpc_key_release(key);
}

static void aes_wrap_every_flipped_bit_is_integrity(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_WRAP_VECTORS; i++) {
        const struct wrap_vector *v = &wrap_vectors[i];
        struct kpc_key *key = hex_key(v->kek);
        struct vec wrapped = vec_hex(v->wrapped);
        struct vec_result out;
        struct kpc_input in = {.alg = v->alg, .value = vec_span(&wrapped)};
        for (size_t bit = 0; bit < wrapped.len * 8; bit++) {
            struct kp_error err = {0};
            wrapped.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
            vec_assert_failed(vec_decrypt(key, &in, &out, &err), KP_INTEGRITY, &err,
                              "cannot be recovered");
            assert_int_equal(out.value.len, 0);
            wrapped.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        kpc_key_release(key);
    }
}

static void aes_wrap_padded_every_length_round_trips(void **state)
{
    struct kpc_key *key = hex_key(KEK_256);
    uint8_t bytes[100];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t len = 1; len <= sizeof bytes; len++) {
        struct vec_result wrapped, plain;
        struct kpc_input in = {.alg = KP_ALG_CKM_AES_KEY_WRAP_PAD, .value = {bytes, len}};
        assert_int_equal(vec_encrypt(key, &in, &wrapped, NULL), KP_OK);
        assert_int_equal(wrapped.value.len, (len + 7) / 8 * 8 + 8);
        assert_int_equal(wrapped.value.len, kpc_max_output_len(key, in.alg, KP_OP_WRAP, len));
        in.value = vec_span(&wrapped.value);
        assert_int_equal(vec_decrypt(key, &in, &plain, NULL), KP_OK);
        vec_assert_bytes(vec_span(&plain.value), kpb_span(bytes, len));
    }
    kpc_key_release(key);
}

static void aes_wrap_wrong_sizes_are_refused(void **state)
{
    static const size_t bad_plain[] = {0, 8, 15, 17, 31}, bad_wrapped[] = {0, 16, 23, 25, 33};
    struct kpc_key *key = hex_key(KEK_256);
    uint8_t bytes[64] = {0};
    struct vec_result out;
    struct kp_error err = {0};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct kpc_input in = {.alg = KP_ALG_A256KW, .value = {bytes, bad_plain[i]}};
        vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err,
                          "A256KW takes a multiple of 8 from 16 on");
        in.value.len = bad_wrapped[i];
        vec_assert_failed(vec_decrypt(key, &in, &out, &err), KP_USAGE, &err,
                          "A256KW makes a multiple of 8 from 24 on");
    }
    struct kpc_input in = {.alg = KP_ALG_CKM_AES_KEY_WRAP_PAD, .value = {bytes, 0}};
    vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err, "empty");
    in.value.len = 8;
    vec_assert_failed(vec_decrypt(key, &in, &out, &err), KP_USAGE, &err, "from 16 on");
    in.alg = KP_ALG_A256KW;
    in.value.len = 16;
    in.iv = kpb_span(bytes, 16);
    vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err, "no iv, aad or tag");
    kpc_key_release(key);
}

/* ---- GCM ---- */

struct gcm_vector {
    uint32_t alg;
    const char *key, *iv, *aad, *plain, *cipher, *tag;
};

#define GCM_PLAIN                                                                                  \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                             \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_IV "cafebabefacedbaddecaf888"

/* The GCM submission to NIST, appendix B, test cases 1, 2, 4, 10 and 16. */
static const struct gcm_vector gcm_vectors[] = {
    {KP_ALG_A128GCM, "00000000000000000000000000000000", "000000000000000000000000", "", "", "",
     "58e2fccefa7e3061367f1d57a4e7455a"},
    {KP_ALG_A128GCM, "00000000000000000000000000000000", "000000000000000000000000", "",
     "00000000000000000000000000000000", "0388dace60b6a392f328c2b971b2fe78",
     "ab6e47d42cec13bdf53a67b21257bddf"},
    {KP_ALG_A128GCM, "feffe9928665731c6d6a8f9467308308", GCM_IV, GCM_AAD, GCM_PLAIN,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {KP_ALG_A192GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c", GCM_IV, GCM_AAD, GCM_PLAIN,
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c"
     "7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710",
     "2519498e80f1478f37ba55bd6d27618c"},
    {KP_ALG_A256GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", GCM_IV,
     GCM_AAD, GCM_PLAIN,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};
#define N_GCM_VECTORS (sizeof gcm_vectors / sizeof gcm_vectors[0])

static void gcm_decrypt_published_vectors_match(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_GCM_VECTORS; i++) {
        const struct gcm_vector *v = &gcm_vectors[i];
        struct kpc_key *key = hex_key(v->key);
        struct vec iv = vec_hex(v->iv), aad = vec_hex(v->aad), tag = vec_hex(v->tag);
        struct vec cipher = vec_hex(v->cipher), plain = vec_hex(v->plain);
        struct vec_result out;
        struct kpc_input in = {v->alg, vec_span(&cipher), vec_span(&iv), vec_span(&aad),
                               vec_span(&tag)};
        assert_int_equal(vec_decrypt(key, &in, &out, NULL), KP_OK);
        vec_assert_bytes(vec_span(&out.value), vec_span(&plain));
        vec_assert_bytes(kpb_span(out.r.iv, out.r.iv_len), vec_span(&iv));
        kpc_key_release(key);
    }
}

/* GCM with a given IV, by OpenSSL alone. */
static void encrypt_gcm_apart(const struct vec *k, const uint8_t *iv, const struct vec *aad,
                              const struct vec *plain, uint8_t *cipher, uint8_t *tag)
{
    int len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *kind = k->len == 16   ? EVP_aes_128_gcm()
                             : k->len == 24 ? EVP_aes_192_gcm()
                                            : EVP_aes_256_gcm();
    assert_int_equal(EVP_EncryptInit_ex(ctx, kind, NULL, k->b, iv), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &len, aad->b, (int)aad->len), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, cipher, &len, plain->b, (int)plain->len), 1);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, cipher + len, &len), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, tag), 1);
    EVP_CIPHER_CTX_free(ctx);
}

static void gcm_encrypt_agrees_with_openssl_under_the_iv_it_made(void **state)
{
    (void)state;
    for (size_t i = 2; i < N_GCM_VECTORS; i++) {
        const struct gcm_vector *v = &gcm_vectors[i];
        struct kpc_key *key = hex_key(v->key);
        struct vec k = vec_hex(v->key), aad = vec_hex(v->aad), plain = vec_hex(v->plain);
        struct vec_result one, two;
        uint8_t cipher[128], tag[16];
        struct kpc_input in = {.alg = v->alg, .value = vec_span(&plain), .aad = vec_span(&aad)};
        assert_int_equal(vec_encrypt(key, &in, &one, NULL), KP_OK);
        assert_int_equal(vec_encrypt(key, &in, &two, NULL), KP_OK);
        assert_int_equal(one.r.iv_len, 12);
        assert_int_equal(one.r.tag_len, 16);
        assert_memory_not_equal(one.r.iv, two.r.iv, 12);
        encrypt_gcm_apart(&k, one.r.iv, &aad, &plain, cipher, tag);
        vec_assert_bytes(vec_span(&one.value), kpb_span(cipher, plain.len));
        assert_memory_equal(one.r.tag, tag, 16);
        kpc_key_release(key);
    }
}

static void gcm_decrypt_any_alteration_is_integrity_and_leaves_nothing(void **state)
{
    const struct gcm_vector *v = &gcm_vectors[4];
    struct kpc_key *key = hex_key(v->key);
    struct vec iv = vec_hex(v->iv), aad = vec_hex(v->aad), tag = vec_hex(v->tag);
    struct vec cipher = vec_hex(v->cipher);
    struct vec *parts[] = {&iv, &aad, &tag, &cipher};
    static const uint8_t zeros[VEC_MAX_LEN];
    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t at = 0; at < parts[i]->len; at++) {
            struct vec_result out;
            struct kp_error err = {0};
            struct kpc_input in = {v->alg, vec_span(&cipher), vec_span(&iv), vec_span(&aad),
                                   vec_span(&tag)};
            parts[i]->b[at] ^= 0x40;
            vec_assert_failed(vec_decrypt(key, &in, &out, &err), KP_INTEGRITY, &err,
                              "cannot be recovered");
            assert_memory_equal(out.value.b, zeros, sizeof zeros);
            parts[i]->b[at] ^= 0x40;
        }
    kpc_key_release(key);
}

static void gcm_wrong_members_are_refused(void **state)
{
    struct kpc_key *key = hex_key(KEK_256);
    uint8_t bytes[32] = {0};
    struct vec_result out;
    struct kp_error err = {0};
    struct kpc_input in = {.alg = KP_ALG_A256GCM, .value = {bytes, 16}};
    (void)state;
    in.iv = kpb_span(bytes, 12);
    vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err, "makes its iv itself");
    in.tag = kpb_span(bytes, 16);
    in.iv.len = 0;
    vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err, "makes the tag");
    vec_assert_failed(vec_decrypt(key, &in, &out, &err), KP_USAGE, &err, "the iv has 0 bytes");
    in.iv = kpb_span(bytes, 16);
    vec_assert_failed(vec_decrypt(key, &in, &out, &err), KP_USAGE, &err, "the iv has 16 bytes");
    in.iv.len = 12;
    in.tag.len = 15;
    vec_assert_failed(vec_decrypt(key, &in, &out, &err), KP_USAGE, &err, "the tag has 15 bytes");
    kpc_key_release(key);
}

/* ---- CBC ---- */

#define CBC_IV "000102030405060708090a0b0c0d0e0f"
#define CBC_PLAIN                                                                                  \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                             \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

/* NIST SP 800-38A appendix F.2 */
static const struct {
    uint32_t alg;
    const char *key;
    const char *cipher;
} cbc_vectors[] = {
    {KP_ALG_A128CBC, "2b7e151628aed2a6abf7158809cf4f3c",
     "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
     "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
    {KP_ALG_A192CBC, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
     "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
     "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"},
    {KP_ALG_A256CBC, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
     "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
};

static void cbc_published_vectors_match_both_ways(void **state)
{
    struct vec iv = vec_hex(CBC_IV), plain = vec_hex(CBC_PLAIN);
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct kpc_key *key = hex_key(cbc_vectors[i].key);
        struct vec cipher = vec_hex(cbc_vectors[i].cipher);
        struct vec_result out;
        struct kpc_input in = {.alg = cbc_vectors[i].alg, .value = vec_span(&plain)};
        in.iv = vec_span(&iv);
        assert_int_equal(vec_encrypt(key, &in, &out, NULL), KP_OK);
        vec_assert_bytes(vec_span(&out.value), vec_span(&cipher));
        vec_assert_bytes(kpb_span(out.r.iv, out.r.iv_len), vec_span(&iv));
        in.value = vec_span(&cipher);
        assert_int_equal(vec_decrypt(key, &in, &out, NULL), KP_OK);
        vec_assert_bytes(vec_span(&out.value), vec_span(&plain));
        kpc_key_release(key);
    }
}

static void cbc_odd_value_is_filled_with_zeros_that_stay(void **state)
{
    struct kpc_key *key = hex_key(KEK_256);
    uint8_t bytes[48];
    uint8_t iv[16] = {9};
    (void)state;
    memset(bytes, 0xee, sizeof bytes);
    for (size_t len = 1; len <= sizeof bytes; len++) {
        struct vec_result cipher, plain;
        uint8_t expected[48] = {0};
        struct kpc_input in = {.alg = KP_ALG_A256CBC, .value = {bytes, len}, .iv = {iv, 16}};
        /* the aad is ignored, as the service ignores it */
        in.aad = kpb_span(iv, len % 2 ? 4 : 0);
        assert_int_equal(vec_encrypt(key, &in, &cipher, NULL), KP_OK);
        assert_int_equal(cipher.value.len, (len + 15) / 16 * 16);
        assert_int_equal(cipher.value.len, kpc_max_output_len(key, in.alg, KP_OP_ENCRYPT, len));
        in.value = vec_span(&cipher.value);
        assert_int_equal(vec_decrypt(key, &in, &plain, NULL), KP_OK);
        memcpy(expected, bytes, len);
        vec_assert_bytes(vec_span(&plain.value), kpb_span(expected, cipher.value.len));
    }
    kpc_key_release(key);
}

static void cbcpad_every_length_round_trips(void **state)
{
    static const uint32_t algs[] = {KP_ALG_A128CBCPAD, KP_ALG_A192CBCPAD, KP_ALG_A256CBCPAD};
    uint8_t bytes[64];
    uint8_t iv[16] = {9};
    (void)state;
    memset(bytes, 0x10, sizeof bytes);
    for (size_t i = 0; i < 3; i++) {
        struct kpc_key *key = vec_new_key(KP_KTY_OCT, 128 + 64 * (uint32_t)i, 0);
        for (size_t len = 0; len <= sizeof bytes; len++) {
            struct vec_result cipher, plain;
            struct kpc_input in = {.alg = algs[i], .value = {bytes, len}, .iv = {iv, 16}};
            assert_int_equal(vec_encrypt(key, &in, &cipher, NULL), KP_OK);
            assert_int_equal(cipher.value.len, len / 16 * 16 + 16);
            assert_int_equal(cipher.value.len, kpc_max_output_len(key, in.alg, KP_OP_ENCRYPT, len));
            in.value = vec_span(&cipher.value);
            assert_int_equal(vec_decrypt(key, &in, &plain, NULL), KP_OK);
            vec_assert_bytes(vec_span(&plain.value), kpb_span(bytes, len));
        }
        kpc_key_release(key);
    }
}

static void cbcpad_broken_padding_is_integrity(void **state)
{
    struct kpc_key *key = hex_key(KEK_256);
    uint8_t bytes[20] = {1};
    uint8_t iv[16] = {0};
    struct vec_result cipher, plain;
    struct kp_error err = {0};
    struct kpc_input in = {.alg = KP_ALG_A256CBCPAD, .value = {bytes, 20}, .iv = {iv, 16}};
    (void)state;
    assert_int_equal(vec_encrypt(key, &in, &cipher, NULL), KP_OK);
    in.value = vec_span(&cipher.value);
    cipher.value.b[15] ^= 0x10; /* turns the last padding byte 0c into 1c */
    vec_assert_failed(vec_decrypt(key, &in, &plain, &err), KP_INTEGRITY, &err,
                      "cannot be recovered");
    assert_int_equal(plain.value.len, 0);
    kpc_key_release(key);
}

static void cbc_wrong_members_are_refused(void **state)
{
    struct kpc_key *key = hex_key(KEK_256);
    uint8_t bytes[32] = {0};
    struct vec_result out;
    struct kp_error err = {0};
    struct kpc_input in = {.alg = KP_ALG_A256CBC, .value = {bytes, 16}};
    (void)state;
    vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err, "the iv has 0 bytes");
    in.iv = kpb_span(bytes, 12);
    vec_assert_failed(vec_decrypt(key, &in, &out, &err), KP_USAGE, &err, "the iv has 12 bytes");
    in.iv.len = 16;
    in.value.len = 0;
    vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err, "empty");
    vec_assert_failed(vec_decrypt(key, &in, &out, &err), KP_USAGE, &err, "multiple of 16");
    in.value.len = 17;
    vec_assert_failed(vec_decrypt(key, &in, &out, &err), KP_USAGE, &err, "has 17 bytes");
    in.value.len = 16;
    in.tag = kpb_span(bytes, 16);
    vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err, "takes no tag");
    kpc_key_release(key);
}

/* ---- All of them ---- */

static void aes_key_of_another_size_or_type_is_refused(void **state)
{
    struct kpc_key *key128 = vec_new_key(KP_KTY_OCT, 128, 0);
    struct kpc_key *key512 = vec_key(&vec_oct_rfc7515_a1);
    struct kpc_key *ec = vec_new_key(KP_KTY_EC, 0, KP_CURVE_P384);
    uint8_t bytes[16] = {0};
    struct vec_result out;
    struct kp_error err = {0};
    struct kpc_input in = {.alg = KP_ALG_A256KW, .value = {bytes, 16}};
    (void)state;
    vec_assert_failed(vec_encrypt(key128, &in, &out, &err), KP_USAGE, &err,
                      "A256KW needs a 256-bit oct key; this one is oct with 128 bits");
    vec_assert_failed(vec_decrypt(ec, &in, &out, &err), KP_USAGE, &err,
                      "this one is P-384 with 384 bits");
    in.alg = KP_ALG_A192GCM;
    vec_assert_failed(vec_encrypt(key128, &in, &out, &err), KP_USAGE, &err, "192-bit oct key");
    in.alg = KP_ALG_CKM_AES_KEY_WRAP;
    vec_assert_failed(vec_encrypt(key512, &in, &out, &err), KP_USAGE, &err,
                      "a 128, 192 or 256-bit oct key; this one is oct with 512 bits");
    kpc_key_release(key128);
    kpc_key_release(key512);
    kpc_key_release(ec);
}

static void crypt_small_output_area_is_refused_and_untouched(void **state)
{
    struct kpc_key *key = hex_key(KEK_256);
    uint8_t bytes[16] = {0}, area[24], before[24];
    struct kp_error err = {0};
    struct kpc_input in = {.alg = KP_ALG_A256KW, .value = {bytes, 16}};
    struct kpc_result out = {.value = {area, 23, 5}};
    (void)state;
    memset(area, 0x5a, sizeof area);
    memset(before, 0x5a, sizeof before);
    vec_assert_failed(kpc_encrypt(key, &in, &out, &err), KP_USAGE, &err, "24 are needed");
    assert_memory_equal(area, before, sizeof area);
    assert_int_equal(out.value.len, 0);
    out.value.cap = 24;
    assert_int_equal(kpc_encrypt(key, &in, &out, NULL), KP_OK);
    assert_int_equal(out.value.len, 24);
    kpc_key_release(key);
}

static void crypt_oversized_payload_is_refused(void **state)
{
    struct kpc_key *key = hex_key(KEK_256);
    struct vec_result out;
    struct kp_error err = {0};
    uint8_t *big = calloc(1, KP_PAYLOAD_MAX_LEN + 1);
    struct kpc_input in = {.alg = KP_ALG_A256GCM, .value = {big, KP_PAYLOAD_MAX_LEN + 1}};
    (void)state;
    vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err, "the value has 1048577");
    in.aad = in.value;
    in.value.len = 1;
    vec_assert_failed(vec_encrypt(key, &in, &out, &err), KP_USAGE, &err, "the aad has 1048577");
    free(big);
    kpc_key_release(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes_wrap_published_vectors_match_both_ways),
        cmocka_unit_test(aes_wrap_jwe_example_unwraps),
        cmocka_unit_test(aes_wrap_every_flipped_bit_is_integrity),
        cmocka_unit_test(aes_wrap_padded_every_length_round_trips),
        cmocka_unit_test(aes_wrap_wrong_sizes_are_refused),
        cmocka_unit_test(gcm_decrypt_published_vectors_match),
        cmocka_unit_test(gcm_encrypt_agrees_with_openssl_under_the_iv_it_made),
        cmocka_unit_test(gcm_decrypt_any_alteration_is_integrity_and_leaves_nothing),
        cmocka_unit_test(gcm_wrong_members_are_refused),
        cmocka_unit_test(cbc_published_vectors_match_both_ways),
        cmocka_unit_test(cbc_odd_value_is_filled_with_zeros_that_stay),
        cmocka_unit_test(cbcpad_every_length_round_trips),
        cmocka_unit_test(cbcpad_broken_padding_is_integrity),
        cmocka_unit_test(cbc_wrong_members_are_refused),
        cmocka_unit_test(aes_key_of_another_size_or_type_is_refused),
        cmocka_unit_test(crypt_small_output_area_is_refused_and_untouched),
        cmocka_unit_test(crypt_oversized_payload_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
