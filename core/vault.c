#include "core/vault.h"

#include "base/errors.h"
#include "base/span.h"
#include "core/errand.h"
#include "core/observe.h"
#include "core/pipeline.h"
#include "core/plugin_status.h"
#include "core/provider.h"

static void enter_state(struct kp_vault *vault, enum kpi_vault_state state)
{
    atomic_store_explicit(&vault->state, (uint32_t)state, memory_order_seq_cst);
}

const char *kpi_vault_state_text(const struct kp_vault *vault)
{
    static const char *const texts[] = {
        [KPI_VAULT_IDLE] = "idle",       [KPI_VAULT_FETCHING] = "opening",
        [KPI_VAULT_OPENING] = "opening", [KPI_VAULT_OPEN] = "open",
        [KPI_VAULT_UNDOING] = "failed",  [KPI_VAULT_CLOSING] = "closing",
        [KPI_VAULT_CLOSED] = "closed",
    };
    return texts[kpi_vault_state_of(vault)];
}

/* ---- Opening ---- */

static void open_failed(struct kp_vault *vault, kp_status status, const struct kp_error *error)
{
    enter_state(vault, KPI_VAULT_IDLE);
    kpi_pipeline_vault_opened(vault, status, error);
    kpi_vault_check_close(vault);
}

struct kp_vault_settings kpi_vault_settings(const struct kp_vault *vault,
                                            const struct kpi_vault_inputs *inputs)
{
    struct kp_vault_settings settings = inputs->view;
    settings.location = kpb_span_str(vault->location);
    settings.flags |= vault->open_flags;
    if (vault->identity.len > 0)
        settings.identity = kp_buf_view(&vault->identity);
    if (vault->identity.len > 0 || vault->secret.len > 0) /* nobody else's goes with an identity */
        settings.secret = kp_buf_view(&vault->secret);
    return settings;
}

/* The plugin still owes its opened; until it comes nobody is made to wait for it any more. */
static void open_is_overdue(struct kpi_timer *timer)
{
    struct kp_vault *vault = KPI_HOLDER(timer, struct kp_vault, open_timer);
    struct kp_error error;
    vault->open_overdue = true;
    (void)kpb_fail(&error, KP_TIMEOUT, "the vault did not open within %u ms",
                   kpi_vault_limits_of(vault)->open_timeout_ms);
    kpi_pipeline_vault_opened(vault, KP_TIMEOUT, &error);
}

static void arm_open_timer(struct kp_vault *vault)
{
    uint64_t limit_ns = kpi_vault_limits_of(vault)->open_timeout_ms * KPI_NS_PER_MS;
    vault->open_overdue = false;
    vault->open_timer.fire = open_is_overdue;
    kpi_shard_arm(vault->shard, &vault->open_timer, kpi_shard_now_ns(vault->shard) + limit_ns);
}

static void open_in_plugin(struct kp_vault *vault)
{
    struct kp_error error;
    kp_error_init(&error);
    struct kp_vault_settings settings = kpi_vault_settings(vault, &vault->inputs);
    arm_open_timer(vault);
    enter_state(vault, KPI_VAULT_OPENING);
    atomic_store_explicit(&vault->has_let_go, 0, memory_order_release);
    atomic_store_explicit(&vault->owes, KPI_OWES_OPENED, memory_order_release);
    kp_status st = kpi_plugin_status(
        vault->plugin->open(&vault->door->host, &settings, &vault->instance, &error), &error,
        "open");
    kpi_vault_inputs_clear(&vault->inputs);
    if (st == KP_OK)
        return;
    kpi_shard_disarm(vault->shard, &vault->open_timer);
    atomic_store_explicit(&vault->owes, 0, memory_order_release);
    if (error.text[0] == '\0')
        (void)kpb_fail(&error, st, "the plugin refused to open the vault");
    open_failed(vault, st, &error);
}

static void deliver_inputs(struct kpi_mail *mail)
{
    struct kp_vault *vault = KPI_HOLDER(mail, struct kp_vault, fetch_mail);
    if (vault->opened_status == KP_OK)
        open_in_plugin(vault);
    else
        open_failed(vault, vault->opened_status, &vault->opened_error);
}

static void fetch_inputs(struct kpi_job *job)
{
    struct kp_vault *vault = KPI_HOLDER(job, struct kp_vault, fetch_job);
    vault->opened_status =
        kpi_vault_inputs_fetch(vault->fetched_config, &vault->inputs, &vault->opened_error);
    vault->fetch_mail.deliver = deliver_inputs;
    kpi_shard_post(vault->shard, &vault->fetch_mail);
}

void kpi_vault_begin_open(struct kp_vault *vault)
{
    struct kp_error error;
    enter_state(vault, KPI_VAULT_FETCHING);
    vault->fetched_config = vault->config;
    vault->fetch_job.run = fetch_inputs;
    kp_status st = kpi_workers_submit(&vault->provider->blockers, &vault->fetch_job);
    if (st == KP_OK)
        return;
    (void)kpb_fail(&error, st, "no worker thread could be had to open the vault");
    open_failed(vault, st, &error);
}

static void deliver_opened(struct kpi_mail *mail)
{
    struct kp_vault *vault = KPI_HOLDER(mail, struct kp_vault, opened_mail);
    if (kpi_vault_state_of(vault) != KPI_VAULT_OPENING) {
        kpi_door_count_refusal(); /* opened, and then open was refused: there is no vault */
        return;
    }
    kpi_shard_disarm(vault->shard, &vault->open_timer);
    vault->open_overdue = false;
    if (vault->opened_status == KP_OK) {
        enter_state(vault, KPI_VAULT_OPEN);
        kpi_pipeline_vault_opened(vault, KP_OK, NULL);
        kpi_vault_check_close(vault);
        return;
    }
    enter_state(vault, KPI_VAULT_UNDOING);
    atomic_store_explicit(&vault->owes, KPI_OWES_CLOSED, memory_order_release);
    vault->plugin->close(vault->instance);
    kpi_pipeline_vault_opened(vault, vault->opened_status, &vault->opened_error);
}

/* True for the one call that settles what the plugin owes. */
static bool settle(struct kp_vault *vault, uint32_t what)
{
    uint32_t before = atomic_fetch_and_explicit(&vault->owes, ~what, memory_order_acq_rel);
    if (before & what)
        return true;
    kpi_door_count_refusal();
    return false;
}

void kpi_vault_post_opened(struct kp_vault *vault, kp_status status, const struct kp_error *error)
{
    if (!settle(vault, KPI_OWES_OPENED))
        return;
    kp_error_init(&vault->opened_error);
    if (status != KP_OK && error)
        kpi_struct_read(&vault->opened_error, sizeof vault->opened_error, error);
    vault->opened_status = kpi_plugin_status(status, &vault->opened_error, "opened");
    if (vault->opened_status != KP_OK && vault->opened_error.text[0] == '\0')
        (void)kpb_fail(&vault->opened_error, vault->opened_status, "the vault could not be opened");
    vault->opened_mail.deliver = deliver_opened;
    kpi_shard_post(vault->shard, &vault->opened_mail);
}

/* ---- Callers inside run ---- */

/* From here on the last to leave tells us again: another may have come in since this was sent. */
static void deliver_drained(struct kpi_mail *mail)
{
    struct kp_vault *vault = KPI_HOLDER(mail, struct kp_vault, drained_mail);
    atomic_store_explicit(&vault->drain_told, 0, memory_order_seq_cst);
    kpi_vault_check_close(vault);
}

bool kpi_vault_enter_run(struct kp_vault *vault)
{
    /* Sequentially consistent on both sides: either we see CLOSING or the closer sees us. */
    atomic_fetch_add_explicit(&vault->n_inline, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&vault->state, memory_order_seq_cst) == KPI_VAULT_OPEN)
        return true;
    kpi_vault_leave_run(vault);
    return false;
}

void kpi_vault_leave_run(struct kp_vault *vault)
{
    uint32_t left = atomic_fetch_sub_explicit(&vault->n_inline, 1, memory_order_seq_cst) - 1;
    if (left > 0 ||
        atomic_load_explicit(&vault->state, memory_order_seq_cst) != KPI_VAULT_CLOSING ||
        atomic_exchange_explicit(&vault->drain_told, 1, memory_order_seq_cst) != 0)
        return;
    vault->drained_mail.deliver = deliver_drained;
    kpi_shard_post(vault->shard, &vault->drained_mail);
}

/* ---- Closing ---- */

static void finish_close(struct kp_vault *vault)
{
    enter_state(vault, KPI_VAULT_CLOSED);
    kpi_shard_disarm(vault->shard, &vault->wake_timer);
    kpi_list_remove(&vault->in_ready);
    kpi_observe_closed(vault);
    vault->on_closed(vault); /* the vault may be gone */
}

static void close_in_plugin(struct kp_vault *vault)
{
    if (atomic_load_explicit(&vault->n_inline, memory_order_seq_cst) > 0)
        return; /* the last caller to leave run sends drained_mail */
    vault->close_called = true;
    atomic_store_explicit(&vault->owes, KPI_OWES_CLOSED, memory_order_release);
    vault->plugin->close(vault->instance);
}

void kpi_vault_check_close(struct kp_vault *vault)
{
    if (!vault->close_asked || !kpi_list_empty(&vault->in_flight) ||
        !kpi_list_empty(&vault->reloads))
        return;
    switch (kpi_vault_state_of(vault)) {
    case KPI_VAULT_IDLE:
        if (kpi_list_empty(&vault->errands))
            finish_close(vault);
        break;
    case KPI_VAULT_OPEN:
        enter_state(vault, KPI_VAULT_CLOSING);
        close_in_plugin(vault);
        break;
    case KPI_VAULT_CLOSING:
        if (!vault->close_called)
            close_in_plugin(vault);
        else if (vault->closed && kpi_list_empty(&vault->errands))
            finish_close(vault);
        break;
    default: /* opening or undoing: its end comes back here; closed: done */
        break;
    }
}

static void deliver_closed(struct kpi_mail *mail)
{
    struct kp_vault *vault = KPI_HOLDER(mail, struct kp_vault, closed_mail);
    kpi_errand_orphan_all(vault);
    vault->instance = NULL;
    if (kpi_vault_state_of(vault) == KPI_VAULT_UNDOING) {
        enter_state(vault, KPI_VAULT_IDLE);
        kpi_pipeline_make_ready(vault);
    }
    vault->closed = true;
    kpi_vault_check_close(vault);
}

void kpi_vault_post_closed(struct kp_vault *vault)
{
    if (!settle(vault, KPI_OWES_CLOSED))
        return;
    atomic_store_explicit(&vault->has_let_go, 1, memory_order_release);
    vault->closed_mail.deliver = deliver_closed;
    kpi_shard_post(vault->shard, &vault->closed_mail);
}

bool kpi_vault_has_let_go(const struct kp_vault *vault)
{
    return atomic_load_explicit(&vault->has_let_go, memory_order_acquire) != 0;
}

void kpi_vault_begin_close(struct kp_vault *vault)
{
    if (vault->close_asked)
        return;
    vault->close_asked = true;
    vault->closed = false;
    kpi_pipeline_cancel_all(vault);
    kpi_vault_check_close(vault);
}
