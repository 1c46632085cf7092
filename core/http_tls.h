/*
 * What a connection's TLS is held to: our own store of certificates, or one pinned certificate in
 * its place; a stapled revocation answer is checked when the server sends one. Protocol version
 * and host name are libcurl's to check, which it does.
 *
 * Threads: the loop thread that owns the connection.
 */
#ifndef KP_CORE_HTTP_TLS_H
#define KP_CORE_HTTP_TLS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include <keyprovider/status.h>

#define KPI_PIN_SHA1_LEN 20u
#define KPI_PIN_SHA256_LEN 32u

/* The settings of all connections of one pool. */
struct kpi_tls {
    X509_STORE *store; /* borrowed: the provider's */
    size_t pin_len;    /* 0: no pin; KPI_PIN_SHA1_LEN or KPI_PIN_SHA256_LEN */
    uint8_t pin[KPI_PIN_SHA256_LEN];
    const char *refusal; /* why the last certificate was refused by us, or NULL; static storage */
};

/* Arms a context of a connection about to be made; tls outlives it. False: memory is out. */
bool kpi_tls_arm(SSL_CTX *ctx, struct kpi_tls *tls) KP_MUST_USE;
/* Whether HTTP/2 is what client and server have agreed on (ALPN). */
bool kpi_tls_chose_h2(const SSL *ssl);

#endif /* KP_CORE_HTTP_TLS_H */
