#include "core/dl.h"

#include <io.h>
#include <stdbool.h>
#include <string.h>
#include <windows.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/win_text.h"
#include "core/trust.h"

#define NAME_UNITS 4096u
#define REASON_LEN 160u

/* One module of the process. */
struct object {
    BY_HANDLE_FILE_INFORMATION found; /* when it was loaded */
    HMODULE module;
};

/* Of the process, not of a provider: the loader's own list is one too. Never shrinks. */
static SRWLOCK lock = SRWLOCK_INIT;
static struct object objects[KPI_DL_MAX];
static size_t n_objects;

static bool is_same_file(const BY_HANDLE_FILE_INFORMATION *a, const BY_HANDLE_FILE_INFORMATION *b)
{
    return a->dwVolumeSerialNumber == b->dwVolumeSerialNumber &&
           a->nFileIndexHigh == b->nFileIndexHigh && a->nFileIndexLow == b->nFileIndexLow;
}

static bool is_unchanged(const BY_HANDLE_FILE_INFORMATION *a, const BY_HANDLE_FILE_INFORMATION *b)
{
    return a->nFileSizeHigh == b->nFileSizeHigh && a->nFileSizeLow == b->nFileSizeLow &&
           CompareFileTime(&a->ftLastWriteTime, &b->ftLastWriteTime) == 0;
}

static struct object *find_locked(const BY_HANDLE_FILE_INFORMATION *found)
{
    for (size_t i = 0; i < n_objects; i++) {
        if (is_same_file(&objects[i].found, found))
            return &objects[i];
    }
    return NULL;
}

static kp_status fail_code(const char *path, const char *what, DWORD code, struct kp_error *reterr)
{
    char why[REASON_LEN];

    kpb_win_reason(code, why, sizeof why);
    return kpb_fail(reterr, KP_CONFIG, "%s cannot be %s: %s", path, what, why);
}

/*
 * By the name of the very file that was checked, which cannot change while it is open: nobody can
 * write, rename or delete it. What it needs is looked for among the system's DLLs alone. Neither
 * the drive nor the file may bring up a window.
 */
static HMODULE load_file(HANDLE file, wchar_t *name, DWORD *ret_code)
{
    DWORD n = GetFinalPathNameByHandleW(file, name, NAME_UNITS, FILE_NAME_NORMALIZED);
    HMODULE module = NULL;
    DWORD mode = 0;

    if (n > 0 && n < NAME_UNITS) {
        (void)SetThreadErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX, &mode);
        module = LoadLibraryExW(name, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
        *ret_code = GetLastError();
        (void)SetThreadErrorMode(mode, NULL);
    } else {
        *ret_code = n > 0 ? ERROR_FILENAME_EXCED_RANGE : GetLastError();
    }
    return module;
}

static kp_status load_locked(HANDLE file, const char *path, const BY_HANDLE_FILE_INFORMATION *found,
                             struct kp_error *reterr)
{
    wchar_t *name;
    DWORD code = ERROR_SUCCESS;
    HMODULE module;

    if (n_objects == KPI_DL_MAX)
        return kpb_fail(reterr, KP_CONFIG, "%s: this process has loaded %u plugins already", path,
                        KPI_DL_MAX);
    name = kpb_alloc_array("dl.name", NAME_UNITS, sizeof *name);
    if (!name)
        return kpb_fail_memory(reterr, "dl.name");
    module = load_file(file, name, &code);
    kpb_free(name);
    if (!module)
        return fail_code(path, "loaded", code, reterr);
    objects[n_objects].found = *found;
    objects[n_objects].module = module;
    n_objects++;
    return KP_OK;
}

/* Closes fd unless the module now hangs on it. */
static kp_status open_locked(int fd, const char *path, void **ret_handle, struct kp_error *reterr)
{
    HANDLE file = (HANDLE)_get_osfhandle(fd);
    BY_HANDLE_FILE_INFORMATION found;
    const struct object *known;
    kp_status st = KP_OK;

    if (!GetFileInformationByHandle(file, &found)) {
        st = fail_code(path, "looked at", GetLastError(), reterr);
        kpi_trust_close(fd);
        return st;
    }
    known = find_locked(&found);
    if (!known)
        st = load_locked(file, path, &found, reterr);
    else if (!is_unchanged(&known->found, &found))
        st = kpb_fail(reterr, KP_CONFIG,
                      "%s was changed in place since this process loaded it; restart for it", path);
    if (known || st != KP_OK)
        kpi_trust_close(fd);
    if (st == KP_OK)
        *ret_handle = known ? known->module : objects[n_objects - 1].module;
    return st;
}

kp_status kpi_dl_open(int fd, const char *path, void **ret_handle, struct kp_error *reterr)
{
    kp_status st;

    AcquireSRWLockExclusive(&lock);
    st = open_locked(fd, path, ret_handle, reterr);
    ReleaseSRWLockExclusive(&lock);
    return st;
}

/* Nothing forks here. */
void kpi_dl_recover_in_child(void)
{
}

kp_plugin_get_fn *kpi_dl_find(void *handle, const char *name)
{
    FARPROC found = GetProcAddress(handle, name);
    kp_plugin_get_fn *get = NULL;

    memcpy(&get, &found, sizeof get);
    return get;
}
