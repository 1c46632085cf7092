#include "core/clock.h"

#include <uv.h>

static uint64_t system_now_ns(void *ctx)
{
    (void)ctx;
    return uv_hrtime();
}

static int64_t system_unix_ms(void *ctx)
{
    uv_timeval64_t now;
    (void)ctx;
    if (uv_gettimeofday(&now) != 0)
        return 0; /* a machine without a clock */
    return now.tv_sec * 1000 + now.tv_usec / 1000;
}

const struct kpi_clock *kpi_clock_system(void)
{
    static const struct kpi_clock clock = {system_now_ns, system_unix_ms, NULL};
    return &clock;
}
