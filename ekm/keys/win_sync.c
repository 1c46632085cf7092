#include "ekm/keys/sync.h"

#include <windows.h>

#include "base/mem.h"

#define MS_PER_S 1000u

struct ekm_sync {
    SRWLOCK lock;
    CONDITION_VARIABLE cond;
};

struct ekm_sync *ekm_sync_new(void)
{
    struct ekm_sync *sync = kpb_alloc("ekm.sync", sizeof *sync);

    if (!sync)
        return NULL;
    InitializeSRWLock(&sync->lock);
    InitializeConditionVariable(&sync->cond);
    return sync;
}

/* Neither owns anything of the system's. */
void ekm_sync_free(struct ekm_sync *sync)
{
    kpb_free(sync);
}

void ekm_sync_lock(struct ekm_sync *sync)
{
    AcquireSRWLockExclusive(&sync->lock);
}

void ekm_sync_unlock(struct ekm_sync *sync)
{
    ReleaseSRWLockExclusive(&sync->lock);
}

/* INFINITE is a number, too: a wait of that length wakes a millisecond early. */
void ekm_sync_wait(struct ekm_sync *sync, uint32_t max_ms)
{
    (void)SleepConditionVariableSRW(&sync->cond, &sync->lock,
                                    max_ms == INFINITE ? max_ms - 1 : max_ms, 0);
}

void ekm_sync_wake(struct ekm_sync *sync)
{
    WakeAllConditionVariable(&sync->cond);
}

/* The two calls cannot fail from Windows XP on. */
uint64_t ekm_sync_now_ms(void *ctx)
{
    LARGE_INTEGER per_second;
    LARGE_INTEGER now;
    uint64_t whole;
    uint64_t rest;

    (void)ctx;
    (void)QueryPerformanceFrequency(&per_second);
    (void)QueryPerformanceCounter(&now);
    whole = (uint64_t)now.QuadPart / (uint64_t)per_second.QuadPart;
    rest = (uint64_t)now.QuadPart % (uint64_t)per_second.QuadPart;
    return whole * MS_PER_S + rest * MS_PER_S / (uint64_t)per_second.QuadPart;
}

void ekm_sync_pause(void *ctx, uint32_t ms)
{
    (void)ctx;
    Sleep(ms == INFINITE ? ms - 1 : ms);
}
