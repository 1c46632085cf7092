/*
 * Whether to try again, and when: a pure function, decided once, in the pipeline.
 *
 * Full jitter: the delay is uniform in [0, min(cap, base * 2^attempt)], as the AWS Architecture
 * Blog "Exponential Backoff And Jitter" (2015) recommends; a hint of the vault is a floor under it.
 * A budget per vault keeps retries below a share of the traffic, so that they never multiply an
 * outage.
 */
#ifndef KP_CORE_RETRY_H
#define KP_CORE_RETRY_H

#include <stdatomic.h>
#include <stdbool.h>

#include <keyprovider/status.h>

struct kpi_retry_policy {
    uint32_t max_attempts; /* with the first one */
    uint32_t base_ms;
    uint32_t cap_ms;
};

struct kpi_retry_input {
    kp_status status;
    uint32_t exposure; /* enum kp_exposure */
    uint32_t op_traits;
    uint32_t attempts;     /* made so far, at least 1 */
    uint64_t hint_ms;      /* KP_NO_RETRY_HINT: none */
    uint64_t time_left_ms; /* to the deadline */
    uint64_t random;       /* uniform 64 bits */
};

struct kpi_retry_decision {
    bool again;
    uint64_t delay_ms;
};

/* True for a failure that may pass and an operation that may be sent again after it. */
bool kpi_retry_allowed(const struct kpi_retry_input *input);
struct kpi_retry_decision kpi_retry_decide(const struct kpi_retry_policy *policy,
                                           const struct kpi_retry_input *input);

/* A bucket of hundredths of retries. Any thread. */
struct kpi_budget {
    _Atomic uint32_t tokens;
};

#define KPI_BUDGET_RETRY 100u /* tokens one retry costs */

/* Full bucket: burst retries. */
void kpi_budget_init(struct kpi_budget *budget, uint32_t burst);
/* One first attempt: adds percent tokens, up to burst retries. */
void kpi_budget_deposit(struct kpi_budget *budget, uint32_t percent, uint32_t burst);
/* Takes the price of one retry; false when the bucket does not hold it. */
bool kpi_budget_withdraw(struct kpi_budget *budget);

#endif /* KP_CORE_RETRY_H */
