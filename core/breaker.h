/*
 * Circuit breaker of one vault: after enough failures in a row it refuses at once instead of
 * letting every caller wait for the same outage, and lets a single probe find out when it is over.
 *
 *   state       event                          next
 *   closed      failure, count < limit         closed
 *   closed      failure, count = limit         open (for open_ms)
 *   closed      success                        closed, count = 0
 *   open        before its time                open: refuse, repeating the last cause
 *   open        its time has come, a request   half-open: this request is the probe
 *   half-open   another request                half-open: refuse
 *   half-open   probe succeeded                closed, count = 0
 *   half-open   probe failed                   open, twice as long, at most open_max_ms
 *   half-open   probe ended without a verdict  open, its time come: the next request probes
 *
 * Only what says that the vault cannot be reached counts as a failure: transient, timeout. Any
 * answer of the vault, also 401 and 429, is a success here. While it is not closed, only the
 * probe's failure counts (core/outage sees to that).
 *
 * Threads: calm, closed, open and text from any; everything else on the vault's loop thread.
 */
#ifndef KP_CORE_BREAKER_H
#define KP_CORE_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <keyprovider/status.h>

enum kpi_breaker_state { KPI_BREAKER_CLOSED = 0, KPI_BREAKER_OPEN = 1, KPI_BREAKER_HALF_OPEN = 2 };

struct kpi_breaker_policy {
    uint32_t failures; /* in a row that open it */
    uint32_t open_ms;
    uint32_t open_max_ms;
};

struct kpi_breaker {
    _Atomic uint32_t state; /* enum kpi_breaker_state */
    _Atomic uint32_t n_failures;
    uint64_t retry_at_ns;
    uint32_t open_ms; /* length of the current opening */
    struct kp_error cause;
};

enum kpi_breaker_verdict { KPI_PASS = 0, KPI_PASS_AS_PROBE = 1, KPI_REFUSE = 2 };

void kpi_breaker_init(struct kpi_breaker *breaker);
/* May this request go out? */
enum kpi_breaker_verdict kpi_breaker_ask(struct kpi_breaker *breaker, uint64_t now_ns);
/* Any thread. */
static inline bool kpi_breaker_closed(const struct kpi_breaker *breaker)
{
    return atomic_load_explicit(&breaker->state, memory_order_relaxed) == KPI_BREAKER_CLOSED;
}

/* Closed with no failure on record: nothing to ask and nothing to tell. Any thread. */
static inline bool kpi_breaker_calm(const struct kpi_breaker *breaker)
{
    return kpi_breaker_closed(breaker) &&
           atomic_load_explicit(&breaker->n_failures, memory_order_relaxed) == 0;
}

/* Any thread. */
bool kpi_breaker_open(const struct kpi_breaker *breaker);
/* True for a status that counts as a failure. */
bool kpi_breaker_counts(kp_status status);

void kpi_breaker_succeeded(struct kpi_breaker *breaker);
/* True when this failure opened it. cause is copied. */
bool kpi_breaker_failed(struct kpi_breaker *breaker, const struct kpi_breaker_policy *policy,
                        uint64_t now_ns, const struct kp_error *cause);
/* The probe was cancelled or never sent. */
void kpi_breaker_probe_lost(struct kpi_breaker *breaker, uint64_t now_ns);

/* Fills reterr with the last cause, its class and number, and when the next probe is due. */
kp_status kpi_breaker_refusal(const struct kpi_breaker *breaker, uint64_t now_ns,
                              struct kp_error *reterr);
/* "closed", "open", "half_open". Any thread. */
const char *kpi_breaker_text(const struct kpi_breaker *breaker);

#endif /* KP_CORE_BREAKER_H */
