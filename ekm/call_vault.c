/* One operation of a call: submitted, waited for, tried again while there is patience. */
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "ekm/call.h"
#include "ekm/vault.h"

/* Past the deadline we wait this much longer for the core to say so itself. */
#define GRACE_MS 2000u
#define PAUSE_MS 250u
#define PAUSE_MAX_MS 2000u

/* Owned by the waiting thread and by the completion together; the last one frees it. */
struct ekm_wait {
    struct ekm_wait *next; /* of the session */
    struct ekm_sync *sync;
    uint32_t n_refs; /* under sync, as the rest */
    bool is_done;
    struct kp_result result;
    struct ekm_answer answer;
    /* ---- under the session's sync ---- */
    kp_op_id id;
    bool has_id;
};

/* ---- Waits ---- */

static struct ekm_wait *new_wait(void)
{
    struct ekm_wait *wait = kpb_alloc("ekm.wait", sizeof *wait);

    if (wait)
        wait->sync = ekm_sync_new();
    if (wait && wait->sync)
        return wait;
    kpb_free(wait);
    return NULL;
}

static void release_wait(struct ekm_wait *wait)
{
    bool last;

    ekm_sync_lock(wait->sync);
    last = --wait->n_refs == 0;
    ekm_sync_unlock(wait->sync);
    if (!last)
        return;
    kp_result_clear(&wait->result);
    ekm_sync_free(wait->sync);
    kpb_free(wait);
}

/* Loop thread. */
static void fill_answer(const struct kp_result *result, struct ekm_answer *answer)
{
    kp_error_init(&answer->error);
    answer->status = KP_INTERNAL; /* nobody asks: there was no key in it */
    if (result->status == KP_OK && result->reply.key)
        answer->status = ekm_key_fill(result->reply.key, &answer->key, &answer->error);
}

static void operation_done(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct ekm_wait *wait = ctx;

    fill_answer(result, &wait->answer); /* before anybody looks at it */

    (void)id;
    ekm_sync_lock(wait->sync);
    kp_result_take(result, &wait->result);
    wait->is_done = true;
    ekm_sync_wake(wait->sync);
    ekm_sync_unlock(wait->sync);
    release_wait(wait);
}

void ekm_waits_cancel_locked(struct ekm_session *session)
{
    for (struct ekm_wait *wait = session->waits; wait; wait = wait->next) {
        if (wait->has_id)
            kp_cancel(session->provider->kp, wait->id);
    }
}

/* False: the session is aborted already. */
static bool enlist(struct ekm_session *session, struct ekm_wait *wait)
{
    bool open;

    ekm_sync_lock(session->sync);
    open = !session->is_aborted;
    if (open) {
        wait->next = session->waits;
        session->waits = wait;
    }
    ekm_sync_unlock(session->sync);
    return open;
}

/* From now on an abort finds the operation; one that came before is caught up with. */
static void name_operation(struct ekm_session *session, struct ekm_wait *wait, kp_op_id id)
{
    ekm_sync_lock(session->sync);
    wait->id = id;
    wait->has_id = true;
    if (session->is_aborted)
        kp_cancel(session->provider->kp, id);
    ekm_sync_unlock(session->sync);
}

static void delist(struct ekm_session *session, struct ekm_wait *wait)
{
    struct ekm_wait **at = &session->waits;

    ekm_sync_lock(session->sync);
    while (*at && *at != wait)
        at = &(*at)->next;
    if (*at)
        *at = wait->next;
    ekm_sync_unlock(session->sync);
}

/* ---- One attempt ---- */

static kp_status fail_result(struct kp_result *result, kp_status status)
{
    result->status = status;
    return status;
}

static kp_status fail_aborted(struct kp_result *result)
{
    return fail_result(result, kpb_fail(&result->error, KP_CANCELED,
                                        "the session was closed while the call was running"));
}

static kp_status wait_for(struct ekm_call *call, struct ekm_wait *wait, uint32_t timeout_ms,
                          struct kp_result *ret)
{
    uint64_t end = ekm_sync_now_ms(NULL) + timeout_ms + GRACE_MS;
    bool done;

    ekm_sync_lock(wait->sync);
    for (uint64_t now; !wait->is_done && (now = ekm_sync_now_ms(NULL)) < end;)
        ekm_sync_wait(wait->sync, (uint32_t)(end - now));
    done = wait->is_done;
    if (done) {
        kp_result_take(&wait->result, ret);
        call->answer = wait->answer;
    }
    ekm_sync_unlock(wait->sync);
    if (done)
        return ret->status;
    return fail_result(ret, kpb_fail(&ret->error, KP_TIMEOUT,
                                     "the deadline passed and the loop thread did not answer"));
}

static kp_status submit(struct ekm_call *call, kp_vault *vault, const struct kp_request *request,
                        struct ekm_wait *wait, struct kp_result *ret)
{
    kp_op_id id = 0;
    kp_status st;

    wait->n_refs = 2; /* ours and the completion's */
    st = kp_submit(vault, request, operation_done, wait, &id, &ret->error);
    if (st != KP_OK) {
        wait->n_refs = 1; /* there will be no completion */
        return fail_result(ret, st);
    }
    name_operation(call->session, wait, id);
    return wait_for(call, wait, request->timeout_ms, ret);
}

static kp_status attempt(struct ekm_call *call, kp_vault *vault, const struct kp_request *request,
                         struct kp_result *ret)
{
    struct ekm_wait *wait = new_wait();
    kp_status st;

    if (!wait)
        return fail_result(ret, kpb_fail_memory(&ret->error, "ekm.wait"));
    wait->n_refs = 1;
    if (enlist(call->session, wait)) {
        st = submit(call, vault, request, wait, ret);
        delist(call->session, wait);
    } else {
        st = fail_aborted(ret);
    }
    release_wait(wait);
    return st;
}

/* ---- Patience ---- */

static bool is_passing(kp_status status)
{
    return status == KP_TRANSIENT || status == KP_THROTTLED || status == KP_TIMEOUT;
}

/* What cannot be repeated is sent again only when nothing came of it. */
static bool may_repeat(const struct kp_request *request, const struct kp_error *err)
{
    return (kp_op_traits(request->op) & KP_TRAIT_REPEATABLE) || err->exposure == KP_NOT_SENT ||
           err->exposure == KP_ANSWERED_REFUSED;
}

uint64_t ekm_call_left_ms(const struct ekm_call *call)
{
    uint64_t now = ekm_provider_now_ms(call->provider);

    return now < call->deadline_ms ? call->deadline_ms - now : 0;
}

static uint32_t least(uint64_t a, uint64_t b)
{
    uint64_t c = a < b ? a : b;

    return c < UINT32_MAX ? (uint32_t)c : UINT32_MAX;
}

/* Sleeps until the session is aborted, at most ms. */
static void pause_in_session(struct ekm_session *session, uint32_t ms)
{
    uint64_t end = ekm_sync_now_ms(NULL) + ms;

    ekm_sync_lock(session->sync);
    for (uint64_t now; !session->is_aborted && (now = ekm_sync_now_ms(NULL)) < end;)
        ekm_sync_wait(session->sync, (uint32_t)(end - now));
    ekm_sync_unlock(session->sync);
}

static uint64_t patience_left_ms(const struct ekm_call *call)
{
    return ekm_patience_left_ms(call->provider, call->session->vault);
}

/* Grows with each turn; callers that failed together do not come back together. */
static void pause_before(struct ekm_call *call, uint32_t turn)
{
    const struct ekm_environment *env = call->provider->env;
    uint32_t base = turn < 3 ? PAUSE_MS << turn : PAUSE_MAX_MS;
    uint32_t ms =
        least(base + (uint32_t)(call->session->id * 37 % PAUSE_MS), ekm_call_left_ms(call));

    ms = least(ms, patience_left_ms(call));
    if (env->pause)
        env->pause(env->ctx, ms);
    else
        pause_in_session(call->session, ms);
}

static bool tries_again(struct ekm_call *call, const struct kp_request *request,
                        const struct kp_result *result)
{
    return is_passing(result->status) && may_repeat(request, &result->error) &&
           patience_left_ms(call) > 0 && ekm_call_left_ms(call) > 0 &&
           !ekm_session_is_aborted(call->session);
}

static void shape(const struct ekm_call *call, const struct kp_request *asked, uint32_t left,
                  struct kp_request *request)
{
    uint32_t own = asked->timeout_ms ? asked->timeout_ms : UINT32_MAX;

    *request = *asked;
    request->timeout_ms = least(least(own, left), call->provider->settings.timeout_ms);
    request->flags |= KP_REQ_WAIT_FOR_ROOM | KP_REQ_NEVER_INLINE;
    if (patience_left_ms(call) > 0)
        request->flags |= KP_REQ_WAIT_FOR_PROBE;
}

static void init_result(struct kp_result *result)
{
    *result = (struct kp_result){.struct_size = sizeof *result, .status = KP_INTERNAL};
    result->reply.struct_size = sizeof result->reply;
    kp_error_init(&result->error);
}

/* is_waiting says afterwards whether the vault held the call up. */
static kp_status attempts(struct ekm_call *call, kp_vault *vault, const struct kp_request *asked,
                          bool *is_waiting, struct kp_result *ret)
{
    uint64_t began = ekm_provider_now_ms(call->provider);
    struct kp_request request;

    for (uint32_t turn = 0;; turn++) {
        uint32_t left = least(ekm_call_left_ms(call), UINT32_MAX);

        init_result(ret);
        if (left == 0)
            return fail_result(ret, kpb_fail(&ret->error, KP_TIMEOUT,
                                             "the time of the call ran out before the vault was "
                                             "asked"));
        shape(call, asked, left, &request);
        if (attempt(call, vault, &request, ret) == KP_OK || !tries_again(call, asked, ret))
            return ret->status;
        if (!*is_waiting)
            ekm_patience_begin(call->provider, call->session->vault, began);
        *is_waiting = true;
        pause_before(call, turn);
        if (ekm_call_left_ms(call) == 0)
            return ret->status;
        kp_result_clear(ret);
    }
}

kp_status ekm_call_filled(void *ctx, struct ekm_key *ret, struct kp_error *reterr)
{
    const struct ekm_call *call = ctx;

    if (call->answer.status == KP_OK)
        *ret = call->answer.key;
    else if (reterr)
        *reterr = call->answer.error;
    return call->answer.status;
}

kp_status ekm_call_vault(void *ctx, kp_vault *vault, const struct kp_request *request,
                         struct kp_result *ret_result)
{
    struct ekm_call *call = ctx;
    bool is_waiting = false;
    kp_status st = attempts(call, vault, request, &is_waiting, ret_result);

    if (is_waiting)
        ekm_patience_end(call->provider, call->session->vault);
    call->act = st == KP_OK ? EKM_ACT_LOCAL : ekm_act_of(request->op);
    ekm_vault_learn(call->provider, call->session->vault, st, &ret_result->error);
    return st;
}
