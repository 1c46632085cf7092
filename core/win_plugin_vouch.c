#include "core/plugin_vouch.h"

#include <io.h>
#include <string.h>
#include <windows.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "base/win_signature.h"
#include "base/win_text.h"
#include "core/trust.h"

#define NAME_UNITS 4096u

/* ---- The place ---- */

static kp_status fail_place(const char *path, const char *dir, struct kp_error *reterr)
{
    return kpb_fail(reterr, KP_CONFIG,
                    "%s: plugins are loaded from the folder %s alone; put it there", path,
                    dir ? dir : "that plugin_dir names");
}

/* Folder by folder, not text by text: a name has several spellings. */
static kp_status identify(const char *folder, BY_HANDLE_FILE_INFORMATION *ret,
                          struct kp_error *reterr)
{
    int fd = -1;
    kp_status st = kpi_trust_open(folder, KPI_TRUST_FOLDER, &fd, reterr);
    bool ok;

    if (st != KP_OK)
        return st;
    ok = GetFileInformationByHandle((HANDLE)_get_osfhandle(fd), ret) != 0;
    kpi_trust_close(fd);
    return ok ? KP_OK : kpb_fail(reterr, KP_CONFIG, "%s cannot be looked at", folder);
}

/* The folder of path, which is absolute, into folder. */
static void cut_name(kp_buf *folder)
{
    char *text = (char *)folder->ptr;
    char *slash = strrchr(text, '\\');

    if (slash && slash - text > 2)
        *slash = '\0';
    else if (slash)
        slash[1] = '\0'; /* C:\ */
}

static kp_status compare_folders(const char *folder, const char *path, const char *dir,
                                 struct kp_error *reterr)
{
    BY_HANDLE_FILE_INFORMATION its;
    BY_HANDLE_FILE_INFORMATION ours;
    kp_status st = identify(dir, &ours, reterr);

    if (st == KP_OK)
        st = identify(folder, &its, reterr);
    if (st != KP_OK)
        return st;
    if (its.dwVolumeSerialNumber == ours.dwVolumeSerialNumber &&
        its.nFileIndexHigh == ours.nFileIndexHigh && its.nFileIndexLow == ours.nFileIndexLow)
        return KP_OK;
    return fail_place(path, dir, reterr);
}

kp_status kpi_vouch_place(const char *path, const char *dir, struct kp_error *reterr)
{
    kp_buf folder;
    kp_status st;

    if (!dir)
        return fail_place(path, dir, reterr);
    kp_buf_init(&folder, "plugin.folder", KPI_PATH_MAX_LEN + 1);
    st = kpi_path_absolute(kpb_span_str(path), &folder, reterr);
    if (st == KP_OK && kp_buf_append_byte(&folder, '\0') != KP_OK)
        st = kpb_fail_memory(reterr, "plugin.folder");
    if (st == KP_OK) {
        cut_name(&folder);
        st = compare_folders((const char *)folder.ptr, path, dir, reterr);
    }
    kp_buf_clear(&folder);
    return st == KP_USAGE ? KP_CONFIG : st;
}

static kp_span name_of(const char *path)
{
    size_t len = strlen(path);
    size_t start = len;

    while (start > 0 && path[start - 1] != '\\' && path[start - 1] != '/')
        start--;
    return kpb_span(path + start, len - start);
}

bool kpi_vouch_is_same_file(const char *a, const char *b)
{
    return kpb_span_eq_nocase(name_of(a), name_of(b));
}

/* ---- The signer ---- */

/* By the name of the open file itself, which cannot become another's while it is open. */
static kp_status look(int fd, const char *path, struct kpb_signature *ret, struct kp_error *reterr)
{
    HANDLE file = (HANDLE)_get_osfhandle(fd);
    wchar_t *name = kpb_alloc_array("plugin.name", NAME_UNITS, sizeof *name);
    DWORD n;

    if (!name)
        return kpb_fail_memory(reterr, "plugin.name");
    n = GetFinalPathNameByHandleW(file, name, NAME_UNITS, FILE_NAME_NORMALIZED);
    if (n > 0 && n < NAME_UNITS)
        kpb_win_signature(file, name, ret);
    kpb_free(name);
    return n > 0 && n < NAME_UNITS ? KP_OK
                                   : kpb_fail(reterr, KP_CONFIG, "%s has no name of its own", path);
}

kp_status kpi_vouch_signer(int fd, const char *path, const uint8_t *signer, struct kp_error *reterr)
{
    struct kpb_signature file = {.verdict = KPB_VERDICT_UNSEEN};
    struct kpb_signature own = {.verdict = KPB_VERDICT_UNSEEN};
    kp_status st = look(fd, path, &file, reterr);

    if (st != KP_OK)
        return st;
    if (!signer && !kpb_signature_problem(&file))
        kpb_win_signature_own(&own);
    return kpb_signature_judge(&file, signer, &own, path, reterr);
}
