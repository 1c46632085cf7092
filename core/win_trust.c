/*
 * What POSIX reads from owners and modes is here the owner and the access list. In a folder on the
 * way others may make new files, as anybody may in C:\ and %ProgramData%; they may not delete or
 * replace what is there. Links of every kind are refused: their targets could be anybody's.
 */
#include "core/trust.h"

#include <fcntl.h>
#include <io.h>
#include <string.h>
#include <windows.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "base/win_access.h"
#include "base/win_text.h"

#define REASON_LEN 160u
#define LOOK (READ_CONTROL | FILE_READ_ATTRIBUTES)
#define ROOT_LEN 3u  /* C:\ */
#define DRIVE_LEN 7u /* \\?\C:\ */
#define DRIVE_UNITS (DRIVE_LEN + 1)

/* path is absolute; reached of its bytes are looked at now, ended by a NUL while they are. */
struct walk {
    enum kpi_trust_kind kind;
    struct kp_error *err;
    char path[KPI_PATH_MAX_LEN + 1];
    char shown[KPI_PATH_MAX_LEN + 1];
};

static bool is_missing(DWORD code)
{
    return code == ERROR_FILE_NOT_FOUND || code == ERROR_PATH_NOT_FOUND ||
           code == ERROR_INVALID_NAME || code == ERROR_BAD_PATHNAME || code == ERROR_DIRECTORY;
}

static kp_status fail_code(struct walk *w, const char *what, DWORD code)
{
    char why[REASON_LEN];

    kpb_win_reason(code, why, sizeof why);
    return kpb_fail(w->err, is_missing(code) ? KP_NOT_FOUND : KP_CONFIG, "%s cannot be %s: %s",
                    w->shown, what, why);
}

/* A file that is being read is not written, renamed or deleted meanwhile; a folder may be used. */
static HANDLE open_wide(const wchar_t *path, DWORD access, bool alone)
{
    DWORD share = FILE_SHARE_READ | (alone ? 0 : FILE_SHARE_WRITE | FILE_SHARE_DELETE);

    return CreateFileW(path, access, share, NULL, OPEN_EXISTING,
                       FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
}

static kp_status open_shown(struct walk *w, DWORD access, bool alone, HANDLE *ret)
{
    wchar_t *wide = kpb_win_wide("trust.path", w->shown);
    DWORD code;

    if (!wide)
        return kpb_fail_memory(w->err, "trust.path");
    *ret = open_wide(wide, access, alone);
    code = GetLastError();
    kpb_free(wide);
    return *ret != INVALID_HANDLE_VALUE ? KP_OK : fail_code(w, "opened", code);
}

static kp_status refuse_kind(struct walk *w, DWORD attributes, bool wants_folder)
{
    if (attributes & FILE_ATTRIBUTE_REPARSE_POINT)
        return kpb_fail(w->err, KP_CONFIG, "%s is a link; give the path it leads to", w->shown);
    if (wants_folder && !(attributes & FILE_ATTRIBUTE_DIRECTORY))
        return kpb_fail(w->err, KP_NOT_FOUND, "%s is not a folder", w->shown);
    if (!wants_folder && (attributes & FILE_ATTRIBUTE_DIRECTORY))
        return kpb_fail(w->err, KP_CONFIG, "%s is not a regular file", w->shown);
    return KP_OK;
}

static kp_status check_kind(struct walk *w, HANDLE handle, bool wants_folder)
{
    BY_HANDLE_FILE_INFORMATION found;

    if (GetFileType(handle) != FILE_TYPE_DISK)
        return kpb_fail(w->err, KP_CONFIG, "%s is not a regular file", w->shown);
    if (!GetFileInformationByHandle(handle, &found))
        return fail_code(w, "looked at", GetLastError());
    return refuse_kind(w, found.dwFileAttributes, wants_folder);
}

/* A folder on the way. The root of a drive is one, too. */
static kp_status pass_folder(struct walk *w, size_t len)
{
    HANDLE handle = INVALID_HANDLE_VALUE;
    kp_status st;

    memcpy(w->shown, w->path, len);
    w->shown[len] = '\0';
    st = open_shown(w, LOOK, false, &handle);
    if (st != KP_OK)
        return st;
    st = check_kind(w, handle, true);
    if (st == KP_OK)
        st = kpb_win_check_way(handle, w->shown, w->err);
    (void)CloseHandle(handle); /* opened for nothing that could be lost */
    return st;
}

static kp_status open_last(struct walk *w, HANDLE *ret)
{
    const bool is_folder = w->kind == KPI_TRUST_FOLDER;
    DWORD access = LOOK | (is_folder ? FILE_LIST_DIRECTORY | SYNCHRONIZE : GENERIC_READ);
    kp_status st;

    memcpy(w->shown, w->path, strlen(w->path) + 1);
    st = open_shown(w, access, !is_folder, ret);
    if (st != KP_OK)
        return st;
    st = check_kind(w, *ret, is_folder);
    if (st == KP_OK)
        st = kpb_win_check_file(*ret, w->shown, w->err);
    if (st != KP_OK)
        (void)CloseHandle(*ret);
    return st;
}

static kp_status fail_elsewhere(struct walk *w)
{
    memcpy(w->shown, w->path, strlen(w->path) + 1);
    return kpb_fail(w->err, KP_CONFIG, "%s is not on a drive of this machine", w->shown);
}

/* A letter can stand for a folder (subst) or for another machine's (net use): the drive's own name
 * tells. */
static kp_status check_drive(struct walk *w)
{
    wchar_t name[DRIVE_UNITS] = L"";
    HANDLE handle = INVALID_HANDLE_VALUE;
    kp_status st;
    DWORD n;

    memcpy(w->shown, w->path, ROOT_LEN);
    w->shown[ROOT_LEN] = '\0';
    st = open_shown(w, LOOK, false, &handle);
    if (st != KP_OK)
        return st;
    n = GetFinalPathNameByHandleW(handle, name, DRIVE_UNITS, VOLUME_NAME_DOS);
    (void)CloseHandle(handle); /* opened for nothing that could be lost */
    if (n != DRIVE_LEN || (name[DRIVE_LEN - 3] | 0x20) != (w->path[0] | 0x20))
        return fail_elsewhere(w);
    return KP_OK;
}

/* Access lists are judged by the machine that keeps them, so it must be this one; and what lies
 * beside a file's content, in a stream of another name, is not looked at by anybody. */
static kp_status check_root(struct walk *w)
{
    if (strlen(w->path) < ROOT_LEN || w->path[1] != ':' || w->path[2] != '\\')
        return fail_elsewhere(w);
    if (strchr(w->path + ROOT_LEN, ':')) {
        memcpy(w->shown, w->path, strlen(w->path) + 1);
        return kpb_fail(w->err, KP_CONFIG, "%s names a stream; give the path of a file", w->shown);
    }
    return check_drive(w);
}

static kp_status walk_all(struct walk *w, HANDLE *ret)
{
    kp_status st = check_root(w);

    if (st == KP_OK && w->path[ROOT_LEN] != '\0')
        st = pass_folder(w, ROOT_LEN);
    for (size_t i = ROOT_LEN; st == KP_OK && w->path[i] != '\0'; i++) {
        if (w->path[i] == '\\')
            st = pass_folder(w, i);
    }
    return st == KP_OK ? open_last(w, ret) : st;
}

static kp_status fill_path(struct walk *w, const char *path)
{
    kp_buf absolute;
    kp_status st;

    kp_buf_init(&absolute, "trust.path", KPI_PATH_MAX_LEN);
    st = kpi_path_absolute(kpb_span_str(path), &absolute, w->err);
    if (st == KP_OK)
        memcpy(w->path, absolute.ptr, absolute.len);
    kp_buf_clear(&absolute);
    return st == KP_USAGE ? KP_CONFIG : st;
}

/* The handle belongs to the descriptor from here on, which the readers share with POSIX. */
static kp_status to_descriptor(struct walk *w, HANDLE handle, int *ret_fd)
{
    int fd = _open_osfhandle((intptr_t)handle, _O_RDONLY | _O_NOINHERIT);

    if (fd < 0) {
        (void)CloseHandle(handle);
        return kpb_fail(w->err, KP_CONFIG, "%s cannot be opened: too many open files", w->shown);
    }
    *ret_fd = fd;
    return KP_OK;
}

kp_status kpi_trust_open(const char *path, enum kpi_trust_kind kind, int *ret_fd,
                         struct kp_error *reterr)
{
    struct walk *w = kpb_alloc("trust.walk", sizeof *w);
    HANDLE handle = INVALID_HANDLE_VALUE;
    kp_status st;

    if (!w)
        return kpb_fail_memory(reterr, "trust.walk");
    w->kind = kind;
    w->err = reterr;
    st = fill_path(w, path);
    if (st == KP_OK)
        st = walk_all(w, &handle);
    if (st == KP_OK)
        st = to_descriptor(w, handle, ret_fd);
    kpb_free(w);
    return st;
}

void kpi_trust_close(int fd)
{
    if (fd >= 0)
        (void)_close(fd); /* read only: nothing can be lost */
}
