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

static struct kpi_vault_metrics *find_locked(struct kpi_metrics *metrics, const char *name)
{
    for (struct kpi_link *link = metrics->vaults.next; link != &metrics->vaults;
         link = link->next) {
        struct kpi_vault_metrics *vault = KPI_HOLDER(link, struct kpi_vault_metrics, in_registry);
        if (kpb_span_eq_str(kpb_span_str(name), vault->name))
            return vault;
    }
    return NULL;
}

static struct kpi_vault_metrics *make_vault(const char *name)
{
    struct kpi_vault_metrics *vault = kpb_alloc("metrics.vault", sizeof *vault);
    if (!vault)
        return NULL;
    vault->name = kpb_strdup_span("metrics.name", kpb_span_str(name));
    if (vault->name)
        return vault;
    kpb_free(vault);
    return NULL;
}

static void free_vault(struct kpi_vault_metrics *vault)
{
    for (uint32_t op = 0; op <= KP_OP_MAX; op++)
        kpb_free(atomic_load_explicit(&vault->ops[op].latency, memory_order_acquire));
    kpb_free(atomic_load_explicit(&vault->phases, memory_order_acquire));
    kpb_free(vault->name);
    kpb_free(vault);
}

struct kpi_vault_metrics *kpi_metrics_add_vault(struct kpi_metrics *metrics, const char *name)
{
    uv_mutex_lock(&metrics->lock);
    struct kpi_vault_metrics *vault = find_locked(metrics, name);
    if (!vault && (vault = make_vault(name)))
        kpi_list_append(&metrics->vaults, &vault->in_registry);
    if (vault)
        vault->n_users++;
    uv_mutex_unlock(&metrics->lock);
    return vault;
}

void kpi_metrics_remove_vault(struct kpi_metrics *metrics, struct kpi_vault_metrics *vault)
{
    if (!vault)
        return;
    uv_mutex_lock(&metrics->lock);
    bool last = --vault->n_users == 0;
    if (last)
        kpi_list_remove(&vault->in_registry);
    uv_mutex_unlock(&metrics->lock);
    if (last)
        free_vault(vault);
}

/* The histogram of an operation, made by whoever comes first. NULL: no memory, not counted. */
static struct kpb_histogram *latency_of(struct kpi_op_metrics *op)
{
    struct kpb_histogram *made;
    struct kpb_histogram *there = atomic_load_explicit(&op->latency, memory_order_acquire);
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
    struct kpb_histogram *latency = latency_of(counters);
    atomic_fetch_add_explicit(&counters->completed[status], 1, memory_order_relaxed);
    if (latency)
        kpb_histogram_record(latency, latency_ns);
}

/* The phases of a vault, made by whoever comes first. NULL: no memory, not counted. */
static struct kpi_phase_metrics *phases_of(struct kpi_vault_metrics *vault)
{
    struct kpi_phase_metrics *made;
    struct kpi_phase_metrics *there = atomic_load_explicit(&vault->phases, memory_order_acquire);
    if (there || !(made = kpb_alloc("metrics.phases", sizeof *made)))
        return there;
    if (atomic_compare_exchange_strong_explicit(&vault->phases, &there, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    kpb_free(made); /* somebody was faster */
    return there;
}

void kpi_metrics_phase(struct kpi_vault_metrics *vault, uint32_t phase, uint64_t ns)
{
    struct kpi_phase_metrics *phases = phases_of(vault);
    if (phases)
        kpb_histogram_record(&phases->took[phase], ns);
}

/* ---- Reading ---- */

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void read_latency(const struct kpi_op_metrics *op, struct kp_op_metrics *ret)
{
    const struct kpb_histogram *latency = atomic_load_explicit(&op->latency, memory_order_acquire);
    if (!latency)
        return;
    ret->sum_ns = read_counter(&latency->sum_ns);
    ret->p50_ns = kpb_histogram_quantile(latency, 0.5);
    ret->p90_ns = kpb_histogram_quantile(latency, 0.9);
    ret->p99_ns = kpb_histogram_quantile(latency, 0.99);
    ret->p999_ns = kpb_histogram_quantile(latency, 0.999);
    ret->max_ns = read_counter(&latency->max_ns);
}

static void read_op(const struct kpi_vault_metrics *vault, uint32_t op, struct kp_op_metrics *ret)
{
    const struct kpi_op_metrics *counters = &vault->ops[op];
    *ret = (struct kp_op_metrics){.struct_size = sizeof *ret, .op = op, .vault = vault->name};
#define XX(member, name, help) ret->member = read_counter(&counters->member);
    KPI_OP_COUNTER_MAP(XX)
#undef XX
    for (uint32_t status = 0; status < KP_STATUS_COUNT; status++)
        ret->completed[status] = read_counter(&counters->completed[status]);
    read_latency(counters, ret);
}

void kpi_metrics_each(struct kpi_metrics *metrics, kp_metrics_each_fn *each, void *ctx)
{
    struct kp_op_metrics row;
    uv_mutex_lock(&metrics->lock);
    for (struct kpi_link *link = metrics->vaults.next; link != &metrics->vaults;
         link = link->next) {
        for (uint32_t op = 1; op <= KP_OP_MAX; op++) {
            read_op(KPI_HOLDER(link, struct kpi_vault_metrics, in_registry), op, &row);
            if (row.submitted > 0 || row.refused > 0)
                each(ctx, &row);
        }
    }
    uv_mutex_unlock(&metrics->lock);
}

struct phase_reader {
    kp_phases_each_fn *each;
    void *ctx;
    struct kp_phase_bucket bucket;
};

static void read_bucket(void *ctx, uint64_t ns, uint64_t count)
{
    struct phase_reader *reader = ctx;
    reader->bucket.ns = ns;
    reader->bucket.count = count;
    reader->each(reader->ctx, &reader->bucket);
}

static void read_phases(const struct kpi_vault_metrics *vault, kp_phases_each_fn *each, void *ctx)
{
    struct phase_reader reader = {
        each, ctx, {.struct_size = sizeof reader.bucket, .vault = vault->name}};
    const struct kpi_phase_metrics *phases =
        atomic_load_explicit(&vault->phases, memory_order_acquire);
    for (uint32_t phase = 0; phases && phase < KP_PHASE_COUNT; phase++) {
        reader.bucket.phase = phase;
        kpb_histogram_each(&phases->took[phase], read_bucket, &reader);
    }
}

void kpi_metrics_each_phase(struct kpi_metrics *metrics, kp_phases_each_fn *each, void *ctx)
{
    uv_mutex_lock(&metrics->lock);
    for (struct kpi_link *link = metrics->vaults.next; link != &metrics->vaults; link = link->next)
        read_phases(KPI_HOLDER(link, struct kpi_vault_metrics, in_registry), each, ctx);
    uv_mutex_unlock(&metrics->lock);
}

void kpi_metrics_each_vault(struct kpi_metrics *metrics, kp_vault_metrics_each_fn *each, void *ctx)
{
    uv_mutex_lock(&metrics->lock);
    for (struct kpi_link *link = metrics->vaults.next; link != &metrics->vaults;
         link = link->next) {
        const struct kpi_vault_metrics *vault =
            KPI_HOLDER(link, struct kpi_vault_metrics, in_registry);
        const struct kp_vault_metrics row = {
            .struct_size = sizeof row,
            .vault = vault->name,
            .throttled = read_counter(&vault->throttled),
            .breaker_trips = read_counter(&vault->breaker_trips),
            .connections = read_counter(&vault->connections),
        };
        each(ctx, &row);
    }
    uv_mutex_unlock(&metrics->lock);
}
