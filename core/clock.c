#include "core/clock.h"

#include <time.h>

#include <uv.h>

static uint64_t system_now_ns(void *ctx)
{
    (void)ctx;
    return uv_hrtime();
}

static int64_t system_unix_ms(void *ctx)
{
    struct timespec now;
    (void)ctx;
    if (timespec_get(&now, TIME_UTC) != TIME_UTC)
        return 0; /* a machine without a clock */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const struct kpi_clock *kpi_clock_system(void)
{
    static const struct kpi_clock clock = {system_now_ns, system_unix_ms, NULL};
    return &clock;
}
