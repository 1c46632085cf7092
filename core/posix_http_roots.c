#include "core/http_roots.h"

#include <stdbool.h>
#include <stddef.h>

#include <openssl/err.h>

/* Where systems keep their roots in one file: Debian, Fedora, openSUSE, Alpine and the BSDs. */
static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                      "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                                      "/etc/ssl/cert.pem", NULL};

static bool add_bundle(X509_STORE *store)
{
    for (size_t i = 0; bundles[i]; i++)
        if (X509_STORE_load_file(store, bundles[i]) == 1)
            return true;
    return false;
}

void kpi_http_roots_add(X509_STORE *store)
{
    if (!add_bundle(store))
        (void)X509_STORE_set_default_paths(store);
    ERR_clear_error();
}
