/*
 * Counters and latencies per vault and operation. Counting takes no lock; reading them out does not
 * stop anybody.
 *
 * Threads: count from any; add, remove and print under the registry's own lock, from any.
 */
#ifndef KP_CORE_METRICS_H
#define KP_CORE_METRICS_H

#include <uv.h>

#include <keyprovider/keyprovider.h>

#include "base/buf.h"
#include "base/histogram.h"
#include "core/list.h"

/* What is counted for each operation: XX(member, "Prometheus name", "help") */
#define KPI_OP_COUNTER_MAP(XX)                                                                     \
    XX(submitted, "keyprovider_operations_submitted_total", "Operations accepted.")                \
    XX(refused, "keyprovider_operations_refused_total", "Operations refused for a full queue.")    \
    XX(retries, "keyprovider_retries_total", "Attempts beyond the first.")                         \
    XX(coalesced, "keyprovider_coalesced_total", "Operations that joined another's fetch.")

struct kpi_op_metrics {
#define XX(member, name, help) _Atomic uint64_t member;
    KPI_OP_COUNTER_MAP(XX)
#undef XX
    _Atomic uint64_t completed[KP_STATUS_COUNT];
    _Atomic(struct kpb_histogram *) latency; /* made with the first completion; may stay NULL */
};

struct kpi_phase_metrics {
    struct kpb_histogram took[KP_PHASE_COUNT];
};

struct kpi_vault_metrics {
    struct kpi_link in_registry;
    char *name;
    uint32_t n_users; /* under the registry's lock */
    struct kpi_op_metrics ops[KP_OP_MAX + 1];
    _Atomic(struct kpi_phase_metrics *) phases; /* made with the first answer; may stay NULL */
    _Atomic uint64_t breaker_trips;
    _Atomic uint64_t throttled;
    _Atomic uint64_t connections;
    _Atomic uint64_t in_flight; /* gauges, summed up just before printing */
    _Atomic uint64_t queued;
};

struct kpi_metrics {
    uv_mutex_t lock;
    struct kpi_link vaults;
};

/* Errors: no_memory. */
kp_status kpi_metrics_init(struct kpi_metrics *metrics) KP_MUST_USE;
/* Every vault has been removed as often as it was added. */
void kpi_metrics_clear(struct kpi_metrics *metrics);

/*
 * The counters of a vault, or NULL when memory is out. Vaults of one name (and a credential each)
 * share them: a name stands once in the text. name is copied.
 */
struct kpi_vault_metrics *kpi_metrics_add_vault(struct kpi_metrics *metrics, const char *name);
/* Ends one use; after the last they are freed and no longer printed. NULL is allowed. */
void kpi_metrics_remove_vault(struct kpi_metrics *metrics, struct kpi_vault_metrics *vault);

/* One completed operation with its latency. */
void kpi_metrics_completed(struct kpi_vault_metrics *vault, uint32_t op, kp_status status,
                           uint64_t latency_ns);

/* How long a request spent in a phase, an enum kp_phase. */
void kpi_metrics_phase(struct kpi_vault_metrics *vault, uint32_t phase, uint64_t ns);

/* Calls each for every operation with anything counted, under the registry's lock. */
void kpi_metrics_each(struct kpi_metrics *metrics, kp_metrics_each_fn *each, void *ctx);
/* Calls each for every bucket of every phase that holds anything, under the registry's lock. */
void kpi_metrics_each_phase(struct kpi_metrics *metrics, kp_phases_each_fn *each, void *ctx);
/* Calls each for every vault, under the registry's lock. */
void kpi_metrics_each_vault(struct kpi_metrics *metrics, kp_vault_metrics_each_fn *each, void *ctx);

/*
 * Appends everything as Prometheus text (exposition format 0.0.4, prometheus.io, read 2026-11), the
 * whole library's secret memory and refused finishes included. Errors: no_memory, usage.
 */
kp_status kpi_metrics_prometheus(struct kpi_metrics *metrics, kp_buf *out) KP_MUST_USE;

#endif /* KP_CORE_METRICS_H */
