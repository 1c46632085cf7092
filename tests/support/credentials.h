/*
 * Credential files for tests, made by OpenSSL's own writers: one RSA key with a self-signed
 * certificate, and a second pair that does not belong to it. Single thread; everything lives as
 * long as the process. A failure of OpenSSL's fails the running test.
 */
#ifndef KP_TESTS_SUPPORT_CREDENTIALS_H
#define KP_TESTS_SUPPORT_CREDENTIALS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <keyprovider/types.h>

#define CREDENTIALS_NOT_BEFORE 1700000000
#define CREDENTIALS_NOT_AFTER 1800000000

/* Makes both pairs; loads the default and the legacy provider for the writers. */
void credentials_setup(void);
EVP_PKEY *credentials_key(int i); /* 0 or 1 */
X509 *credentials_cert(int i);    /* 0 or 1 */
/* A certificate of key i as DER. */
kp_span credentials_der(int i);

/* Algorithms of a PFX: OpenSSL nids, 0 for the default, -1 for none. */
struct credentials_pfx {
    const char *password;
    int key_nid;
    int cert_nid;
    int iterations;
    int mac_iterations; /* -1: no MAC */
    int key;            /* which, -1: none */
    int cert;           /* which, -1: none */
    int extra_cert;     /* another beside it, -1: none */
};
kp_span credentials_pfx(const struct credentials_pfx *how);

/* PEM texts, one behind the other in the order of the calls; begin anew with credentials_pem(). */
void credentials_pem_clear(void);
void credentials_pem_pkcs8(EVP_PKEY *key);
void credentials_pem_sealed(EVP_PKEY *key, const char *password, int iterations);
void credentials_pem_traditional(EVP_PKEY *key, const char *password);
void credentials_pem_cert(int i);
void credentials_pem_text(const char *text);
kp_span credentials_pem(void);

kp_span credentials_msblob(EVP_PKEY *key);
/* level: 0 in clear, 1 weak, 2 strong encryption. */
kp_span credentials_pvk(EVP_PKEY *key, int level, const char *password);

#endif /* KP_TESTS_SUPPORT_CREDENTIALS_H */
