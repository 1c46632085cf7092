/*
 * The store of Windows, of the machine and of the account that runs this. No file: a path such as
 * /etc/ssl/cert.pem would be one on the current drive, in whose root everybody may make folders.
 */
#include "core/http_roots.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <windows.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <wincrypt.h>

#define USAGE_LEN 4096u /* of the list of a certificate's uses; it has a handful */

/* No list at all: every use. */
static bool is_for_servers(PCCERT_CONTEXT certificate)
{
    union {
        CERT_ENHKEY_USAGE list;
        BYTE room[USAGE_LEN];
    } uses;
    DWORD len = sizeof uses;

    if (!CertGetEnhancedKeyUsage(certificate, 0, &uses.list, &len))
        return false;
    if (uses.list.cUsageIdentifier == 0)
        return GetLastError() == (DWORD)CRYPT_E_NOT_FOUND;
    for (DWORD i = 0; i < uses.list.cUsageIdentifier; i++) {
        if (strcmp(uses.list.rgpszUsageIdentifier[i], szOID_PKIX_KP_SERVER_AUTH) == 0)
            return true;
    }
    return false;
}

static bool is_banned(HCERTSTORE banned, PCCERT_CONTEXT certificate)
{
    PCCERT_CONTEXT found = CertFindCertificateInStore(banned, X509_ASN_ENCODING, 0,
                                                      CERT_FIND_EXISTING, certificate, NULL);

    (void)CertFreeCertificateContext(found); /* NULL is allowed */
    return found != NULL;
}

static void add(X509_STORE *store, PCCERT_CONTEXT certificate)
{
    const unsigned char *der = certificate->pbCertEncoded;
    X509 *root = d2i_X509(NULL, &der, (long)certificate->cbCertEncoded);

    if (root)
        (void)X509_STORE_add_cert(store, root); /* one that is there already is no failure */
    X509_free(root);
}

static void add_all(X509_STORE *store, HCERTSTORE roots, HCERTSTORE banned)
{
    PCCERT_CONTEXT certificate = NULL;

    /* Each call frees the certificate of the one before. */
    while ((certificate = CertEnumCertificatesInStore(roots, certificate)) != NULL) {
        if (is_for_servers(certificate) && !is_banned(banned, certificate))
            add(store, certificate);
    }
}

void kpi_http_roots_add(X509_STORE *store)
{
    HCERTSTORE roots = CertOpenSystemStoreW(0, L"ROOT");
    HCERTSTORE banned = CertOpenSystemStoreW(0, L"Disallowed");

    if (roots && banned)
        add_all(store, roots, banned);
    if (roots)
        (void)CertCloseStore(roots, 0);
    if (banned)
        (void)CertCloseStore(banned, 0);
    ERR_clear_error();
}
