/* Files with a private key: read when they are right, refused with their number when not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "base/encode.h"
#include "base/span.h"
#include "plugins/azure-rest/credential.h"
#include "support/credentials.h"
#include "support/failing_heap.h"

static const struct credentials_pfx MODERN = {"pass", 0, 0, 2048, 2048, 0, 0, -1};

static kp_span text(const char *s)
{
    return kpb_span_str(s);
}

static kp_span nothing(void)
{
    return kpb_span(NULL, 0);
}

static int make_material(void **state)
{
    (void)state;
    credentials_setup();
    credentials_pem_clear();
    return 0;
}

static void digest(const EVP_MD *md, uint8_t *out)
{
    unsigned n = 0;
    assert_int_equal(X509_digest(credentials_cert(0), md, out, &n), 1);
}

/* The key of pair 0, and the certificate as OpenSSL digests it. */
static void assert_is_own(struct azr_credential *c, uint32_t container)
{
    uint8_t x5t[EVP_MAX_MD_SIZE], s256[EVP_MAX_MD_SIZE];
    digest(EVP_sha1(), x5t);
    digest(EVP_sha256(), s256);
    assert_non_null(c->key);
    assert_true(kpc_key_has_private(c->key));
    assert_int_equal(kpc_key_bits(c->key), 2048);
    assert_int_equal(c->container, container);
    assert_true(c->has_x5t && c->has_x5t_s256);
    assert_memory_equal(c->x5t, x5t, AZR_X5T_LEN);
    assert_memory_equal(c->x5t_s256, s256, AZR_X5T_S256_LEN);
    assert_int_equal(c->not_before_unix_s, CREDENTIALS_NOT_BEFORE);
    assert_int_equal(c->not_after_unix_s, CREDENTIALS_NOT_AFTER);
    azr_credential_clear(c);
}

static void assert_read(kp_span file, const char *password, uint32_t container)
{
    struct azr_credential c = {0};
    struct kp_error err = {0};
    if (azr_credential_read(file, text(password), nothing(), &c, &err) != KP_OK)
        fail_msg("%u %s", (unsigned)err.code, err.text);
    assert_is_own(&c, container);
    assert_int_equal(ERR_peek_error(), 0);
}

static void assert_refused(kp_span file, const char *password, const char *thumbprint,
                           kp_status status, uint32_t code)
{
    struct azr_credential c = {0};
    struct kp_error err = {0};
    kp_status st = azr_credential_read(file, text(password), text(thumbprint), &c, &err);
    if (st != status || err.code != code)
        fail_msg("%s %u %s", kp_status_text(st), (unsigned)err.code, err.text);
    assert_null(c.key);
    assert_null(strstr(err.text, "SECRETXYZ"));
    assert_int_equal(ERR_peek_error(), 0);
}

/* ---- PFX ---- */

static void pfx_of_every_age_is_read(void **state)
{
    static const struct credentials_pfx files[] = {
        {"pass", 0, 0, 2048, 2048, 0, 0, -1},
        {"pass", NID_aes_256_cbc, NID_aes_256_cbc, 1000, 1, 0, 0, 1},
        {"pass", NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_pbe_WithSHA1And40BitRC2_CBC, 2048, 1,
         0, 0, -1},
        {"pass", NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
         2000, 2000, 0, 0, -1},
        {"pass", NID_pbe_WithSHA1And128BitRC4, NID_pbe_WithSHA1And128BitRC2_CBC, 2048, 2048, 0, 0,
         -1},
        {"pass", NID_aes_128_cbc, -1, 2048, 2048, 0, 0, -1},
        {"pass", -1, -1, 2048, 2048, 0, 0, -1},
        {"pass", 0, 0, 2048, -1, 0, 0, -1},
        {"p\xc3\xa4ssw\xc3\xb6rd \xe2\x82\xac", 0, 0, 2048, 2048, 0, 0, -1},
        {"", 0, 0, 2048, 2048, 0, 0, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_read(credentials_pfx(&files[i]), files[i].password, AZR_CONTAINER_PFX);
}

static void pfx_without_password_at_all_is_read(void **state)
{
    struct credentials_pfx how = MODERN;
    (void)state;
    how.password = NULL;
    assert_read(credentials_pfx(&how), "", AZR_CONTAINER_PFX);
}

static void pfx_picks_the_certificate_of_the_key(void **state)
{
    struct credentials_pfx how = MODERN;
    (void)state;
    how.cert = -1;
    how.extra_cert = 0;
    assert_read(credentials_pfx(&how), "pass", AZR_CONTAINER_PFX);
}

static void pfx_that_cannot_be_used_has_its_number(void **state)
{
    struct credentials_pfx how = MODERN;
    kp_span file = credentials_pfx(&how);
    (void)state;
    assert_refused(file, "SECRETXYZ", "", KP_CONFIG, 3809);
    assert_refused(file, "", "", KP_CONFIG, 3809);
    assert_refused(kpb_span(file.ptr, file.len - 1), "pass", "", KP_CONFIG, 3809);
    assert_refused(text("0"), "pass", "", KP_CONFIG, 3809);
    how.mac_iterations = -1;
    assert_refused(credentials_pfx(&how), "SECRETXYZ", "", KP_CONFIG, 3809);
    how = MODERN;
    how.key = -1;
    assert_refused(credentials_pfx(&how), "pass", "", KP_CONFIG, 3811);
    how = MODERN;
    how.cert = -1;
    assert_refused(credentials_pfx(&how), "pass", "", KP_CONFIG, 3810);
    how.extra_cert = 1;
    assert_refused(credentials_pfx(&how), "pass", "", KP_CONFIG, 3810);
    how = MODERN;
    assert_refused(credentials_pfx(&how), "pass", "00112233445566778899aabbccddeeff00112233",
                   KP_CONFIG, 3810);
    assert_refused(credentials_pfx(&how), "pass", "xx", KP_CONFIG, 3815);
}

#define MARKED_COUNT 0x010003 /* its DER is found nowhere else */

/* Iterations far beyond the bound are refused at once; computing them would take minutes. */
static void patch_iterations(uint8_t *bytes, size_t len, const char *from, const char *to)
{
    size_t n_patched = 0;
    for (size_t i = 0; i + 5 <= len; i++)
        if (memcmp(bytes + i, from, 5) == 0) {
            memcpy(bytes + i, to, 5);
            n_patched++;
        }
    assert_true(n_patched > 0);
}

static void pfx_with_costly_iterations_is_refused_unseen(void **state)
{
    struct credentials_pfx how = MODERN;
    uint8_t copy[8192];
    (void)state;
    how.iterations = MARKED_COUNT;
    how.mac_iterations = -1; /* it would not fit the patched file */
    kp_span file = credentials_pfx(&how);
    assert_true(file.len <= sizeof copy);
    memcpy(copy, file.ptr, file.len);
    patch_iterations(copy, file.len, "\x02\x03\x01\x00\x03", "\x02\x03\x7f\xff\xff");
    assert_refused(kpb_span(copy, file.len), "pass", "", KP_CONFIG, 3809);
    struct azr_credential c = {0};
    struct kp_error err = {0};
    assert_int_equal(azr_credential_from_pfx(kpb_span(copy, file.len), text("pass"), &c, &err),
                     KP_CONFIG);
    assert_non_null(strstr(err.text, "costs more"));
    patch_iterations(copy, file.len, "\x02\x03\x7f\xff\xff", "\x02\x03\x80\xff\xff"); /* negative */
    assert_int_equal(azr_credential_from_pfx(kpb_span(copy, file.len), text("pass"), &c, &err),
                     KP_CONFIG);
    assert_non_null(strstr(err.text, "costs more"));
}

static void pfx_with_a_costly_mac_is_refused_unseen(void **state)
{
    struct credentials_pfx how = MODERN;
    struct azr_credential c = {0};
    struct kp_error err = {0};
    uint8_t copy[8192];
    (void)state;
    how.mac_iterations = MARKED_COUNT;
    kp_span file = credentials_pfx(&how);
    assert_true(file.len <= sizeof copy);
    memcpy(copy, file.ptr, file.len);
    patch_iterations(copy, file.len, "\x02\x03\x01\x00\x03", "\x02\x03\x7f\xff\xff");
    assert_int_equal(azr_credential_from_pfx(kpb_span(copy, file.len), text("pass"), &c, &err),
                     KP_CONFIG);
    assert_non_null(strstr(err.text, "costs more"));
}

/* ---- PEM ---- */

static void pem_of_every_form_is_read(void **state)
{
    (void)state;
    credentials_pem_pkcs8(credentials_key(0));
    credentials_pem_cert(0);
    assert_read(credentials_pem(), "", AZR_CONTAINER_PEM);
    credentials_pem_clear();
    credentials_pem_text("Bag Attributes\n  localKeyID: 01\n");
    credentials_pem_cert(1);
    credentials_pem_cert(0);
    credentials_pem_traditional(credentials_key(0), NULL);
    assert_read(credentials_pem(), "", AZR_CONTAINER_PEM);
    credentials_pem_clear();
    credentials_pem_sealed(credentials_key(0), "pass", 2048);
    credentials_pem_cert(0);
    assert_read(credentials_pem(), "pass", AZR_CONTAINER_PEM);
}

static void pem_with_a_configured_thumbprint_needs_no_certificate(void **state)
{
    static const char sha1[] = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33";
    struct azr_credential c = {0};
    struct kp_error err = {0};
    (void)state;
    credentials_pem_pkcs8(credentials_key(0));
    if (azr_credential_read(credentials_pem(), nothing(), text(sha1), &c, &err) != KP_OK)
        fail_msg("%s", err.text);
    assert_true(c.has_x5t && !c.has_x5t_s256);
    assert_int_equal(c.x5t[1], 0x11);
    assert_int_equal(c.x5t[10], 0xaa);
    assert_int_equal(azr_credential_expiry(&c, 0, NULL), AZR_EXPIRY_UNKNOWN);
    azr_credential_clear(&c);
}

static void pem_certificate_and_thumbprint_must_agree(void **state)
{
    uint8_t s256[EVP_MAX_MD_SIZE];
    char hex[65];
    struct azr_credential c = {0};
    (void)state;
    credentials_pem_pkcs8(credentials_key(0));
    credentials_pem_cert(0);
    digest(EVP_sha256(), s256);
    kpb_hex_encode(kpb_span(s256, 32), hex);
    assert_int_equal(azr_credential_read(credentials_pem(), nothing(), text(hex), &c, NULL), KP_OK);
    assert_is_own(&c, AZR_CONTAINER_PEM);
    hex[0] = hex[0] == 'a' ? 'b' : 'a';
    assert_refused(credentials_pem(), "", hex, KP_CONFIG, 3815);
}

static void pem_that_cannot_be_used_has_its_number(void **state)
{
    (void)state;
    credentials_pem_cert(0);
    assert_refused(credentials_pem(), "", "", KP_CONFIG, 3816);
    credentials_pem_pkcs8(credentials_key(1));
    assert_refused(credentials_pem(), "", "", KP_AUTH, 3807);
    credentials_pem_pkcs8(credentials_key(0));
    assert_refused(credentials_pem(), "", "", KP_CONFIG, 3816); /* two keys */
    credentials_pem_clear();
    credentials_pem_pkcs8(credentials_key(0));
    assert_refused(credentials_pem(), "", "", KP_CONFIG, 3815); /* neither certificate nor print */
    assert_refused(credentials_pem(), "", "abc", KP_CONFIG, 3815);
    credentials_pem_clear();
    credentials_pem_sealed(credentials_key(0), "pass", 2048);
    assert_refused(credentials_pem(), "SECRETXYZ", "", KP_CONFIG, 3816);
    assert_refused(credentials_pem(), "", "", KP_CONFIG, 3816);
    credentials_pem_clear();
    credentials_pem_traditional(credentials_key(0), "pass");
    struct azr_credential c = {0};
    struct kp_error err = {0};
    assert_int_equal(azr_credential_from_pem(credentials_pem(), text("pass"), nothing(), &c, &err),
                     KP_CONFIG);
    assert_int_equal(err.code, 3816);
    assert_non_null(strstr(err.text, "openssl pkcs8 -topk8")); /* the way out is told */
    credentials_pem_clear();
    credentials_pem_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    assert_refused(credentials_pem(), "", "", KP_CONFIG, 3816);
    credentials_pem_clear();
    credentials_pem_text("-----BEGIN PRIVATE KEY-----\nno base64!\n");
    assert_refused(credentials_pem(), "", "", KP_CONFIG, 3816);
}

static void pem_with_costly_iterations_is_refused_unseen(void **state)
{
    struct azr_credential c = {0};
    struct kp_error err = {0};
    (void)state;
    /* A billion iterations, without having spent them: the count is patched into the structure. */
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(credentials_key(0));
    X509_SIG *sealed =
        PKCS8_encrypt(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NULL, "pass", 4, NULL, 0, 2048, info);
    uint8_t *der = NULL;
    int len = i2d_X509_SIG(sealed, &der);
    assert_true(len > 0);
    for (int i = 0; i + 4 < len; i++)
        if (memcmp(der + i, "\x02\x02\x08\x00", 4) == 0)
            der[i + 2] = 0x88; /* 2048 becomes a negative count */
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio(bio, PEM_STRING_PKCS8, "", der, len) > 0);
    char *data = NULL;
    long n = BIO_get_mem_data(bio, &data);
    assert_int_equal(
        azr_credential_from_pem(kpb_span(data, (size_t)n), text("pass"), nothing(), &c, &err),
        KP_CONFIG);
    assert_int_equal(err.code, 3816);
    assert_non_null(strstr(err.text, "costs more"));
    BIO_free(bio);
    OPENSSL_free(der);
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(info);
}

/* Any sealed content will do: the price is read before it is touched. */
static void read_scrypt(uint64_t n, uint64_t r, uint64_t p, struct kp_error *err)
{
    static const uint8_t salt[16];
    uint8_t sealed_bytes[32] = {0};
    struct azr_credential c = {0};
    X509_ALGOR *alg = NULL;
    ASN1_OCTET_STRING *content = NULL;
    X509_SIG *sealed = X509_SIG_new();
    X509_ALGOR *made = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof salt, NULL, n, r, p);
    X509_SIG_getm(sealed, &alg, &content);
    assert_non_null(made);
    assert_int_equal(X509_ALGOR_copy(alg, made), 1);
    assert_int_equal(ASN1_OCTET_STRING_set(content, sealed_bytes, sizeof sealed_bytes), 1);
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    assert_int_equal(PEM_write_bio_PKCS8(bio, sealed), 1);
    long len = BIO_get_mem_data(bio, &data);
    assert_int_equal(
        azr_credential_from_pem(kpb_span(data, (size_t)len), text("pass"), nothing(), &c, err),
        KP_CONFIG);
    assert_int_equal(err->code, 3816);
    BIO_free(bio);
    X509_ALGOR_free(made);
    X509_SIG_free(sealed);
}

static void pem_with_a_costly_scrypt_is_refused_unseen(void **state)
{
    struct kp_error err = {0};
    (void)state;
    read_scrypt(16384, 8, 1, &err); /* what openssl writes: only its content is wrong */
    assert_non_null(strstr(err.text, "damaged"));
    read_scrypt(1u << 15, 1, 1u << 16, &err);
    assert_non_null(strstr(err.text, "costs more"));
    read_scrypt(16384, 8, 1024, &err);
    assert_non_null(strstr(err.text, "costs more"));
}

static void pem_with_too_many_blocks_is_refused(void **state)
{
    const uint32_t n_others = AZR_CREDENTIAL_MAX_PARTS - 2;
    (void)state;
    credentials_pem_pkcs8(credentials_key(0));
    credentials_pem_cert(0);
    for (uint32_t i = 0; i < n_others; i++)
        credentials_pem_text("-----BEGIN X-----\nAAAA\n-----END X-----\n");
    assert_read(credentials_pem(), "", AZR_CONTAINER_PEM);
    credentials_pem_text("-----BEGIN X-----\nAAAA\n-----END X-----\n");
    assert_refused(credentials_pem(), "", "", KP_CONFIG, 3816);
}

static void keys_of_another_kind_are_unfit(void **state)
{
    EVP_PKEY *ec = EVP_EC_gen("P-256");
    EVP_PKEY *small = EVP_RSA_gen(1024);
    (void)state;
    credentials_pem_pkcs8(ec);
    credentials_pem_cert(0);
    assert_refused(credentials_pem(), "", "", KP_CONFIG, 3818);
    credentials_pem_clear();
    credentials_pem_pkcs8(small);
    credentials_pem_cert(0);
    assert_refused(credentials_pem(), "", "", KP_CONFIG, 3818);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(small);
}

/* ---- Blobs ---- */

#define PRINT "ABEiM0RVZneImaq7zN3u/wARIjM=" /* base64 of 00 11 22 ... 33 */

static void assert_blob(kp_span file, const char *password)
{
    struct azr_credential c = {0};
    struct kp_error err = {0};
    struct kp_key_info info = {.struct_size = sizeof info};
    if (azr_credential_read(file, text(password), text(PRINT), &c, &err) != KP_OK)
        fail_msg("%u %s", (unsigned)err.code, err.text);
    BIGNUM *n = NULL;
    uint8_t bytes[256];
    assert_int_equal(EVP_PKEY_get_bn_param(credentials_key(0), "n", &n), 1);
    assert_int_equal(BN_bn2binpad(n, bytes, sizeof bytes), sizeof bytes);
    kpc_key_describe(c.key, &info);
    assert_true(kpb_span_eq(info.n, kpb_span(bytes, sizeof bytes)));
    assert_true(kpc_key_has_private(c.key));
    assert_true(c.has_x5t && !c.has_x5t_s256);
    assert_int_equal(c.container, AZR_CONTAINER_BLOB);
    BN_free(n);
    azr_credential_clear(&c);
    assert_int_equal(ERR_peek_error(), 0);
}

static void blobs_of_every_form_are_read(void **state)
{
    (void)state;
    assert_blob(credentials_msblob(credentials_key(0)), "");
    assert_blob(credentials_pvk(credentials_key(0), 0, ""), "");
    assert_blob(credentials_pvk(credentials_key(0), 1, "pass"), "pass");
    assert_blob(credentials_pvk(credentials_key(0), 2, "pass"), "pass");
}

static void blobs_that_cannot_be_used_have_their_number(void **state)
{
    kp_span blob = credentials_msblob(credentials_key(0));
    kp_span pvk = credentials_pvk(credentials_key(0), 2, "pass");
    uint8_t copy[4096];
    (void)state;
    assert_refused(blob, "", "", KP_CONFIG, 3815);
    assert_refused(blob, "", "zz", KP_CONFIG, 3815);
    for (size_t n = 4; n < blob.len; n += 97)
        assert_refused(kpb_span(blob.ptr, n), "", PRINT, KP_CONFIG, 3821);
    for (size_t n = 4; n < pvk.len; n += 97)
        assert_refused(kpb_span(pvk.ptr, n), "pass", PRINT, KP_CONFIG, 3821);
    assert_refused(pvk, "SECRETXYZ", PRINT, KP_CONFIG, 3821);
    memcpy(copy, blob.ptr, blob.len);
    copy[300] ^= 1; /* p no longer divides n */
    assert_refused(kpb_span(copy, blob.len), "", PRINT, KP_CONFIG, 3821);
    memcpy(copy, blob.ptr, blob.len);
    copy[12] = 0xff; /* bits */
    assert_refused(kpb_span(copy, blob.len), "", PRINT, KP_CONFIG, 3821);
    memcpy(copy, pvk.ptr, pvk.len);
    memset(copy + 16, 0xff, 8); /* lengths of salt and key */
    assert_refused(kpb_span(copy, pvk.len), "pass", PRINT, KP_CONFIG, 3821);
}

/* ---- What is no credential ---- */

static void files_of_another_kind_or_size_are_refused(void **state)
{
    static uint8_t big[AZR_CREDENTIAL_FILE_MAX_LEN + 1];
    static char password[AZR_CREDENTIAL_PASSWORD_MAX_LEN + 2];
    struct azr_credential c = {0};
    (void)state;
    assert_refused(nothing(), "", "", KP_CONFIG, 3809);
    assert_refused(text("hello"), "", "", KP_CONFIG, 3809);
    memset(big, '0', sizeof big);
    assert_refused(kpb_span(big, sizeof big), "", "", KP_CONFIG, 3809);
    assert_int_equal(
        azr_credential_from_pem(kpb_span(big, sizeof big), nothing(), nothing(), &c, NULL),
        KP_CONFIG);
    memset(password, 'x', sizeof password - 1);
    assert_refused(credentials_pfx(&MODERN), password, "", KP_CONFIG, 3809);
}

static void thumbprints_of_every_spelling_are_read(void **state)
{
    static const struct {
        const char *text;
        bool is_sha1, is_sha256;
    } rows[] = {
        {"00112233445566778899aabbccddeeff00112233", true, false},
        {" 00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF 00 11 22 33\n", true, false},
        {PRINT, true, false},
        {"ABEiM0RVZneImaq7zN3u_wARIjM", true, false},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", false, true},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", false, true},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", false, true},
        {"", false, false},
        {"00112233", false, false},
        {"00112233445566778899aabbccddeeff0011223", false, false},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", false, false},
        {"!!!", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct azr_credential c = {0};
        struct kp_error err = {0};
        kp_status st = azr_thumbprint_read(text(rows[i].text), &c, &err);
        bool is_one = rows[i].is_sha1 || rows[i].is_sha256;
        assert_int_equal(st, is_one ? KP_OK : KP_CONFIG);
        assert_int_equal(err.code, is_one ? 0 : 3815);
        assert_true(c.has_x5t == rows[i].is_sha1 && c.has_x5t_s256 == rows[i].is_sha256);
    }
}

static void expiry_is_told_by_the_day(void **state)
{
    static const struct {
        int64_t now;
        enum azr_expiry expiry;
        int64_t days;
    } rows[] = {
        {CREDENTIALS_NOT_BEFORE - 1, AZR_EXPIRY_NOT_YET, 0},
        {CREDENTIALS_NOT_BEFORE - 86400, AZR_EXPIRY_NOT_YET, 1},
        {CREDENTIALS_NOT_BEFORE, AZR_EXPIRY_FAR, 1157},
        {CREDENTIALS_NOT_AFTER - 30 * 86400, AZR_EXPIRY_FAR, 30},
        {CREDENTIALS_NOT_AFTER - 30 * 86400 + 1, AZR_EXPIRY_NEAR, 29},
        {CREDENTIALS_NOT_AFTER, AZR_EXPIRY_NEAR, 0},
        {CREDENTIALS_NOT_AFTER + 1, AZR_EXPIRY_PAST, -1},
        {CREDENTIALS_NOT_AFTER + 86401, AZR_EXPIRY_PAST, -2},
    };
    struct azr_credential c = {.not_before_unix_s = CREDENTIALS_NOT_BEFORE,
                               .not_after_unix_s = CREDENTIALS_NOT_AFTER};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t days = 0;
        assert_int_equal(azr_credential_expiry(&c, rows[i].now, &days), rows[i].expiry);
        assert_int_equal(days, rows[i].days);
    }
}

/* ---- Memory ---- */

static void fail_each_allocation(kp_span file, const char *password, const char *thumbprint)
{
    unsigned n_refused = 0;
    for (unsigned n = 1;; n++) {
        struct azr_credential c = {0};
        struct kp_error err = {0};
        failing_heap_use(n);
        kp_status st = azr_credential_read(file, text(password), text(thumbprint), &c, &err);
        azr_credential_clear(&c);
        assert_int_equal(failing_heap_live(), 0);
        if (!failing_heap_site()) {
            assert_int_equal(st, KP_OK);
            break;
        }
        if (st != KP_NO_MEMORY || err.code != 2051)
            fail_msg("%s: %s %s", failing_heap_site(), kp_status_text(st), err.text);
        n_refused++;
    }
    failing_heap_drop();
    assert_true(n_refused >= 3);
}

static void each_allocation_failing_is_no_memory(void **state)
{
    (void)state;
    credentials_pem_pkcs8(credentials_key(0));
    credentials_pem_cert(0);
    fail_each_allocation(credentials_pem(), "", "");
    fail_each_allocation(credentials_pfx(&MODERN), "pass", "");
    fail_each_allocation(credentials_pvk(credentials_key(0), 2, "pass"), "pass", PRINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pfx_of_every_age_is_read, make_material),
        cmocka_unit_test_setup(pfx_without_password_at_all_is_read, make_material),
        cmocka_unit_test_setup(pfx_picks_the_certificate_of_the_key, make_material),
        cmocka_unit_test_setup(pfx_that_cannot_be_used_has_its_number, make_material),
        cmocka_unit_test_setup(pfx_with_costly_iterations_is_refused_unseen, make_material),
        cmocka_unit_test_setup(pfx_with_a_costly_mac_is_refused_unseen, make_material),
        cmocka_unit_test_setup(pem_of_every_form_is_read, make_material),
        cmocka_unit_test_setup(pem_with_a_configured_thumbprint_needs_no_certificate,
                               make_material),
        cmocka_unit_test_setup(pem_certificate_and_thumbprint_must_agree, make_material),
        cmocka_unit_test_setup(pem_that_cannot_be_used_has_its_number, make_material),
        cmocka_unit_test_setup(pem_with_costly_iterations_is_refused_unseen, make_material),
        cmocka_unit_test_setup(pem_with_a_costly_scrypt_is_refused_unseen, make_material),
        cmocka_unit_test_setup(pem_with_too_many_blocks_is_refused, make_material),
        cmocka_unit_test_setup(keys_of_another_kind_are_unfit, make_material),
        cmocka_unit_test_setup(blobs_of_every_form_are_read, make_material),
        cmocka_unit_test_setup(blobs_that_cannot_be_used_have_their_number, make_material),
        cmocka_unit_test_setup(files_of_another_kind_or_size_are_refused, make_material),
        cmocka_unit_test(thumbprints_of_every_spelling_are_read),
        cmocka_unit_test(expiry_is_told_by_the_day),
        cmocka_unit_test_setup(each_allocation_failing_is_no_memory, make_material),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
