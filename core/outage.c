#include "core/outage.h"

#include "core/observe.h"
#include "core/pipeline.h"
#include "core/vault.h"

static void probe_is_due(struct kpi_timer *timer)
{
    struct kp_vault *vault = KPI_HOLDER(timer, struct kp_vault, wake_timer);
    kpi_list_splice(&vault->queue, &vault->patient);
    kpi_pipeline_make_ready(vault);
}

/* The breaker has changed: those that wait go on now, or when the next probe is due. */
static void wake_patient(struct kp_vault *vault)
{
    if (kpi_list_empty(&vault->patient))
        return;
    vault->wake_timer.fire = probe_is_due;
    if (kpi_breaker_closed(&vault->breaker)) {
        kpi_shard_disarm(vault->shard, &vault->wake_timer);
        probe_is_due(&vault->wake_timer);
    } else if (kpi_breaker_open(&vault->breaker)) {
        kpi_shard_arm(vault->shard, &vault->wake_timer, vault->breaker.retry_at_ns);
    }
}

bool kpi_outage_ask(struct kp_vault *vault, struct kpi_op *op, bool *ret_probe)
{
    uint64_t now_ns = kpi_shard_now_ns(vault->shard);
    enum kpi_breaker_verdict verdict = kpi_breaker_ask(&vault->breaker, now_ns);
    *ret_probe = verdict == KPI_PASS_AS_PROBE;
    if (verdict != KPI_REFUSE)
        return true;
    if (op->request->flags & KP_REQ_WAIT_FOR_PROBE) {
        kpi_list_remove(&op->link);
        kpi_list_append(&vault->patient, &op->link);
        wake_patient(vault);
        return false;
    }
    struct kp_error error;
    kp_status st = kpi_breaker_refusal(&vault->breaker, now_ns, &error);
    kpi_pipeline_end(op, st, NULL, &error);
    return false;
}

/* True for an outcome that shows that the vault is there, whatever it said. */
static bool shows_life(kp_status status, const struct kp_error *error)
{
    switch (status) {
    case KP_OK:
    case KP_AUTH:
    case KP_FORBIDDEN:
    case KP_NOT_FOUND:
    case KP_CONFLICT:
    case KP_THROTTLED:
    case KP_VAULT:
    case KP_PROTOCOL:
    case KP_INTEGRITY:
        return true;
    default:
        return error->http_status != 0;
    }
}

void kpi_outage_tell(struct kp_vault *vault, bool probe, kp_status status,
                     const struct kp_error *error)
{
    const struct kpi_vault_limits *limits = kpi_vault_limits_of(vault);
    const struct kpi_breaker_policy policy = {limits->breaker_failures, limits->breaker_open_ms,
                                              limits->breaker_open_max_ms};
    if (kpi_breaker_counts(status)) {
        bool matters = probe || kpi_breaker_closed(&vault->breaker);
        if (matters &&
            kpi_breaker_failed(&vault->breaker, &policy, kpi_shard_now_ns(vault->shard), error))
            kpi_observe_breaker_opened(vault, error);
    } else if (shows_life(status, error)) {
        kpi_breaker_succeeded(&vault->breaker);
    } else if (probe) {
        kpi_breaker_probe_lost(&vault->breaker, kpi_shard_now_ns(vault->shard));
    }
    wake_patient(vault);
}

void kpi_outage_probe_lost(struct kp_vault *vault)
{
    kpi_breaker_probe_lost(&vault->breaker, kpi_shard_now_ns(vault->shard));
    wake_patient(vault);
}
