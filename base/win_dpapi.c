#include "base/win_dpapi.h"

#include <windows.h>

#include <wincrypt.h>

#include "base/errors.h"
#include "base/span.h"
#include "base/win_text.h"

#define REASON_LEN 160u

/* Part of every key; never changes, for nothing sealed before would open again. */
static BYTE words[] = "keyprovider secret 1";

static DATA_BLOB own_words(void)
{
    DATA_BLOB blob = {sizeof words - 1, words};

    return blob;
}

/* The system reads through it only. */
static DATA_BLOB as_blob(kp_span bytes)
{
    DATA_BLOB blob = {(DWORD)bytes.len, (BYTE *)(uintptr_t)bytes.ptr};

    return blob;
}

/* Moves what the system has allocated to out, and wipes it there. */
static kp_status take_over(DATA_BLOB *from, kp_buf *out)
{
    kp_status st = kp_buf_append(out, kpb_span(from->pbData, from->cbData));

    SecureZeroMemory(from->pbData, from->cbData);
    (void)LocalFree(from->pbData);
    return st;
}

kp_status kpb_win_dpapi_seal(kp_span secret, enum kpb_win_dpapi_scope scope, kp_buf *out,
                             struct kp_error *reterr)
{
    DWORD flags = CRYPTPROTECT_UI_FORBIDDEN;
    DATA_BLOB plain = as_blob(secret);
    DATA_BLOB ours = own_words();
    DATA_BLOB sealed = {0, NULL};
    char why[REASON_LEN];

    if (scope == KPB_WIN_DPAPI_MACHINE)
        flags |= CRYPTPROTECT_LOCAL_MACHINE;
    if (!CryptProtectData(&plain, L"keyprovider", &ours, NULL, NULL, flags, &sealed)) {
        kpb_win_reason(GetLastError(), why, sizeof why);
        return kpb_fail(reterr, KP_INTERNAL, "DPAPI cannot seal the secret: %s", why);
    }
    return take_over(&sealed, out) == KP_OK ? KP_OK : kpb_fail_memory(reterr, "dpapi.sealed");
}

static kp_status fail_open(const char *name, DWORD code, struct kp_error *reterr)
{
    char why[REASON_LEN];

    kpb_win_reason(code, why, sizeof why);
    return kpb_fail(
        reterr, KP_CONFIG,
        "DPAPI does not open %s: %s; it opens on the machine, and of scope user for the "
        "account, where kp secret protect wrote it: run that again there",
        name, why);
}

kp_status kpb_win_dpapi_open(kp_span sealed, const char *name, kp_buf *out, struct kp_error *reterr)
{
    DATA_BLOB blob = as_blob(sealed);
    DATA_BLOB ours = own_words();
    DATA_BLOB plain = {0, NULL};
    kp_status st;

    if (!CryptUnprotectData(&blob, NULL, &ours, NULL, NULL, CRYPTPROTECT_UI_FORBIDDEN, &plain))
        return fail_open(name, GetLastError(), reterr);
    st = take_over(&plain, out);
    if (st == KP_USAGE)
        return kpb_fail(reterr, KP_CONFIG, "the secret in %s has more than %zu bytes", name,
                        out->limit);
    return st == KP_OK ? KP_OK : kpb_fail_memory(reterr, "dpapi.secret");
}
