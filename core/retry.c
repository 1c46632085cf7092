#include "core/retry.h"

static bool may_pass(kp_status status)
{
    return status == KP_THROTTLED || status == KP_TRANSIENT;
}

bool kpi_retry_allowed(const struct kpi_retry_input *input)
{
    if (!may_pass(input->status))
        return false;
    if (input->op_traits & KP_TRAIT_REPEATABLE)
        return true;
    return input->exposure == KP_NOT_SENT || input->exposure == KP_ANSWERED_REFUSED;
}

/* min(cap, base * 2^(attempts - 1)) without overflow. */
static uint64_t backoff_limit(const struct kpi_retry_policy *policy, uint32_t attempts)
{
    uint32_t shift = attempts - 1 < 32 ? attempts - 1 : 32;
    uint64_t limit = (uint64_t)policy->base_ms << shift;
    return limit < policy->cap_ms ? limit : policy->cap_ms;
}

struct kpi_retry_decision kpi_retry_decide(const struct kpi_retry_policy *policy,
                                           const struct kpi_retry_input *input)
{
    struct kpi_retry_decision no = {false, 0};
    if (!kpi_retry_allowed(input) || input->attempts >= policy->max_attempts)
        return no;
    uint64_t delay = input->random % (backoff_limit(policy, input->attempts) + 1);
    if (input->hint_ms != KP_NO_RETRY_HINT && input->hint_ms > delay)
        delay = input->hint_ms;
    if (delay >= input->time_left_ms)
        return no;
    return (struct kpi_retry_decision){true, delay};
}

void kpi_budget_init(struct kpi_budget *budget, uint32_t burst)
{
    atomic_init(&budget->tokens, burst * KPI_BUDGET_RETRY);
}

void kpi_budget_deposit(struct kpi_budget *budget, uint32_t percent, uint32_t burst)
{
    uint32_t full = burst * KPI_BUDGET_RETRY;
    uint32_t tokens = atomic_load_explicit(&budget->tokens, memory_order_relaxed);
    uint32_t more;
    do {
        if (tokens >= full)
            return; /* the steady state: nothing to write */
        more = full - tokens > percent ? tokens + percent : full;
    } while (!atomic_compare_exchange_weak_explicit(&budget->tokens, &tokens, more,
                                                    memory_order_relaxed, memory_order_relaxed));
}

bool kpi_budget_withdraw(struct kpi_budget *budget)
{
    uint32_t tokens = atomic_load_explicit(&budget->tokens, memory_order_relaxed);
    do {
        if (tokens < KPI_BUDGET_RETRY)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&budget->tokens, &tokens,
                                                    tokens - KPI_BUDGET_RETRY, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}
