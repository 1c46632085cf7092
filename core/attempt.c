#include "core/attempt.h"

#include <stdio.h>

#include "base/errors.h"
#include "core/local_ops.h"
#include "core/observe.h"
#include "core/pipeline.h"
#include "core/plugin_status.h"
#include "core/provider.h"
#include "core/vault.h"
#include "core/wait.h"

static struct kp_vault *vault_of(struct kpi_op *op)
{
    return atomic_load_explicit(&op->vault, memory_order_relaxed);
}

/* ---- The outcome, written by whoever claimed the finish ---- */

void kpi_attempt_take_error(struct kpi_op *op, kp_status status, const struct kp_error *error)
{
    struct kp_error *own = kpi_block_error(&op->out);
    op->reply = NULL;
    if (!error) {
        op->status = kpb_fail(own, status, "%s", kp_status_meaning(status));
        return;
    }
    kpi_struct_read(own, sizeof *own, error);
    op->status = kpi_plugin_status(status, own, "finish");
}

void kpi_attempt_take_reply(struct kpi_op *op, const struct kp_reply *reply)
{
    op->status = kpi_block_copy_reply(&op->out, reply, &op->reply);
    if (op->status == KP_OK)
        return;
    struct kp_error *own = kpi_block_error(&op->out);
    op->reply = NULL;
    (void)kpb_fail_memory(own, "op.reply"); /* its status is known: there is only one */
    own->exposure = KP_ANSWERED;
}

static void take_misuse(struct kpi_op *op, kp_status status, bool has_reply)
{
    op->reply = NULL;
    op->status = kpb_fail(kpi_block_error(&op->out), KP_INTERNAL,
                          "the plugin finished with status %d and %s reply", (int)status,
                          has_reply ? "a" : "no");
}

static void take_outcome(struct kpi_op *op, kp_status status, const struct kp_reply *reply,
                         const struct kp_error *error)
{
    if (status == KP_OK && reply)
        kpi_attempt_take_reply(op, reply);
    else if (status > KP_OK && status < KP_STATUS_COUNT)
        kpi_attempt_take_error(op, status, error);
    else
        take_misuse(op, status, reply != NULL);
}

/* Whether the plugin said how far the request got; a 0 in bytes it never wrote says nothing. */
static bool tells_exposure(const struct kp_error *error)
{
    return error && error->struct_size >= offsetof(struct kp_error, reserved);
}

static void settle_exposure(struct kpi_op *op, const struct kp_error *given)
{
    struct kp_error *own = kpi_block_error(&op->out);
    if (own->exposure == KP_NOT_SENT && !tells_exposure(given))
        own->exposure = KP_MAYBE_SENT;
}

kp_status kpi_attempt_finish(struct kp_vault *vault, kp_op_id id, kp_status status,
                             const struct kp_reply *reply, const struct kp_error *error)
{
    struct kpi_op *op = NULL;
    if (kpi_id_shard(id) == vault->shard->at)
        op = kpi_op_at(&vault->shard->ops, id);
    if (!op || !kpi_op_is_attempt(op, id) || vault_of(op) != vault ||
        !kpi_op_claim_finish(op, id)) {
        kpi_door_count_refusal();
        return KP_USAGE;
    }
    take_outcome(op, status, reply, error);
    if (op->status != KP_OK)
        settle_exposure(op, error);
    kpi_pipeline_post_finish(op);
    return KP_OK;
}

/* ---- run on a worker ---- */

struct answer_sink {
    struct kpi_op *op;
    uint32_t n_answers;
};

static void take_answer(void *ctx, const struct kp_reply *reply)
{
    struct answer_sink *sink = ctx;
    if (reply && sink->n_answers++ == 0)
        kpi_attempt_take_reply(sink->op, reply);
}

static void run_in_plugin(struct kpi_op *op)
{
    struct kp_vault *vault = vault_of(op);
    struct answer_sink sink = {op, 0};
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = vault->plugin->run(vault->instance, op->request, take_answer, &sink, &error);
    if (st == KP_UNSUPPORTED && error.text[0] == '\0')
        op->skip_run = true; /* declined; the empty sentence stays as the sign of it */
    if (st != KP_OK)
        take_outcome(op, st, NULL, &error);
    else if (sink.n_answers == 0)
        take_outcome(op, KP_OK, NULL, NULL);
}

/* Nobody waits for it any more: cancelled, or past its deadline while it stood in line. */
static bool is_pointless(const struct kpi_op *op)
{
    return kpi_op_canceled(op) || kpi_shard_now_ns(op->shard) >=
                                      atomic_load_explicit(&op->deadline_ns, memory_order_relaxed);
}

static void give_up_in_line(struct kpi_op *op)
{
    struct kp_error error;
    bool canceled = kpi_op_canceled(op);
    kp_status st =
        kpb_fail(&error, canceled ? KP_CANCELED : KP_TIMEOUT, "%s: %s before a processor was free",
                 kp_op_text(op->request->op), canceled ? "canceled" : "the deadline passed");
    op->local = true; /* the vault has nothing to do with it */
    kpi_attempt_take_error(op, st, &error);
}

static void run_with_permit(struct kpi_op *op)
{
    if (is_pointless(op))
        give_up_in_line(op);
    else if (op->local)
        kpi_local_run(op);
    else
        run_in_plugin(op);
}

static void run_job(struct kpi_job *job)
{
    struct kpi_op *op = KPI_HOLDER(job, struct kpi_op, job);
    struct kpi_gate *gate = &vault_of(op)->provider->gate;
    struct kpi_permit *permit;
    kp_status st = kpi_gate_enter(gate, KPI_WAIT_FOREVER, &permit);
    if (st == KP_OK) {
        run_with_permit(op);
        kpi_gate_leave(gate, permit);
    } else {
        kpi_attempt_take_error(op, st, NULL);
    }
    kpi_pipeline_post_finish(op);
}

/* The reference and the open attempt belong to the job until its finish is posted. */
static void start_run(struct kpi_op *op)
{
    op->job.run = run_job;
    (void)kpi_op_claim_finish(op, op->attempt_id); /* just opened: nobody else can have it */
    kp_status st = kpi_workers_submit(&vault_of(op)->provider->computers, &op->job);
    if (st == KP_OK)
        return;
    kpi_attempt_take_error(op, st, NULL);
    kpi_pipeline_post_finish(op);
}

/* ---- submit ---- */

static void take_refusal(struct kpi_op *op, kp_status status, const struct kp_error *error)
{
    if (!kpi_op_claim_finish(op, op->attempt_id)) {
        kpi_door_count_refusal(); /* refused and finished: its finish is under way and will do */
        return;
    }
    take_outcome(op, status, NULL, error->text[0] ? error : NULL);
    kpi_pipeline_post_finish(op);
}

static void start_submit(struct kpi_op *op)
{
    struct kp_vault *vault = vault_of(op);
    struct kp_error *error = &op->shard->refusal;
    kp_status st = vault->plugin->submit(vault->instance, op->attempt_id, op->request,
                                         &op->plugin_state, error);
    op->in_plugin = st == KP_OK;
    if (st != KP_OK)
        take_refusal(op, st, error);
    if (error->status != KP_OK || error->text[0])
        kp_error_init(error); /* also where a plugin wrote into it and then accepted */
}

static void begin_attempt(struct kpi_op *op)
{
    struct kp_vault *vault = vault_of(op);
    op->attempts++;
    op->phase = KPI_ATTEMPT_RUNNING;
    op->in_plugin = false;
    op->cancel_told = false;
    op->plugin_state = NULL;
    op->started_ns = kpi_shard_turn_ns(op->shard);
    op->answered_ns = 0;
    kpi_list_append(&vault->in_flight, &op->link);
    atomic_fetch_add_explicit(&vault->n_in_flight, 1, memory_order_relaxed);
    op->attempt_id = kpi_op_open_attempt(op);
}

/* Whatever comes of the attempt, there is room for it; without, there is no attempt. */
static bool reserve_reply(struct kpi_op *op)
{
    struct kp_error error;
    if (kpi_reply_areas_take(&op->shard->reply_areas, &op->out) == KP_OK)
        return true;
    kpi_pipeline_end(op, kpb_fail_memory(&error, "op.reply"), NULL, &error);
    return false;
}

void kpi_attempt_start_local(struct kpi_op *op)
{
    if (!reserve_reply(op))
        return;
    begin_attempt(op);
    start_run(op);
}

void kpi_attempt_start(struct kpi_op *op)
{
    uint64_t run_ops = vault_of(op)->plugin->caps->run_ops;
    if (!reserve_reply(op))
        return;
    begin_attempt(op);
    if (!op->skip_run && (run_ops & KP_OP_BIT(op->request->op)))
        start_run(op);
    else
        start_submit(op);
}

/* ---- Winding down ---- */

static void release_attempt(struct kpi_op *op)
{
    struct kp_vault *vault = vault_of(op);
    kpi_list_remove(&op->link);
    kpi_reply_areas_give(&op->shard->reply_areas, &op->out);
    atomic_fetch_sub_explicit(&vault->n_in_flight, 1, memory_order_relaxed);
    if (op->requeue)
        kpi_pipeline_requeue(op);
    kpi_pipeline_make_ready(vault);
    kpi_vault_check_close(vault);
    kpi_op_unref(op); /* the attempt's */
}

/* run could not serve it at once: the same attempt once more, through submit. */
static bool run_declined(const struct kpi_op *op)
{
    const struct kp_error *error = op->out.ptr;
    return op->skip_run && op->status == KP_UNSUPPORTED && !op->in_plugin && error->text[0] == '\0';
}

/* Calls done once nothing more will come in the attempt's name. */
static void wind_down(struct kpi_op *op)
{
    if (op->phase != KPI_ATTEMPT_ENDED || op->n_callbacks > 0)
        return;
    struct kp_vault *vault = vault_of(op);
    op->phase = KPI_ATTEMPT_NONE; /* from here on nothing can be asked in its name */
    if (op->in_plugin) {
        op->in_plugin = false;
        vault->plugin->done(vault->instance, op->attempt_id, op->plugin_state);
    }
    release_attempt(op);
}

static void judge_outcome(struct kpi_op *op)
{
    struct kp_error *error = op->status == KP_OK ? NULL : kpi_block_error(&op->out);
    if (run_declined(op)) {
        op->attempts--;
        op->requeue = true;
        return;
    }
    if (error && error->text[0] == '\0')
        (void)snprintf(error->text, sizeof error->text, "%s: %s", kp_op_text(op->request->op),
                       kp_status_meaning(op->status));
    if (op->status == KP_THROTTLED)
        kpi_observe_throttled(vault_of(op));
    kpi_pipeline_judge(op, op->status, error);
}

void kpi_attempt_finished(struct kpi_op *op)
{
    op->phase = KPI_ATTEMPT_ENDED;
    if (op->answered_ns != 0)
        kpi_observe_parsed(vault_of(op), kpi_shard_now_ns(op->shard) - op->answered_ns);
    if (kpi_op_pending(op))
        judge_outcome(op);
    else if (kp_op_traits(op->request->op) & KP_TRAIT_MUTATES)
        kpi_key_cache_forget(&vault_of(op)->cache, op->request->name); /* changed after all */
    wind_down(op);
}

void kpi_attempt_hasten(struct kpi_op *op)
{
    struct kp_vault *vault = vault_of(op);
    if (!op->in_plugin || op->cancel_told || !kpi_op_attempt_open(op) ||
        !(vault->plugin->caps->flags & KP_CAP_CANCEL))
        return;
    op->cancel_told = true;
    vault->plugin->cancel(vault->instance, op->attempt_id, op->plugin_state);
}

void kpi_attempt_expect_callback(struct kpi_op *op)
{
    op->n_callbacks++;
}

void kpi_attempt_callback_over(struct kpi_op *op)
{
    op->n_callbacks--;
    wind_down(op);
}
