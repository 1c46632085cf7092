/* Client assertions, verified by OpenSSL with nothing but the certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/encode.h"
#include "base/span.h"
#include "plugins/azure-rest/assertion.h"
#include "plugins/azure-rest/token_request.h"
#include "support/credentials.h"
#include "support/failing_heap.h"

#define CLIENT "0123abcd-4567-89ab-cdef-0123456789ab"
#define AUDIENCE "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token"
#define NOW 1750000000

static struct azr_credential credential;

static int make_credential(void **state)
{
    const struct credentials_pfx how = {"pass", 0, 0, 2048, 2048, 0, 0, -1};
    (void)state;
    credentials_setup();
    return azr_credential_from_pfx(credentials_pfx(&how), kpb_span_str("pass"), &credential,
                                   NULL) == KP_OK
               ? 0
               : -1;
}

static int drop_credential(void **state)
{
    (void)state;
    azr_credential_clear(&credential);
    return 0;
}

static struct azr_assertion input_of(uint32_t alg)
{
    struct azr_assertion in = {.alg = alg,
                               .client_id = kpb_span_str(CLIENT),
                               .audience = kpb_span_str(AUDIENCE),
                               .now_unix_s = NOW};
    for (size_t i = 0; i < AZR_JTI_LEN; i++)
        in.jti[i] = (uint8_t)(0xf0 + i);
    return in;
}

/* The i-th of the three parts. */
static kp_span part(const kp_buf *jwt, int i)
{
    const uint8_t *from = jwt->ptr;
    const uint8_t *end = jwt->ptr + jwt->len;
    for (; i > 0; i--)
        from = (const uint8_t *)memchr(from, '.', (size_t)(end - from)) + 1;
    const uint8_t *dot = memchr(from, '.', (size_t)(end - from));
    return kpb_span(from, (size_t)((dot ? dot : end) - from));
}

static json_t *json_part(const kp_buf *jwt, int i)
{
    kp_buf text;
    kp_buf_init(&text, "test", 4096);
    assert_int_equal(kpb_base64url_decode(part(jwt, i), &text), KP_OK);
    json_t *value = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(value);
    kp_buf_clear(&text);
    return value;
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* OpenSSL, the certificate's public key, the salt length demanded and not guessed. */
static bool is_signed(const kp_buf *jwt, bool is_pss, const X509 *cert)
{
    kp_buf signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key = NULL;
    kp_span last = part(jwt, 2);
    kp_buf_init(&signature, "test", 1024);
    assert_int_equal(kpb_base64url_decode(last, &signature), KP_OK);
    assert_int_equal(EVP_DigestVerifyInit(ctx, &key, EVP_sha256(), NULL, X509_get0_pubkey(cert)),
                     1);
    if (is_pss) {
        assert_true(EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_mgf1_md(key, EVP_sha256()) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(key, 32) > 0);
    }
    bool ok = EVP_DigestVerify(ctx, signature.ptr, signature.len, jwt->ptr,
                               (size_t)(last.ptr - 1 - jwt->ptr)) == 1;
    EVP_MD_CTX_free(ctx);
    kp_buf_clear(&signature);
    return ok;
}

static void assert_thumbprint(const json_t *header, const char *name, const EVP_MD *md)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    kp_buf text;
    kp_buf_init(&text, "test", 128);
    assert_int_equal(X509_digest(credentials_cert(0), md, digest, &n), 1);
    assert_int_equal(kpb_base64url_encode(kpb_span(digest, n), &text), KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&text), member(header, name)));
    kp_buf_clear(&text);
}

static void assert_payload(const kp_buf *jwt)
{
    json_t *payload = json_part(jwt, 1);
    assert_int_equal(json_object_size(payload), 7);
    assert_string_equal(member(payload, "aud"), AUDIENCE);
    assert_string_equal(member(payload, "iss"), CLIENT);
    assert_string_equal(member(payload, "sub"), CLIENT);
    assert_string_equal(member(payload, "jti"), "f0f1f2f3-f4f5-46f7-b8f9-fafbfcfdfeff");
    assert_int_equal(json_integer_value(json_object_get(payload, "nbf")), NOW);
    assert_int_equal(json_integer_value(json_object_get(payload, "iat")), NOW);
    assert_int_equal(json_integer_value(json_object_get(payload, "exp")), NOW + 600);
    json_decref(payload);
}

static void ps256_with_x5t_s256_verifies(void **state)
{
    struct azr_assertion in = input_of(AZR_ASSERTION_PS256);
    kp_buf jwt;
    (void)state;
    assert_int_equal(azr_assertion_make(&credential, &in, &jwt, NULL), KP_OK);
    assert_true(jwt.secret);
    json_t *header = json_part(&jwt, 0);
    assert_int_equal(json_object_size(header), 3);
    assert_string_equal(member(header, "alg"), "PS256");
    assert_string_equal(member(header, "typ"), "JWT");
    assert_thumbprint(header, "x5t#S256", EVP_sha256());
    assert_payload(&jwt);
    assert_true(is_signed(&jwt, true, credentials_cert(0)));
    assert_false(is_signed(&jwt, false, credentials_cert(0)));
    assert_false(is_signed(&jwt, true, credentials_cert(1)));
    jwt.ptr[5] ^= 1;
    assert_false(is_signed(&jwt, true, credentials_cert(0)));
    json_decref(header);
    kp_buf_clear(&jwt);
}

static void rs256_with_x5t_verifies(void **state)
{
    struct azr_assertion in = input_of(AZR_ASSERTION_RS256);
    kp_buf jwt;
    (void)state;
    assert_int_equal(azr_assertion_make(&credential, &in, &jwt, NULL), KP_OK);
    json_t *header = json_part(&jwt, 0);
    assert_int_equal(json_object_size(header), 3);
    assert_string_equal(member(header, "alg"), "RS256");
    assert_thumbprint(header, "x5t", EVP_sha1());
    assert_payload(&jwt);
    assert_true(is_signed(&jwt, false, credentials_cert(0)));
    json_decref(header);
    kp_buf_clear(&jwt);
}

static void the_thumbprint_that_is_known_is_named(void **state)
{
    struct azr_credential only_sha1 = credential;
    struct azr_credential only_sha256 = credential;
    struct azr_assertion ps = input_of(AZR_ASSERTION_PS256);
    struct azr_assertion rs = input_of(AZR_ASSERTION_RS256);
    kp_buf jwt;
    (void)state;
    only_sha1.has_x5t_s256 = false;
    only_sha256.has_x5t = false;
    assert_int_equal(azr_assertion_make(&only_sha1, &ps, &jwt, NULL), KP_OK);
    json_t *header = json_part(&jwt, 0);
    assert_thumbprint(header, "x5t", EVP_sha1());
    assert_true(is_signed(&jwt, true, credentials_cert(0)));
    json_decref(header);
    kp_buf_clear(&jwt);
    assert_int_equal(azr_assertion_make(&only_sha256, &rs, &jwt, NULL), KP_OK);
    header = json_part(&jwt, 0);
    assert_thumbprint(header, "x5t#S256", EVP_sha256());
    json_decref(header);
    kp_buf_clear(&jwt);
}

static void an_assertion_makes_a_body(void **state)
{
    const struct azr_target target = {.login = "login.microsoftonline.com",
                                      .tenant = "contoso.com",
                                      .resource = "https://vault.azure.net"};
    const struct azr_grant grant = {.target = &target, .client_id = kpb_span_str(CLIENT)};
    struct azr_assertion in = input_of(AZR_ASSERTION_PS256);
    kp_buf jwt, body;
    (void)state;
    assert_int_equal(azr_assertion_make(&credential, &in, &jwt, NULL), KP_OK);
    assert_int_equal(
        azr_token_body(&grant, azr_proof_of(credential.container), kp_buf_view(&jwt), &body, NULL),
        KP_OK);
    kp_buf_clear(&jwt);
    kp_buf_clear(&body);
}

static void each_missing_part_has_its_number(void **state)
{
    struct azr_credential no_print = credential;
    struct azr_credential no_key = credential;
    struct azr_assertion good = input_of(AZR_ASSERTION_PS256);
    struct azr_assertion bad[4];
    struct kp_error err;
    kp_buf jwt;
    (void)state;
    no_print.has_x5t = no_print.has_x5t_s256 = false;
    no_key.key = NULL;
    assert_int_equal(azr_assertion_make(&no_print, &good, &jwt, &err), KP_INTERNAL);
    assert_int_equal(err.code, 3801);
    kp_buf_clear(&jwt);
    assert_int_equal(azr_assertion_make(&no_key, &good, &jwt, &err), KP_AUTH);
    assert_int_equal(err.code, 3807);
    kp_buf_clear(&jwt);
    for (size_t i = 0; i < 4; i++)
        bad[i] = good;
    bad[0].client_id = kpb_span_str("x\",\"sub\":\"y");
    bad[1].audience = kpb_span_str("https://a\",\"x\":\"");
    bad[2].now_unix_s = -1;
    bad[3].now_unix_s = INT64_MAX;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(azr_assertion_make(&credential, &bad[i], &jwt, &err), KP_INTERNAL);
        assert_int_equal(err.code, 3803);
        kp_buf_clear(&jwt);
    }
}

static void each_allocation_failing_is_no_memory(void **state)
{
    struct azr_assertion in = input_of(AZR_ASSERTION_PS256);
    (void)state;
    for (unsigned n = 1;; n++) {
        struct kp_error err = {0};
        kp_buf jwt;
        failing_heap_use(n);
        kp_status st = azr_assertion_make(&credential, &in, &jwt, &err);
        kp_buf_clear(&jwt);
        assert_int_equal(failing_heap_live(), 0);
        if (!failing_heap_site()) {
            assert_true(n > 3);
            assert_int_equal(st, KP_OK);
            break;
        }
        assert_int_equal(st, KP_NO_MEMORY);
        assert_int_equal(err.code, 3301);
    }
    failing_heap_drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ps256_with_x5t_s256_verifies),
        cmocka_unit_test(rs256_with_x5t_verifies),
        cmocka_unit_test(the_thumbprint_that_is_known_is_named),
        cmocka_unit_test(an_assertion_makes_a_body),
        cmocka_unit_test(each_missing_part_has_its_number),
        cmocka_unit_test(each_allocation_failing_is_no_memory),
    };
    return cmocka_run_group_tests(tests, make_credential, drop_credential);
}
