#include "ekm/global.h"

#include <windows.h>

static SRWLOCK pointer = SRWLOCK_INIT;
static SRWLOCK lifetime = SRWLOCK_INIT;

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
