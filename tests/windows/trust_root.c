/*
 * Makes this machine trust an issuer, or forget it: trust_root add|remove FILE, a certificate in
 * DER. For tests alone; as an administrator.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include <wincrypt.h>

#define DER_MAX_LEN 8192u

static bool read_file(const char *path, BYTE *der, DWORD *ret_len)
{
    HANDLE file = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    bool ok = file != INVALID_HANDLE_VALUE && ReadFile(file, der, DER_MAX_LEN, ret_len, NULL);

    if (file != INVALID_HANDLE_VALUE)
        (void)CloseHandle(file); /* only read from */
    return ok;
}

static bool add(HCERTSTORE store, const BYTE *der, DWORD len)
{
    return CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, der, len,
                                            CERT_STORE_ADD_REPLACE_EXISTING, NULL);
}

/* One that is not there is as good as removed. */
static bool remove_from(HCERTSTORE store, const BYTE *der, DWORD len)
{
    PCCERT_CONTEXT given = CertCreateCertificateContext(X509_ASN_ENCODING, der, len);
    PCCERT_CONTEXT found = given ? CertFindCertificateInStore(store, X509_ASN_ENCODING, 0,
                                                              CERT_FIND_EXISTING, given, NULL)
                                 : NULL;
    bool ok = given && (!found || CertDeleteCertificateFromStore(found)); /* frees found */

    (void)CertFreeCertificateContext(given);
    return ok;
}

int main(int argc, char **argv)
{
    HCERTSTORE store =
        CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE, L"ROOT");
    BYTE der[DER_MAX_LEN];
    DWORD len = 0;
    bool ok = argc == 3 && store && read_file(argv[2], der, &len);

    if (ok)
        ok = strcmp(argv[1], "add") == 0 ? add(store, der, len) : remove_from(store, der, len);
    if (!ok)
        printf("failed: error %lu\n", GetLastError());
    if (store)
        (void)CertCloseStore(store, 0);
    return ok ? 0 : 1;
}
