#include "support/fake_clock.h"

#include "core/provider.h"

#define START_NS (1000 * UINT64_C(1000000000))
#define START_UNIX_MS INT64_C(1893456000000)

static uint64_t now_ns(void *ctx)
{
    struct fake_clock *clock = ctx;
    return atomic_load(&clock->now_ns);
}

static int64_t unix_ms(void *ctx)
{
    struct fake_clock *clock = ctx;
    return atomic_load(&clock->unix_ms);
}

void fake_clock_init(struct fake_clock *clock)
{
    clock->clock = (struct kpi_clock){now_ns, unix_ms, clock};
    atomic_init(&clock->now_ns, START_NS);
    atomic_init(&clock->unix_ms, START_UNIX_MS);
}

void fake_clock_set_forward(struct fake_clock *clock, uint64_t ms)
{
    atomic_fetch_add(&clock->now_ns, ms * KPI_NS_PER_MS);
    atomic_fetch_add(&clock->unix_ms, (int64_t)ms);
}

void fake_clock_move(struct fake_clock *clock, kp_provider *provider, uint64_t ms)
{
    fake_clock_set_forward(clock, ms);
    for (uint32_t i = 0; i < provider->n_shards; i++)
        kpi_shard_poke(kpi_provider_shard(provider, i));
}
