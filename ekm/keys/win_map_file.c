/* The key map in a file, or, by a path that begins with HKLM\ or HKCU\, in the registry. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "base/win_access.h"
#include "base/win_text.h"
#include "core/trust.h"
#include "ekm/keys/map_file.h"
#include "ekm/keys/sync.h"
#include "ekm/keys/win_map_registry.h"

#define LOCK_PAUSE_MS 5u
#define RENAME_MS 1000u /* a reader holds the file for the moment of its reading */
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

struct ekm_map_file {
    /* fixed at birth */
    struct ekm_win_registry *registry; /* NULL: a file, and the rest counts */
    char path[KPI_PATH_MAX_LEN + 1];   /* absolute */
    char folder[KPI_PATH_MAX_LEN + 1];
    const char *name; /* in path */

    /* under the lock */
    HANDLE lock;
};

/* ---- Codes ---- */

/* The seam speaks errno; the sentences are strerror's. */
static int errno_of(DWORD code)
{
    switch (code) {
    case ERROR_SUCCESS:
        return 0;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS:
        return EEXIST;
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        return ENOENT;
    case ERROR_ACCESS_DENIED:
        return EACCES;
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
        return EBUSY;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
        return ENOSPC;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
        return ENOMEM;
    default:
        return EIO;
    }
}

static int result_of(BOOL ok)
{
    return ok ? 0 : errno_of(GetLastError());
}

/* ---- The calls of the seam; ctx is the file, its folder checked ---- */

/* FOLDER\NAME in UTF-16; freed with kpb_free. */
static wchar_t *wide_in(const struct ekm_map_file *file, const char *name)
{
    size_t cap = strlen(file->folder) + strlen(name) + 2;
    char *path = kpb_alloc("ekm.map.path", cap);
    wchar_t *wide = NULL;

    if (path) {
        (void)snprintf(path, cap, "%s\\%s", file->folder, name);
        wide = kpb_win_wide("ekm.map.path", path);
    }
    kpb_free(path);
    return wide;
}

/* With a list of its own: what the folder would give to others is not inherited. */
static HANDLE open_private(const wchar_t *path, DWORD access, DWORD disposition)
{
    SECURITY_ATTRIBUTES mine = {sizeof mine, kpb_win_access_private(), FALSE};
    HANDLE handle = INVALID_HANDLE_VALUE;
    DWORD code = ERROR_NOT_ENOUGH_MEMORY;

    if (mine.lpSecurityDescriptor) {
        handle = CreateFileW(path, access, SHARE_ALL, &mine, disposition,
                             FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
        code = GetLastError();
    }
    kpb_win_access_free(mine.lpSecurityDescriptor);
    SetLastError(code);
    return handle;
}

static int create(void *ctx, const char *name, intptr_t *ret_file)
{
    wchar_t *wide = wide_in(ctx, name);
    HANDLE handle;

    if (!wide)
        return ENOMEM;
    handle = open_private(wide, GENERIC_WRITE, CREATE_NEW);
    kpb_free(wide);
    if (handle == INVALID_HANDLE_VALUE)
        return errno_of(GetLastError());
    *ret_file = (intptr_t)handle;
    return 0;
}

static int write_all(void *ctx, intptr_t file, kp_span bytes)
{
    size_t done = 0;

    (void)ctx;
    while (done < bytes.len) {
        size_t left = bytes.len - done;
        DWORD n = 0;

        if (!WriteFile((HANDLE)file, bytes.ptr + done, left > MAXLONG ? MAXLONG : (DWORD)left, &n,
                       NULL))
            return errno_of(GetLastError());
        done += n;
    }
    return 0;
}

static int sync_file(void *ctx, intptr_t file)
{
    (void)ctx;
    return result_of(FlushFileBuffers((HANDLE)file));
}

static void close_file(void *ctx, intptr_t file)
{
    (void)ctx;
    (void)CloseHandle((HANDLE)file); /* what had to be durable was flushed before */
}

/* Written through, so that the new name is durable when the call is back. */
static int rename_wide(const wchar_t *from, const wchar_t *to)
{
    const uint64_t end = ekm_sync_now_ms(NULL) + RENAME_MS;

    while (!MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) {
        DWORD code = GetLastError();

        if ((code != ERROR_ACCESS_DENIED && code != ERROR_SHARING_VIOLATION) ||
            ekm_sync_now_ms(NULL) >= end)
            return errno_of(code);
        ekm_sync_pause(NULL, LOCK_PAUSE_MS);
    }
    return 0;
}

static int rename_in(void *ctx, const char *from, const char *to)
{
    wchar_t *wide_from = wide_in(ctx, from);
    wchar_t *wide_to = wide_in(ctx, to);
    int code = wide_from && wide_to ? rename_wide(wide_from, wide_to) : ENOMEM;

    kpb_free(wide_from);
    kpb_free(wide_to);
    return code;
}

/* A folder is not flushed here: NTFS journals names, and the rename was written through. */
static int sync_folder(void *ctx)
{
    (void)ctx;
    return 0;
}

static int remove_in(void *ctx, const char *name)
{
    wchar_t *wide = wide_in(ctx, name);
    int code = wide ? result_of(DeleteFileW(wide)) : ENOMEM;

    kpb_free(wide);
    return code;
}

/* ---- The lock ---- */

static kp_status fail_lock(const struct ekm_map_file *file, const char *why,
                           struct kp_error *reterr)
{
    return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_scp_err_FailureInRegistry,
                         "the lock of the key map, %s.lock, could not be taken: %s", file->path,
                         why);
}

/* The lock belongs to the open file, so two maps of one process exclude each other too. */
static bool wait_for_lock(HANDLE handle, uint32_t timeout_ms)
{
    const uint64_t end = ekm_sync_now_ms(NULL) + timeout_ms;

    for (;;) {
        OVERLAPPED whole = {0};

        if (LockFileEx(handle, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0,
                       &whole))
            return true;
        if (GetLastError() != ERROR_LOCK_VIOLATION || ekm_sync_now_ms(NULL) >= end)
            return false;
        ekm_sync_pause(NULL, LOCK_PAUSE_MS);
    }
}

static void close_lock(struct ekm_map_file *file)
{
    if (file->lock != INVALID_HANDLE_VALUE)
        (void)CloseHandle(file->lock);
    file->lock = INVALID_HANDLE_VALUE;
}

/* Nobody else can write in the folder or in one above it, so its path stays what it is. */
static kp_status check_folder(const struct ekm_map_file *file, struct kp_error *reterr)
{
    struct kp_error why;
    int fd = -1;
    kp_status st;

    kp_error_init(&why);
    st = kpi_trust_open(file->folder, KPI_TRUST_FOLDER, &fd, &why);
    kpi_trust_close(fd);
    if (st == KP_OK)
        return KP_OK;
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, "ekm.map.folder");
    return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_scp_err_FailureInRegistry,
                         "the key map's folder must belong to the account that runs this: %s",
                         why.text);
}

static kp_status open_lock(struct ekm_map_file *file, struct kp_error *reterr)
{
    char lock_name[MAX_PATH];
    char why[128];
    wchar_t *wide;
    DWORD code;
    kp_status st = check_folder(file, reterr);

    if (st != KP_OK)
        return st;
    (void)snprintf(lock_name, sizeof lock_name, "%s.lock", file->name);
    wide = wide_in(file, lock_name);
    if (!wide)
        return kpb_fail_memory(reterr, "ekm.map.path");
    file->lock = open_private(wide, GENERIC_READ | GENERIC_WRITE, OPEN_ALWAYS);
    code = GetLastError();
    kpb_free(wide);
    if (file->lock != INVALID_HANDLE_VALUE)
        return KP_OK;
    if (code == ERROR_NOT_ENOUGH_MEMORY)
        return kpb_fail_memory(reterr, "ekm.map.lock");
    kpb_win_reason(code, why, sizeof why);
    return fail_lock(file, why, reterr);
}

static kp_status lock_store(void *ctx, uint32_t timeout_ms, struct kp_error *reterr)
{
    struct ekm_map_file *file = ctx;
    kp_status st = open_lock(file, reterr);

    if (st == KP_OK && !wait_for_lock(file->lock, timeout_ms))
        st = fail_lock(file, "another process holds it", reterr);
    if (st != KP_OK)
        close_lock(file);
    return st;
}

static void unlock_store(void *ctx)
{
    struct ekm_map_file *file = ctx;
    OVERLAPPED whole = {0};

    (void)UnlockFileEx(file->lock, 0, 1, 0, &whole);
    close_lock(file);
}

/* ---- Text and stamp ---- */

static uint64_t joined(DWORD high, DWORD low)
{
    return ((uint64_t)high << 32) | low;
}

/* A text that comes by rename is another file: its number tells it, whatever the clock says. */
static bool read_stamp(const wchar_t *path, struct ekm_map_stamp *ret)
{
    BY_HANDLE_FILE_INFORMATION found;
    HANDLE handle = CreateFileW(path, FILE_READ_ATTRIBUTES, SHARE_ALL, NULL, OPEN_EXISTING,
                                FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    bool told;

    if (handle == INVALID_HANDLE_VALUE)
        return GetLastError() == ERROR_FILE_NOT_FOUND || GetLastError() == ERROR_PATH_NOT_FOUND;
    told = GetFileInformationByHandle(handle, &found) != 0;
    (void)CloseHandle(handle);
    if (!told)
        return false;
    ret->parts[0] = joined(found.nFileIndexHigh, found.nFileIndexLow);
    ret->parts[1] = joined(found.nFileSizeHigh, found.nFileSizeLow);
    ret->parts[2] =
        joined(found.ftLastWriteTime.dwHighDateTime, found.ftLastWriteTime.dwLowDateTime);
    ret->parts[3] = joined(found.ftCreationTime.dwHighDateTime, found.ftCreationTime.dwLowDateTime);
    return true;
}

static kp_status look(const struct ekm_map_file *file, struct ekm_map_stamp *ret,
                      struct kp_error *reterr)
{
    wchar_t *wide;
    kp_status st = kpb_win_wide_path("ekm.map.path", file->path, &wide, reterr);

    memset(ret, 0, sizeof *ret);
    if (st != KP_OK)
        return st;
    if (!read_stamp(wide, ret))
        st = kpb_fail(reterr, KP_CONFIG, "%s cannot be looked at", file->path);
    kpb_free(wide);
    return st;
}

static bool stamp_store(void *ctx, struct ekm_map_stamp *ret_stamp)
{
    return look(ctx, ret_stamp, NULL) == KP_OK;
}

/* The stamp comes first: a text that is replaced in between is read again at the next look. */
static kp_status read_store(void *ctx, kp_buf *out, struct ekm_map_stamp *ret_stamp,
                            struct kp_error *reterr)
{
    const struct ekm_map_file *file = ctx;
    struct ekm_map_stamp stamp;
    int fd = -1;
    kp_status st = look(file, &stamp, reterr);

    if (st == KP_OK)
        st = kpi_trust_open(file->path, KPI_TRUST_FILE, &fd, reterr);
    if (st != KP_OK)
        return st;
    st = kpi_trust_read_fd(fd, file->path, out, reterr);
    kpi_trust_close(fd);
    if (st == KP_OK)
        *ret_stamp = stamp;
    return st;
}

static kp_status write_store(void *ctx, kp_span text, struct ekm_map_stamp *ret_stamp,
                             struct kp_error *reterr)
{
    struct ekm_map_file *file = ctx;
    const struct ekm_map_fs fs = {.ctx = file,
                                  .create = create,
                                  .write = write_all,
                                  .sync = sync_file,
                                  .close = close_file,
                                  .rename = rename_in,
                                  .sync_folder = sync_folder,
                                  .remove = remove_in};
    kp_status st = ekm_map_file_replace(&fs, file->folder, file->name, text, reterr);

    if (st == KP_OK)
        (void)stamp_store(file, ret_stamp);
    return st;
}

/* ---- Life ---- */

static char *last_slash(char *path)
{
    char *found = NULL;

    for (char *c = path; *c; c++) {
        if (*c == '\\' || *c == '/')
            found = c;
    }
    return found;
}

static kp_status split(struct ekm_map_file *file, struct kp_error *reterr)
{
    char *slash = last_slash(file->path);
    size_t name_len = slash ? strlen(slash + 1) : 0;

    if (name_len == 0 || name_len + sizeof ".lock" > MAX_PATH)
        return kpb_fail(reterr, KP_USAGE, "%s is no name for a key map", file->path);
    file->name = slash + 1;
    memcpy(file->folder, file->path, (size_t)(slash - file->path));
    if (file->folder[0] != '\0' && slash - file->path == 2) /* C: alone is the current folder */
        file->folder[2] = '\\';
    return KP_OK;
}

static kp_status set_path(struct ekm_map_file *file, const char *path, struct kp_error *reterr)
{
    kp_buf absolute;
    kp_status st;

    if (ekm_win_is_registry_path(path))
        return ekm_win_registry_new(path, &file->registry, reterr);
    kp_buf_init(&absolute, "ekm.map.file", KPI_PATH_MAX_LEN);
    st = kpi_path_absolute(kpb_span_str(path), &absolute, reterr);
    if (st == KP_OK) {
        memcpy(file->path, absolute.ptr, absolute.len);
        st = split(file, reterr);
    }
    kp_buf_clear(&absolute);
    return st;
}

kp_status ekm_map_file_new(const char *path, struct ekm_map_file **ret_file,
                           struct kp_error *reterr)
{
    struct ekm_map_file *file = kpb_alloc("ekm.map.file", sizeof *file);
    kp_status st;

    if (!file)
        return kpb_fail_memory(reterr, "ekm.map.file");
    file->lock = INVALID_HANDLE_VALUE;
    st = set_path(file, path, reterr);
    if (st != KP_OK) {
        ekm_map_file_free(file);
        return st;
    }
    *ret_file = file;
    return KP_OK;
}

void ekm_map_file_free(struct ekm_map_file *file)
{
    if (!file)
        return;
    ekm_win_registry_free(file->registry);
    close_lock(file);
    kpb_free(file);
}

void ekm_map_file_store(struct ekm_map_file *file, struct ekm_map_store *ret)
{
    const struct ekm_map_store store = {.ctx = file,
                                        .lock = lock_store,
                                        .unlock = unlock_store,
                                        .read = read_store,
                                        .write = write_store,
                                        .stamp = stamp_store};

    if (file->registry)
        ekm_win_registry_store(file->registry, ret);
    else
        *ret = store;
}
