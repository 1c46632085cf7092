/*
 * The file system of Windows. What modes are elsewhere is an access list that names the account
 * that runs this, SYSTEM and Administrators; links of every kind are refused.
 */
#include "plugins/file-test/fs.h"

#include <stdbool.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

#include "base/mem.h"
#include "base/win_access.h"
#include "base/win_text.h"

#define PATH_UNITS 4096u
#define ENTRIES_LEN 8192u
#define NAME_LEN (4u * MAX_PATH)
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define LOOK (READ_CONTROL | FILE_READ_ATTRIBUTES | SYNCHRONIZE)
#define RENAME_TRIES 200u /* a reader holds the file for the moment of its reading */
#define RENAME_PAUSE_MS 5u
#define NS_PER_TICK 100
#define TICKS_TO_1970 INT64_C(116444736000000000)
#define LATEST_TICKS INT64_C(90000000000000000) /* year 2255, as in posix_fs.c */

static enum ft_io from_code(DWORD code)
{
    switch (code) {
    case ERROR_SUCCESS:
        return FT_IO_OK;
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        return FT_IO_NOT_FOUND;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS:
        return FT_IO_EXISTS;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
    case 1295: /* ERROR_DISK_QUOTA_EXCEEDED, which not every header has */
    case ERROR_FILE_TOO_LARGE:
        return FT_IO_FULL;
    case ERROR_WRITE_PROTECT:
        return FT_IO_READ_ONLY;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
        return FT_IO_DENIED;
    case ERROR_LOCK_VIOLATION:
        return FT_IO_LOCKED;
    case ERROR_DIRECTORY:
        return FT_IO_NOT_DIR;
    case ERROR_TOO_MANY_OPEN_FILES:
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_NO_SYSTEM_RESOURCES:
        return FT_IO_EXHAUSTED;
    default:
        return FT_IO_FAILED;
    }
}

static enum ft_io from_result(BOOL ok)
{
    return ok ? FT_IO_OK : from_code(GetLastError());
}

static enum ft_io from_handle(HANDLE handle, ft_handle *ret)
{
    if (handle == INVALID_HANDLE_VALUE)
        return from_code(GetLastError());
    *ret = (ft_handle)handle;
    return FT_IO_OK;
}

/* ---- States ---- */

static uint64_t joined(DWORD high, DWORD low)
{
    return ((uint64_t)high << 32) | low;
}

/* A time that no clock shows counts as none, so that commits go on from a real one. */
static int64_t to_ns(LARGE_INTEGER ticks)
{
    const int64_t since_1970 = ticks.QuadPart - TICKS_TO_1970;

    if (since_1970 > LATEST_TICKS || since_1970 < -LATEST_TICKS)
        return 0;
    return since_1970 * NS_PER_TICK;
}

static uint32_t traits_of(HANDLE handle, DWORD attributes)
{
    uint32_t kind = attributes & FILE_ATTRIBUTE_DIRECTORY ? FT_IS_DIR : FT_IS_FILE;

    if (attributes & FILE_ATTRIBUTE_REPARSE_POINT)
        return 0;
    return kind | (kpb_win_is_private(handle) ? FT_IS_PRIVATE : 0u);
}

static enum ft_io fill_stat(HANDLE handle, struct ft_stat *ret)
{
    BY_HANDLE_FILE_INFORMATION found;
    FILE_BASIC_INFO times;

    if (!GetFileInformationByHandle(handle, &found) ||
        !GetFileInformationByHandleEx(handle, FileBasicInfo, &times, sizeof times))
        return from_code(GetLastError());
    ret->ino = joined(found.nFileIndexHigh, found.nFileIndexLow);
    ret->size = joined(found.nFileSizeHigh, found.nFileSizeLow);
    ret->mtime_ns = to_ns(times.LastWriteTime);
    ret->ctime_ns = to_ns(times.ChangeTime);
    ret->traits = traits_of(handle, found.dwFileAttributes);
    return FT_IO_OK;
}

static enum ft_io stat_handle(void *ctx, ft_handle handle, struct ft_stat *ret)
{
    enum ft_io io = fill_stat((HANDLE)handle, ret);

    (void)ctx;
    if (io == FT_IO_OK && kpb_win_is_ours((HANDLE)handle))
        ret->traits |= FT_IS_OURS;
    return io;
}

/* ---- Names ---- */

/*
 * The full path of name in dir, in new memory; NULL with the code set. The directory is held so
 * that nobody renames it or one above it, so its path stays what it is.
 */
static wchar_t *path_in(ft_handle dir, const char *name)
{
    wchar_t *path = kpb_alloc_array("file-test.path", PATH_UNITS, sizeof *path);
    DWORD n;
    DWORD code = ERROR_NOT_ENOUGH_MEMORY;

    if (!path) {
        SetLastError(code);
        return NULL;
    }
    n = GetFinalPathNameByHandleW((HANDLE)dir, path, PATH_UNITS, FILE_NAME_NORMALIZED);
    if (n == 0)
        code = GetLastError();
    else if (n + 1 < PATH_UNITS && kpb_win_wide_fill(name, path + n + 1, PATH_UNITS - n - 1)) {
        path[n] = L'\\';
        return path;
    } else
        code = ERROR_FILENAME_EXCED_RANGE;
    kpb_free(path);
    SetLastError(code);
    return NULL;
}

/* What is opened never leads elsewhere: a link is opened itself, and then refused. */
static HANDLE open_in(ft_handle dir, const char *name, DWORD access, DWORD disposition,
                      SECURITY_ATTRIBUTES *list)
{
    wchar_t *path = path_in(dir, name);
    HANDLE handle = INVALID_HANDLE_VALUE;
    DWORD code = GetLastError();

    if (path) {
        handle = CreateFileW(path, access, SHARE_ALL, list, disposition,
                             FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
        code = GetLastError();
    }
    kpb_free(path);
    SetLastError(code);
    return handle;
}

/* With a list of its own: what the folder would give to others is not inherited. */
static HANDLE open_private(ft_handle dir, const char *name, DWORD access, DWORD disposition)
{
    SECURITY_ATTRIBUTES list = {sizeof list, kpb_win_access_private(), FALSE};
    HANDLE handle = INVALID_HANDLE_VALUE;
    DWORD code = ERROR_NOT_ENOUGH_MEMORY;

    if (list.lpSecurityDescriptor) {
        handle = open_in(dir, name, access, disposition, &list);
        code = GetLastError();
    }
    kpb_win_access_free(list.lpSecurityDescriptor);
    SetLastError(code);
    return handle;
}

static enum ft_io refuse_link(HANDLE handle, ft_handle *ret)
{
    BY_HANDLE_FILE_INFORMATION found;
    enum ft_io io;

    if (handle == INVALID_HANDLE_VALUE)
        return from_code(GetLastError());
    io = from_result(GetFileInformationByHandle(handle, &found));
    if (io == FT_IO_OK && (found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT))
        io = FT_IO_LINK;
    if (io == FT_IO_OK)
        *ret = (ft_handle)handle;
    else
        (void)CloseHandle(handle); /* nothing was done with it */
    return io;
}

static enum ft_io stat_at(void *ctx, ft_handle dir, const char *name, struct ft_stat *ret)
{
    HANDLE handle = open_in(dir, name, LOOK, OPEN_EXISTING, NULL);
    enum ft_io io;

    (void)ctx;
    if (handle == INVALID_HANDLE_VALUE)
        return from_code(GetLastError());
    io = fill_stat(handle, ret);
    (void)CloseHandle(handle); /* only looked at */
    return io;
}

/* Written through, so that the new name is durable when the call is back. */
static enum ft_io move(const wchar_t *from, const wchar_t *to)
{
    for (unsigned i = 0;; i++) {
        DWORD code;

        if (MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
            return FT_IO_OK;
        code = GetLastError();
        if ((code != ERROR_ACCESS_DENIED && code != ERROR_SHARING_VIOLATION) || i == RENAME_TRIES)
            return from_code(code);
        Sleep(RENAME_PAUSE_MS);
    }
}

static enum ft_io rename_in(void *ctx, ft_handle dir, const char *from, const char *to)
{
    wchar_t *wide_from = path_in(dir, from);
    wchar_t *wide_to = wide_from ? path_in(dir, to) : NULL;
    enum ft_io io = wide_to ? move(wide_from, wide_to) : from_code(GetLastError());

    (void)ctx;
    kpb_free(wide_from);
    kpb_free(wide_to);
    return io;
}

static enum ft_io remove_in(void *ctx, ft_handle dir, const char *name)
{
    wchar_t *path = path_in(dir, name);
    enum ft_io io = from_result(path && DeleteFileW(path));

    (void)ctx;
    kpb_free(path);
    return io;
}

/* ---- Directories ---- */

/*
 * Right to add files, because only who could change a directory may flush it; without it the vault
 * can still be read. Not shared for deletion: the path must stay what it is.
 */
static HANDLE open_folder(const wchar_t *path)
{
    const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE;
    HANDLE handle = CreateFileW(path, LOOK | FILE_LIST_DIRECTORY | FILE_ADD_FILE, share, NULL,
                                OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);

    if (handle != INVALID_HANDLE_VALUE || GetLastError() != ERROR_ACCESS_DENIED)
        return handle;
    return CreateFileW(path, LOOK | FILE_LIST_DIRECTORY, share, NULL, OPEN_EXISTING,
                       FILE_FLAG_BACKUP_SEMANTICS, NULL);
}

static enum ft_io open_dir(void *ctx, const char *path, ft_handle *ret_dir)
{
    wchar_t *wide = kpb_win_wide("file-test.path", path);
    BY_HANDLE_FILE_INFORMATION found;
    enum ft_io io;

    (void)ctx;
    if (!wide)
        return FT_IO_FAILED;
    io = from_handle(open_folder(wide), ret_dir);
    kpb_free(wide);
    if (io != FT_IO_OK)
        return io;
    io = from_result(GetFileInformationByHandle((HANDLE)*ret_dir, &found));
    if (io == FT_IO_OK && !(found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY))
        io = FT_IO_NOT_DIR;
    if (io != FT_IO_OK)
        (void)CloseHandle((HANDLE)*ret_dir); /* nothing was done with it */
    return io;
}

static enum ft_io make_dir(void *ctx, const char *path)
{
    SECURITY_ATTRIBUTES list = {sizeof list, kpb_win_access_private(), FALSE};
    wchar_t *wide = kpb_win_wide("file-test.path", path);
    enum ft_io io = FT_IO_EXHAUSTED;

    (void)ctx;
    if (wide && list.lpSecurityDescriptor)
        io = from_result(CreateDirectoryW(wide, &list));
    kpb_win_access_free(list.lpSecurityDescriptor);
    kpb_free(wide);
    return io;
}

/* NTFS keeps a journal of names; a file system that cannot flush a directory does what it can. */
static enum ft_io sync_dir(void *ctx, ft_handle dir)
{
    DWORD code = FlushFileBuffers((HANDLE)dir) ? ERROR_SUCCESS : GetLastError();

    (void)ctx;
    switch (code) {
    case ERROR_ACCESS_DENIED:
    case ERROR_INVALID_FUNCTION:
    case ERROR_INVALID_HANDLE:
    case ERROR_INVALID_PARAMETER:
    case ERROR_NOT_SUPPORTED:
        return FT_IO_OK;
    default:
        return from_code(code);
    }
}

/* A directory's own flush carries its entry; the one above needs rights we may not have. */
static enum ft_io sync_parent(void *ctx, const char *path)
{
    ft_handle dir;
    enum ft_io io = open_dir(ctx, path, &dir);

    if (io != FT_IO_OK)
        return io;
    io = sync_dir(ctx, dir);
    (void)CloseHandle((HANDLE)dir);
    return io;
}

static void pass_name(const FILE_ID_BOTH_DIR_INFO *entry, ft_fs_each_fn *each, void *each_ctx)
{
    wchar_t wide[MAX_PATH + 1];
    char name[NAME_LEN];
    size_t n = entry->FileNameLength / sizeof wide[0];

    if (n > MAX_PATH)
        return;
    memcpy(wide, entry->FileName, n * sizeof wide[0]);
    wide[n] = L'\0';
    if (wcscmp(wide, L".") != 0 && wcscmp(wide, L"..") != 0 &&
        kpb_win_utf8_fill(wide, name, sizeof name))
        each(each_ctx, name);
}

static void pass_entries(const uint8_t *entries, ft_fs_each_fn *each, void *each_ctx)
{
    for (;;) {
        const FILE_ID_BOTH_DIR_INFO *entry = (const void *)entries;

        pass_name(entry, each, each_ctx);
        if (entry->NextEntryOffset == 0)
            return;
        entries += entry->NextEntryOffset;
    }
}

/* A handle of its own: the position belongs to the open directory. */
static enum ft_io list(void *ctx, ft_handle dir, ft_fs_each_fn *each, void *each_ctx)
{
    HANDLE handle = open_in(dir, "", LOOK | FILE_LIST_DIRECTORY, OPEN_EXISTING, NULL);
    uint8_t *entries;
    DWORD code;

    (void)ctx;
    if (handle == INVALID_HANDLE_VALUE)
        return from_code(GetLastError());
    entries = kpb_alloc("file-test.entries", ENTRIES_LEN);
    code = entries ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;
    while (code == ERROR_SUCCESS) {
        if (GetFileInformationByHandleEx(handle, FileIdBothDirectoryInfo, entries, ENTRIES_LEN))
            pass_entries(entries, each, each_ctx);
        else
            code = GetLastError();
    }
    kpb_free(entries);
    (void)CloseHandle(handle);
    return code == ERROR_NO_MORE_FILES ? FT_IO_OK : from_code(code);
}

/* ---- Files ---- */

static enum ft_io open_read(void *ctx, ft_handle dir, const char *name, ft_handle *ret_file)
{
    (void)ctx;
    return refuse_link(open_in(dir, name, GENERIC_READ | LOOK, OPEN_EXISTING, NULL), ret_file);
}

static enum ft_io create(void *ctx, ft_handle dir, const char *name, ft_handle *ret_file)
{
    (void)ctx;
    return from_handle(open_private(dir, name, GENERIC_WRITE | LOOK, CREATE_NEW), ret_file);
}

static enum ft_io open_lock(void *ctx, ft_handle dir, const char *name, ft_handle *ret_file)
{
    const DWORD access = GENERIC_READ | GENERIC_WRITE | LOOK;

    (void)ctx;
    return refuse_link(open_private(dir, name, access, OPEN_ALWAYS), ret_file);
}

/* The lock belongs to the open file, so two vaults of one process exclude each other too. */
static enum ft_io try_lock(void *ctx, ft_handle file)
{
    OVERLAPPED first = {0};
    const DWORD flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;

    (void)ctx;
    return from_result(LockFileEx((HANDLE)file, flags, 0, 1, 0, &first));
}

static void unlock(void *ctx, ft_handle file)
{
    OVERLAPPED first = {0};

    (void)ctx;
    (void)UnlockFileEx((HANDLE)file, 0, 1, 0, &first);
}

static DWORD piece_of(size_t n)
{
    return n > MAXLONG ? MAXLONG : (DWORD)n;
}

static enum ft_io read_some(void *ctx, ft_handle file, uint8_t *out, size_t n, size_t *ret_n)
{
    DWORD got = 0;

    (void)ctx;
    if (!ReadFile((HANDLE)file, out, piece_of(n), &got, NULL))
        return from_code(GetLastError());
    *ret_n = got;
    return FT_IO_OK;
}

static enum ft_io write_all(void *ctx, ft_handle file, kp_span bytes)
{
    size_t done = 0;

    (void)ctx;
    while (done < bytes.len) {
        DWORD n = 0;

        if (!WriteFile((HANDLE)file, bytes.ptr + done, piece_of(bytes.len - done), &n, NULL))
            return from_code(GetLastError());
        done += n;
    }
    return FT_IO_OK;
}

static enum ft_io set_mtime(void *ctx, ft_handle file, int64_t mtime_ns)
{
    uint64_t ticks = (uint64_t)(mtime_ns / NS_PER_TICK + TICKS_TO_1970);
    FILETIME time = {(DWORD)(ticks & 0xFFFFFFFFu), (DWORD)(ticks >> 32)};

    (void)ctx;
    return from_result(SetFileTime((HANDLE)file, NULL, NULL, &time));
}

static enum ft_io sync_file(void *ctx, ft_handle file)
{
    (void)ctx;
    return from_result(FlushFileBuffers((HANDLE)file));
}

static void close_handle(void *ctx, ft_handle handle)
{
    (void)ctx;
    (void)CloseHandle((HANDLE)handle); /* what had to be durable was flushed before */
}

const struct ft_fs ft_fs_real = {
    .ctx = NULL,
    .open_dir = open_dir,
    .make_dir = make_dir,
    .sync_parent = sync_parent,
    .list = list,
    .sync_dir = sync_dir,
    .open_read = open_read,
    .create = create,
    .open_lock = open_lock,
    .try_lock = try_lock,
    .unlock = unlock,
    .read = read_some,
    .write = write_all,
    .set_mtime = set_mtime,
    .sync = sync_file,
    .stat = stat_handle,
    .close = close_handle,
    .stat_at = stat_at,
    .rename = rename_in,
    .remove = remove_in,
};
