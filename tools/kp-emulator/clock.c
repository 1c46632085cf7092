#include "tools/kp-emulator/clock.h"

#include <stdatomic.h>
#include <time.h>

#define CENTURY_S (INT64_C(100) * 366 * 86400)

static _Atomic int64_t offset_s;

int64_t emu_clock_unix_s(void)
{
    return (int64_t)time(NULL) + atomic_load(&offset_s);
}

int64_t emu_clock_ms(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return ((int64_t)now.tv_sec + atomic_load(&offset_s)) * 1000 + now.tv_nsec / 1000000;
}

void emu_clock_advance(int64_t seconds)
{
    int64_t old = atomic_load(&offset_s);
    int64_t bounded = seconds > CENTURY_S ? CENTURY_S : seconds;
    bounded = bounded < -CENTURY_S ? -CENTURY_S : bounded;
    int64_t moved = old + bounded;
    moved = moved > CENTURY_S ? CENTURY_S : moved;
    atomic_store(&offset_s, moved < -CENTURY_S ? -CENTURY_S : moved);
}

int64_t emu_clock_offset_s(void)
{
    return atomic_load(&offset_s);
}
