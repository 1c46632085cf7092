#include "core/breaker.h"

#include "base/errors.h"
#include "core/clock.h"

void kpi_breaker_init(struct kpi_breaker *breaker)
{
    atomic_init(&breaker->state, KPI_BREAKER_CLOSED);
    atomic_init(&breaker->n_failures, 0);
    breaker->retry_at_ns = 0;
    breaker->open_ms = 0;
    kp_error_init(&breaker->cause);
}

static void enter_state(struct kpi_breaker *breaker, enum kpi_breaker_state state)
{
    atomic_store_explicit(&breaker->state, (uint32_t)state, memory_order_relaxed);
}

enum kpi_breaker_verdict kpi_breaker_ask(struct kpi_breaker *breaker, uint64_t now_ns)
{
    switch (atomic_load_explicit(&breaker->state, memory_order_relaxed)) {
    case KPI_BREAKER_CLOSED:
        return KPI_PASS;
    case KPI_BREAKER_OPEN:
        if (now_ns < breaker->retry_at_ns)
            return KPI_REFUSE;
        enter_state(breaker, KPI_BREAKER_HALF_OPEN);
        return KPI_PASS_AS_PROBE;
    default:
        return KPI_REFUSE;
    }
}

bool kpi_breaker_open(const struct kpi_breaker *breaker)
{
    return atomic_load_explicit(&breaker->state, memory_order_relaxed) == KPI_BREAKER_OPEN;
}

bool kpi_breaker_counts(kp_status status)
{
    return status == KP_TRANSIENT || status == KP_TIMEOUT;
}

void kpi_breaker_succeeded(struct kpi_breaker *breaker)
{
    if (kpi_breaker_calm(breaker))
        return;
    atomic_store_explicit(&breaker->n_failures, 0, memory_order_relaxed);
    breaker->open_ms = 0;
    enter_state(breaker, KPI_BREAKER_CLOSED);
}

/* Opens, each time in a row for twice as long. */
static void open_for_next(struct kpi_breaker *breaker, const struct kpi_breaker_policy *policy,
                          uint64_t now_ns)
{
    uint64_t open_ms = breaker->open_ms == 0 ? policy->open_ms : 2 * (uint64_t)breaker->open_ms;
    breaker->open_ms = (uint32_t)(open_ms < policy->open_max_ms ? open_ms : policy->open_max_ms);
    breaker->retry_at_ns = now_ns + breaker->open_ms * KPI_NS_PER_MS;
    enter_state(breaker, KPI_BREAKER_OPEN);
}

bool kpi_breaker_failed(struct kpi_breaker *breaker, const struct kpi_breaker_policy *policy,
                        uint64_t now_ns, const struct kp_error *cause)
{
    uint32_t n = atomic_fetch_add_explicit(&breaker->n_failures, 1, memory_order_relaxed) + 1;
    uint32_t state = atomic_load_explicit(&breaker->state, memory_order_relaxed);
    breaker->cause = *cause;
    if (state == KPI_BREAKER_OPEN || (state == KPI_BREAKER_CLOSED && n < policy->failures))
        return false;
    open_for_next(breaker, policy, now_ns);
    return true;
}

void kpi_breaker_probe_lost(struct kpi_breaker *breaker, uint64_t now_ns)
{
    if (atomic_load_explicit(&breaker->state, memory_order_relaxed) != KPI_BREAKER_HALF_OPEN)
        return;
    breaker->retry_at_ns = now_ns;
    enter_state(breaker, KPI_BREAKER_OPEN);
}

kp_status kpi_breaker_refusal(const struct kpi_breaker *breaker, uint64_t now_ns,
                              struct kp_error *reterr)
{
    uint64_t left_ns = breaker->retry_at_ns > now_ns ? breaker->retry_at_ns - now_ns : 0;
    *reterr = breaker->cause;
    reterr->exposure = KP_NOT_SENT;
    reterr->retry_after_ms = (left_ns + KPI_NS_PER_MS - 1) / KPI_NS_PER_MS;
    kpb_error_prefix(reterr, "not sent, the vault failed %u times in a row, next probe in %llu ms",
                     atomic_load_explicit(&breaker->n_failures, memory_order_relaxed),
                     (unsigned long long)reterr->retry_after_ms);
    return (kp_status)reterr->status;
}

const char *kpi_breaker_text(const struct kpi_breaker *breaker)
{
    switch (atomic_load_explicit(&breaker->state, memory_order_relaxed)) {
    case KPI_BREAKER_CLOSED:
        return "closed";
    case KPI_BREAKER_OPEN:
        return "open";
    default:
        return "half_open";
    }
}
