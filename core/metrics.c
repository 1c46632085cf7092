#include "core/metrics.h"

#include "base/mem.h"
#include "base/span.h"

kp_status kpi_metrics_init(struct kpi_metrics *metrics)
{
    if (uv_mutex_init(&metrics->lock) != 0)
        return KP_NO_MEMORY;
    kpi_list_init(&metrics->vaults);
    return KP_OK;
}

void kpi_metrics_clear(struct kpi_metrics *metrics)
{
    uv_mutex_destroy(&metrics->lock);
}

struct kpi_vault_metrics *kpi_metrics_add_vault(struct kpi_metrics *metrics, const char *name)
{
    struct kpi_vault_metrics *vault = kpb_alloc("metrics.vault", sizeof *vault);
    if (!vault)
        return NULL;
    vault->name = kpb_strdup_span("metrics.name", kpb_span_str(name));
    if (!vault->name) {
        kpb_free(vault);
        return NULL;
    }
    uv_mutex_lock(&metrics->lock);
    kpi_list_append(&metrics->vaults, &vault->in_registry);
    uv_mutex_unlock(&metrics->lock);
    return vault;
}

void kpi_metrics_remove_vault(struct kpi_metrics *metrics, struct kpi_vault_metrics *vault)
{
    if (!vault)
        return;
    uv_mutex_lock(&metrics->lock);
    kpi_list_remove(&vault->in_registry);
    uv_mutex_unlock(&metrics->lock);
    for (uint32_t op = 0; op <= KP_OP_MAX; op++)
        kpb_free(atomic_load_explicit(&vault->ops[op].latency, memory_order_acquire));
    kpb_free(vault->name);
    kpb_free(vault);
}

/* The histogram of an operation, made by whoever comes first. NULL: no memory, not counted. */
static struct kpi_histogram *latency_of(struct kpi_op_metrics *op)
{
    struct kpi_histogram *made;
    struct kpi_histogram *there = atomic_load_explicit(&op->latency, memory_order_acquire);
    if (there || !(made = kpb_alloc("metrics.histogram", sizeof *made)))
        return there;
    if (atomic_compare_exchange_strong_explicit(&op->latency, &there, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    kpb_free(made); /* somebody was faster */
    return there;
}

void kpi_metrics_completed(struct kpi_vault_metrics *vault, uint32_t op, kp_status status,
                           uint64_t latency_ns)
{
    struct kpi_op_metrics *counters = &vault->ops[op];
    struct kpi_histogram *latency = latency_of(counters);
    atomic_fetch_add_explicit(&counters->completed[status], 1, memory_order_relaxed);
    if (latency)
        kpi_histogram_record(latency, latency_ns);
}
