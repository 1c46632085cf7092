/*
 * What the pipeline tells the log and the counters, in one place. Cheap on the path of success;
 * any thread unless the argument says loop.
 */
#ifndef KP_CORE_OBSERVE_H
#define KP_CORE_OBSERVE_H

#include "base/buf.h"

struct kp_http_times;
struct kp_options;
struct kp_provider;
struct kp_vault;
struct kpi_op;
struct kpi_vault_metrics;

/* Makes the provider's log and counters; takes them down again (half-made ones are allowed). */
kp_status kpi_observe_open(struct kp_provider *provider, const struct kp_options *options,
                           struct kp_error *reterr) KP_MUST_USE;
void kpi_observe_close(struct kp_provider *provider);
/* Takes over what the configuration in force says of the log. */
void kpi_observe_configure(struct kp_provider *provider);

/* Warns, once a vault opens, when secrets are not all in locked memory. */
void kpi_observe_secret_memory(struct kp_provider *provider);

/* A vault's counters: made with the vault, and gone with it. NULL is allowed in remove. */
struct kpi_vault_metrics *kpi_observe_add_vault(struct kp_provider *provider, const char *name);
void kpi_observe_remove_vault(struct kp_vault *vault);

/* Everything counted, as Prometheus text. Errors: no_memory, usage beyond the buffer's limit. */
kp_status kpi_observe_metrics_text(struct kp_provider *provider, kp_buf *out) KP_MUST_USE;

/* Admitted by kp_submit or kp_call. */
void kpi_observe_submitted(struct kp_vault *vault, uint32_t op);
/* Refused because the queue or the table was full. */
void kpi_observe_refused(struct kp_vault *vault, uint32_t op);
/* Ended through the pipeline. Loop. */
void kpi_observe_completed(struct kpi_op *op, kp_status status, const struct kp_error *error);
/* Ended on the caller's thread; started_ns is when it was submitted. */
void kpi_observe_inline(struct kp_vault *vault, uint32_t op, uint64_t started_ns, kp_status status,
                        const struct kp_error *error);
/* Will be tried again after delay_ms. Loop. */
void kpi_observe_retry(struct kpi_op *op, const struct kp_error *error, uint64_t delay_ms);
/* Joined a shared fetch instead of making its own. Loop. */
void kpi_observe_coalesced(struct kpi_op *op);
/* What a request of the vault over HTTP took: waited_ns from what it was made for to the service,
 * token_ns in the plugin before it. times: NULL where no answer came. op: NULL for the vault's
 * own, of which only the connections count. Loop. */
struct kpi_observed_request {
    const struct kpi_op *op;
    uint64_t waited_ns;
    uint64_t token_ns;
    const struct kp_http_times *times;
    uint32_t n_connections;
};
void kpi_observe_request(struct kp_vault *vault, const struct kpi_observed_request *request);
/* The attempt that asked has ended parse_ns after its last answer. Loop. */
void kpi_observe_parsed(struct kp_vault *vault, uint64_t parse_ns);
/* The vault answered an attempt with throttled. Any thread. */
void kpi_observe_throttled(struct kp_vault *vault);
void kpi_observe_opened(struct kp_vault *vault, kp_status status, const struct kp_error *error);
void kpi_observe_closed(struct kp_vault *vault);
void kpi_observe_reloaded(struct kp_vault *vault, kp_status status, const struct kp_error *error);
void kpi_observe_breaker_opened(struct kp_vault *vault, const struct kp_error *cause);
/* A plugin was found but not loaded; why says what is wrong with it. */
void kpi_observe_plugin_refused(struct kp_provider *provider, const char *origin,
                                const struct kp_error *why);
/* A line of the plugin's own. */
void kpi_observe_plugin_log(struct kp_vault *vault, uint32_t level, const char *event,
                            kp_span text);

#endif /* KP_CORE_OBSERVE_H */
