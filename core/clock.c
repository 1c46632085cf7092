#include "core/clock.h"

#include <time.h>

#include <uv.h>

static uint64_t system_now_ns(void *ctx)
{
    (void)ctx;
    return uv_hrtime();
}

static int64_t system_unix_s(void *ctx)
{
    (void)ctx;
    return (int64_t)time(NULL);
}

const struct kpi_clock *kpi_clock_system(void)
{
    static const struct kpi_clock clock = {system_now_ns, system_unix_s, NULL};
    return &clock;
}
