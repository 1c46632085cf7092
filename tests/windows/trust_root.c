/*
 * Puts a certificate into a store of this machine, or takes it out again; for tests alone, as an
 * administrator.
 *
 *   trust_root add|remove STORE FILE [code]     FILE: DER; code: it is trusted for signing code
 *   alone
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include <wincrypt.h>

#define DER_MAX_LEN 8192u
#define STORE_KEY L"SOFTWARE\\Microsoft\\SystemCertificates\\%hs\\Certificates\\"
#define SHA1_LEN 20u

static PCCERT_CONTEXT read_file(const char *path)
{
    HANDLE file = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    BYTE der[DER_MAX_LEN];
    DWORD len = 0;
    bool ok = file != INVALID_HANDLE_VALUE && ReadFile(file, der, DER_MAX_LEN, &len, NULL);

    if (file != INVALID_HANDLE_VALUE)
        (void)CloseHandle(file); /* only read from */
    return ok ? CertCreateCertificateContext(X509_ASN_ENCODING, der, len) : NULL;
}

static bool add(const char *name, PCCERT_CONTEXT certificate, bool for_code_alone)
{
    char code[] = szOID_PKIX_KP_CODE_SIGNING;
    char *uses[] = {code};
    CERT_ENHKEY_USAGE list = {1, uses};
    wchar_t wide[64];
    HCERTSTORE store;
    bool ok;

    (void)swprintf(wide, 64, L"%hs", name);
    store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE, wide);
    ok =
        store && (!for_code_alone || CertSetEnhancedKeyUsage(certificate, &list)) &&
        CertAddCertificateContextToStore(store, certificate, CERT_STORE_ADD_REPLACE_EXISTING, NULL);
    return store && CertCloseStore(store, 0) && ok;
}

/* From where the store keeps it: wine takes no root out of the store itself. */
static bool take_out(const char *name, PCCERT_CONTEXT certificate)
{
    BYTE hash[SHA1_LEN];
    DWORD len = sizeof hash;
    wchar_t key[256];
    int n = swprintf(key, 256, STORE_KEY, name);

    if (!CertGetCertificateContextProperty(certificate, CERT_SHA1_HASH_PROP_ID, hash, &len))
        return false;
    for (DWORD i = 0; i < len; i++)
        n += swprintf(key + n, 256 - (size_t)n, L"%02X", hash[i]);
    return RegDeleteTreeW(HKEY_LOCAL_MACHINE, key) == ERROR_SUCCESS;
}

int main(int argc, char **argv)
{
    PCCERT_CONTEXT certificate = argc >= 4 ? read_file(argv[3]) : NULL;
    bool ok = certificate != NULL;

    if (ok)
        ok = strcmp(argv[1], "add") == 0 ? add(argv[2], certificate, argc > 4)
                                         : take_out(argv[2], certificate);
    if (!ok)
        printf("failed: error %lu\n", GetLastError());
    (void)CertFreeCertificateContext(certificate);
    return ok ? 0 : 1;
}
