#include "core/pages.h"

#include <string.h>
#include <windows.h>

/* A call of newer systems, so it is looked up. Windows 10 1703 has it, Server 2016 has not. */
typedef HRESULT WINAPI exclude_fn(const void *block, DWORD len);

size_t kpi_pages_size(void)
{
    SYSTEM_INFO info;

    GetSystemInfo(&info);
    return info.dwPageSize;
}

uint8_t *kpi_pages_map(size_t len)
{
    return VirtualAlloc(NULL, len, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

/* Left out of the reports that Windows makes of a crash; a full dump by hand has it all the
 * same. */
static bool exclude_from_dumps(const void *p, size_t len)
{
    HMODULE kernel = GetModuleHandleW(L"kernel32.dll"); /* of every process, and stays */
    FARPROC found = kernel ? GetProcAddress(kernel, "WerRegisterExcludedMemoryBlock") : NULL;
    exclude_fn *exclude = NULL;

    if (!found || len > MAXDWORD)
        return false;
    memcpy(&exclude, &found, sizeof exclude);
    return exclude(p, (DWORD)len) == S_OK;
}

/* What is reserved and not committed faults when touched. There is no fork, so no child reads
 * it. */
uint8_t *kpi_pages_map_secret(size_t len, uint32_t *ret_protection)
{
    size_t guard = kpi_pages_size();
    uint8_t *p;

    if (len > SIZE_MAX - 2 * guard)
        return NULL;
    p = VirtualAlloc(NULL, len + 2 * guard, MEM_RESERVE, PAGE_NOACCESS);
    if (!p)
        return NULL;
    if (!VirtualAlloc(p + guard, len, MEM_COMMIT, PAGE_READWRITE)) {
        (void)VirtualFree(p, 0, MEM_RELEASE);
        return NULL;
    }
    *ret_protection = KPI_PAGES_WIPE_ON_FORK;
    if (exclude_from_dumps(p + guard, len))
        *ret_protection |= KPI_PAGES_NO_DUMP;
    return p + guard;
}

bool kpi_pages_lock(void *p, size_t len)
{
    return VirtualLock(p, len) != 0;
}
