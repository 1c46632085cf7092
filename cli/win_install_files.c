#include <stdio.h>
#include <string.h>
#include <windows.h>

#include <aclapi.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/win_access.h"
#include "base/win_text.h"
#include "cli/win_install.h"
#include "core/trust.h"

#define PREVIOUS "previous"
#define PRODUCT L"keyprovider"
#define VERSION_BLOCK L"\\StringFileInfo\\040904b0\\"
#define INFO_MAX_LEN 65536u

/* Everybody reads and runs programs; only administrators write them. */
#define PROGRAM_ACCESS L"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)"

struct file {
    const char *name;
    bool is_needed;
};

/* The DLL comes last, so that what is put is complete when its version is the new one. */
static const struct file FILES[] = {
    {"ekm-rehearse.exe", false}, {"keyprovider.dll", false}, {WIN_KP, true}, {WIN_DLL, true}};
#define N_FILES (sizeof FILES / sizeof FILES[0])

/* ---- One file ---- */

static bool is_there(const char *path)
{
    wchar_t *wide = kpb_win_wide("cli.install", path);
    const bool found = wide && GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES;
    kpb_free(wide);
    return found;
}

static kp_status move_file(const char *from, const char *to, struct kp_error *reterr)
{
    wchar_t *wide_from = kpb_win_wide("cli.install", from);
    wchar_t *wide_to = kpb_win_wide("cli.install", to);
    const bool ok =
        wide_from && wide_to &&
        MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH);
    const DWORD code = wide_from && wide_to ? GetLastError() : ERROR_NOT_ENOUGH_MEMORY;
    kpb_free(wide_from);
    kpb_free(wide_to);
    return ok ? KP_OK : win_fail(reterr, "write", to, code);
}

static DWORD delete_path(const char *path)
{
    wchar_t *wide = kpb_win_wide("cli.install", path);
    DWORD code = ERROR_NOT_ENOUGH_MEMORY;
    if (wide) {
        code = DeleteFileW(wide) ? ERROR_SUCCESS : GetLastError();
    }
    kpb_free(wide);
    return code;
}

static void remove_folder(const char *path)
{
    wchar_t *wide = kpb_win_wide("cli.install", path);
    if (wide) {
        (void)RemoveDirectoryW(wide); /* stays when something is in it */
    }
    kpb_free(wide);
}

/* The copy has the list of the folder it comes to, not the one of the file it was. */
static kp_status copy_file(const char *from, const char *to, struct kp_error *reterr)
{
    wchar_t *wide_from = kpb_win_wide("cli.install", from);
    wchar_t *wide_to = kpb_win_wide("cli.install", to);
    const bool ok = wide_from && wide_to && CopyFileW(wide_from, wide_to, FALSE);
    const DWORD code = wide_from && wide_to ? GetLastError() : ERROR_NOT_ENOUGH_MEMORY;
    kp_status st = ok ? KP_OK : win_fail(reterr, "copy", from, code);
    if (ok) {
        const HANDLE file = CreateFileW(wide_to, GENERIC_WRITE, FILE_SHARE_READ, NULL,
                                        OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
        if (file == INVALID_HANDLE_VALUE || !FlushFileBuffers(file)) {
            st = win_fail(reterr, "write", to, GetLastError());
        }
        if (file != INVALID_HANDLE_VALUE) {
            (void)CloseHandle(file); /* flushed */
        }
    }
    kpb_free(wide_from);
    kpb_free(wide_to);
    return st;
}

/* Under another name, so that the old one is free, and gone with the next start of the machine. */
static kp_status leave_until_start(const char *path, struct kp_error *reterr)
{
    char aside[WIN_PATH_LEN];
    const int n = snprintf(aside, sizeof aside, "%s.old", path);
    if (n <= 0 || (size_t)n >= sizeof aside) {
        return kpb_fail(reterr, KP_USAGE, "the path %.64s... is too long", path);
    }
    const kp_status st = move_file(path, aside, reterr);
    if (st != KP_OK) {
        return st;
    }
    wchar_t *wide = kpb_win_wide("cli.install", aside);
    const bool ok = wide && MoveFileExW(wide, NULL, MOVEFILE_DELAY_UNTIL_REBOOT);
    const DWORD code = wide ? GetLastError() : ERROR_NOT_ENOUGH_MEMORY;
    kpb_free(wide);
    return ok ? KP_OK : win_fail(reterr, "take away", aside, code);
}

/* Makes room for a name; what a process has loaded moves aside. */
static kp_status clear_name(const char *path, struct kp_error *reterr)
{
    if (!is_there(path) || delete_path(path) == ERROR_SUCCESS) {
        return KP_OK;
    }
    return leave_until_start(path, reterr);
}

/* ---- Versions ---- */

static bool read_text(const void *info, const wchar_t *name, wchar_t **ret)
{
    wchar_t path[64];
    UINT len = 0;
    (void)swprintf(path, sizeof path / sizeof path[0], L"%ls%ls", VERSION_BLOCK, name);
    return VerQueryValueW(info, path, (void **)ret, &len) && len > 0;
}

static bool read_version(const wchar_t *path, void *info, char out[WIN_VERSION_LEN])
{
    wchar_t *text = NULL;
    return GetFileVersionInfoW(path, 0, INFO_MAX_LEN, info) &&
           read_text(info, L"ProductName", &text) && wcscmp(text, PRODUCT) == 0 &&
           read_text(info, L"ProductVersion", &text) &&
           kpb_win_utf8_fill(text, out, WIN_VERSION_LEN);
}

kp_status win_dll_version(const char *folder, char out[WIN_VERSION_LEN], struct kp_error *reterr)
{
    char path[WIN_PATH_LEN];
    kp_status st = win_path(path, folder, WIN_DLL, reterr);
    if (st != KP_OK) {
        return st;
    }
    if (!is_there(path)) {
        return kpb_fail(reterr, KP_NOT_FOUND, "there is no %s", path);
    }
    wchar_t *wide = kpb_win_wide("cli.install", path);
    void *info = kpb_alloc("cli.install", INFO_MAX_LEN);
    if (!wide || !info) {
        st = kpb_fail_memory(reterr, "cli.install");
    } else if (!read_version(wide, info, out)) {
        st = kpb_fail(reterr, KP_CONFIG, "%s is no provider of this project", path);
    }
    kpb_free(info);
    kpb_free(wide);
    return st;
}

/* ---- Folders ---- */

/*
 * What SQL Server will run lies there: nobody else may be able to write it, to put another folder
 * in its place or in the place of one above it, or to lead the way there through a link.
 */
static kp_status check_trusted(const char *path, enum kpi_trust_kind kind, struct kp_error *reterr)
{
    int fd = -1;
    const kp_status st = kpi_trust_open(path, kind, &fd, reterr);
    kpi_trust_close(fd);
    return st;
}

/* The list anew, for what lies in it too: the account may be another, or somebody was generous. */
static kp_status renew_list(const wchar_t *wide, const char *path, PSECURITY_DESCRIPTOR descriptor,
                            struct kp_error *reterr)
{
    PACL list = NULL;
    BOOL present = FALSE;
    BOOL defaulted = FALSE;
    DWORD code = ERROR_INVALID_SECURITY_DESCR;
    const HANDLE folder =
        CreateFileW(wide, READ_CONTROL | WRITE_DAC, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                    OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (folder == INVALID_HANDLE_VALUE) {
        return win_fail(reterr, "open", path, GetLastError());
    }
    if (GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted) && present) {
        code = SetSecurityInfo(folder, SE_FILE_OBJECT,
                               DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                               NULL, NULL, list, NULL);
    }
    (void)CloseHandle(folder);
    return code == ERROR_SUCCESS ? KP_OK : win_fail(reterr, "set the rights of", path, code);
}

/* What becomes of a folder: it must be nobody else's to write, or its list is set anew where it was
 * there, or both. */
enum care { CHECKED, CHECKED_AND_SET, SET_ANEW };

/* *ret_made: it was not there. One that does not pass the check is not left behind either. */
static kp_status make_folder(const char *path, const wchar_t *access, enum care care,
                             bool *ret_made, struct kp_error *reterr)
{
    SECURITY_ATTRIBUTES attributes = {sizeof attributes, kpb_win_access_from(access), FALSE};
    wchar_t *wide = kpb_win_wide("cli.install", path);
    kp_status st = KP_OK;
    *ret_made = false;
    if (!wide || !attributes.lpSecurityDescriptor) {
        st = kpb_fail_memory(reterr, "cli.install");
    } else if (CreateDirectoryW(wide, &attributes)) {
        *ret_made = true;
    } else if (GetLastError() != ERROR_ALREADY_EXISTS) {
        st = win_fail(reterr, "make the folder", path, GetLastError());
    }
    if (st == KP_OK && care != SET_ANEW) {
        st = check_trusted(path, KPI_TRUST_FOLDER, reterr);
    }
    if (st == KP_OK && care != CHECKED && !*ret_made) {
        st = renew_list(wide, path, attributes.lpSecurityDescriptor, reterr);
    }
    if (st != KP_OK && *ret_made) {
        remove_folder(path);
        *ret_made = false;
    }
    kpb_free(wide);
    kpb_win_access_free(attributes.lpSecurityDescriptor);
    return st;
}

/* ---- Putting ---- */

static kp_status check_new_files(const struct win_install *w, struct kp_error *reterr)
{
    char version[WIN_VERSION_LEN];
    char path[WIN_PATH_LEN];
    kp_status st = win_dll_version(w->from, version, reterr);
    for (size_t i = 0; st == KP_OK && i < N_FILES; i++) {
        st = win_path(path, w->from, FILES[i].name, reterr);
        if (st == KP_OK && FILES[i].is_needed && !is_there(path)) {
            st = kpb_fail(reterr, KP_NOT_FOUND, "there is no %s", path);
        }
        if (st == KP_OK && is_there(path)) {
            st = check_trusted(path, KPI_TRUST_FILE, reterr);
        }
    }
    return st;
}

/* A loaded DLL cannot be overwritten, but its name can be given to another. A name that had a file
 * has one afterwards, come what may. */
static kp_status change_place(const char *fresh, const char *to, const char *old,
                              struct kp_error *reterr)
{
    struct kp_error ignored;
    const bool had_one = is_there(to);
    kp_status st = had_one ? clear_name(old, reterr) : KP_OK;
    if (st == KP_OK && had_one) {
        st = move_file(to, old, reterr);
    }
    if (st != KP_OK) {
        return st;
    }
    st = move_file(fresh, to, reterr);
    if (st != KP_OK && had_one) {
        kpb_ignore(move_file(old, to, &ignored)); /* the first failure is the one told */
    }
    return st;
}

static kp_status put_file(const struct win_install *w, const char *name, struct kp_error *reterr)
{
    char from[WIN_PATH_LEN];
    char to[WIN_PATH_LEN];
    char fresh[WIN_PATH_LEN];
    char old[WIN_PATH_LEN];
    char previous[WIN_PATH_LEN];
    kp_status st = win_path(from, w->from, name, reterr);
    if (st != KP_OK || !is_there(from)) {
        return st;
    }
    st = win_path(to, w->folder, name, reterr);
    if (st == KP_OK) {
        st = win_path(previous, w->folder, PREVIOUS, reterr);
    }
    if (st == KP_OK) {
        st = win_path(old, previous, name, reterr);
    }
    if (st == KP_OK) {
        st = win_path(fresh, previous, "new", reterr);
    }
    if (st == KP_OK) {
        st = copy_file(from, fresh, reterr);
    }
    return st == KP_OK ? change_place(fresh, to, old, reterr) : st;
}

kp_status win_files_put(struct win_install *w, struct kp_error *reterr)
{
    char previous[WIN_PATH_LEN];
    bool made = false;
    kp_status st = check_new_files(w, reterr);
    if (st == KP_OK && strcmp(w->from, w->folder) == 0) {
        return kpb_fail(reterr, KP_USAGE, "the new files lie in %s themselves; say --from DIR",
                        w->folder);
    }
    if (st == KP_OK) {
        st = make_folder(w->folder, PROGRAM_ACCESS, CHECKED, &made, reterr);
    }
    if (st == KP_OK) {
        w->made |= WIN_MADE_FILES;
        st = win_path(previous, w->folder, PREVIOUS, reterr);
    }
    if (st == KP_OK) {
        st = make_folder(previous, PROGRAM_ACCESS, CHECKED, &made, reterr);
    }
    for (size_t i = 0; st == KP_OK && i < N_FILES; i++) {
        st = put_file(w, FILES[i].name, reterr);
    }
    return st;
}

/* ---- Swapping ---- */

static kp_status swap_file(const struct win_install *w, const char *name, struct kp_error *reterr)
{
    char now[WIN_PATH_LEN];
    char before[WIN_PATH_LEN];
    char aside[WIN_PATH_LEN];
    char previous[WIN_PATH_LEN];
    kp_status st = win_path(previous, w->folder, PREVIOUS, reterr);
    if (st == KP_OK) {
        st = win_path(now, w->folder, name, reterr);
    }
    if (st == KP_OK) {
        st = win_path(before, previous, name, reterr);
    }
    if (st == KP_OK) {
        st = win_path(aside, previous, "swap", reterr);
    }
    if (st != KP_OK || !is_there(before)) {
        return st;
    }
    if (is_there(now)) {
        st = move_file(now, aside, reterr);
    }
    if (st == KP_OK) {
        st = move_file(before, now, reterr);
    }
    return st == KP_OK && is_there(aside) ? move_file(aside, before, reterr) : st;
}

kp_status win_files_swap(const struct win_install *w, struct kp_error *reterr)
{
    char previous[WIN_PATH_LEN];
    char version[WIN_VERSION_LEN];
    kp_status st = win_path(previous, w->folder, PREVIOUS, reterr);
    if (st == KP_OK) {
        st = win_dll_version(previous, version, reterr);
    }
    for (size_t i = 0; st == KP_OK && i < N_FILES; i++) {
        st = swap_file(w, FILES[i].name, reterr);
    }
    return st;
}

/* ---- Taking away ---- */

/* What is mapped as a program cannot be opened for writing. */
bool win_dll_is_idle(const struct win_install *w)
{
    char path[WIN_PATH_LEN];
    if (win_path(path, w->folder, WIN_DLL, NULL) != KP_OK || !is_there(path)) {
        return true;
    }
    wchar_t *wide = kpb_win_wide("cli.install", path);
    const HANDLE file = wide ? CreateFileW(wide, GENERIC_WRITE | DELETE, FILE_SHARE_READ, NULL,
                                           OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL)
                             : INVALID_HANDLE_VALUE;
    kpb_free(wide);
    if (file == INVALID_HANDLE_VALUE) {
        return false;
    }
    (void)CloseHandle(file);
    return true;
}

static kp_status remove_in(const char *folder, bool *ret_left, struct kp_error *reterr)
{
    char path[WIN_PATH_LEN];
    kp_status st = KP_OK;
    for (size_t i = 0; st == KP_OK && i < N_FILES; i++) {
        st = win_path(path, folder, FILES[i].name, reterr);
        const DWORD code = st == KP_OK && is_there(path) ? delete_path(path) : ERROR_SUCCESS;
        if (code != ERROR_SUCCESS) {
            *ret_left = true;
            st = leave_until_start(path, reterr);
        }
    }
    return st;
}

kp_status win_files_remove(const struct win_install *w, bool *ret_left, struct kp_error *reterr)
{
    char previous[WIN_PATH_LEN];
    *ret_left = false;
    kp_status st = win_path(previous, w->folder, PREVIOUS, reterr);
    if (st == KP_OK) {
        st = remove_in(previous, ret_left, reterr);
    }
    if (st == KP_OK) {
        st = remove_in(w->folder, ret_left, reterr);
    }
    if (st == KP_OK) {
        remove_folder(previous);
        remove_folder(w->folder);
    }
    return st;
}

/* ---- Data ---- */

/* Administrators write what decides; the service reads it. Its log it may write, and nobody
 * else. */
static void access_for(const struct win_install *w, const wchar_t *rights,
                       wchar_t out[WIN_PATH_LEN])
{
    (void)swprintf(out, WIN_PATH_LEN, L"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;%ls;;;%ls)",
                   rights, w->sid);
}

kp_status win_data_make(struct win_install *w, struct kp_error *reterr)
{
    wchar_t access[WIN_PATH_LEN];
    char log[WIN_PATH_LEN];
    bool made = false;
    access_for(w, L"0x1200a9", access); /* read and list */
    kp_status st = make_folder(w->data, access, CHECKED_AND_SET, &made, reterr);
    if (st == KP_OK) {
        w->made |= made ? WIN_MADE_DATA : 0;
        st = win_path(log, w->data, "log", reterr);
    }
    if (st == KP_OK) {
        access_for(w, L"0x1301bf", access); /* change */
        st = make_folder(log, access, SET_ANEW, &made, reterr);
        w->made |= st == KP_OK && made ? WIN_MADE_LOG : 0;
    }
    return st;
}

/* Whether the service has its rights cannot be asked for without being it; icacls shows them. */
kp_status win_data_check(const struct win_install *w, struct kp_error *reterr)
{
    char log[WIN_PATH_LEN];
    kp_status st = check_trusted(w->data, KPI_TRUST_FOLDER, reterr);
    if (st == KP_OK) {
        st = win_path(log, w->data, "log", reterr);
    }
    return st == KP_OK && !is_there(log)
               ? kpb_fail(reterr, KP_CONFIG, "there is no %s; run kp upgrade", log)
               : st;
}

void win_data_undo(const struct win_install *w)
{
    char log[WIN_PATH_LEN];
    if ((w->made & WIN_MADE_LOG) && win_path(log, w->data, "log", NULL) == KP_OK) {
        remove_folder(log);
    }
    if (w->made & WIN_MADE_DATA) {
        remove_folder(w->data);
    }
}
