/* Metrics as Prometheus text. One function per family: its head, then a line per vault and op. */
#include "core/arena.h"
#include "core/door.h"
#include "core/metrics.h"

#define NS_PER_S 1e9

/* Upper bounds of the printed latency buckets, in nanoseconds. */
static const uint64_t bounds_ns[] = {10000,      25000,      50000,      100000,      250000,
                                     500000,     1000000,    2500000,    5000000,     10000000,
                                     25000000,   50000000,   100000000,  250000000,   500000000,
                                     1000000000, 2500000000, 5000000000, 10000000000, 30000000000};

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static kp_status append_head(kp_buf *out, const char *name, const char *type, const char *help)
{
    return kp_buf_append_fmt(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label value: backslash, quote and line end are escaped, as the format wants. */
static kp_status append_escaped(kp_buf *out, const char *text)
{
    kp_status st = KP_OK;
    for (; *text && st == KP_OK; text++) {
        if (*text == '\n')
            st = kp_buf_append_str(out, "\\n");
        else if (*text == '\\' || *text == '"')
            st = kp_buf_append_fmt(out, "\\%c", *text);
        else
            st = kp_buf_append_byte(out, (uint8_t)*text);
    }
    return st;
}

/* One series of a family: of a vault, and of an operation or a phase of it. */
struct series {
    const char *name;
    const struct kpi_vault_metrics *vault;
    const char *label; /* NULL: of the vault as a whole */
    const char *value;
};

static struct series series_of_op(const char *name, const struct kpi_vault_metrics *vault,
                                  uint32_t op)
{
    return (struct series){name, vault, "op", kp_op_text(op)};
}

/* name{vault="...",op="..." and leaves the braces open. */
static kp_status append_labels(kp_buf *out, const struct series *series, const char *suffix)
{
    kp_status st = kp_buf_append_fmt(out, "%s%s{vault=\"", series->name, suffix);
    if (st == KP_OK)
        st = append_escaped(out, series->vault->name);
    if (st == KP_OK && series->label)
        st = kp_buf_append_fmt(out, "\",%s=\"%s", series->label, series->value);
    return st == KP_OK ? kp_buf_append_str(out, "\"") : st;
}

static kp_status append_value(kp_buf *out, uint64_t value)
{
    return kp_buf_append_fmt(out, "} %llu\n", (unsigned long long)value);
}

/* ---- Counters per operation ---- */

static uint64_t counter_at(const struct kpi_op_metrics *op, uint32_t which)
{
    const _Atomic uint64_t *const counters[] = {
#define XX(member, name, help) &op->member,
        KPI_OP_COUNTER_MAP(XX)
#undef XX
    };
    return read_counter(counters[which]);
}

static kp_status append_counter(kp_buf *out, const struct kpi_metrics *metrics, const char *name,
                                uint32_t which)
{
    kp_status st = KP_OK;
    for (struct kpi_link *link = metrics->vaults.next; link != &metrics->vaults;
         link = link->next) {
        struct kpi_vault_metrics *vault = KPI_HOLDER(link, struct kpi_vault_metrics, in_registry);
        for (uint32_t op = 1; op <= KP_OP_MAX && st == KP_OK; op++) {
            uint64_t value = counter_at(&vault->ops[op], which);
            const struct series series = series_of_op(name, vault, op);
            if (value == 0)
                continue;
            st = append_labels(out, &series, "");
            if (st == KP_OK)
                st = append_value(out, value);
        }
    }
    return st;
}

static kp_status append_counters(kp_buf *out, const struct kpi_metrics *metrics)
{
    static const char *const heads[][2] = {
#define XX(member, name, help) {name, help},
        KPI_OP_COUNTER_MAP(XX)
#undef XX
    };
    kp_status st = KP_OK;
    for (uint32_t i = 0; i < sizeof heads / sizeof heads[0] && st == KP_OK; i++) {
        st = append_head(out, heads[i][0], "counter", heads[i][1]);
        if (st == KP_OK)
            st = append_counter(out, metrics, heads[i][0], i);
    }
    return st;
}

/* ---- Completions and latencies ---- */

static kp_status append_completed(kp_buf *out, const struct kpi_vault_metrics *vault, uint32_t op)
{
    const struct series series = series_of_op("keyprovider_operations_total", vault, op);
    kp_status st = KP_OK;
    for (uint32_t status = 0; status < KP_STATUS_COUNT && st == KP_OK; status++) {
        uint64_t value = read_counter(&vault->ops[op].completed[status]);
        if (value == 0)
            continue;
        st = append_labels(out, &series, "");
        if (st == KP_OK)
            st = kp_buf_append_fmt(out, ",status=\"%s\"", kp_status_text((kp_status)status));
        if (st == KP_OK)
            st = append_value(out, value);
    }
    return st;
}

static kp_status append_buckets(kp_buf *out, const struct series *series,
                                const struct kpb_histogram *histogram)
{
    kp_status st = KP_OK;
    for (size_t i = 0; i < sizeof bounds_ns / sizeof bounds_ns[0] && st == KP_OK; i++) {
        st = append_labels(out, series, "_bucket");
        if (st == KP_OK)
            st = kp_buf_append_fmt(out, ",le=\"%g\"", (double)bounds_ns[i] / NS_PER_S);
        if (st == KP_OK)
            st = append_value(out, kpb_histogram_count_up_to(histogram, bounds_ns[i]));
    }
    return st;
}

static kp_status append_histogram(kp_buf *out, const struct series *series,
                                  const struct kpb_histogram *histogram)
{
    kp_status st = append_buckets(out, series, histogram);
    /* Read last, and each bucket after the smaller ones: what is counted meanwhile can only make a
     * later number larger, as a histogram must be. */
    uint64_t count = kpb_histogram_count(histogram);
    if (st == KP_OK)
        st = append_labels(out, series, "_bucket");
    if (st == KP_OK)
        st = kp_buf_append_fmt(out, ",le=\"+Inf\"} %llu\n", (unsigned long long)count);
    if (st == KP_OK)
        st = append_labels(out, series, "_sum");
    if (st == KP_OK)
        st =
            kp_buf_append_fmt(out, "} %.9f\n", (double)read_counter(&histogram->sum_ns) / NS_PER_S);
    if (st == KP_OK)
        st = append_labels(out, series, "_count");
    return st == KP_OK ? append_value(out, count) : st;
}

static kp_status append_latency(kp_buf *out, const struct kpi_vault_metrics *vault, uint32_t op)
{
    const struct series series = series_of_op("keyprovider_operation_seconds", vault, op);
    const struct kpb_histogram *latency =
        atomic_load_explicit(&vault->ops[op].latency, memory_order_acquire);
    return latency ? append_histogram(out, &series, latency) : KP_OK;
}

typedef kp_status append_op_fn(kp_buf *out, const struct kpi_vault_metrics *vault, uint32_t op);

static kp_status append_per_op(kp_buf *out, const struct kpi_metrics *metrics, append_op_fn *append)
{
    kp_status st = KP_OK;
    for (struct kpi_link *link = metrics->vaults.next; link != &metrics->vaults; link = link->next)
        for (uint32_t op = 1; op <= KP_OP_MAX && st == KP_OK; op++)
            st = append(out, KPI_HOLDER(link, struct kpi_vault_metrics, in_registry), op);
    return st;
}

/* ---- Phases of requests ---- */

static kp_status append_vault_phases(kp_buf *out, const struct kpi_vault_metrics *vault)
{
    static const char *const names[KP_PHASE_COUNT] = {
#define XX(symbol, value, text) [value] = (text),
        KP_PHASE_MAP(XX)
#undef XX
    };
    const struct kpi_phase_metrics *phases =
        atomic_load_explicit(&vault->phases, memory_order_acquire);
    kp_status st = KP_OK;
    for (uint32_t phase = 0; phases && phase < KP_PHASE_COUNT && st == KP_OK; phase++) {
        const struct series series = {"keyprovider_request_phase_seconds", vault, "phase",
                                      names[phase]};
        if (kpb_histogram_count(&phases->took[phase]) > 0)
            st = append_histogram(out, &series, &phases->took[phase]);
    }
    return st;
}

static kp_status append_phases(kp_buf *out, const struct kpi_metrics *metrics)
{
    kp_status st = append_head(out, "keyprovider_request_phase_seconds", "histogram",
                               "Time that answered requests spent in each phase.");
    for (struct kpi_link *link = metrics->vaults.next; link != &metrics->vaults && st == KP_OK;
         link = link->next)
        st = append_vault_phases(out, KPI_HOLDER(link, struct kpi_vault_metrics, in_registry));
    return st;
}

/* ---- Gauges per vault, and the process ---- */

static kp_status append_gauge(kp_buf *out, const struct kpi_metrics *metrics, const char *name,
                              size_t offset)
{
    kp_status st = KP_OK;
    for (struct kpi_link *link = metrics->vaults.next; link != &metrics->vaults && st == KP_OK;
         link = link->next) {
        const struct kpi_vault_metrics *vault =
            KPI_HOLDER(link, struct kpi_vault_metrics, in_registry);
        const struct series series = {name, vault, NULL, NULL};
        const void *at = (const char *)vault + offset;
        st = append_labels(out, &series, "");
        if (st == KP_OK)
            st = append_value(out, read_counter(at));
    }
    return st;
}

static kp_status append_vaults(kp_buf *out, const struct kpi_metrics *metrics)
{
    static const struct {
        const char *name;
        const char *type;
        const char *help;
        size_t offset;
    } rows[] = {
        {"keyprovider_breaker_trips_total", "counter", "Times the circuit breaker opened.",
         offsetof(struct kpi_vault_metrics, breaker_trips)},
        {"keyprovider_throttled_total", "counter", "Attempts the vault answered with throttled.",
         offsetof(struct kpi_vault_metrics, throttled)},
        {"keyprovider_connections_total", "counter", "Connections opened for the vault.",
         offsetof(struct kpi_vault_metrics, connections)},
        {"keyprovider_in_flight", "gauge", "Operations in the plugin.",
         offsetof(struct kpi_vault_metrics, in_flight)},
        {"keyprovider_queued", "gauge", "Operations waiting for the vault.",
         offsetof(struct kpi_vault_metrics, queued)},
    };
    kp_status st = KP_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && st == KP_OK; i++) {
        st = append_head(out, rows[i].name, rows[i].type, rows[i].help);
        if (st == KP_OK)
            st = append_gauge(out, metrics, rows[i].name, rows[i].offset);
    }
    return st;
}

static kp_status append_process(kp_buf *out)
{
    struct kpi_arena_stats arena;
    kpi_arena_stats(&arena);
    const struct {
        const char *name;
        const char *type;
        const char *help;
        uint64_t value;
    } rows[] = {
        {"keyprovider_refused_finishes_total", "counter",
         "Calls of plugins that came late, twice or for an operation never given.",
         kpi_door_refused()},
        {"keyprovider_secret_bytes_reserved", "gauge", "Secret memory reserved.", arena.reserved},
        {"keyprovider_secret_bytes_locked", "gauge", "Secret memory locked.", arena.locked},
        {"keyprovider_secret_bytes_unlockable", "gauge", "Secret memory the system did not lock.",
         arena.unlockable},
        {"keyprovider_secret_bytes_in_use", "gauge", "Secret memory handed out.", arena.in_use},
        {"keyprovider_secret_bytes_on_heap", "gauge", "Secret memory outside the arena.",
         arena.heap_in_use},
        {"keyprovider_secret_overflows_total", "counter", "Times the arena was full.",
         arena.n_overflows},
    };
    kp_status st = KP_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && st == KP_OK; i++) {
        st = append_head(out, rows[i].name, rows[i].type, rows[i].help);
        if (st == KP_OK)
            st = kp_buf_append_fmt(out, "%s %llu\n", rows[i].name,
                                   (unsigned long long)rows[i].value);
    }
    return st;
}

static kp_status append_all(kp_buf *out, const struct kpi_metrics *metrics)
{
    kp_status st = append_counters(out, metrics);
    if (st == KP_OK)
        st = append_head(out, "keyprovider_operations_total", "counter",
                         "Operations completed, by outcome.");
    if (st == KP_OK)
        st = append_per_op(out, metrics, append_completed);
    if (st == KP_OK)
        st = append_head(out, "keyprovider_operation_seconds", "histogram",
                         "Time from submit to completion.");
    if (st == KP_OK)
        st = append_per_op(out, metrics, append_latency);
    if (st == KP_OK)
        st = append_phases(out, metrics);
    if (st == KP_OK)
        st = append_vaults(out, metrics);
    return st == KP_OK ? append_process(out) : st;
}

kp_status kpi_metrics_prometheus(struct kpi_metrics *metrics, kp_buf *out)
{
    uv_mutex_lock(&metrics->lock);
    kp_status st = append_all(out, metrics);
    uv_mutex_unlock(&metrics->lock);
    return st;
}
