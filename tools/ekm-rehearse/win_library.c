#include <string.h>
#include <windows.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/win_text.h"
#include "tools/ekm-rehearse/library.h"

#define REASON_LEN 256u

/* As SQL Server does: by its whole path, with its own folder and the system's beside it, never the
 * current one, never PATH. */
static void *load(const char *path)
{
    wchar_t whole[MAX_PATH];
    wchar_t *wide = kpb_win_wide("rehearse.dll", path);
    DWORD n = wide ? GetFullPathNameW(wide, MAX_PATH, whole, NULL) : 0;
    void *library = NULL;

    kpb_free(wide);
    if (n > 0 && n < MAX_PATH)
        library = LoadLibraryExW(whole, NULL,
                                 LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32);
    return library;
}

kp_status rh_library_load(const char *path, void **ret_library, struct kp_error *reterr)
{
    char why[REASON_LEN];

    *ret_library = load(path);
    if (*ret_library)
        return KP_OK;
    kpb_win_reason(GetLastError(), why, sizeof why);
    return kpb_fail(reterr, KP_NOT_FOUND, "%s: %s", path, why);
}

/* The copy through bytes is what GetProcAddress asks for without a warning. */
bool rh_library_find(void *library, const char *name, void *ret, size_t len)
{
    FARPROC p = GetProcAddress(library, name);

    if (p)
        memcpy(ret, &p, len);
    return p != NULL;
}

void rh_library_free(void *library)
{
    (void)FreeLibrary(library);
}
