/*
 * Certificates made while the test runs: a certificate authority, and servers it vouches for, or
 * ought not to. Keys are P-256; nothing of them is kept.
 */
#ifndef KP_TESTS_SUPPORT_CERTS_H
#define KP_TESTS_SUPPORT_CERTS_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

struct cert {
    X509 *x509;
    EVP_PKEY *key;
};

/* An authority of that name, its own issuer. */
struct cert cert_authority(const char *name);

/* What is wrong with a server's certificate; 0: nothing. */
#define CERT_EXPIRED 0x01u
#define CERT_NOT_YET 0x02u

/*
 * A server's certificate for names, a list as in a subjectAltName of openssl's configuration:
 * "DNS:localhost,IP:127.0.0.1".
 */
struct cert cert_server(const struct cert *issuer, const char *names, unsigned faults);
void cert_clear(struct cert *cert);

/* Writes the certificate as PEM to path. */
void cert_write(const struct cert *cert, const char *path);
/* Writes issuer's list of revoked certificates as PEM: none, or the one that revoked is. stale: it
 * should have been replaced by now. */
void cert_write_list(const struct cert *issuer, const struct cert *revoked, bool stale,
                     const char *path);
/* SHA-1 (20 bytes) or SHA-256 (32 bytes) of the certificate. */
void cert_digest(const struct cert *cert, uint8_t *out, uint32_t len);
/* A stapled answer about cert as issuer signs it, DER; good or revoked. The caller frees *ret with
 * OPENSSL_free. */
int cert_staple(const struct cert *issuer, const struct cert *cert, bool good, bool stale,
                unsigned char **ret);

#endif /* KP_TESTS_SUPPORT_CERTS_H */
