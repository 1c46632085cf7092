#include "plugins/azure-rest/op.h"

#include <string.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "plugins/azure-rest/hint.h"
#include "plugins/azure-rest/judge.h"
#include "plugins/azure-rest/op_parts.h"

#define SITE "azure-rest.op"
#define NS_PER_MS UINT64_C(1000000)
#define SLOW_PER_S 10u /* of one partition: what makes keys, moves or removes them */
#define IDLE_MAX 256u  /* operations kept for the next: the host's default of those in flight */

/* ---- Requests of other ages ---- */

static void copy_sized(const void *from, uint32_t from_size, void *to, size_t to_size)
{
    memset(to, 0, to_size);
    memcpy(to, from, from_size < to_size ? from_size : to_size);
}

static void copy_request(struct azr_op *op, const struct kp_request *request)
{
    copy_sized(request, request->struct_size, &op->request, sizeof op->request);
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

/* ---- Operations kept for the next ---- */

static struct azr_op *take_idle(struct azr_vault *v)
{
    struct azr_op *op = v->idle;
    if (!op)
        return NULL;
    v->idle = op->next_idle;
    v->n_idle--;
    op->next_idle = NULL;
    return op;
}

static struct azr_op *new_op(void)
{
    struct azr_op *op = kpb_alloc(SITE, sizeof *op);
    if (op)
        azr_op_message_init(op);
    return op;
}

static void free_op(struct azr_op *op)
{
    azr_op_message_clear(op);
    kpb_free(op);
}

void azr_op_free_idle(struct azr_vault *vault)
{
    for (struct azr_op *op = take_idle(vault); op; op = take_idle(vault))
        free_op(op);
}

static void recycle(struct azr_op *op)
{
    struct azr_vault *v = op->vault;
    azr_token_release(op->token);
    op->token = NULL;
    if (v->n_idle >= IDLE_MAX || !azr_op_message_reset(op)) {
        free_op(op);
        return;
    }
    op->next_idle = v->idle;
    v->idle = op;
    v->n_idle++;
}

static struct azr_op *begin_op(struct azr_vault *v, kp_op_id id, const struct kp_request *request)
{
    struct azr_op *op = take_idle(v);
    if (!op)
        op = new_op();
    if (!op)
        return NULL;
    op->vault = v;
    op->id = id;
    op->http = 0;
    op->timer = 0;
    op->is_canceled = false;
    op->is_renewed = false;
    op->has_claims = false;
    op->is_looking = false;
    op->is_pacing = false;
    op->has_asked = false;
    op->patience_ns = 0;
    copy_request(op, request);
    return op;
}

/* ---- Ending ---- */

static void end_ok(struct azr_op *op)
{
    const struct kp_host *host = &op->vault->host;
    op->state = AZR_OP_ENDED;
    /* Refused only when the host ended the operation before us; either way it is over. */
    kpb_ignore(host->finish(host->self, op->id, KP_OK, azr_op_reply(op), NULL));
}

static void end(struct azr_op *op, kp_status status, const struct kp_error *error)
{
    const struct kp_host *host = &op->vault->host;
    op->state = AZR_OP_ENDED;
    kpb_ignore(host->finish(host->self, op->id, status, NULL, error)); /* as above */
}

static void end_canceled(struct azr_op *op, uint32_t exposure)
{
    struct kp_error error;
    kp_status st = kpb_fail(&error, KP_CANCELED, "the operation was canceled");
    error.exposure = exposure;
    end(op, st, &error);
}

/* ---- Sending ---- */

static void go_on_loop(struct azr_op *op);
static void look_again(struct azr_op *op, uint64_t at_least_ms);

/* What fails while looking is looked for again: the request is done, and must not be repeated. */
static void fail(struct azr_op *op, kp_status status, const struct kp_error *error)
{
    if (op->is_looking)
        look_again(op, 0);
    else
        end(op, status, error);
}

static void judge(struct azr_op *op, const struct kp_http_reply *reply);

static void replied_on_loop(void *arg, kp_status status, const struct kp_http_reply *reply,
                            const struct kp_error *error)
{
    struct azr_op *op = arg;
    struct kp_error own;
    op->http = 0;
    if (status == KP_OK) {
        judge(op, reply);
        return;
    }
    kp_error_init(&own);
    own.exposure = KP_MAYBE_SENT;
    if (error)
        own = *error;
    if (op->asking)
        own.exposure = KP_NOT_SENT; /* of the request proper */
    if (op->is_canceled)
        end_canceled(op, op->is_looking ? KP_ANSWERED : own.exposure);
    else
        fail(op, azr_op_silence(op, status, &own), &own);
}

/* The host copies URL, headers and body at once; having no memory for them has a number. */
static void word_refusal(const struct azr_op *op, kp_status st, struct kp_error *error)
{
    kpb_ignore(kpb_fail(error, st, "the host takes no request: %s", kp_status_meaning(st)));
    if (st == KP_NO_MEMORY)
        error->code = azr_fault_code(op->request.op, AZR_FAULT_HEADER_MEMORY);
}

static void send_on_loop(struct azr_op *op)
{
    const struct kp_host *host = &op->vault->host;
    struct kp_http_request request;
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = azr_op_http(op, &request, &error);
    op->state = AZR_OP_SENDING;
    if (st == KP_OK) {
        st = host->http(host->self, op->id, &request, replied_on_loop, op, &op->http);
        if (st != KP_OK)
            word_refusal(op, st, &error);
    }
    if (st != KP_OK)
        fail(op, st, &error);
}

/* ---- Tokens ---- */

static struct azr_op *op_of(struct azr_waiter *waiter)
{
    return (struct azr_op *)(void *)((char *)waiter - offsetof(struct azr_op, waiter));
}

static void waited(struct azr_waiter *waiter, kp_status status, struct azr_token *token,
                   const struct kp_error *error)
{
    struct azr_op *op = op_of(waiter);
    if (status != KP_OK) {
        fail(op, status, error);
        return;
    }
    op->token = azr_token_acquire(token);
    send_on_loop(op);
}

static void go_on_loop(struct azr_op *op)
{
    struct azr_access *access = &op->vault->access;
    struct kp_error error;
    kp_error_init(&error);
    op->token = azr_access_get(access);
    if (op->token) {
        send_on_loop(op);
        return;
    }
    op->state = AZR_OP_WAITING;
    kp_status st = azr_access_wait(access, &op->waiter, waited, &error);
    if (st != KP_OK)
        fail(op, st, &error);
}

/*
 * The first 401 is answered with a fresh token. So is a second one that asks for claims where the
 * first did not; any other is the answer.
 */
static bool may_renew(const struct azr_op *op, const struct kp_http_reply *reply)
{
    return !op->is_renewed || (!op->has_claims && azr_access_asks_claims(reply));
}

static void renew(struct azr_op *op, const struct kp_http_reply *reply)
{
    struct kp_error error;
    kp_error_init(&error);
    op->is_renewed = true;
    op->has_claims = azr_access_asks_claims(reply);
    kp_status st = azr_access_refused(&op->vault->access, op->token, reply, &error);
    azr_token_release(op->token);
    op->token = NULL;
    if (st != KP_OK) {
        error.exposure = KP_ANSWERED_REFUSED;
        error.http_status = reply->http_status;
        end(op, st, &error);
    } else if (op->is_canceled) {
        end_canceled(op, KP_ANSWERED_REFUSED);
    } else {
        go_on_loop(op);
    }
}

/* ---- Pauses ---- */

static uint32_t exposure_of_pause(const struct azr_op *op)
{
    if (op->is_pacing)
        return KP_NOT_SENT;
    return op->is_looking ? KP_ANSWERED : KP_ANSWERED_REFUSED;
}

static void paused_on_loop(void *arg)
{
    struct azr_op *op = arg;
    op->timer = 0;
    azr_token_release(op->token);
    op->token = NULL;
    if (op->is_canceled) {
        end_canceled(op, exposure_of_pause(op));
    } else {
        op->is_pacing = false;
        go_on_loop(op);
    }
}

/* False where the deadline comes first. */
static bool pause_for(struct azr_op *op, uint64_t ms)
{
    const struct kp_host *host = &op->vault->host;
    if (op->is_canceled || ms >= host->time_left_ms(host->self, op->id))
        return false;
    op->state = AZR_OP_PAUSING;
    return host->timer(host->self, op->id, (uint32_t)ms, paused_on_loop, op, &op->timer) == KP_OK;
}

/* ---- Admission ---- */

static kp_status refuse_pace(const struct azr_op *op, uint64_t wait_ms, struct kp_error *reterr)
{
    kp_status st =
        kpb_fail(reterr, KP_THROTTLED,
                 "%s: the %s's documented rate allows it in %llu ms only, which is past "
                 "the deadline; ask less often, or raise the setting partitions",
                 kp_op_text(op->request.op), op->vault->profile->noun, (unsigned long long)wait_ms);
    if (reterr)
        reterr->retry_after_ms = (uint32_t)(wait_ms < UINT32_MAX ? wait_ms : UINT32_MAX - 1);
    return st;
}

/*
 * Begins, at once or when it is the operation's turn. Errors: throttled, the turn comes too late;
 * nothing was begun.
 */
static kp_status begin_in_turn(struct azr_op *op, struct kp_error *reterr)
{
    struct azr_vault *v = op->vault;
    const uint32_t rate = azr_rate_of(v->profile->rates, op->request.op, op->request.alg);
    const uint32_t per_s = rate * v->partitions;
    struct azr_pace *pace = rate <= SLOW_PER_S ? &v->slow : &v->fast;
    const uint64_t wait_ms = per_s > 0 ? azr_pace_take(pace, per_s, azr_now_ns(v)) / NS_PER_MS : 0;
    if (wait_ms == 0) {
        go_on_loop(op);
        return KP_OK;
    }
    op->is_pacing = true;
    if (pause_for(op, wait_ms))
        return KP_OK;
    azr_pace_give_back(pace, per_s);
    return refuse_pace(op, wait_ms, reterr);
}

/* ---- Looks after a delete or recover ---- */

static void look_again(struct azr_op *op, uint64_t at_least_ms)
{
    struct kp_error error;
    uint64_t ms = op->vault->poll_ms > at_least_ms ? op->vault->poll_ms : at_least_ms;
    if (pause_for(op, ms))
        return;
    kp_status st = kpb_fail(&error, KP_TIMEOUT,
                            "the vault has accepted the %s of key %.*s, but does not show it yet; "
                            "look again later instead of repeating it",
                            kp_op_text(op->request.op), (int)op->request.name.len,
                            (const char *)op->request.name.ptr);
    error.exposure = KP_ANSWERED;
    end(op, st, &error);
}

static void start_looking(struct azr_op *op)
{
    op->is_looking = true;
    azr_token_release(op->token);
    op->token = NULL;
    go_on_loop(op);
}

/* 403: not allowed to look, so there is nothing to wait for; the official clients agree. */
static void judge_look(struct azr_op *op, const struct kp_http_reply *reply)
{
    enum azr_trouble trouble = AZR_TROUBLE_OTHER;
    struct kp_error error;
    if (reply->http_status == 200 || reply->http_status == 403) {
        end_ok(op);
        return;
    }
    kp_error_init(&error);
    kp_status st = azr_op_error(op, reply, &trouble, &error);
    if (trouble == AZR_TROUBLE_NOT_FOUND || trouble == AZR_TROUBLE_PASSING ||
        trouble == AZR_TROUBLE_THROTTLED) {
        look_again(op, error.retry_after_ms == KP_NO_RETRY_HINT ? 0 : error.retry_after_ms);
        return;
    }
    kpb_error_prefix(&error, "the %s was accepted; looking whether it has spread",
                     kp_op_text(op->request.op));
    error.exposure = KP_ANSWERED;
    end(op, st, &error);
}

/* ---- Answers ---- */

/* What was asked is known now: the request proper, with the same token. */
static void resolve(struct azr_op *op, const struct kp_http_reply *reply)
{
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = azr_op_resolve(op, reply, &error);
    error.exposure = KP_NOT_SENT; /* of the request proper */
    if (st == KP_OK)
        send_on_loop(op);
    else
        end(op, st, &error);
}

static void judge_success(struct azr_op *op, const struct kp_http_reply *reply)
{
    struct kp_error error;
    kp_error_init(&error);
    if (op->asking) {
        resolve(op, reply);
        return;
    }
    kp_status st = azr_op_parse(op, reply, &error);
    if (st == KP_OK)
        azr_op_note(op);
    if (st != KP_OK)
        end(op, st, &error);
    else if (azr_op_spreads(op))
        start_looking(op);
    else
        end_ok(op);
}

/* Whether it waits until the region that was asked knows a key that was just made. */
static bool waits_for_region(struct azr_op *op, struct kp_error *error)
{
    unsigned age_s = 0;
    if (!azr_op_is_early(op, &age_s))
        return false;
    if (pause_for(op, op->vault->poll_ms))
        return true;
    kpb_error_prefix(error, "made %u s ago, and perhaps not in this region yet", age_s);
    return false;
}

/* Without the right to look, or with nothing to see, the service decides. */
static bool may_go_on_unasked(const struct azr_op *op, enum azr_trouble trouble)
{
    return op->asking == AZR_ASKING_POLICY &&
           (trouble == AZR_TROUBLE_FORBIDDEN || trouble == AZR_TROUBLE_NOT_FOUND);
}

static void judge_failure(struct azr_op *op, const struct kp_http_reply *reply)
{
    enum azr_trouble trouble = AZR_TROUBLE_OTHER;
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = azr_op_error(op, reply, &trouble, &error);
    if (op->asking)
        error.exposure = KP_NOT_SENT; /* of the request proper */
    if (azr_op_may_wait(op, trouble) && pause_for(op, op->vault->poll_ms))
        return;
    if (trouble == AZR_TROUBLE_NOT_FOUND && waits_for_region(op, &error))
        return;
    if (may_go_on_unasked(op, trouble))
        resolve(op, NULL);
    else
        end(op, st, &error);
}

static void judge(struct azr_op *op, const struct kp_http_reply *reply)
{
    if (reply->http_status == 401 && may_renew(op, reply))
        renew(op, reply);
    else if (op->is_looking)
        judge_look(op, reply);
    else if (reply->http_status == 200 || reply->http_status == 204)
        judge_success(op, reply);
    else
        judge_failure(op, reply);
}

/* ---- Slots ---- */

kp_status azr_op_submit(void *vault, kp_op_id id, const struct kp_request *request,
                        void **ret_state, struct kp_error *reterr)
{
    struct azr_vault *v = vault;
    struct azr_op *op = begin_op(v, id, request);
    if (!op)
        return kpb_fail_memory(reterr, SITE);
    kp_status st = azr_op_build(op, reterr);
    if (st != KP_OK) {
        recycle(op);
        return st;
    }
    *ret_state = op;
    st = begin_in_turn(op, reterr);
    if (st != KP_OK)
        recycle(op);
    return st;
}

void azr_op_cancel(void *vault, kp_op_id id, void *state)
{
    struct azr_op *op = state;
    struct azr_vault *v = vault;
    (void)id;
    op->is_canceled = true;
    if (op->state == AZR_OP_WAITING) {
        azr_access_leave(&v->access, &op->waiter);
        end_canceled(op, op->is_looking ? KP_ANSWERED : KP_NOT_SENT);
    } else if (op->state == AZR_OP_SENDING && op->http != 0) {
        v->host.http_cancel(v->host.self, op->http);
    } else if (op->state == AZR_OP_PAUSING && op->timer != 0) {
        v->host.timer_hasten(v->host.self, op->timer);
    }
}

void azr_op_done(void *vault, kp_op_id id, void *state)
{
    (void)vault;
    (void)id;
    recycle(state);
}
