#include "base/win_signature.h"

#include <string.h>
#include <windows.h>

#include <softpub.h>
#include <wincrypt.h>
#include <wintrust.h>

#include "base/mem.h"

#define NAME_UNITS 4096u

/* ---- One look ---- */

static bool hash_certificate(PCCERT_CONTEXT certificate, uint8_t out[KPB_SIGNER_LEN])
{
    DWORD len = KPB_SIGNER_LEN;

    return CryptHashCertificate2(BCRYPT_SHA256_ALGORITHM, 0, NULL, certificate->pbCertEncoded,
                                 certificate->cbCertEncoded, out, &len) &&
           len == KPB_SIGNER_LEN;
}

/* The first signer's own certificate: the one the verdict is about. */
static void read_signer(HANDLE state, struct kpb_signature *ret)
{
    CRYPT_PROVIDER_DATA *data = WTHelperProvDataFromStateData(state);
    CRYPT_PROVIDER_SGNR *signer = data ? WTHelperGetProvSignerFromChain(data, 0, FALSE, 0) : NULL;

    if (!signer || signer->csCertChain == 0 || !signer->pChainContext)
        return;
    ret->chain_errors = signer->pChainContext->TrustStatus.dwErrorStatus;
    ret->has_signer = hash_certificate(signer->pasCertChain[0].pCert, ret->signer);
}

static void look(HANDLE file, const wchar_t *path, bool with_lists, struct kpb_signature *ret)
{
    GUID action = WINTRUST_ACTION_GENERIC_VERIFY_V2;
    WINTRUST_FILE_INFO info = {.cbStruct = sizeof info, .pcwszFilePath = path, .hFile = file};
    WINTRUST_DATA data = {
        .cbStruct = sizeof data,
        .dwUIChoice = WTD_UI_NONE,
        .fdwRevocationChecks = with_lists ? WTD_REVOKE_WHOLECHAIN : WTD_REVOKE_NONE,
        .dwUnionChoice = WTD_CHOICE_FILE,
        .pFile = &info,
        .dwStateAction = WTD_STATEACTION_VERIFY,
        .dwProvFlags = WTD_CACHE_ONLY_URL_RETRIEVAL | (with_lists ? 0 : WTD_REVOCATION_CHECK_NONE),
    };

    memset(ret, 0, sizeof *ret);
    /* This handle for a window means that there is nobody to ask. */
    ret->verdict = (uint32_t)WinVerifyTrust(INVALID_HANDLE_VALUE, &action, &data);
    read_signer(data.hWVTStateData, ret);
    data.dwStateAction = WTD_STATEACTION_CLOSE;
    (void)WinVerifyTrust(INVALID_HANDLE_VALUE, &action, &data);
}

void kpb_win_signature(void *handle, const wchar_t *path, struct kpb_signature *ret)
{
    look(handle, path, true, ret);
    if (kpb_signature_lacks_lists(ret->verdict))
        look(handle, path, false, ret);
}

/* ---- Ourselves ---- */

static bool own_name(wchar_t *name)
{
    HMODULE module = NULL;
    DWORD n = 0;

    if (GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                               GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                           (const wchar_t *)(uintptr_t)own_name, &module))
        n = GetModuleFileNameW(module, name, NAME_UNITS);
    return n > 0 && n < NAME_UNITS;
}

void kpb_win_signature_own(struct kpb_signature *ret)
{
    static const struct kpb_signature unseen = {.verdict = KPB_VERDICT_UNSEEN};
    wchar_t *name = kpb_alloc_array("signature.name", NAME_UNITS, sizeof *name);
    HANDLE file = INVALID_HANDLE_VALUE;

    *ret = unseen;
    if (name && own_name(name))
        file = CreateFileW(name, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL,
                           OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file != INVALID_HANDLE_VALUE) {
        kpb_win_signature(file, name, ret);
        (void)CloseHandle(file); /* only read from */
    }
    kpb_free(name);
}
