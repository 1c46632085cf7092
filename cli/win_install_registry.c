#include <stdio.h>
#include <string.h>
#include <windows.h>

#include <aclapi.h>
#include <sddl.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/win_access.h"
#include "base/win_text.h"
#include "cli/win_install.h"
#include "ekm/win_event.h"

#define RECORD_KEY L"SOFTWARE\\keyprovider"
#define MAP_KEY L"SOFTWARE\\Microsoft\\SQL Server Cryptographic Provider\\keyprovider"
#define MAP_NAME "HKLM\\SOFTWARE\\Microsoft\\SQL Server Cryptographic Provider\\keyprovider"
#define EVENT_KEY                                                                                  \
    L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\" EKM_WIN_EVENT_SOURCE
#define EVENT_NAME "the source of events \"keyprovider EKM\""

/* What a record of the map takes: values are read, set and deleted. No key is made, none
 * deleted. */
#define SERVICE_RIGHTS (KEY_READ | KEY_SET_VALUE)
#define MAP_ACCESS L"O:BAD:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;0x2001b;;;%ls)"

/* ---- Values ---- */

static LONG set_text(HKEY key, const wchar_t *name, const char *text, DWORD type)
{
    wchar_t *wide = kpb_win_wide("cli.install", text);
    const LONG code = wide ? RegSetValueExW(key, name, 0, type, (const BYTE *)wide,
                                            (DWORD)((wcslen(wide) + 1) * sizeof *wide))
                           : ERROR_NOT_ENOUGH_MEMORY;
    kpb_free(wide);
    return code;
}

static bool get_text(const wchar_t *key, const wchar_t *name, char *out, size_t cap)
{
    wchar_t wide[WIN_PATH_LEN];
    DWORD len = sizeof wide;
    return RegGetValueW(HKEY_LOCAL_MACHINE, key, name, RRF_RT_REG_SZ | RRF_SUBKEY_WOW6464KEY, NULL,
                        wide, &len) == ERROR_SUCCESS &&
           kpb_win_utf8_fill(wide, out, cap);
}

static LONG create_key(const wchar_t *path, const SECURITY_ATTRIBUTES *access, HKEY *ret,
                       bool *ret_made)
{
    DWORD disposition = 0;
    const LONG code = RegCreateKeyExW(HKEY_LOCAL_MACHINE, path, 0, NULL, REG_OPTION_NON_VOLATILE,
                                      KEY_READ | KEY_SET_VALUE | WRITE_DAC | KEY_WOW64_64KEY,
                                      (SECURITY_ATTRIBUTES *)(uintptr_t)access, ret, &disposition);
    *ret_made = code == ERROR_SUCCESS && disposition == REG_CREATED_NEW_KEY;
    return code;
}

static void delete_key(const wchar_t *path)
{
    (void)RegDeleteKeyExW(HKEY_LOCAL_MACHINE, path, KEY_WOW64_64KEY, 0);
}

/* ---- The record ---- */

kp_status win_record_read(struct win_install *w, char version[WIN_VERSION_LEN],
                          struct kp_error *reterr)
{
    char service[WIN_ACCOUNT_LEN];
    if (!get_text(RECORD_KEY, L"Folder", w->folder, sizeof w->folder) ||
        !get_text(RECORD_KEY, L"Service", service, sizeof service) ||
        !get_text(RECORD_KEY, L"Version", version, WIN_VERSION_LEN)) {
        return kpb_fail(reterr, KP_NOT_FOUND, "keyprovider is not installed here; run kp install");
    }
    memcpy(w->service, service, sizeof service);
    return KP_OK;
}

kp_status win_record_write(struct win_install *w, const char *version, struct kp_error *reterr)
{
    HKEY key = NULL;
    bool made = false;
    LONG code = create_key(RECORD_KEY, NULL, &key, &made);
    if (code != ERROR_SUCCESS) {
        return win_fail(reterr, "write", "HKLM\\SOFTWARE\\keyprovider", (uint32_t)code);
    }
    w->made |= made ? WIN_MADE_RECORD : 0;
    code = set_text(key, L"Folder", w->folder, REG_SZ);
    if (code == ERROR_SUCCESS) {
        code = set_text(key, L"Service", w->service, REG_SZ);
    }
    if (code == ERROR_SUCCESS) {
        code = set_text(key, L"Version", version, REG_SZ);
    }
    (void)RegCloseKey(key);
    return code == ERROR_SUCCESS
               ? KP_OK
               : win_fail(reterr, "write", "HKLM\\SOFTWARE\\keyprovider", (uint32_t)code);
}

void win_record_remove(void)
{
    delete_key(RECORD_KEY);
}

/* ---- The key map's key ---- */

/* A key that is there gets the list anew: the account may be another, or somebody was generous. */
static LONG set_list(HKEY key, PSECURITY_DESCRIPTOR descriptor)
{
    PACL list = NULL;
    BOOL present = FALSE;
    BOOL defaulted = FALSE;
    if (!GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted) || !present) {
        return ERROR_INVALID_SECURITY_DESCR;
    }
    return (LONG)SetSecurityInfo(key, SE_REGISTRY_KEY,
                                 DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                                 NULL, NULL, list, NULL);
}

kp_status win_map_make(struct win_install *w, struct kp_error *reterr)
{
    wchar_t sddl[WIN_SID_LEN + 96];
    SECURITY_ATTRIBUTES access = {sizeof access, NULL, FALSE};
    HKEY key = NULL;
    bool made = false;
    (void)swprintf(sddl, sizeof sddl / sizeof sddl[0], MAP_ACCESS, w->sid);
    access.lpSecurityDescriptor = kpb_win_access_from(sddl);
    LONG code = access.lpSecurityDescriptor ? create_key(MAP_KEY, &access, &key, &made)
                                            : ERROR_NOT_ENOUGH_MEMORY;
    if (code == ERROR_SUCCESS) {
        w->made |= made ? WIN_MADE_MAP : 0;
        code = set_list(key, access.lpSecurityDescriptor);
        (void)RegCloseKey(key);
    }
    kpb_win_access_free(access.lpSecurityDescriptor);
    return code == ERROR_SUCCESS ? KP_OK : win_fail(reterr, "make", MAP_NAME, (uint32_t)code);
}

/* One with records in it stays: they may be known nowhere else. */
void win_map_undo(void)
{
    HKEY key = NULL;
    DWORD n = 1;
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, MAP_KEY, 0, KEY_READ | KEY_WOW64_64KEY, &key) !=
        ERROR_SUCCESS) {
        return;
    }
    (void)RegQueryInfoKeyW(key, NULL, NULL, NULL, NULL, NULL, NULL, &n, NULL, NULL, NULL, NULL);
    (void)RegCloseKey(key);
    if (n == 0) {
        delete_key(MAP_KEY);
    }
}

static DWORD rights_of(PACL list, PSID sid)
{
    DWORD rights = 0;
    for (DWORD i = 0; list && i < list->AceCount; i++) {
        void *entry = NULL;
        if (!GetAce(list, i, &entry)) {
            return 0;
        }
        ACCESS_ALLOWED_ACE *allowed = entry;
        if (allowed->Header.AceType == ACCESS_ALLOWED_ACE_TYPE &&
            EqualSid((PSID)&allowed->SidStart, sid)) {
            rights |= allowed->Mask;
        }
    }
    return rights;
}

static kp_status check_rights(const struct win_install *w, HKEY key, struct kp_error *reterr)
{
    PSECURITY_DESCRIPTOR descriptor = NULL;
    PACL list = NULL;
    PSID sid = NULL;
    kp_status st = KP_OK;
    if (GetSecurityInfo(key, SE_REGISTRY_KEY, DACL_SECURITY_INFORMATION, NULL, NULL, &list, NULL,
                        &descriptor) != ERROR_SUCCESS ||
        !ConvertStringSidToSidW(w->sid, &sid)) {
        st = kpb_fail(reterr, KP_CONFIG, "the access list of %s cannot be read", MAP_NAME);
    } else if ((rights_of(list, sid) & SERVICE_RIGHTS) != SERVICE_RIGHTS) {
        st = kpb_fail(reterr, KP_CONFIG, "%s cannot write %s; run kp upgrade --service \"%s\"",
                      w->service, MAP_NAME, w->service);
    }
    (void)LocalFree(sid);
    (void)LocalFree(descriptor);
    return st;
}

kp_status win_map_check(const struct win_install *w, struct kp_error *reterr)
{
    HKEY key = NULL;
    const LONG code =
        RegOpenKeyExW(HKEY_LOCAL_MACHINE, MAP_KEY, 0, KEY_READ | KEY_WOW64_64KEY, &key);
    if (code != ERROR_SUCCESS) {
        return win_fail(reterr, "open", MAP_NAME, (uint32_t)code);
    }
    kp_status st = kpb_win_check_key(key, MAP_NAME, reterr);
    if (st == KP_OK) {
        st = check_rights(w, key, reterr);
    }
    (void)RegCloseKey(key);
    return st;
}

/* ---- The source of events ---- */

kp_status win_events_make(struct win_install *w, struct kp_error *reterr)
{
    const DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
    char dll[WIN_PATH_LEN];
    HKEY key = NULL;
    bool made = false;
    const kp_status st = win_path(dll, w->folder, WIN_DLL, reterr);
    if (st != KP_OK) {
        return st;
    }
    LONG code = create_key(EVENT_KEY, NULL, &key, &made);
    if (code == ERROR_SUCCESS) {
        w->made |= made ? WIN_MADE_EVENTS : 0;
        code = set_text(key, L"EventMessageFile", dll, REG_EXPAND_SZ);
        if (code == ERROR_SUCCESS) {
            code = RegSetValueExW(key, L"TypesSupported", 0, REG_DWORD, (const BYTE *)&types,
                                  sizeof types);
        }
        (void)RegCloseKey(key);
    }
    return code == ERROR_SUCCESS ? KP_OK : win_fail(reterr, "make", EVENT_NAME, (uint32_t)code);
}

void win_events_remove(void)
{
    delete_key(EVENT_KEY);
}

kp_status win_events_check(const struct win_install *w, struct kp_error *reterr)
{
    char dll[WIN_PATH_LEN];
    char found[WIN_PATH_LEN];
    const kp_status st = win_path(dll, w->folder, WIN_DLL, reterr);
    if (st != KP_OK) {
        return st;
    }
    /* RegGetValueW answers REG_EXPAND_SZ, expanded, where REG_SZ is asked for. */
    if (!get_text(EVENT_KEY, L"EventMessageFile", found, sizeof found)) {
        return kpb_fail(reterr, KP_CONFIG, "%s is not registered; run kp upgrade", EVENT_NAME);
    }
    return strcmp(found, dll) == 0
               ? KP_OK
               : kpb_fail(reterr, KP_CONFIG, "%s points to %s", EVENT_NAME, found);
}
