/*
 * kp_call, the blocking twin of kp_submit. Where the plugin can compute at once (run), it does so
 * on the calling thread behind the gate; otherwise the caller sleeps on its operation's ticket,
 * which it and the loop own together: whoever comes last to it cleans up.
 */
#include <keyprovider/keyprovider.h>

#include <stdio.h>

#include "base/errors.h"
#include "core/observe.h"
#include "core/pipeline.h"
#include "core/plugin_status.h"
#include "core/process.h"
#include "core/provider.h"
#include "core/submit.h"
#include "core/vault.h"
#include "core/wait.h"

/* Past its deadline a caller waits this much longer for the loop to say so itself. */
#define GRACE_NS (100 * KPI_NS_PER_MS)

static kp_status fail_result(struct kp_result *result, kp_status status)
{
    result->status = status;
    return status;
}

/* ---- By the loop ---- */

/* The deadline has passed and the loop has not told us: leave the ticket to it, if it still can. */
static bool leave_ticket(struct kpi_op *op)
{
    uint32_t waiting = KPI_TICKET_WAITING;
    return atomic_compare_exchange_strong_explicit(&op->ticket, &waiting, KPI_TICKET_LEFT,
                                                   memory_order_acq_rel, memory_order_acquire);
}

static void sleep_on_ticket(struct kpi_op *op, uint64_t timeout_ns, struct kp_result *result)
{
    uint64_t end = uv_hrtime() + timeout_ns;
    uint32_t ticket;
    while ((ticket = atomic_load_explicit(&op->ticket, memory_order_acquire)) != KPI_TICKET_DONE) {
        uint64_t now = uv_hrtime();
        if (now < end || ticket == KPI_TICKET_WRITING) {
            (void)kpi_wait_on(&op->ticket, ticket, now < end ? end - now : GRACE_NS);
        } else if (leave_ticket(op)) {
            result->status = kpb_fail(&result->error, KP_TIMEOUT,
                                      "%s: the deadline passed and the loop thread did not answer",
                                      kp_op_text(op->request->op));
            result->error.exposure = KP_MAYBE_SENT;
            return;
        }
    }
}

static kp_status call_by_loop(struct kp_vault *vault, const struct kp_request *request,
                              struct kpi_client *client)
{
    struct kpi_op *op;
    struct kp_result *result = client->result;
    kp_status st = kpi_submit_checked(vault, request, client, NULL, &op, &result->error);
    if (st != KP_OK) {
        kpi_place_give(vault);
        return fail_result(result, st);
    }
    uint64_t now_ns = kpi_shard_now_ns(op->shard); /* vault: over with the operation, perhaps */
    uint64_t deadline_ns = atomic_load_explicit(&op->deadline_ns, memory_order_relaxed);
    sleep_on_ticket(op, (deadline_ns > now_ns ? deadline_ns - now_ns : 0) + GRACE_NS, result);
    kpi_op_unref(op); /* the caller's */
    return result->status;
}

/* ---- On this thread ---- */

struct inline_sink {
    struct kpi_block block;
    const struct kp_reply *reply;
    uint32_t n_answers;
    kp_status status;
};

static void take_answer(void *ctx, const struct kp_reply *reply)
{
    struct inline_sink *sink = ctx;
    if (reply && sink->n_answers++ == 0)
        sink->status = kpi_block_copy_reply(&sink->block, reply, &sink->reply);
}

static bool declined(kp_status status, const struct kp_error *error)
{
    return status == KP_UNSUPPORTED && error->text[0] == '\0';
}

static void give_reply(struct inline_sink *sink, struct kp_result *result)
{
    result->status = KP_OK;
    result->reply = *sink->reply;
    result->memory = sink->block.ptr;
    result->memory_len = sink->block.len;
    sink->block = (struct kpi_block){NULL, 0, 0}; /* moved to the result */
}

/* Makes a failure of the plugin's whole: a status that is one, in the error too, and a sentence. */
static kp_status settle_failure(const struct kp_request *request, kp_status status,
                                struct kp_error *error)
{
    status = kpi_plugin_status(status, error, "run");
    if (error->text[0] == '\0')
        (void)snprintf(error->text, sizeof error->text, "%s: %s", kp_op_text(request->op),
                       kp_status_meaning(status));
    return status;
}

static kp_status run_in_plugin(struct kp_vault *vault, const struct kp_request *request,
                               struct kp_result *result)
{
    struct inline_sink sink = {{NULL, 0, 0}, NULL, 0, KP_OK};
    struct kp_error *error = &result->error;
    if (kpi_block_alloc(&sink.block, "op.reply", KPI_REPLY_AREA_LEN) != KP_OK)
        return kpb_fail_memory(error, "op.reply");
    kp_status st = vault->plugin->run(vault->instance, request, take_answer, &sink, error);
    if (st != KP_OK && !declined(st, error))
        st = settle_failure(request, st, error);
    else if (st == KP_OK && sink.status != KP_OK)
        st = kpb_fail_memory(error, "op.reply");
    else if (st == KP_OK && !sink.reply)
        st = kpb_fail(error, KP_INTERNAL, "%s: the plugin's run gave no reply",
                      kp_op_text(request->op));
    if (st == KP_OK)
        st = kpi_reply_check(request, sink.reply, error);
    if (st == KP_OK)
        give_reply(&sink, result);
    kpi_block_free(&sink.block);
    return st;
}

/*
 * What may not be answered here goes to the loop: other moments, other plugins, other callers, and
 * what changes a key, for the loop has to forget what is known of it.
 */
static bool may_run_here(const struct kp_vault *vault, const struct kp_request *request)
{
    return (vault->plugin->caps->run_ops & KP_OP_BIT(request->op)) &&
           !(kp_op_traits(request->op) & KP_TRAIT_MUTATES) &&
           !(request->flags & KP_REQ_NEVER_INLINE) && kpi_breaker_calm(&vault->breaker) &&
           !kpi_vault_limits_of(vault)->local_public_ops;
}

/* *ret_handled false: nothing has happened that counts; the loop may have it. */
static kp_status run_here(struct kp_vault *vault, const struct kp_request *request,
                          struct kp_result *result, bool *ret_handled)
{
    const struct kpi_vault_limits *limits = kpi_vault_limits_of(vault);
    uint32_t timeout_ms = request->timeout_ms ? request->timeout_ms : limits->timeout_ms;
    struct kpi_gate *gate = &vault->provider->gate;
    struct kpi_permit *permit;
    *ret_handled = false;
    if (!kpi_vault_enter_run(vault))
        return KP_OK;
    kp_status st = kpi_gate_enter(gate, timeout_ms * KPI_NS_PER_MS, &permit);
    if (st == KP_OK) {
        st = run_in_plugin(vault, request, result);
        kpi_gate_leave(gate, permit);
        *ret_handled = !declined(st, &result->error);
        if (*ret_handled)
            kpi_budget_deposit(&vault->budget, limits->retry_budget_percent,
                               limits->retry_budget_burst);
    } else {
        *ret_handled = true;
        (void)kpb_fail(&result->error, st, "%s: %s before a processor was free",
                       kp_op_text(request->op),
                       st == KP_TIMEOUT ? "the deadline passed" : "the provider was closed");
    }
    kpi_vault_leave_run(vault);
    return st;
}

static bool worth_another_try(kp_status status)
{
    return status == KP_TRANSIENT || status == KP_THROTTLED;
}

static kp_status call_with_place(struct kp_vault *vault, const struct kp_request *request,
                                 struct kp_result *result)
{
    struct kpi_client client = {.result = result, .submitted_ns = kpi_shard_now_ns(vault->shard)};
    bool handled = false;
    kp_status st = KP_OK;
    if (may_run_here(vault, request))
        st = run_here(vault, request, result, &handled);
    if (!handled)
        return call_by_loop(vault, request, &client);
    if (!worth_another_try(st)) {
        kpi_observe_inline(vault, request->op, client.submitted_ns, st, &result->error);
        kpi_place_give(vault);
        return fail_result(result, st);
    }
    if (st == KP_THROTTLED)
        kpi_observe_throttled(vault);
    client.failed_attempts = 1;
    client.failure = &result->error;
    return call_by_loop(vault, request, &client);
}

static kp_status call_now(struct kp_vault *vault, const struct kp_request *given,
                          struct kp_result *result)
{
    struct kp_request request;
    kp_status st = kpi_request_check(vault, given, &request, &result->error);
    if (st != KP_OK)
        return fail_result(result, st);
    if (kpi_on_loop_thread())
        return fail_result(result, kpb_fail(&result->error, KP_USAGE,
                                            "call: would block a loop thread; use submit there"));
    if (!kpi_place_take(vault, &request))
        return fail_result(result, kpi_fail_full(vault, &request, &result->error));
    return call_with_place(vault, &request, result);
}

kp_status kp_call(kp_vault *vault, const struct kp_request *request, struct kp_result *ret_result)
{
    if (!ret_result)
        return KP_USAGE;
    *ret_result = (struct kp_result){.struct_size = sizeof *ret_result, .status = KP_INTERNAL};
    kp_error_init(&ret_result->error);
    ret_result->reply.struct_size = sizeof ret_result->reply;
    if (!vault)
        return fail_result(ret_result, kpb_fail(&ret_result->error, KP_USAGE, "vault is NULL"));
    struct kpi_shard *shard = vault->shard; /* others may release the vault once it has answered */
    kp_status st = kpi_caller_enter(shard, &ret_result->error);
    if (st != KP_OK)
        return fail_result(ret_result, st);
    st = call_now(vault, request, ret_result);
    kpi_caller_leave(shard);
    return st;
}
