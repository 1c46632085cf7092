/*
 * Says whether a connection of ours would believe what an issuer has signed, as far as the stores
 * of this machine go: believes FILE, a certificate in DER. Exit status: 0 yes, 1 no.
 */
#include <stdio.h>

#include <openssl/bio.h>
#include <openssl/x509.h>

#include "core/http_trust.h"

static int is_believed(X509 *issuer)
{
    X509_STORE *store = NULL;
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    struct kp_error err;
    int believed = 0;

    if (kpi_trust_store_load(NULL, NULL, &store, &err) == KP_OK)
        believed =
            ctx && X509_STORE_CTX_init(ctx, store, issuer, NULL) == 1 && X509_verify_cert(ctx) == 1;
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return believed;
}

int main(int argc, char **argv)
{
    BIO *file = argc == 2 ? BIO_new_file(argv[1], "rb") : NULL;
    X509 *issuer = file ? d2i_X509_bio(file, NULL) : NULL;
    int believed = issuer && is_believed(issuer);

    printf(!issuer ? "no certificate\n" : believed ? "yes\n" : "no\n");
    X509_free(issuer);
    BIO_free(file);
    return believed ? 0 : 1;
}
