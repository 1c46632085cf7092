#include <io.h>
#include <stddef.h>
#include <string.h>
#include <windows.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/win_text.h"
#include "core/trust_file.h"

#define ENTRIES_LEN 8192u
#define NAME_LEN (4u * MAX_PATH)

ptrdiff_t kpi_trust_read_some(int fd, uint8_t *chunk, size_t n)
{
    return _read(fd, chunk, (unsigned)n);
}

/* A name that is no UTF-16 cannot be one of those that are looked for. */
static kp_status pass_name(const FILE_ID_BOTH_DIR_INFO *entry, kpi_trust_name_fn *each, void *ctx)
{
    wchar_t wide[MAX_PATH + 1];
    char name[NAME_LEN];
    size_t n = entry->FileNameLength / sizeof wide[0];

    if (n > MAX_PATH)
        return KP_OK;
    memcpy(wide, entry->FileName, n * sizeof wide[0]);
    wide[n] = L'\0';
    return kpb_win_utf8_fill(wide, name, sizeof name) ? each(ctx, name) : KP_OK;
}

static kp_status pass_entries(const uint8_t *entries, kpi_trust_name_fn *each, void *ctx)
{
    for (;;) {
        const FILE_ID_BOTH_DIR_INFO *entry = (const void *)entries;
        kp_status st = pass_name(entry, each, ctx);

        if (st != KP_OK || entry->NextEntryOffset == 0)
            return st;
        entries += entry->NextEntryOffset;
    }
}

static kp_status fail_listing(const char *path, DWORD code, struct kp_error *reterr)
{
    char why[128];

    kpb_win_reason(code, why, sizeof why);
    return kpb_fail(reterr, KP_CONFIG, "%s cannot be listed: %s", path, why);
}

kp_status kpi_trust_each_name(int fd, const char *path, kpi_trust_name_fn *each, void *ctx,
                              struct kp_error *reterr)
{
    HANDLE folder = (HANDLE)_get_osfhandle(fd);
    FILE_INFO_BY_HANDLE_CLASS which = FileIdBothDirectoryRestartInfo;
    uint8_t *entries = kpb_alloc("trust.entries", ENTRIES_LEN);
    kp_status st = KP_OK;
    DWORD code = ERROR_SUCCESS;

    if (!entries)
        return kpb_fail_memory(reterr, "trust.entries");
    while (st == KP_OK && code == ERROR_SUCCESS) {
        if (GetFileInformationByHandleEx(folder, which, entries, ENTRIES_LEN))
            st = pass_entries(entries, each, ctx);
        else
            code = GetLastError();
        which = FileIdBothDirectoryInfo;
    }
    kpb_free(entries);
    if (st != KP_OK)
        return kpb_fail_memory(reterr, "trust.names");
    return code == ERROR_NO_MORE_FILES ? KP_OK : fail_listing(path, code, reterr);
}
