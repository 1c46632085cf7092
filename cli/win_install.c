#include "cli/win_install.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

#include <sddl.h>

#include "base/errors.h"
#include "base/win_folder.h"
#include "base/win_text.h"

#define CURRENT_VERSION L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion"

kp_status win_path(char out[WIN_PATH_LEN], const char *folder, const char *name,
                   struct kp_error *reterr)
{
    const int n = snprintf(out, WIN_PATH_LEN, "%s\\%s", folder, name);
    return n > 0 && (size_t)n < WIN_PATH_LEN
               ? KP_OK
               : kpb_fail(reterr, KP_USAGE, "the path %.64s... is too long", folder);
}

kp_status win_fail(struct kp_error *reterr, const char *verb, const char *what, uint32_t code)
{
    char why[128];
    kpb_win_reason(code, why, sizeof why);
    if (code == ERROR_ACCESS_DENIED || code == ERROR_PRIVILEGE_NOT_HELD ||
        code == ERROR_INVALID_OWNER) {
        return kpb_fail(reterr, KP_FORBIDDEN, "cannot %s %s: %s; run kp as administrator", verb,
                        what, why);
    }
    return kpb_fail(reterr, KP_CONFIG, "cannot %s %s: %s", verb, what, why);
}

/* ---- Folders ---- */

static bool program_files(char out[WIN_PATH_LEN])
{
    wchar_t wide[WIN_PATH_LEN / 2];
    DWORD len = sizeof wide;
    return RegGetValueW(HKEY_LOCAL_MACHINE, CURRENT_VERSION, L"ProgramFilesDir",
                        RRF_RT_REG_SZ | RRF_SUBKEY_WOW6464KEY, NULL, wide, &len) == ERROR_SUCCESS &&
           kpb_win_utf8_fill(wide, out, WIN_PATH_LEN);
}

static bool own_folder(char out[WIN_PATH_LEN])
{
    wchar_t wide[WIN_PATH_LEN / 2];
    const DWORD n = GetModuleFileNameW(NULL, wide, WIN_PATH_LEN / 2);
    if (n == 0 || n >= WIN_PATH_LEN / 2 || !kpb_win_utf8_fill(wide, out, WIN_PATH_LEN)) {
        return false;
    }
    char *slash = strrchr(out, '\\');
    if (slash) {
        *slash = '\0';
    }
    return slash != NULL;
}

kp_status win_default_folders(struct win_install *w, struct kp_error *reterr)
{
    char base[WIN_PATH_LEN];
    if (!own_folder(w->from)) {
        return kpb_fail(reterr, KP_CONFIG, "the folder of this program cannot be told");
    }
    if (!program_files(base)) {
        return kpb_fail(reterr, KP_CONFIG, "the registry does not say where programs lie");
    }
    kp_status st = win_path(w->folder, base, "keyprovider", reterr);
    if (st == KP_OK && !kpb_win_program_data(base, sizeof base)) {
        st = kpb_fail(reterr, KP_CONFIG, "the registry does not say where data of programs lie");
    }
    return st == KP_OK ? win_path(w->data, base, "keyprovider", reterr) : st;
}

/* ---- The account ---- */

static bool copy_sid(PSID sid, wchar_t out[WIN_SID_LEN])
{
    LPWSTR text = NULL;
    if (!ConvertSidToStringSidW(sid, &text)) {
        return false;
    }
    const bool fits = wcslen(text) < WIN_SID_LEN;
    if (fits) {
        memcpy(out, text, (wcslen(text) + 1) * sizeof *text);
    }
    (void)LocalFree(text);
    return fits;
}

kp_status win_find_service(struct win_install *w, const char *account, struct kp_error *reterr)
{
    wchar_t wide[WIN_ACCOUNT_LEN];
    wchar_t domain[WIN_ACCOUNT_LEN];
    unsigned char sid[SECURITY_MAX_SID_SIZE];
    DWORD sid_len = sizeof sid;
    DWORD domain_len = WIN_ACCOUNT_LEN;
    SID_NAME_USE use;
    if (!kpb_win_wide_fill(account, wide, WIN_ACCOUNT_LEN)) {
        return kpb_fail(reterr, KP_USAGE, "--service takes the name of an account");
    }
    if (!LookupAccountNameW(NULL, wide, sid, &sid_len, domain, &domain_len, &use) ||
        !copy_sid(sid, w->sid)) {
        return kpb_fail(reterr, KP_CONFIG,
                        "there is no account %s; say with --service which one SQL Server runs as "
                        "(a named instance: NT SERVICE\\MSSQL$NAME)",
                        account);
    }
    (void)snprintf(w->service, sizeof w->service, "%s", account);
    return KP_OK;
}
