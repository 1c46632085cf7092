#include "cli/load_counters.h"

#include <string.h>

const char *cli_load_phase_text(uint32_t phase)
{
    static const char *const texts[KP_PHASE_COUNT] = {
#define XX(symbol, value, text) [value] = (text),
        KP_PHASE_MAP(XX)
#undef XX
    };
    return texts[phase];
}

static void add_op(void *ctx, const struct kp_op_metrics *metrics)
{
    struct load_counters *counters = ctx;
    counters->retries += metrics->retries;
    counters->refused += metrics->refused;
    counters->coalesced += metrics->coalesced;
}

static void add_vault(void *ctx, const struct kp_vault_metrics *metrics)
{
    struct load_counters *counters = ctx;
    counters->throttled += metrics->throttled;
    counters->breaker_trips += metrics->breaker_trips;
    counters->connections += metrics->connections;
}

static void add_bucket(void *ctx, const struct kp_phase_bucket *bucket)
{
    struct load_counters *counters = ctx;
    if (bucket->phase < KP_PHASE_COUNT) {
        kpb_histogram_add(&counters->phases[bucket->phase], bucket->ns, bucket->count);
    }
}

void cli_load_counters_read(kp_provider *provider, struct load_counters *ret)
{
    memset(ret, 0, sizeof *ret);
    kp_metrics_each(provider, add_op, ret);
    kp_vault_metrics_each(provider, add_vault, ret);
    kp_phases_each(provider, add_bucket, ret);
}

void cli_load_counters_subtract(struct load_counters *counters, const struct load_counters *before)
{
    counters->retries -= before->retries;
    counters->refused -= before->refused;
    counters->coalesced -= before->coalesced;
    counters->throttled -= before->throttled;
    counters->breaker_trips -= before->breaker_trips;
    counters->connections -= before->connections;
    for (uint32_t i = 0; i < KP_PHASE_COUNT; i++) {
        kpb_histogram_subtract(&counters->phases[i], &before->phases[i]);
    }
}
