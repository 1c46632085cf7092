/* cli/import: private keys from JWK and PEM. */
#include "cli/import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/span.h"

static kp_status read_text(const char *text, struct cli_import *k, struct kp_error *err)
{
    cli_import_init(k);
    kp_error_init(err);
    return cli_import_read(kpb_span_str(text), k, err);
}

static void assert_refused(const char *text, const char *part)
{
    struct cli_import k;
    struct kp_error err;
    const kp_status st = read_text(text, &k, &err);
    cli_import_clear(&k);
    if (st != KP_USAGE || !strstr(err.text, part)) {
        fail_msg("%s gives %s '%s', not '%s'", text, kp_status_text(st), err.text, part);
    }
}

/* ---- JWK ---- */

static void jwk_oct_is_read(void **state)
{
    struct cli_import k;
    struct kp_error err;
    struct kp_key_params params;
    (void)state;
    assert_int_equal(read_text("\r\n {\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODw\","
                               "\"kid\":\"x\",\"key_ops\":[\"wrapKey\",\"unwrapKey\"]}",
                               &k, &err),
                     KP_OK);
    kp_key_params_init(&params);
    cli_import_view(&k, &params);
    assert_int_equal(params.kty, KP_KTY_OCT);
    assert_int_equal(k.key_ops, KP_KEY_OP_WRAP | KP_KEY_OP_UNWRAP);
    assert_int_equal(params.k.len, 16);
    assert_int_equal(params.k.ptr[15], 15);
    assert_true(k.part[CLI_PART_K].secret);
    cli_import_clear(&k);
}

/* The key of RFC 7517 appendix A.2. */
static void jwk_ec_is_read(void **state)
{
    struct cli_import k;
    struct kp_error err;
    (void)state;
    assert_int_equal(
        read_text("{\"kty\":\"EC\",\"crv\":\"P-256\","
                  "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
                  "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\","
                  "\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\",\"use\":\"enc\"}",
                  &k, &err),
        KP_OK);
    assert_int_equal(k.kty, KP_KTY_EC);
    assert_int_equal(k.curve, KP_CURVE_P256);
    assert_int_equal(k.part[CLI_PART_D].len, 32);
    assert_int_equal(k.part[CLI_PART_D].ptr[0], 0xf3);
    assert_int_equal(k.key_ops, 0);
    cli_import_clear(&k);
}

static void jwk_wrong_members_are_named(void **state)
{
    (void)state;
    assert_refused("{", "no JSON object");
    assert_refused("{}", "kty is missing");
    assert_refused("{\"kty\":\"OKP\"}", "kty is missing or none of");
    assert_refused("{\"kty\":\"EC\"}", "crv is missing");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-999\"}", "crv is missing or none of");
    assert_refused("{\"kty\":\"oct\"}", "no private part: k is missing");
    assert_refused("{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"}",
                   "no private part: d is missing");
    assert_refused("{\"kty\":\"oct\",\"k\":1}", "k is no string");
    assert_refused("{\"kty\":\"oct\",\"k\":\"+/\"}", "k is not base64url");
    assert_refused("{\"kty\":\"oct\",\"k\":\"\"}", "k is not base64url");
    assert_refused("{\"kty\":\"oct\",\"k\":\"AA\",\"key_ops\":\"sign\"}", "key_ops is no list");
    assert_refused("{\"kty\":\"oct\",\"k\":\"AA\",\"key_ops\":[\"sing\"]}", "key_ops[0]");
    assert_refused("{\"kty\":\"oct\",\"k\":\"AA\",\"k\":\"AA\"}", "no JSON object");
}

/* What is refused is never quoted: it may be a key. */
static void jwk_refusal_does_not_quote_the_text(void **state)
{
    struct cli_import k;
    struct kp_error err;
    (void)state;
    assert_int_equal(read_text("{\"kty\":\"oct\",\"k\":\"SECRETSECRET", &k, &err), KP_USAGE);
    assert_null(strstr(err.text, "SECRET"));
    cli_import_clear(&k);
    assert_int_equal(read_text("{\"kty\":\"oct\",\"k\":\"SECRET=SECRET\"}", &k, &err), KP_USAGE);
    assert_null(strstr(err.text, "SECRET"));
    cli_import_clear(&k);
}

static void other_text_is_refused(void **state)
{
    (void)state;
    assert_refused("", "neither a JWK nor a PEM");
    assert_refused(" \n", "neither a JWK nor a PEM");
    assert_refused("hello", "neither a JWK nor a PEM");
    assert_refused("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", "no private key");
}

/* ---- PEM ---- */

static void write_pem(EVP_PKEY *pkey, const EVP_CIPHER *cipher, char *to, size_t len)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_non_null(bio);
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, "pass", cipher ? 4 : 0, NULL, NULL), 1);
    const int n = BIO_read(bio, to, (int)len - 1);
    assert_true(n > 0);
    to[n] = '\0';
    BIO_free(bio);
}

static void pem_rsa_is_read_with_its_crt_parts(void **state)
{
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    BIGNUM *p = NULL;
    struct cli_import k;
    struct kp_error err;
    char text[4096];
    uint8_t bytes[256];
    (void)state;
    write_pem(pkey, NULL, text, sizeof text);
    assert_int_equal(read_text(text, &k, &err), KP_OK);
    assert_int_equal(k.kty, KP_KTY_RSA);
    assert_int_equal(k.part[CLI_PART_N].len, 256);
    assert_int_equal(k.part[CLI_PART_E].len, 3);
    assert_int_equal(k.part[CLI_PART_P].len, 128);
    assert_int_equal(EVP_PKEY_get_bn_param(pkey, "rsa-factor1", &p), 1);
    assert_int_equal(BN_bn2bin(p, bytes), 128);
    assert_true(kpb_span_eq(kp_buf_view(&k.part[CLI_PART_P]), kpb_span(bytes, 128)));
    assert_true(k.part[CLI_PART_QI].len > 0);
    BN_clear_free(p);
    cli_import_clear(&k);
    EVP_PKEY_free(pkey);
}

static void pem_ec_is_read_padded_to_its_curve(void **state)
{
    static const struct {
        const char *group;
        uint32_t curve;
        size_t len;
    } curves[] = {{"prime256v1", KP_CURVE_P256, 32},
                  {"secp256k1", KP_CURVE_P256K, 32},
                  {"secp384r1", KP_CURVE_P384, 48},
                  {"secp521r1", KP_CURVE_P521, 66}};
    (void)state;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        EVP_PKEY *pkey = EVP_EC_gen(curves[i].group);
        struct cli_import k;
        struct kp_error err;
        char text[4096];
        write_pem(pkey, NULL, text, sizeof text);
        assert_int_equal(read_text(text, &k, &err), KP_OK);
        assert_int_equal(k.curve, curves[i].curve);
        assert_int_equal(k.part[CLI_PART_X].len, curves[i].len);
        assert_int_equal(k.part[CLI_PART_Y].len, curves[i].len);
        assert_int_equal(k.part[CLI_PART_D].len, curves[i].len);
        cli_import_clear(&k);
        EVP_PKEY_free(pkey);
    }
}

static void pem_that_is_encrypted_or_odd_is_refused(void **state)
{
    EVP_PKEY *ec = EVP_EC_gen("prime256v1");
    EVP_PKEY *odd = EVP_EC_gen("brainpoolP256r1");
    EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    char text[4096];
    (void)state;
    write_pem(ec, EVP_aes_256_cbc(), text, sizeof text);
    assert_refused(text, "is encrypted");
    write_pem(odd, NULL, text, sizeof text);
    assert_refused(text, "curve is none of");
    write_pem(ed, NULL, text, sizeof text);
    assert_refused(text, "neither RSA nor EC");
    EVP_PKEY_free(ec);
    EVP_PKEY_free(odd);
    EVP_PKEY_free(ed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jwk_oct_is_read),
        cmocka_unit_test(jwk_ec_is_read),
        cmocka_unit_test(jwk_wrong_members_are_named),
        cmocka_unit_test(jwk_refusal_does_not_quote_the_text),
        cmocka_unit_test(other_text_is_refused),
        cmocka_unit_test(pem_rsa_is_read_with_its_crt_parts),
        cmocka_unit_test(pem_ec_is_read_padded_to_its_curve),
        cmocka_unit_test(pem_that_is_encrypted_or_odd_is_refused),
    };
    return cmocka_run_group_tests_name("cli_import", tests, NULL, NULL);
}
