/*
 * Time as the core sees it, so that a test can move it. Monotonic nanoseconds drive deadlines; the
 * wall clock is only shown and compared with key dates.
 */
#ifndef KP_CORE_CLOCK_H
#define KP_CORE_CLOCK_H

#include <stdint.h>

#define KPI_NS_PER_MS UINT64_C(1000000)

struct kpi_clock {
    uint64_t (*now_ns)(void *ctx);
    int64_t (*unix_ms)(void *ctx);
    void *ctx;
};

/* The machine's clocks. Static storage. Any thread. */
const struct kpi_clock *kpi_clock_system(void);

static inline uint64_t kpi_now_ns(const struct kpi_clock *clock)
{
    return clock->now_ns(clock->ctx);
}

static inline int64_t kpi_unix_ms(const struct kpi_clock *clock)
{
    return clock->unix_ms(clock->ctx);
}

static inline int64_t kpi_unix_s(const struct kpi_clock *clock)
{
    return kpi_unix_ms(clock) / 1000;
}

#endif /* KP_CORE_CLOCK_H */
