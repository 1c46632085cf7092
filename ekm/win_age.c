/* How old the process is: told once by the wall clock, counted on by the monotonic one. */
#include <stdatomic.h>
#include <windows.h>

#include "ekm/environment.h"

#define TICKS_PER_MS 10000u /* FILETIME counts 100 ns */

static uint64_t to_ms(FILETIME t)
{
    return (((uint64_t)t.dwHighDateTime << 32) | t.dwLowDateTime) / TICKS_PER_MS;
}

/* 0 where it cannot be told, or the clock was set back since. */
static uint64_t age_by_wall_clock_ms(void)
{
    FILETIME created;
    FILETIME exited;
    FILETIME kernel;
    FILETIME user;
    FILETIME now;

    if (!GetProcessTimes(GetCurrentProcess(), &created, &exited, &kernel, &user))
        return 0;
    GetSystemTimeAsFileTime(&now);
    return to_ms(now) > to_ms(created) ? to_ms(now) - to_ms(created) : 0;
}

uint64_t ekm_platform_age_ms(void *ctx)
{
    static _Atomic uint64_t started; /* by GetTickCount64, from 1 */
    uint64_t now = GetTickCount64() + 1;
    uint64_t began = atomic_load(&started);

    (void)ctx;
    if (began == 0) {
        uint64_t age = age_by_wall_clock_ms();

        began = age < now ? now - age : 1;
        atomic_store(&started, began);
    }
    return now > began ? now - began : 0;
}
