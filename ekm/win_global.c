#include "ekm/global.h"

#include <stdint.h>
#include <windows.h>

static SRWLOCK pointer = SRWLOCK_INIT;
static SRWLOCK lifetime = SRWLOCK_INIT;

/* By the address of something of ours, whatever the file is called. */
void ekm_module_stay(void)
{
    HMODULE module;

    (void)GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                             (LPCWSTR)(uintptr_t)&lifetime, &module);
}

void ekm_global_lock(void)
{
    AcquireSRWLockExclusive(&pointer);
}

void ekm_global_unlock(void)
{
    ReleaseSRWLockExclusive(&pointer);
}

void ekm_lifetime_lock(void)
{
    AcquireSRWLockExclusive(&lifetime);
}

void ekm_lifetime_unlock(void)
{
    ReleaseSRWLockExclusive(&lifetime);
}
