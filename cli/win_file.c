#include "cli/platform.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "base/mem.h"
#include "base/span.h"
#include "base/win_access.h"
#include "base/win_signature.h"
#include "base/win_text.h"

#define CHUNK_LEN 65536u
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* "cannot read dek: The system cannot find the file specified" */
static kp_status fail_code(struct cli_fault *f, const char *verb, const char *path, DWORD code)
{
    char why[128];
    kpb_win_reason(code, why, sizeof why);
    return cli_fail_io(f, "cannot %s %s: %s", verb, path, why);
}

/* INVALID_HANDLE_VALUE with the reason in GetLastError. */
static HANDLE open_file(const char *path, DWORD access, DWORD disposition, bool is_private)
{
    SECURITY_ATTRIBUTES mine = {sizeof mine, NULL, FALSE};
    wchar_t *wide = kpb_win_wide("cli.path", path);
    HANDLE file = INVALID_HANDLE_VALUE;
    DWORD code = ERROR_BAD_PATHNAME;
    if (is_private) {
        mine.lpSecurityDescriptor = kpb_win_access_private();
    }
    if (wide && (!is_private || mine.lpSecurityDescriptor)) {
        file = CreateFileW(wide, access, SHARE_ALL, is_private ? &mine : NULL, disposition,
                           FILE_ATTRIBUTE_NORMAL, NULL);
        code = GetLastError();
    }
    kpb_free(wide);
    kpb_win_access_free(mine.lpSecurityDescriptor);
    SetLastError(code);
    return file;
}

/* ---- Reading ---- */

/* A pipe whose writer has gone is at its end. */
static bool is_end(BOOL ok, DWORD n)
{
    return (ok && n == 0) || (!ok && GetLastError() == ERROR_BROKEN_PIPE);
}

static kp_status read_chunks(HANDLE file, const char *path, uint8_t *chunk, cli_chunk_fn *take,
                             void *ctx, struct cli_fault *f)
{
    for (;;) {
        DWORD n = 0;
        const BOOL ok = ReadFile(file, chunk, CHUNK_LEN, &n, NULL);
        if (is_end(ok, n)) {
            return KP_OK;
        }
        if (!ok) {
            return fail_code(f, "read", path, GetLastError());
        }
        const kp_status st = take(ctx, kpb_span(chunk, n), f);
        if (st != KP_OK) {
            return st;
        }
    }
}

kp_status cli_platform_read(const char *path, cli_chunk_fn *take, void *ctx, struct cli_fault *f)
{
    const bool is_stdin = !path || strcmp(path, "-") == 0;
    const char *name = is_stdin ? "stdin" : path;
    const HANDLE file = is_stdin ? GetStdHandle(STD_INPUT_HANDLE)
                                 : open_file(path, GENERIC_READ, OPEN_EXISTING, false);
    if (file == INVALID_HANDLE_VALUE || !file) {
        return fail_code(f, "open", name, file ? GetLastError() : ERROR_INVALID_HANDLE);
    }
    kp_status st = KP_NO_MEMORY;
    uint8_t *chunk = kpb_secret_alloc("cli.read", CHUNK_LEN); /* what is read may be a key */
    if (chunk) {
        st = read_chunks(file, name, chunk, take, ctx, f);
        kpb_secret_free(chunk, CHUNK_LEN);
    } else {
        (void)kpb_fail_memory(&f->error, "cli.read");
    }
    if (!is_stdin) {
        (void)CloseHandle(file); /* nothing was written */
    }
    return st;
}

bool cli_platform_signature(const char *path, struct kpb_signature *ret)
{
    const HANDLE file = open_file(path, GENERIC_READ, OPEN_EXISTING, false);
    wchar_t *wide = kpb_win_wide("cli.path", path);
    if (file != INVALID_HANDLE_VALUE && wide) {
        kpb_win_signature(file, wide, ret);
    }
    if (file != INVALID_HANDLE_VALUE) {
        (void)CloseHandle(file); /* only read from */
    }
    kpb_free(wide);
    return true;
}

/* ---- Writing ---- */

static kp_status write_all(HANDLE file, const char *name, kp_span bytes, struct cli_fault *f)
{
    size_t done = 0;
    while (done < bytes.len) {
        const size_t left = bytes.len - done;
        DWORD n = 0;
        /* A console takes some 64 KiB at once. */
        if (!WriteFile(file, bytes.ptr + done, left > CHUNK_LEN / 2 ? CHUNK_LEN / 2 : (DWORD)left,
                       &n, NULL)) {
            return fail_code(f, "write", name, GetLastError());
        }
        done += n;
    }
    return KP_OK;
}

static kp_status write_and_flush(HANDLE file, const char *path, kp_span bytes, struct cli_fault *f)
{
    kp_status st = write_all(file, path, bytes, f);
    if (st == KP_OK && !FlushFileBuffers(file)) {
        st = fail_code(f, "write", path, GetLastError());
    }
    (void)CloseHandle(file); /* flushed before */
    return st;
}

static kp_status rename_over(const char *temp, const char *path, struct cli_fault *f)
{
    wchar_t *from = kpb_win_wide("cli.path", temp);
    wchar_t *to = kpb_win_wide("cli.path", path);
    kp_status st = KP_OK;
    if (!from || !to) {
        st = fail_code(f, "write", path, ERROR_BAD_PATHNAME);
    } else if (!MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) {
        st = fail_code(f, "write", path, GetLastError());
    }
    kpb_free(from);
    kpb_free(to);
    return st;
}

static void remove_file(const char *path)
{
    wchar_t *wide = kpb_win_wide("cli.path", path);
    if (wide) {
        (void)DeleteFileW(wide);
    }
    kpb_free(wide);
}

/* PATH.PROCESS-TICKS: the same folder, so that the renaming replaces in one step; never one that
 * is there. */
static kp_status replace_file(const char *path, kp_span bytes, bool is_private, struct cli_fault *f)
{
    const size_t cap = strlen(path) + 48;
    char *temp = kpb_alloc("cli.write", cap);
    if (!temp) {
        return kpb_fail_memory(&f->error, "cli.write");
    }
    (void)snprintf(temp, cap, "%s.%lu-%llu", path, GetCurrentProcessId(),
                   (unsigned long long)GetTickCount64());
    const HANDLE file = open_file(temp, GENERIC_WRITE, CREATE_NEW, is_private);
    kp_status st = file == INVALID_HANDLE_VALUE ? fail_code(f, "write", path, GetLastError())
                                                : write_and_flush(file, path, bytes, f);
    if (st == KP_OK) {
        st = rename_over(temp, path, f);
    }
    if (st != KP_OK && file != INVALID_HANDLE_VALUE) {
        remove_file(temp);
    }
    kpb_free(temp);
    return st;
}

/* A device, a pipe. A secret behind a link is written through it all the same: CreateFile has no
 * way to change the list of a file that is there, and replaces the name instead. */
static bool is_special(const char *path)
{
    wchar_t *wide = kpb_win_wide("cli.path", path);
    HANDLE file =
        wide ? CreateFileW(wide, 0, SHARE_ALL, NULL, OPEN_EXISTING, 0, NULL) : INVALID_HANDLE_VALUE;
    const bool special = file != INVALID_HANDLE_VALUE && GetFileType(file) != FILE_TYPE_DISK;
    if (file != INVALID_HANDLE_VALUE) {
        (void)CloseHandle(file);
    }
    kpb_free(wide);
    return special;
}

static kp_status write_in_place(const char *path, kp_span bytes, struct cli_fault *f)
{
    const HANDLE file = open_file(path, GENERIC_WRITE, OPEN_EXISTING, false);
    if (file == INVALID_HANDLE_VALUE) {
        return fail_code(f, "write", path, GetLastError());
    }
    const kp_status st = write_all(file, path, bytes, f);
    (void)CloseHandle(file);
    return st;
}

kp_status cli_platform_write(const char *path, kp_span bytes, bool is_private, struct cli_fault *f)
{
    return is_special(path) ? write_in_place(path, bytes, f)
                            : replace_file(path, bytes, is_private, f);
}

kp_status cli_platform_write_stdout(kp_span bytes, struct cli_fault *f)
{
    const HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    if (out == INVALID_HANDLE_VALUE || !out) {
        return fail_code(f, "write", "stdout", ERROR_INVALID_HANDLE);
    }
    return write_all(out, "stdout", bytes, f);
}
