#include <string.h>
#include <windows.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "base/win_access.h"
#include "base/win_text.h"
#include "core/trust.h"
#include "ekm/environment.h"
#include "ekm/report.h"

struct ekm_log_file {
    HANDLE handle; /* NULL: there is none, as in most services that were given no standard error */
    bool is_owned;
};

static kp_status fail_open(const char *path, struct kp_error *reterr)
{
    const DWORD code = GetLastError();
    char why[128];

    if (code == ERROR_NOT_ENOUGH_MEMORY)
        return kpb_fail_memory(reterr, "ekm.log_file");
    kpb_win_reason(code, why, sizeof why);
    return kpb_fail(reterr, KP_CONFIG, "ekm.log_file: %s cannot be opened: %s", path, why);
}

/* A junction or link would have been opened as itself. */
static kp_status check(HANDLE handle, const char *path, struct kp_error *reterr)
{
    const DWORD odd =
        FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DEVICE;
    BY_HANDLE_FILE_INFORMATION found;
    kp_status st;

    if (GetFileType(handle) != FILE_TYPE_DISK || !GetFileInformationByHandle(handle, &found) ||
        (found.dwFileAttributes & odd))
        return kpb_fail(reterr, KP_CONFIG, "ekm.log_file: %s is not a regular file", path);
    st = kpb_win_check_file(handle, path, reterr);
    if (st != KP_OK)
        kpb_error_prefix(reterr, "ekm.log_file");
    return st;
}

/* Appending only: each write goes to the end as it is then, whoever else has written. */
static HANDLE open_for_appending(const wchar_t *path)
{
    SECURITY_ATTRIBUTES mine = {sizeof mine, kpb_win_access_private(), FALSE};
    HANDLE handle = INVALID_HANDLE_VALUE;

    if (mine.lpSecurityDescriptor)
        handle =
            CreateFileW(path, FILE_APPEND_DATA | FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE,
                        FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, &mine, OPEN_ALWAYS,
                        FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    else
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    {
        const DWORD code = GetLastError();

        kpb_win_access_free(mine.lpSecurityDescriptor);
        SetLastError(code);
    }
    return handle;
}

/* The folder of path, absolute, into folder. */
static kp_status find_folder(const char *path, kp_buf *folder, struct kp_error *reterr)
{
    kp_status st = kpi_path_absolute(kpb_span_str(path), folder, reterr);

    if (st != KP_OK)
        return st;
    while (folder->len > 0 && folder->ptr[folder->len - 1] != '\\')
        folder->len--;
    return kp_buf_append_byte(folder, '\0') == KP_OK ? KP_OK
                                                     : kpb_fail_memory(reterr, "ekm.log_file");
}

/*
 * Whoever could put another folder in the place of this one, or of one above it, could have the
 * account that runs this write into files of its own that he chooses.
 */
static kp_status check_folder(const char *path, struct kp_error *reterr)
{
    kp_buf folder;
    int fd = -1;
    kp_status st;

    kp_buf_init(&folder, "ekm.log_file", KPI_PATH_MAX_LEN + 1);
    st = find_folder(path, &folder, reterr);
    if (st == KP_OK)
        st = kpi_trust_open((const char *)folder.ptr, KPI_TRUST_FOLDER, &fd, reterr);
    kpi_trust_close(fd);
    kp_buf_clear(&folder);
    if (st == KP_OK || st == KP_NO_MEMORY)
        return st;
    kpb_error_prefix(reterr, "ekm.log_file");
    return KP_CONFIG;
}

static kp_status open_path(struct ekm_log_file *file, const char *path, struct kp_error *reterr)
{
    wchar_t *wide;
    HANDLE handle;
    kp_status st = check_folder(path, reterr);

    if (st == KP_OK)
        st = kpb_win_wide_path("ekm.log_file", path, &wide, reterr);
    if (st != KP_OK)
        return st;
    handle = open_for_appending(wide);
    st = handle == INVALID_HANDLE_VALUE ? fail_open(path, reterr) : check(handle, path, reterr);
    kpb_free(wide);
    if (st != KP_OK && handle != INVALID_HANDLE_VALUE)
        (void)CloseHandle(handle); /* nothing was written */
    if (st == KP_OK) {
        file->handle = handle;
        file->is_owned = true;
    }
    return st;
}

kp_status ekm_log_file_open(const char *path, struct ekm_log_file **ret, struct kp_error *reterr)
{
    struct ekm_log_file *file = kpb_alloc("ekm.log_file", sizeof *file);
    kp_status st = KP_OK;

    if (!file)
        return kpb_fail_memory(reterr, "ekm.log_file");
    if (path)
        st = open_path(file, path, reterr);
    else
        file->handle = GetStdHandle(STD_ERROR_HANDLE);
    if (file->handle == INVALID_HANDLE_VALUE)
        file->handle = NULL;
    if (st != KP_OK) {
        kpb_free(file);
        return st;
    }
    *ret = file; /* moved to the caller */
    return KP_OK;
}

static void write_bytes(struct ekm_log_file *file, const char *bytes, size_t len)
{
    DWORD written = 0;

    (void)WriteFile(file->handle, bytes, (DWORD)len, &written, NULL);
}

/* One write, so that lines of several processes do not mix; where memory is out, which is what many
 * a line is about, they may. The end of line is the one on Linux: what reads these lines reads
 * both. */
void ekm_log_file_write(struct ekm_log_file *file, const char *line, size_t len)
{
    char *whole;

    if (!file->handle)
        return;
    whole = kpb_alloc("ekm.log_line", len + 1);
    if (whole) {
        memcpy(whole, line, len);
        whole[len] = '\n';
        write_bytes(file, whole, len + 1);
    } else {
        write_bytes(file, line, len);
        write_bytes(file, "\n", 1);
    }
    kpb_free(whole);
}

void ekm_log_file_close(struct ekm_log_file *file)
{
    if (!file)
        return;
    if (file->is_owned)
        (void)CloseHandle(file->handle); /* each line was written by itself */
    kpb_free(file);
}
