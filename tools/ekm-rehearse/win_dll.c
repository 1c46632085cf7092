/* Loading a provider library as SQL Server does, by its whole path. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/win_text.h"
#include "tools/ekm-rehearse/dll.h"

/* The cast through bytes is what GetProcAddress asks for without a warning. */
#define FIND(d, field, name) find_symbol((d)->handle, name, (void *)&(field), sizeof(field))

static bool find_symbol(void *handle, const char *name, void *ret, size_t len)
{
    FARPROC p = GetProcAddress(handle, name);

    if (p)
        memcpy(ret, &p, len);
    return p != NULL;
}

/* The number of the first function that is missing, 0 if none is. */
static unsigned find_functions(struct rh_dll *d)
{
#define XX(number, name, parameters)                                                               \
    if (!FIND(d, d->call.name, "SqlCrypt" #name))                                                  \
        return number;
    KP_EKM_EXPORT_MAP(XX)
#undef XX
    return 0;
}

/* Its own folder and the system's: never the current one, never PATH. */
static void *load(const char *path)
{
    wchar_t whole[MAX_PATH];
    wchar_t *wide = kpb_win_wide("rehearse.dll", path);
    DWORD n = wide ? GetFullPathNameW(wide, MAX_PATH, whole, NULL) : 0;
    void *handle = NULL;

    kpb_free(wide);
    if (n > 0 && n < MAX_PATH)
        handle = LoadLibraryExW(whole, NULL,
                                LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32);
    return handle;
}

kp_status rh_dll_open(struct rh_dll *d, const char *path, unsigned *ret_missing,
                      struct kp_error *reterr)
{
    char why[256];

    *ret_missing = 0;
    d->handle = load(path);
    if (!d->handle) {
        kpb_win_reason(GetLastError(), why, sizeof why);
        return kpb_fail(reterr, KP_NOT_FOUND, "%s: %s", path, why);
    }
    *ret_missing = find_functions(d);
    if (*ret_missing == 0)
        return KP_OK;
    (void)FreeLibrary(d->handle);
    d->handle = NULL;
    return kpb_fail(reterr, KP_UNSUPPORTED, "%s lacks function %u of the interface", path,
                    *ret_missing);
}

void rh_dll_close(struct rh_dll *d)
{
    if (!d->handle)
        return;
    if (d->is_initialized) {
        const uint32_t code = d->call.FreeProvider();
        if (d->seen)
            d->seen(d->seen_ctx, "FreeProvider", code);
    }
    d->is_initialized = false;
    (void)FreeLibrary(d->handle);
    d->handle = NULL;
}
