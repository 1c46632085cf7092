#include "core/observe.h"

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/arena.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/op.h"
#include "core/provider.h"
#include "core/vault.h"

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

/* ---- Life ---- */

static kp_status open_log(struct kp_provider *provider, const struct kp_options *options,
                          struct kp_error *reterr)
{
    const struct kpi_config *config = &provider->config->config;
    const char *levels = options->log_levels ? options->log_levels : config->log_levels;
    provider->log = kpb_alloc("provider.log", sizeof *provider->log);
    if (!provider->log ||
        kpi_log_init(provider->log, options->log, options->log_ctx,
                     options->log_json || config->log_json, config->provider.log_lines_per_second,
                     provider->clock) != KP_OK) {
        kpb_free(provider->log);
        provider->log = NULL;
        return kpb_fail_memory(reterr, "provider.log");
    }
    provider->levels_given = options->log_levels != NULL;
    return levels ? kpi_log_set_levels(provider->log, levels, reterr) : KP_OK;
}

kp_status kpi_observe_open(struct kp_provider *provider, const struct kp_options *options,
                           struct kp_error *reterr)
{
    kp_status st = open_log(provider, options, reterr);
    if (st != KP_OK)
        return st;
    provider->metrics = kpb_alloc("provider.metrics", sizeof *provider->metrics);
    if (!provider->metrics || kpi_metrics_init(provider->metrics) != KP_OK) {
        kpb_free(provider->metrics);
        provider->metrics = NULL;
        return kpb_fail_memory(reterr, "provider.metrics");
    }
    return KP_OK;
}

void kpi_observe_close(struct kp_provider *provider)
{
    if (provider->metrics)
        kpi_metrics_clear(provider->metrics);
    if (provider->log)
        kpi_log_clear(provider->log);
    kpb_free(provider->metrics);
    kpb_free(provider->log);
}

void kpi_observe_configure(struct kp_provider *provider)
{
    const struct kpi_config *config = &provider->config->config;
    atomic_store_explicit(&provider->log->lines_per_second, config->provider.log_lines_per_second,
                          memory_order_relaxed);
    if (config->log_levels && !provider->levels_given)
        kpb_ignore(kpi_log_set_levels(provider->log, config->log_levels, NULL)); /* as checked */
    kpi_log_write(provider->log, KPI_LOG_PROVIDER, KP_LOG_INFO, "reloaded", NULL, 0);
}

void kpi_observe_secret_memory(struct kp_provider *provider)
{
    struct kpi_arena_stats arena;
    kpi_arena_stats(&arena);
    if (arena.unlockable == 0 && arena.n_overflows == 0)
        return;
    const struct kpi_log_field fields[] = {kpi_field_u64("locked_bytes", arena.locked),
                                           kpi_field_u64("unlockable_bytes", arena.unlockable),
                                           kpi_field_u64("overflows", arena.n_overflows)};
    kpi_log_write(provider->log, KPI_LOG_SECRETS, KP_LOG_WARN, "not_all_locked", fields,
                  COUNT(fields));
}

struct kpi_vault_metrics *kpi_observe_add_vault(struct kp_provider *provider, const char *name)
{
    return kpi_metrics_add_vault(provider->metrics, name);
}

void kpi_observe_remove_vault(struct kp_vault *vault)
{
    kpi_metrics_remove_vault(vault->provider->metrics, vault->metrics);
}

static void add(_Atomic uint64_t *gauge, uint64_t n)
{
    atomic_fetch_add_explicit(gauge, n, memory_order_relaxed);
}

/* Gauges are taken from the vaults at the moment somebody looks. Vaults of one name share them. */
static void set_gauges_locked(struct kp_provider *provider)
{
    struct kpi_link *const all = &provider->vaults;
    for (struct kpi_link *link = all->next; link != all; link = link->next) {
        struct kp_vault *vault = KPI_HOLDER(link, struct kp_vault, in_registry);
        atomic_store_explicit(&vault->metrics->in_flight, 0, memory_order_relaxed);
        atomic_store_explicit(&vault->metrics->queued, 0, memory_order_relaxed);
    }
    for (struct kpi_link *link = all->next; link != all; link = link->next) {
        struct kp_vault *vault = KPI_HOLDER(link, struct kp_vault, in_registry);
        uint64_t pending = atomic_load_explicit(&vault->n_pending, memory_order_relaxed);
        uint64_t in_flight = atomic_load_explicit(&vault->n_in_flight, memory_order_relaxed);
        add(&vault->metrics->in_flight, in_flight);
        add(&vault->metrics->queued, pending > in_flight ? pending - in_flight : 0);
    }
}

kp_status kpi_observe_metrics_text(struct kp_provider *provider, kp_buf *out)
{
    uv_mutex_lock(&provider->lock);
    set_gauges_locked(provider);
    uv_mutex_unlock(&provider->lock);
    return kpi_metrics_prometheus(provider->metrics, out);
}

/* ---- Counting ---- */

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void kpi_observe_submitted(struct kp_vault *vault, uint32_t op)
{
    count(&vault->metrics->ops[op].submitted);
}

void kpi_observe_refused(struct kp_vault *vault, uint32_t op)
{
    count(&vault->metrics->ops[op].refused);
}

void kpi_observe_coalesced(struct kpi_op *op)
{
    struct kp_vault *vault = atomic_load_explicit(&op->vault, memory_order_relaxed);
    count(&vault->metrics->ops[op->request->op].coalesced);
}

void kpi_observe_throttled(struct kp_vault *vault)
{
    count(&vault->metrics->throttled);
}

static void note_phases(struct kpi_vault_metrics *metrics,
                        const struct kpi_observed_request *request)
{
    const struct kp_http_times *times = request->times;
    kpi_metrics_phase(metrics, KP_PHASE_QUEUE, request->waited_ns + times->queue_ns);
    kpi_metrics_phase(metrics, KP_PHASE_TOKEN, request->token_ns);
    kpi_metrics_phase(metrics, KP_PHASE_SERVER, times->first_byte_ns);
    if (request->n_connections == 0)
        return;
    kpi_metrics_phase(metrics, KP_PHASE_CONNECT, times->resolve_ns + times->connect_ns);
    kpi_metrics_phase(metrics, KP_PHASE_TLS, times->tls_ns);
}

void kpi_observe_request(struct kp_vault *vault, const struct kpi_observed_request *request)
{
    if (request->n_connections > 0)
        add(&vault->metrics->connections, request->n_connections);
    if (request->op && request->times)
        note_phases(vault->metrics, request);
}

void kpi_observe_parsed(struct kp_vault *vault, uint64_t parse_ns)
{
    kpi_metrics_phase(vault->metrics, KP_PHASE_PARSE, parse_ns);
}

/* ---- Lines ---- */

static struct kpi_log_field code_field(const struct kp_error *error)
{
    return kpi_field_u64("code", error->code);
}

static void log_failure(struct kp_vault *vault, uint32_t op, kp_status status,
                        const struct kp_error *error)
{
    /* What the caller did or asked for is the caller's to log; what the vault did is ours too. */
    uint32_t level = status == KP_CANCELED || status == KP_USAGE || status == KP_NOT_FOUND
                         ? KP_LOG_DEBUG
                         : KP_LOG_WARN;
    if (!kpi_log_wants(vault->provider->log, KPI_LOG_PIPELINE, level))
        return;
    const struct kpi_log_field fields[] = {kpi_field_str("op", kp_op_text(op)),
                                           kpi_field_str("vault", vault->name),
                                           kpi_field_str("status", kp_status_text(status)),
                                           code_field(error),
                                           kpi_field_u64("http", error->http_status),
                                           kpi_field_str("service_code", error->service_code),
                                           kpi_field_str("request_id", error->request_id),
                                           kpi_field_str("text", error->text)};
    kpi_log_write(vault->provider->log, KPI_LOG_PIPELINE, level, "failed", fields, COUNT(fields));
}

static void note_end(struct kp_vault *vault, uint32_t op, uint64_t latency_ns, kp_status status,
                     const struct kp_error *error)
{
    kpi_metrics_completed(vault->metrics, op, status, latency_ns);
    if (status != KP_OK)
        log_failure(vault, op, status, error);
}

void kpi_observe_completed(struct kpi_op *op, kp_status status, const struct kp_error *error)
{
    note_end(atomic_load_explicit(&op->vault, memory_order_relaxed), op->request->op,
             kpi_shard_turn_ns(op->shard) - op->submitted_ns, status, error);
}

void kpi_observe_inline(struct kp_vault *vault, uint32_t op, uint64_t started_ns, kp_status status,
                        const struct kp_error *error)
{
    kpi_observe_submitted(vault, op);
    note_end(vault, op, kpi_shard_now_ns(vault->shard) - started_ns, status, error);
}

void kpi_observe_retry(struct kpi_op *op, const struct kp_error *error, uint64_t delay_ms)
{
    struct kp_vault *vault = atomic_load_explicit(&op->vault, memory_order_relaxed);
    const struct kpi_log_field fields[] = {kpi_field_str("op", kp_op_text(op->request->op)),
                                           kpi_field_str("vault", vault->name),
                                           kpi_field_u64("attempts", op->attempts),
                                           kpi_field_u64("pause_ms", delay_ms),
                                           code_field(error),
                                           kpi_field_str("text", error->text)};
    count(&vault->metrics->ops[op->request->op].retries);
    kpi_log_write(vault->provider->log, KPI_LOG_PIPELINE, KP_LOG_DEBUG, "retry", fields,
                  COUNT(fields));
}

static void log_vault(struct kp_vault *vault, enum kpi_log_module module, const char *event,
                      const char *event_failed, kp_status status, const struct kp_error *error)
{
    const struct kpi_log_field fields[] = {kpi_field_str("vault", vault->name),
                                           kpi_field_str("plugin", vault->plugin->name),
                                           kpi_field_str("status", kp_status_text(status)),
                                           kpi_field_u64("code", error ? error->code : 0),
                                           kpi_field_str("text", error ? error->text : "")};
    bool ok = status == KP_OK;
    kpi_log_write(vault->provider->log, module, ok ? KP_LOG_INFO : KP_LOG_ERROR,
                  ok ? event : event_failed, fields, ok ? 2 : COUNT(fields));
}

void kpi_observe_opened(struct kp_vault *vault, kp_status status, const struct kp_error *error)
{
    log_vault(vault, KPI_LOG_VAULT, "opened", "open_failed", status, error);
    kpi_observe_secret_memory(vault->provider);
}

void kpi_observe_closed(struct kp_vault *vault)
{
    log_vault(vault, KPI_LOG_VAULT, "closed", "closed", KP_OK, NULL);
}

void kpi_observe_reloaded(struct kp_vault *vault, kp_status status, const struct kp_error *error)
{
    log_vault(vault, KPI_LOG_VAULT, "settings_taken", "settings_not_taken", status, error);
}

void kpi_observe_breaker_opened(struct kp_vault *vault, const struct kp_error *cause)
{
    count(&vault->metrics->breaker_trips);
    log_vault(vault, KPI_LOG_BREAKER, "opened", "opened", (kp_status)cause->status, cause);
}

void kpi_observe_plugin_refused(struct kp_provider *provider, const char *origin,
                                const struct kp_error *why)
{
    const struct kpi_log_field fields[] = {kpi_field_str("origin", origin),
                                           kpi_field_str("text", why->text)};
    kpi_log_write(provider->log, KPI_LOG_PLUGIN, KP_LOG_WARN, "refused", fields, COUNT(fields));
}

void kpi_observe_plugin_log(struct kp_vault *vault, uint32_t level, const char *event, kp_span text)
{
    const struct kpi_log_field fields[] = {kpi_field_str("vault", vault->name),
                                           kpi_field_str("plugin", vault->plugin->name),
                                           kpi_field_span("text", text)};
    kpi_log_write(vault->provider->log, KPI_LOG_PLUGIN, level, event ? event : "said", fields,
                  COUNT(fields));
}
