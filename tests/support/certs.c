#include "support/certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_S (24L * 3600L)

static long last_serial = 1;

/* ---- Making ---- */

static void add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *begin_certificate(EVP_PKEY *key, const char *name, unsigned faults)
{
    X509 *x509 = X509_new();
    long from = (faults & CERT_NOT_YET) ? DAY_S : -2 * DAY_S;
    long to = (faults & CERT_EXPIRED) ? -DAY_S : 2 * DAY_S;
    assert_non_null(x509);
    assert_int_equal(X509_set_version(x509, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), last_serial++), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), from));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), to));
    assert_int_equal(X509_set_pubkey(x509, key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    return x509;
}

struct cert cert_authority(const char *name)
{
    struct cert cert = {.key = EVP_EC_gen("P-256")};
    assert_non_null(cert.key);
    cert.x509 = begin_certificate(cert.key, name, 0);
    assert_int_equal(X509_set_issuer_name(cert.x509, X509_get_subject_name(cert.x509)), 1);
    add_extension(cert.x509, cert.x509, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(cert.x509, cert.x509, NID_key_usage,
                  "critical,keyCertSign,cRLSign,digitalSignature");
    assert_true(X509_sign(cert.x509, cert.key, EVP_sha256()) > 0);
    return cert;
}

struct cert cert_server(const struct cert *issuer, const char *names, unsigned faults)
{
    struct cert cert = {.key = EVP_EC_gen("P-256")};
    assert_non_null(cert.key);
    cert.x509 = begin_certificate(cert.key, "server", faults);
    assert_int_equal(X509_set_issuer_name(cert.x509, X509_get_subject_name(issuer->x509)), 1);
    add_extension(cert.x509, issuer->x509, NID_subject_alt_name, names);
    add_extension(cert.x509, issuer->x509, NID_ext_key_usage, "serverAuth");
    assert_true(X509_sign(cert.x509, issuer->key, EVP_sha256()) > 0);
    return cert;
}

void cert_clear(struct cert *cert)
{
    X509_free(cert->x509);
    EVP_PKEY_free(cert->key);
    *cert = (struct cert){NULL, NULL};
}

/* ---- Writing ---- */

void cert_write(const struct cert *cert, const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, cert->x509), 1);
    assert_int_equal(fclose(f), 0);
}

static void revoke(X509_CRL *list, const struct cert *revoked)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *when = X509_gmtime_adj(NULL, -3600);
    assert_non_null(entry);
    assert_int_equal(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->x509)), 1);
    assert_int_equal(X509_REVOKED_set_revocationDate(entry, when), 1);
    assert_int_equal(X509_CRL_add0_revoked(list, entry), 1);
    ASN1_TIME_free(when);
}

void cert_write_list(const struct cert *issuer, const struct cert *revoked, bool stale,
                     const char *path)
{
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *from = X509_gmtime_adj(NULL, -2 * DAY_S);
    ASN1_TIME *to = X509_gmtime_adj(NULL, stale ? -DAY_S : DAY_S);
    FILE *f = fopen(path, "w");
    assert_non_null(list);
    assert_non_null(f);
    assert_int_equal(X509_CRL_set_version(list, 1), 1);
    assert_int_equal(X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->x509)), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(list, from), 1);
    assert_int_equal(X509_CRL_set1_nextUpdate(list, to), 1);
    if (revoked)
        revoke(list, revoked);
    assert_true(X509_CRL_sign(list, issuer->key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509_CRL(f, list), 1);
    assert_int_equal(fclose(f), 0);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_CRL_free(list);
}

void cert_digest(const struct cert *cert, uint8_t *out, uint32_t len)
{
    unsigned int n = 0;
    assert_int_equal(X509_digest(cert->x509, len == 20 ? EVP_sha1() : EVP_sha256(), out, &n), 1);
    assert_int_equal(n, len);
}

int cert_staple(const struct cert *issuer, const struct cert *cert, bool good, bool stale,
                unsigned char **ret)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, cert->x509, issuer->x509);
    ASN1_TIME *from = X509_gmtime_adj(NULL, stale ? -2 * DAY_S : -60);
    ASN1_TIME *to = X509_gmtime_adj(NULL, stale ? -DAY_S : DAY_S);
    assert_non_null(
        OCSP_basic_add1_status(basic, id, good ? V_OCSP_CERTSTATUS_GOOD : V_OCSP_CERTSTATUS_REVOKED,
                               OCSP_REVOKED_STATUS_KEYCOMPROMISE, good ? NULL : from, from, to));
    assert_int_equal(OCSP_basic_sign(basic, issuer->x509, issuer->key, EVP_sha256(), NULL, 0), 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    int len = i2d_OCSP_RESPONSE(response, ret);
    assert_true(len > 0);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return len;
}
