#include "support/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

static OSSL_PROVIDER *providers[2]; /* loaded as long as the process lives */
static EVP_PKEY *keys[2];
static X509 *certs[2];
static BIO *pem;

/* The bytes of bio, kept for ever: tests hold on to many. */
static kp_span bytes_of(BIO *bio)
{
    char *data = NULL;
    long n = BIO_get_mem_data(bio, &data);
    static BIO *kept[4096];
    static size_t n_kept;
    assert_true(n >= 0 && n_kept < sizeof kept / sizeof kept[0]);
    if (bio != pem)
        kept[n_kept++] = bio;
    kp_span span = {(const uint8_t *)data, (size_t)n};
    return span;
}

static X509 *make_cert(EVP_PKEY *key, const char *name)
{
    X509 *cert = X509_new();
    assert_non_null(cert);
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 7), 1);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), CREDENTIALS_NOT_BEFORE));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), CREDENTIALS_NOT_AFTER));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(cert)), 1);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

void credentials_setup(void)
{
    if (providers[0] && providers[1])
        return;
    providers[0] = OSSL_PROVIDER_load(NULL, "default");
    providers[1] = OSSL_PROVIDER_load(NULL, "legacy");
    assert_true(providers[0] && providers[1]);
    for (int i = 0; i < 2; i++) {
        keys[i] = EVP_RSA_gen(2048);
        assert_non_null(keys[i]);
        certs[i] = make_cert(keys[i], i ? "other" : "own");
    }
}

EVP_PKEY *credentials_key(int i)
{
    return keys[i];
}

X509 *credentials_cert(int i)
{
    return certs[i];
}

kp_span credentials_der(int i)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(i2d_X509_bio(bio, certs[i]), 1);
    return bytes_of(bio);
}

kp_span credentials_pfx(const struct credentials_pfx *how)
{
    BIO *bio = BIO_new(BIO_s_mem());
    STACK_OF(X509) *others = how->extra_cert >= 0 ? sk_X509_new_null() : NULL;
    if (others)
        assert_true(sk_X509_push(others, certs[how->extra_cert]) > 0);
    PKCS12 *p12 = PKCS12_create(how->password, "name", how->key >= 0 ? keys[how->key] : NULL,
                                how->cert >= 0 ? certs[how->cert] : NULL, others, how->key_nid,
                                how->cert_nid, how->iterations, how->mac_iterations, 0);
    assert_non_null(p12);
    assert_int_equal(i2d_PKCS12_bio(bio, p12), 1);
    PKCS12_free(p12);
    sk_X509_free(others);
    return bytes_of(bio);
}

void credentials_pem_clear(void)
{
    BIO_free(pem);
    pem = BIO_new(BIO_s_mem());
    assert_non_null(pem);
}

void credentials_pem_pkcs8(EVP_PKEY *key)
{
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL), 1);
}

void credentials_pem_sealed(EVP_PKEY *key, const char *password, int iterations)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    X509_ALGOR *alg =
        PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), iterations, NULL, 0, NULL, NID_hmacWithSHA256);
    X509_SIG *sealed = PKCS8_set0_pbe(password, (int)strlen(password), info, alg);
    assert_non_null(sealed);
    assert_int_equal(PEM_write_bio_PKCS8(pem, sealed), 1);
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(info);
}

void credentials_pem_traditional(EVP_PKEY *key, const char *password)
{
    const EVP_CIPHER *cipher = password ? EVP_aes_128_cbc() : NULL;
    assert_int_equal(
        PEM_write_bio_PrivateKey_traditional(pem, key, cipher, (const unsigned char *)password,
                                             password ? (int)strlen(password) : 0, NULL, NULL),
        1);
}

void credentials_pem_cert(int i)
{
    assert_int_equal(PEM_write_bio_X509(pem, certs[i]), 1);
}

void credentials_pem_text(const char *text)
{
    assert_true(BIO_puts(pem, text) > 0);
}

kp_span credentials_pem(void)
{
    return bytes_of(pem);
}

kp_span credentials_msblob(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(i2b_PrivateKey_bio(bio, key) > 0);
    return bytes_of(bio);
}

static int give_password(char *buf, int size, int rwflag, void *u)
{
    int n = (int)strlen((const char *)u);
    (void)rwflag;
    assert_true(n <= size);
    memcpy(buf, u, (size_t)n);
    return n;
}

kp_span credentials_pvk(EVP_PKEY *key, int level, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char copy[64] = {0};
    strncpy(copy, password, sizeof copy - 1);
    assert_true(i2b_PVK_bio(bio, key, level, give_password, copy) > 0);
    return bytes_of(bio);
}
