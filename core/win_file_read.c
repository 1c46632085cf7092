#include "core/file_read.h"

#include <windows.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/win_text.h"

#define PIECE_LEN 16384u
#define REASON_LEN 160u

static kp_status fail_code(struct kp_error *reterr, const char *path, DWORD code)
{
    const bool is_missing = code == ERROR_FILE_NOT_FOUND || code == ERROR_PATH_NOT_FOUND;
    char why[REASON_LEN];
    kpb_win_reason(code, why, sizeof why);
    return kpb_fail(reterr, is_missing ? KP_NOT_FOUND : KP_CONFIG, "%s: cannot be read: %s", path,
                    why);
}

static kp_status check_file(HANDLE file, const char *path, size_t max_len, struct kp_error *reterr)
{
    LARGE_INTEGER len;
    if (GetFileType(file) != FILE_TYPE_DISK)
        return kpb_fail(reterr, KP_CONFIG, "%s: not a regular file", path);
    if (!GetFileSizeEx(file, &len))
        return fail_code(reterr, path, GetLastError());
    if ((uint64_t)len.QuadPart > max_len)
        return kpb_fail(reterr, KP_CONFIG, "%s: larger than %zu bytes", path, max_len);
    return KP_OK;
}

static kp_status read_piece(HANDLE file, const char *path, kp_buf *out, size_t room,
                            size_t *ret_len, struct kp_error *reterr)
{
    uint8_t *into;
    size_t before = out->len;
    DWORD got = 0;
    kp_status st = kp_buf_extend(out, room, &into);
    if (st != KP_OK)
        return kpb_fail(reterr, st, "%s: no room for its bytes", path);
    bool ok = ReadFile(file, into, (DWORD)room, &got, NULL);
    out->len = before + (ok ? got : 0);
    *ret_len = ok ? got : 0;
    return ok ? KP_OK : fail_code(reterr, path, GetLastError());
}

/* A folder cannot be opened this way, and says so itself. */
static kp_status open_file(const char *path, HANDLE *ret, struct kp_error *reterr)
{
    wchar_t *wide;
    kp_status st = kpb_win_wide_path("file_read.path", path, &wide, reterr);
    if (st != KP_OK)
        return st;
    *ret = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (*ret == INVALID_HANDLE_VALUE)
        st = fail_code(reterr, path, GetLastError());
    kpb_free(wide);
    return st;
}

kp_status kpi_file_read(const char *path, size_t max_len, kp_buf *out, struct kp_error *reterr)
{
    HANDLE file;
    kp_status st = open_file(path, &file, reterr);
    if (st != KP_OK)
        return st;
    st = check_file(file, path, max_len, reterr);
    for (size_t got = 1, left = max_len; st == KP_OK && got > 0 && left > 0; left -= got)
        st = read_piece(file, path, out, left < PIECE_LEN ? left : PIECE_LEN, &got, reterr);
    (void)CloseHandle(file); /* only read from */
    return st;
}
