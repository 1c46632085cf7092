#include "plugins/file-test/op.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"

#define SITE "file-test.op"
#define NS_PER_MS UINT64_C(1000000)

/* ---- Requests of other ages ---- */

static void copy_sized(const void *from, uint32_t from_size, void *to, size_t to_size)
{
    memset(to, 0, to_size);
    memcpy(to, from, from_size < to_size ? from_size : to_size);
}

void ft_request_copy(const struct kp_request *from, struct kp_request *to)
{
    copy_sized(from, from->struct_size, to, sizeof *to);
}

static void copy_request(struct ft_op *op, const struct kp_request *request)
{
    ft_request_copy(request, &op->request);
    if (op->request.params) {
        copy_sized(op->request.params, op->request.params->struct_size, &op->params,
                   sizeof op->params);
        op->request.params = &op->params;
    }
    if (op->request.policy) {
        copy_sized(op->request.policy, op->request.policy->struct_size, &op->policy,
                   sizeof op->policy);
        op->request.policy = &op->policy;
    }
}

/* ---- Ending ---- */

static void finish(struct ft_op *op, kp_status status, const struct kp_error *error)
{
    const struct kp_host *host = &op->vault->host;
    op->is_finished = true;
    if (status == KP_OK)
        op->answer.reply.struct_size = sizeof op->answer.reply;
    /* Refused only when the host ended the operation before us; either way it is over. */
    (void)host->finish(host->self, op->id, status, status == KP_OK ? &op->answer.reply : NULL,
                       status == KP_OK ? NULL : error);
    kp_buf_clear(&op->answer.value);
}

static void end(struct ft_op *op, kp_status status, const struct kp_error *error)
{
    op->state = FT_OP_ENDED;
    finish(op, status, error);
}

kp_status ft_op_check(const struct ft_op *op, struct kp_error *reterr)
{
    if (!atomic_load_explicit(&op->canceled, memory_order_relaxed))
        return KP_OK;
    return kpb_fail(reterr, KP_CANCELED, "the operation was canceled");
}

/* ---- On a worker ---- */

static kp_status perform(struct ft_op *op, struct kp_error *err)
{
    ft_handle lock = FT_NO_HANDLE;
    kp_status st = ft_op_check(op, err);
    if (st == KP_OK && !op->is_prepared && op->kind->prepare)
        st = op->kind->prepare(op, FT_NO_HANDLE, err);
    op->is_prepared = true;
    if (st == KP_OK)
        st = ft_op_check(op, err);
    if (st == KP_OK && op->kind->takes_lock)
        st = ft_store_try_lock(&op->vault->store, &lock, err);
    if (st != KP_OK)
        return st;
    op->is_busy = op->kind->takes_lock && lock == FT_NO_HANDLE;
    if (!op->is_busy)
        st = op->kind->perform(op, lock, err);
    ft_store_unlock(&op->vault->store, lock);
    return st;
}

static void work(void *arg)
{
    struct ft_op *op = arg;
    struct kp_error err;
    kp_error_init(&err);
    op->is_busy = false;
    kp_status st = perform(op, &err);
    if (!op->is_busy)
        finish(op, st, &err);
}

/* ---- On the loop ---- */

static void start_work_on_loop(struct ft_op *op);
static void wait_on_loop(struct ft_op *op);

static void worked_on_loop(void *arg)
{
    struct ft_op *op = arg;
    if (op->is_finished)
        op->state = FT_OP_ENDED;
    else
        wait_on_loop(op);
}

static void start_work_on_loop(struct ft_op *op)
{
    const struct kp_host *host = &op->vault->host;
    struct kp_error err;
    op->state = FT_OP_WORKING;
    kp_status st = host->work(host->self, op->id, work, worked_on_loop, op);
    if (st == KP_OK)
        return;
    (void)kpb_fail(&err, st, "the host has no worker to spare");
    end(op, st, &err);
}

static void waited_on_loop(void *arg)
{
    struct ft_op *op = arg;
    struct kp_error err;
    op->timer = 0;
    if (ft_op_check(op, &err) != KP_OK)
        end(op, KP_CANCELED, &err);
    else
        start_work_on_loop(op);
}

static kp_status fail_locked(const struct ft_op *op, struct kp_error *err)
{
    return kpb_fail(err, KP_TRANSIENT,
                    "another process kept vault %s locked for %lld ms; try again, or raise the "
                    "setting lock_timeout_ms",
                    op->vault->store.label, (long long)op->vault->lock_timeout_ms);
}

/* Never beyond the operation's deadline: then the answer is the host's anyway. */
static bool may_wait(const struct ft_op *op)
{
    const struct kp_host *host = &op->vault->host;
    uint64_t waited_ms = (host->clock_ns(host->self) - op->busy_since_ns) / NS_PER_MS;
    return waited_ms < (uint64_t)op->vault->lock_timeout_ms &&
           host->time_left_ms(host->self, op->id) > 0;
}

static void wait_on_loop(struct ft_op *op)
{
    const struct kp_host *host = &op->vault->host;
    struct kp_error err;
    if (op->n_waits == 0)
        op->busy_since_ns = host->clock_ns(host->self);
    if (ft_op_check(op, &err) != KP_OK) {
        end(op, KP_CANCELED, &err);
        return;
    }
    if (!may_wait(op)) {
        end(op, fail_locked(op, &err), &err);
        return;
    }
    op->state = FT_OP_WAITING;
    kp_status st = host->timer(host->self, op->id, ft_backoff_ms(op->n_waits++), waited_on_loop, op,
                               &op->timer);
    if (st != KP_OK)
        end(op, fail_locked(op, &err), &err);
}

/* ---- Injected faults ---- */

static void fail_as_planned(struct ft_op *op)
{
    struct kp_error err;
    (void)kpb_fail(&err, op->plan.status, "vault %s was told to fail by its settings fault.*",
                   op->vault->store.label);
    err.exposure = op->plan.exposure;
    err.retry_after_ms = op->plan.retry_after_ms;
    end(op, op->plan.status, &err);
}

static void go_on_loop(struct ft_op *op)
{
    if (op->plan.status != KP_OK)
        fail_as_planned(op);
    else
        start_work_on_loop(op);
}

static void delayed_on_loop(void *arg)
{
    struct ft_op *op = arg;
    struct kp_error err;
    op->timer = 0;
    if (ft_op_check(op, &err) != KP_OK)
        end(op, KP_CANCELED, &err);
    else
        go_on_loop(op);
}

static void start_on_loop(struct ft_op *op)
{
    const struct kp_host *host = &op->vault->host;
    if (op->plan.hang) {
        op->state = FT_OP_SILENT;
        return;
    }
    op->state = FT_OP_DELAYED;
    if (op->plan.delay_ms == 0 || host->timer(host->self, op->id, op->plan.delay_ms,
                                              delayed_on_loop, op, &op->timer) != KP_OK)
        go_on_loop(op);
}

/* ---- Slots ---- */

kp_status ft_op_submit(void *vault, kp_op_id id, const struct kp_request *request, void **ret_state,
                       struct kp_error *reterr)
{
    struct ft_vault *v = vault;
    const struct ft_op_kind *kind = ft_op_kind_of(request->op);
    if (!kind)
        return kpb_fail(reterr, KP_UNSUPPORTED, "a file vault does not serve %s",
                        kp_op_text(request->op));
    struct ft_op *op = kpb_alloc(SITE, sizeof *op);
    if (!op)
        return kpb_fail_memory(reterr, SITE);
    op->vault = v;
    op->id = id;
    op->kind = kind;
    copy_request(op, request);
    atomic_init(&op->canceled, false);
    kp_buf_init_secret(&op->answer.value, SITE, 2 * KP_PAYLOAD_MAX_LEN);
    ft_faults_draw(&v->faults, v->host.clock_ns(v->host.self), &op->plan);
    *ret_state = op;
    start_on_loop(op);
    return KP_OK;
}

void ft_op_cancel(void *vault, kp_op_id id, void *state)
{
    struct ft_op *op = state;
    const struct kp_host *host = &op->vault->host;
    struct kp_error err;
    (void)vault;
    (void)id;
    atomic_store(&op->canceled, true);
    if (op->state == FT_OP_SILENT)
        end(op, ft_op_check(op, &err), &err);
    else if ((op->state == FT_OP_DELAYED || op->state == FT_OP_WAITING) && op->timer != 0)
        host->timer_hasten(host->self, op->timer);
}

void ft_op_done(void *vault, kp_op_id id, void *state)
{
    struct ft_op *op = state;
    (void)vault;
    (void)id;
    kpc_key_release(op->fresh);
    kp_buf_clear(&op->answer.value);
    ft_arena_clear(&op->answer.arena);
    kpb_free(op);
}
