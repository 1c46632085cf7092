#include <io.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "base/mem.h"
#include "base/span.h"
#include "base/win_access.h"
#include "base/win_text.h"
#include "tools/ekm-rehearse/store.h"

#define PATH_LEN 4096u

static kp_status fail_code(struct kp_error *err, const char *verb, const char *path, DWORD code)
{
    const kp_status st =
        code == ERROR_FILE_NOT_FOUND || code == ERROR_PATH_NOT_FOUND ? KP_NOT_FOUND : KP_CONFIG;
    char why[128];

    kpb_win_reason(code, why, sizeof why);
    return kpb_fail(err, st, "cannot %s %s: %s", verb, path, why);
}

/* INVALID_HANDLE_VALUE with the reason in GetLastError; new files are the caller's alone. */
static HANDLE open_file(const char *path, DWORD access, DWORD disposition)
{
    SECURITY_ATTRIBUTES mine = {sizeof mine, kpb_win_access_private(), FALSE};
    wchar_t *wide = kpb_win_wide("rehearse.path", path);
    HANDLE handle = INVALID_HANDLE_VALUE;
    DWORD code = ERROR_BAD_PATHNAME;

    if (wide && mine.lpSecurityDescriptor) {
        handle = CreateFileW(wide, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                             &mine, disposition, FILE_ATTRIBUTE_NORMAL, NULL);
        code = GetLastError();
    }
    kpb_free(wide);
    kpb_win_access_free(mine.lpSecurityDescriptor);
    SetLastError(code);
    return handle;
}

/* ---- Reading ---- */

static kp_status read_all(HANDLE file, const char *path, kp_buf *out, struct kp_error *err)
{
    uint8_t chunk[4096];

    for (;;) {
        DWORD n = 0;

        if (!ReadFile(file, chunk, sizeof chunk, &n, NULL))
            return fail_code(err, "read", path, GetLastError());
        if (n == 0)
            return KP_OK;
        const kp_status st = kp_buf_append(out, kpb_span(chunk, n));
        kpb_wipe(chunk, sizeof chunk);
        if (st != KP_OK)
            return kpb_fail(err, st, "cannot read %s: it is larger than %zu bytes", path,
                            out->limit);
    }
}

kp_status rh_store_read(const char *path, kp_buf *out, struct kp_error *reterr)
{
    const HANDLE file = open_file(path, GENERIC_READ, OPEN_EXISTING);

    if (file == INVALID_HANDLE_VALUE)
        return fail_code(reterr, "open", path, GetLastError());
    const kp_status st = read_all(file, path, out, reterr);
    (void)CloseHandle(file); /* nothing was written */
    return st;
}

/* ---- Writing ---- */

static bool write_all(HANDLE file, kp_span bytes)
{
    while (bytes.len) {
        DWORD n = 0;

        if (!WriteFile(file, bytes.ptr, bytes.len > MAXLONG ? MAXLONG : (DWORD)bytes.len, &n, NULL))
            return false;
        bytes.ptr += n;
        bytes.len -= n;
    }
    return FlushFileBuffers(file) != 0;
}

static bool rename_over(const char *from, const char *to)
{
    wchar_t *wide_from = kpb_win_wide("rehearse.path", from);
    wchar_t *wide_to = kpb_win_wide("rehearse.path", to);
    const bool ok =
        wide_from && wide_to &&
        MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH);
    const DWORD code = GetLastError();

    if (!ok && wide_from)
        (void)DeleteFileW(wide_from);
    kpb_free(wide_from);
    kpb_free(wide_to);
    SetLastError(code);
    return ok;
}

/* The one writer of this folder holds its lock, so the name beside it is free or a dead one's. */
kp_status rh_store_write(const char *path, kp_span bytes, struct kp_error *reterr)
{
    char temp[PATH_LEN];

    if (snprintf(temp, sizeof temp, "%s.new-%lu", path, GetCurrentProcessId()) >= (int)sizeof temp)
        return kpb_fail(reterr, KP_CONFIG, "the path %s is too long", path);
    const HANDLE file = open_file(temp, GENERIC_WRITE, CREATE_ALWAYS);
    if (file == INVALID_HANDLE_VALUE)
        return fail_code(reterr, "write", path, GetLastError());
    const bool ok = write_all(file, bytes);
    const DWORD code = GetLastError();
    (void)CloseHandle(file); /* flushed before */
    if (ok && rename_over(temp, path))
        return KP_OK;
    return fail_code(reterr, "write", path, ok ? GetLastError() : code);
}

/* ---- Folders ---- */

kp_status rh_store_folder(const char *path, struct kp_error *reterr)
{
    SECURITY_ATTRIBUTES mine = {sizeof mine, kpb_win_access_private(), FALSE};
    wchar_t *wide = kpb_win_wide("rehearse.path", path);
    const bool ok = wide && mine.lpSecurityDescriptor && CreateDirectoryW(wide, &mine);
    const DWORD code = GetLastError();

    kpb_free(wide);
    kpb_win_access_free(mine.lpSecurityDescriptor);
    if (ok || code == ERROR_ALREADY_EXISTS)
        return KP_OK;
    return fail_code(reterr, "make the folder", path, code);
}

/* The descriptor of the C library keeps the handle, and with it the lock, to the end. */
kp_status rh_store_lock(const char *folder, int *ret_fd, struct kp_error *reterr)
{
    char path[PATH_LEN];
    OVERLAPPED whole = {0};

    if (snprintf(path, sizeof path, "%s/lock", folder) >= (int)sizeof path)
        return kpb_fail(reterr, KP_CONFIG, "the path %s is too long", folder);
    const HANDLE file = open_file(path, GENERIC_READ | GENERIC_WRITE, OPEN_ALWAYS);
    if (file == INVALID_HANDLE_VALUE)
        return fail_code(reterr, "open", path, GetLastError());
    if (!LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, &whole))
        return fail_code(reterr, "lock", path, GetLastError());
    *ret_fd = _open_osfhandle((intptr_t)file, 0);
    return KP_OK;
}
