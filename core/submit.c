#include "core/submit.h"

#include "base/errors.h"
#include "core/observe.h"
#include "core/pipeline.h"
#include "core/process.h"
#include "core/provider.h"
#include "core/vault.h"

/* ---- Places in the queue ---- */

bool kpi_place_take(struct kp_vault *vault, const struct kp_request *request)
{
    uint32_t bound = kpi_vault_limits_of(vault)->max_queued + kpi_vault_max_in_flight(vault);
    uint32_t before = atomic_fetch_add_explicit(&vault->n_pending, 1, memory_order_relaxed);
    if (before < bound || (request->flags & KP_REQ_WAIT_FOR_ROOM))
        return true;
    kpi_place_give(vault);
    kpi_observe_refused(vault, request->op);
    return false;
}

void kpi_place_give(struct kp_vault *vault)
{
    atomic_fetch_sub_explicit(&vault->n_pending, 1, memory_order_relaxed);
}

/* ---- Setting up ---- */

/* A blocking caller keeps the reply's area and pays for it here; others are lent one at launch. */
static kp_status reserve(struct kpi_op *op, const struct kp_request *request, bool keeps_reply,
                         struct kp_error *reterr)
{
    if (kpi_op_take_request(op, request) != KP_OK)
        return kpb_fail_memory(reterr, "op.request");
    if (keeps_reply && kpi_block_alloc(&op->out, "op.reply", KPI_REPLY_AREA_LEN) != KP_OK)
        return kpb_fail_memory(reterr, "op.reply");
    return KP_OK;
}

static void set_times(struct kpi_op *op, struct kp_vault *vault, uint64_t submitted_ns)
{
    uint32_t timeout_ms = op->request->timeout_ms;
    if (timeout_ms == 0)
        timeout_ms = kpi_vault_limits_of(vault)->timeout_ms;
    op->submitted_ns = submitted_ns ? submitted_ns : kpi_shard_now_ns(vault->shard);
    atomic_store_explicit(&op->deadline_ns, op->submitted_ns + timeout_ms * KPI_NS_PER_MS,
                          memory_order_relaxed);
}

static kp_status make_op(struct kp_vault *vault, const struct kp_request *request,
                         const struct kpi_client *client, struct kpi_op **ret_op,
                         struct kp_error *reterr)
{
    struct kpi_op *op = kpi_op_acquire(&vault->shard->ops);
    if (!op) {
        kpi_observe_refused(vault, request->op);
        return kpb_fail(reterr, KP_THROTTLED, "%s: %u operations are pending, as many as there may",
                        kp_op_text(request->op), vault->shard->ops.n);
    }
    kp_status st = reserve(op, request, client->result != NULL, reterr);
    if (st != KP_OK) {
        kpi_op_unref(op);
        return st;
    }
    atomic_store_explicit(&op->vault, vault, memory_order_relaxed);
    set_times(op, vault, client->submitted_ns);
    op->cb = client->cb;
    op->ctx = client->ctx;
    op->result = client->result;
    *ret_op = op;
    return KP_OK;
}

kp_status kpi_submit_checked(struct kp_vault *vault, const struct kp_request *request,
                             const struct kpi_client *client, kp_op_id *ret_id,
                             struct kpi_op **ret_op, struct kp_error *reterr)
{
    struct kpi_op *op = NULL;
    kp_status st = make_op(vault, request, client, &op, reterr);
    if (st != KP_OK)
        return st;
    op->counted = true;
    op->attempts = client->failed_attempts;
    if (client->failed_attempts > 0)
        *kpi_block_error(&op->out) = *client->failure;
    if (ret_id)
        *ret_id = op->id;
    if (ret_op) {
        kpi_op_ref(op); /* the blocked caller's */
        *ret_op = op;
    }
    kpi_observe_submitted(vault, request->op);
    kpi_pipeline_post_submit(op);
    return KP_OK;
}

kp_status kpi_submit_internal(struct kp_vault *vault, const struct kp_request *request,
                              kp_done_fn *cb, void *ctx)
{
    const struct kpi_client client = {.cb = cb, .ctx = ctx};
    struct kpi_op *op = NULL;
    kp_status st = make_op(vault, request, &client, &op, NULL);
    if (st != KP_OK)
        return st;
    op->internal = true;
    kpi_pipeline_post_submit(op);
    return KP_OK;
}

/* ---- The client face ---- */

static kp_status submit_now(struct kp_vault *vault, const struct kp_request *given, kp_done_fn *cb,
                            void *ctx, kp_op_id *ret_id, struct kp_error *reterr)
{
    struct kp_request request;
    const struct kpi_client client = {.cb = cb, .ctx = ctx};
    kp_status st = kpi_request_check(vault, given, &request, reterr);
    if (st != KP_OK)
        return st;
    if (!kpi_place_take(vault, &request))
        return kpi_fail_full(vault, &request, reterr);
    st = kpi_submit_checked(vault, &request, &client, ret_id, NULL, reterr);
    if (st != KP_OK)
        kpi_place_give(vault);
    return st;
}

kp_status kpi_fail_full(const struct kp_vault *vault, const struct kp_request *request,
                        struct kp_error *reterr)
{
    return kpb_fail(reterr, KP_THROTTLED,
                    "%s: the queue of vault %s is full (max_queued %u); try later, or ask to wait",
                    kp_op_text(request->op), vault->name, kpi_vault_limits_of(vault)->max_queued);
}

kp_status kp_submit(kp_vault *vault, const struct kp_request *request, kp_done_fn *cb, void *ctx,
                    kp_op_id *ret_id, struct kp_error *reterr)
{
    if (!vault || !cb)
        return kpb_fail(reterr, KP_USAGE, "submit: vault or cb is NULL");
    struct kpi_shard *shard = vault->shard; /* the completion may release the vault */
    kp_status st = kpi_caller_enter(shard, reterr);
    if (st != KP_OK)
        return st;
    st = submit_now(vault, request, cb, ctx, ret_id, reterr);
    kpi_caller_leave(shard);
    return st;
}

void kp_cancel(kp_provider *provider, kp_op_id id)
{
    struct kpi_shard *shard = provider ? kpi_provider_shard(provider, kpi_id_shard(id)) : NULL;
    if (!shard || kpi_caller_enter(shard, NULL) != KP_OK)
        return;
    struct kpi_op *op = kpi_op_at(&shard->ops, id);
    if (op && kpi_op_claim_cancel(op, id))
        kpi_pipeline_post_cancel(op);
    kpi_caller_leave(shard);
}
