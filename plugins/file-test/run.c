/*
 * The inline path: a loaded key, one stat, the computation, no lock but for the look-up. Whatever
 * is not ready declines with unsupported, and submit does it.
 */
#include "plugins/file-test/fail.h"
#include "plugins/file-test/table.h"
#include "plugins/file-test/use.h"

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"

#define RUN_VALUE_MAX_LEN 1024u /* bytes of value: what a wrapped key or a digest never exceeds */
#define RUN_ROOM_LEN 1536u      /* a result of that or of RSA-4096 */

static kp_status run_random(struct ft_vault *v, const struct kp_request *request,
                            kp_answer_fn *answer, void *answer_ctx, struct kp_error *reterr)
{
    uint8_t room[KP_RANDOM_MAX_LEN];
    uint32_t n = request->count;
    if (n == 0 || n > sizeof room)
        return FT_FAIL_USAGE(reterr, "random gives 1 to %u bytes at a time", KP_RANDOM_MAX_LEN);
    if (v->host.random(v->host.self, room, n) != KP_OK)
        return kpb_fail(reterr, KP_INTERNAL, "the host has no random bytes");
    const struct kp_reply reply = {.struct_size = sizeof reply, .value = kpb_span(room, n)};
    answer(answer_ctx, &reply);
    kpb_wipe(room, sizeof room);
    return KP_OK;
}

static kp_status run_loaded(struct ft_vault *v, const struct ft_loaded *loaded,
                            const struct kp_request *request, kp_answer_fn *answer,
                            void *answer_ctx, struct kp_error *reterr)
{
    uint8_t room[RUN_ROOM_LEN];
    struct ft_use use;
    if (!ft_loaded_is_fresh(loaded, &v->store) || ft_now_unix_s(v) >= loaded->reload_unix_s ||
        ft_use_room(loaded, request) > sizeof room)
        return KP_UNSUPPORTED;
    kp_status st = ft_use_check(v, loaded, request, reterr);
    if (st != KP_OK)
        return st;
    st = ft_use_key(v, loaded, request, room, sizeof room, &use, reterr);
    if (st == KP_OK)
        answer(answer_ctx, &use.reply);
    kpb_wipe(room, use.result.value.len);
    return st;
}

kp_status ft_run(void *vault, const struct kp_request *request, kp_answer_fn *answer,
                 void *answer_ctx, struct kp_error *reterr)
{
    struct ft_vault *v = vault;
    struct kp_request own;
    if (ft_faults_active(&v->faults))
        return KP_UNSUPPORTED;
    ft_request_copy(request, &own);
    if (own.op == KP_OP_RANDOM)
        return run_random(v, &own, answer, answer_ctx, reterr);
    if (own.value.len > RUN_VALUE_MAX_LEN)
        return KP_UNSUPPORTED;
    struct ft_loaded *loaded = ft_keys_acquire(&v->keys, own.name, own.version);
    if (!loaded)
        return KP_UNSUPPORTED;
    kp_status st = run_loaded(v, loaded, &own, answer, answer_ctx, reterr);
    ft_loaded_release(loaded);
    return st;
}
