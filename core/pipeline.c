#include "core/pipeline.h"

#include "base/errors.h"
#include "core/attempt.h"
#include "core/observe.h"
#include "core/outage.h"
#include "core/provider.h"
#include "core/submit.h"
#include "core/vault.h"
#include "core/wait.h"

/*
 * An attempt the plugin has had this long when its deadline passes says that the vault hangs. One
 * of run says nothing: it may have stood in line for a processor.
 */
#define SLOW_ATTEMPT_NS (1000 * KPI_NS_PER_MS)

#define VAULT_IS_CLOSING "the vault is being closed"
#define CANCELED_BY_CALLER "canceled by the caller"

static struct kp_vault *vault_of(struct kpi_op *op)
{
    return atomic_load_explicit(&op->vault, memory_order_relaxed);
}

/* ---- Telling the client ---- */

static void fill_result(struct kpi_op *op, struct kp_result *result, kp_status status,
                        const struct kp_reply *reply, const struct kp_error *error)
{
    result->struct_size = sizeof *result;
    result->status = status;
    if (!reply) {
        result->reply = (struct kp_reply){.struct_size = sizeof result->reply};
        result->error = *error;
        if (op->maybe_done && error->exposure != KP_ANSWERED)
            result->error.exposure = KP_MAYBE_SENT; /* by an earlier attempt */
        result->memory = NULL;
        result->memory_len = 0;
        return;
    }
    result->reply = *reply;
    if (result->error.status != KP_OK)
        kp_error_init(&result->error); /* of an earlier outcome */
    result->memory = op->out.ptr;
    result->memory_len = op->out.len;
}

/* The result's now: the client has it for good. */
static void let_go_of_reply(struct kpi_op *op)
{
    op->out = (struct kpi_block){NULL, 0, 0};
}

static void tell_blocked_caller(struct kpi_op *op, kp_status status, const struct kp_reply *reply,
                                const struct kp_error *error)
{
    uint32_t waiting = KPI_TICKET_WAITING;
    if (!atomic_compare_exchange_strong_explicit(&op->ticket, &waiting, KPI_TICKET_WRITING,
                                                 memory_order_acq_rel, memory_order_acquire))
        return; /* the caller has left; the buffers stay with the attempt */
    fill_result(op, op->result, status, reply, error);
    if (reply)
        let_go_of_reply(op);
    atomic_store_explicit(&op->ticket, KPI_TICKET_DONE, memory_order_release);
    kpi_wake_one(&op->ticket);
}

static void call_back(struct kpi_op *op, struct kp_result *result)
{
    bool has_reply = result->memory != NULL;
    op->cb(op->ctx, op->id, result);
    if (has_reply && !result->memory)
        let_go_of_reply(op); /* taken, or cleared */
}

/* Our own callbacks may end other operations, whose clients are told meanwhile. */
static void tell_ourselves(struct kpi_op *op, kp_status status, const struct kp_reply *reply,
                           const struct kp_error *error)
{
    struct kp_result result = {.struct_size = sizeof result};
    kp_error_init(&result.error);
    fill_result(op, &result, status, reply, error);
    call_back(op, &result);
}

static void tell_client(struct kpi_op *op, kp_status status, const struct kp_reply *reply,
                        const struct kp_error *error)
{
    if (!op->cb) {
        tell_blocked_caller(op, status, reply, error);
    } else if (op->internal) {
        tell_ourselves(op, status, reply, error);
    } else {
        fill_result(op, &op->shard->told, status, reply, error);
        call_back(op, &op->shard->told);
    }
}

void kpi_pipeline_end(struct kpi_op *op, kp_status status, const struct kp_reply *reply,
                      const struct kp_error *error)
{
    struct kp_vault *vault = vault_of(op);
    if (!kpi_op_enter(op, KPI_OP_FINISHING))
        return;
    kpi_shard_disarm(op->shard, &op->timer);
    kpi_list_remove(&op->in_vault);
    if (op->phase == KPI_ATTEMPT_NONE)
        kpi_list_remove(&op->link);
    op->requeue = false;
    if (kp_op_traits(op->request->op) & KP_TRAIT_MUTATES)
        kpi_key_cache_forget(&vault->cache, op->request->name); /* whatever came of it */
    if (op->probe)
        kpi_outage_probe_lost(vault);
    op->probe = false;
    if (op->counted)
        atomic_fetch_sub_explicit(&vault->n_pending, 1, memory_order_relaxed);
    if (!op->internal) /* what those who wait for it hear is counted */
        kpi_observe_completed(op, status, error);
    tell_client(op, status, reply, error);
    (void)kpi_op_enter(op, KPI_OP_DONE); /* always a step of the table from FINISHING */
    kpi_attempt_hasten(op);
    if (op->phase == KPI_ATTEMPT_NONE)
        kpi_reply_areas_give(&op->shard->reply_areas, &op->out);
    kpi_op_unref(op); /* the pipeline's */
}

void kpi_pipeline_end_with(struct kpi_op *op, kp_status status, const char *sentence)
{
    struct kp_error error;
    (void)kpb_fail(&error, status, "%s: %s", kp_op_text(op->request->op), sentence);
    if (op->state == KPI_OP_IN_FLIGHT)
        error.exposure = KP_MAYBE_SENT;
    kpi_pipeline_end(op, status, NULL, &error);
}

/* ---- Deadline and pause ---- */

/* What an attempt says about the vault. It is said once: the probe is then over. */
static void note_outcome(struct kpi_op *op, kp_status status, const struct kp_error *error)
{
    bool probe = op->probe;
    op->probe = false;
    if (op->local)
        return;
    kpi_outage_note(vault_of(op), probe, status, error);
}

static void deadline_passed(struct kpi_op *op)
{
    uint64_t now_ns = kpi_shard_now_ns(op->shard);
    bool slow = op->state == KPI_OP_IN_FLIGHT && op->in_plugin &&
                now_ns - op->started_ns >= SLOW_ATTEMPT_NS;
    struct kp_error error;
    (void)kpb_fail(&error, KP_TIMEOUT, "%s: the deadline of %llu ms passed while %s",
                   kp_op_text(op->request->op),
                   (unsigned long long)((op->deadline_ns - op->submitted_ns) / KPI_NS_PER_MS),
                   op->state == KPI_OP_IN_FLIGHT ? "the vault was at work"
                   : op->state == KPI_OP_BACKOFF ? "pausing before another attempt"
                                                 : "waiting for the vault");
    if (op->state == KPI_OP_IN_FLIGHT)
        error.exposure = KP_MAYBE_SENT;
    if (slow)
        note_outcome(op, KP_TIMEOUT, &error);
    kpi_pipeline_end(op, KP_TIMEOUT, NULL, &error);
}

static void timer_fired(struct kpi_timer *timer)
{
    struct kpi_op *op = KPI_HOLDER(timer, struct kpi_op, timer);
    if (op->state == KPI_OP_BACKOFF && !op->requeue)
        kpi_pipeline_requeue(op);
    else
        deadline_passed(op);
}

static void pause_op(struct kpi_op *op, uint64_t delay_ms)
{
    uint64_t now_ns = kpi_shard_now_ns(op->shard);
    if (op->phase == KPI_ATTEMPT_NONE)
        kpi_list_remove(&op->link);
    (void)kpi_op_enter(op, KPI_OP_BACKOFF); /* from QUEUED or IN_FLIGHT: a step of the table */
    kpi_shard_arm(op->shard, &op->timer, now_ns + delay_ms * KPI_NS_PER_MS);
}

void kpi_pipeline_requeue(struct kpi_op *op)
{
    struct kp_vault *vault = vault_of(op);
    kpi_shard_arm(op->shard, &op->timer, op->deadline_ns);
    op->requeue = op->phase != KPI_ATTEMPT_NONE; /* then the end of the attempt comes back here */
    if (op->requeue)
        return;
    (void)kpi_op_enter(op, KPI_OP_QUEUED); /* from BACKOFF, WAITING or a declined run */
    kpi_list_append(&vault->queue, &op->link);
    kpi_pipeline_make_ready(vault);
}

/* ---- Judging an attempt ---- */

static bool decide_retry(struct kpi_op *op, kp_status status, const struct kp_error *error,
                         uint64_t *ret_delay_ms)
{
    struct kp_vault *vault = vault_of(op);
    const struct kpi_vault_limits *limits = kpi_vault_limits_of(vault);
    uint64_t now_ns = kpi_shard_now_ns(op->shard);
    const struct kpi_retry_policy policy = {limits->retry_max_attempts, limits->retry_base_ms,
                                            limits->retry_cap_ms};
    const struct kpi_retry_input input = {
        .status = status,
        .exposure = error->exposure,
        .op_traits = kp_op_traits(op->request->op),
        .attempts = op->attempts,
        .hint_ms = error->retry_after_ms,
        .time_left_ms = op->deadline_ns > now_ns ? (op->deadline_ns - now_ns) / KPI_NS_PER_MS : 0,
        .random = kpi_shard_random(op->shard),
    };
    struct kpi_retry_decision decision = kpi_retry_decide(&policy, &input);
    *ret_delay_ms = decision.delay_ms;
    return decision.again && kpi_budget_withdraw(&vault->budget);
}

static void retry_or_end(struct kpi_op *op, kp_status status, const struct kp_error *error)
{
    uint64_t delay_ms;
    if (!decide_retry(op, status, error, &delay_ms)) {
        kpi_pipeline_end(op, status, NULL, error);
        return;
    }
    op->maybe_done |= error->exposure == KP_MAYBE_SENT || error->exposure == KP_ANSWERED;
    kpi_observe_retry(op, error, delay_ms);
    pause_op(op, delay_ms);
}

void kpi_pipeline_judge(struct kpi_op *op, kp_status status, const struct kp_error *error)
{
    note_outcome(op, status, error);
    if (status != KP_OK) {
        retry_or_end(op, status, error);
        return;
    }
    struct kp_error doubt; /* not in the reply's place: it is about what lies there */
    kp_status checked = kpi_reply_check(op->request, op->reply, &doubt);
    if (checked == KP_OK)
        kpi_pipeline_end(op, KP_OK, op->reply, NULL);
    else
        kpi_pipeline_end(op, checked, NULL, &doubt);
}

/* ---- Dispatch ---- */

void kpi_pipeline_make_ready(struct kp_vault *vault)
{
    if (kpi_list_empty(&vault->in_ready) && !kpi_list_empty(&vault->queue))
        kpi_list_append(&vault->shard->ready, &vault->in_ready);
}

static void open_for(struct kp_vault *vault, struct kpi_op *op)
{
    if (kpi_outage_admit(vault, op, &vault->open_is_probe))
        kpi_vault_begin_open(vault);
}

static void dispatch_op(struct kp_vault *vault, struct kpi_op *op)
{
    if (kpi_key_cache_serve(&vault->cache, op))
        return;
    /* A probe whose run declined comes by again, still the probe. */
    if (!op->probe && !kpi_outage_admit(vault, op, &op->probe))
        return;
    const struct kpi_vault_limits *limits = kpi_vault_limits_of(vault);
    if (op->attempts == 0)
        kpi_budget_deposit(&vault->budget, limits->retry_budget_percent,
                           limits->retry_budget_burst);
    kpi_list_remove(&op->link);
    (void)kpi_op_enter(op, KPI_OP_IN_FLIGHT); /* from QUEUED: a step of the table */
    kpi_attempt_start(op);
}

/* One step for the oldest in the queue; false when the vault has to wait for something. */
static bool dispatch_next(struct kp_vault *vault)
{
    struct kpi_op *op = KPI_HOLDER(vault->queue.next, struct kpi_op, link);
    if (atomic_load_explicit(&vault->n_in_flight, memory_order_relaxed) >=
        kpi_vault_max_in_flight(vault))
        return false;
    switch (kpi_vault_state_of(vault)) {
    case KPI_VAULT_IDLE:
        open_for(vault, op);
        return true;
    case KPI_VAULT_OPEN:
        dispatch_op(vault, op);
        return true;
    case KPI_VAULT_OPENING:
        if (!vault->open_overdue)
            return false;
        kpi_pipeline_end_with(op, KP_TIMEOUT, "the vault has not opened in time");
        return true;
    default:
        return false;
    }
}

void kpi_pipeline_dispatch(struct kpi_shard *shard)
{
    for (struct kpi_link *link; (link = kpi_list_pop(&shard->ready)) != NULL;) {
        struct kp_vault *vault = KPI_HOLDER(link, struct kp_vault, in_ready);
        while (!kpi_list_empty(&vault->queue) && dispatch_next(vault))
            ;
    }
}

void kpi_pipeline_vault_opened(struct kp_vault *vault, kp_status status,
                               const struct kp_error *error)
{
    kpi_observe_opened(vault, status, error);
    kpi_outage_note(vault, vault->open_is_probe, status, error);
    vault->open_is_probe = false;
    if (status == KP_OK) {
        kpi_pipeline_make_ready(vault);
        return;
    }
    struct kp_error unsent = *error; /* whatever the opening sent, the operations were not */
    unsent.exposure = KP_NOT_SENT;
    struct kpi_link failed;
    kpi_list_init(&failed);
    kpi_list_splice(&failed, &vault->queue);
    for (struct kpi_link *link; (link = kpi_list_pop(&failed)) != NULL;) {
        struct kpi_op *op = KPI_HOLDER(link, struct kpi_op, link);
        op->attempts++;
        retry_or_end(op, status, &unsent);
    }
}

void kpi_pipeline_cancel_all(struct kp_vault *vault)
{
    while (!kpi_list_empty(&vault->ops)) {
        struct kpi_op *op = KPI_HOLDER(vault->ops.next, struct kpi_op, in_vault);
        vault->shard->n_canceled += op->internal ? 0 : 1;
        kpi_pipeline_end_with(op, KP_CANCELED, VAULT_IS_CLOSING);
    }
}

/* ---- Mail ---- */

static void deliver_submit(struct kpi_mail *mail)
{
    struct kpi_op *op = KPI_HOLDER(mail, struct kpi_op, mail);
    struct kp_vault *vault = vault_of(op);
    op->timer.fire = timer_fired;
    kpi_list_append(&vault->ops, &op->in_vault);
    if (vault->close_asked || kpi_op_canceled(op)) {
        kpi_pipeline_end_with(op, KP_CANCELED,
                              vault->close_asked ? VAULT_IS_CLOSING : CANCELED_BY_CALLER);
        return;
    }
    kpi_shard_arm(op->shard, &op->timer, op->deadline_ns);
    (void)kpi_op_enter(op, KPI_OP_QUEUED); /* from NEW: a step of the table */
    if (op->attempts > 0) {                /* tried on the caller's thread, in vain */
        const struct kp_error *error = op->out.ptr;
        kpi_outage_note(vault, false, (kp_status)error->status, error);
        retry_or_end(op, (kp_status)error->status, error);
        return;
    }
    kpi_list_append(&vault->queue, &op->link);
    kpi_pipeline_make_ready(vault);
}

void kpi_pipeline_post_submit(struct kpi_op *op)
{
    op->mail.deliver = deliver_submit;
    kpi_shard_post(op->shard, &op->mail);
}

static void deliver_finish(struct kpi_mail *mail)
{
    struct kpi_op *op = KPI_HOLDER(mail, struct kpi_op, mail);
    kpi_attempt_finished(op);
    kpi_op_unref(op); /* the mail's */
}

void kpi_pipeline_post_finish(struct kpi_op *op)
{
    op->mail.deliver = deliver_finish;
    kpi_shard_post(op->shard, &op->mail);
}

static void deliver_cancel(struct kpi_mail *mail)
{
    struct kpi_op *op = KPI_HOLDER(mail, struct kpi_op, cancel_mail);
    if (kpi_op_pending(op) && op->state != KPI_OP_NEW) /* NEW: deliver_submit sees the flag */
        kpi_pipeline_end_with(op, KP_CANCELED, CANCELED_BY_CALLER);
    kpi_op_unref(op); /* the mail's */
}

void kpi_pipeline_post_cancel(struct kpi_op *op)
{
    op->cancel_mail.deliver = deliver_cancel;
    kpi_shard_post(op->shard, &op->cancel_mail);
}
