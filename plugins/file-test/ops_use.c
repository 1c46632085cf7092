/* Encrypt, decrypt, wrap, unwrap, sign, verify and random on a worker. */
#include "plugins/file-test/load.h"
#include "plugins/file-test/op.h"
#include "plugins/file-test/use.h"

#include "base/errors.h"
#include "base/span.h"

#define SITE "file-test.use"

/* Copies the small parts that point into use or the key; value is in the answer's buffer
 * already. */
static kp_status take_reply(struct ft_op *op, const struct ft_use *use, struct kp_error *reterr)
{
    struct kp_reply *reply = &op->answer.reply;
    struct ft_arena *arena = &op->answer.arena;
    *reply = use->reply;
    kp_status st = ft_arena_copy(arena, use->reply.name, &reply->name);
    if (st == KP_OK)
        st = ft_arena_copy(arena, use->reply.version, &reply->version);
    if (st == KP_OK)
        st = ft_arena_copy(arena, use->reply.iv, &reply->iv);
    if (st == KP_OK)
        st = ft_arena_copy(arena, use->reply.tag, &reply->tag);
    return st == KP_OK ? KP_OK : kpb_fail_memory(reterr, SITE);
}

static kp_status use_loaded(struct ft_op *op, const struct ft_loaded *loaded,
                            struct kp_error *reterr)
{
    struct ft_use use;
    uint8_t *room = NULL;
    kp_status st = ft_use_check(op->vault, loaded, &op->request, reterr);
    if (st != KP_OK)
        return st;
    size_t cap = ft_use_room(loaded, &op->request);
    if (cap > 0 && kp_buf_extend(&op->answer.value, cap, &room) != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    st = ft_use_key(op->vault, loaded, &op->request, room, cap, &use, reterr);
    return st == KP_OK ? take_reply(op, &use, reterr) : st;
}

kp_status ft_op_use(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_loaded *loaded = NULL;
    (void)lock;
    kp_status st = ft_load_key(op->vault, op->request.name, op->request.version, &loaded, reterr);
    if (st == KP_OK)
        st = use_loaded(op, loaded, reterr);
    ft_loaded_release(loaded);
    return st;
}

kp_status ft_op_random(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    const struct kp_host *host = &op->vault->host;
    uint32_t n = op->request.count;
    uint8_t *room;
    (void)lock;
    if (n == 0 || n > KP_RANDOM_MAX_LEN)
        return FT_FAIL_USAGE(reterr, "random gives 1 to %u bytes at a time", KP_RANDOM_MAX_LEN);
    if (kp_buf_extend(&op->answer.value, n, &room) != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    if (host->random(host->self, room, n) != KP_OK)
        return kpb_fail(reterr, KP_INTERNAL, "the host has no random bytes");
    op->answer.reply.value = kpb_span(room, n);
    return KP_OK;
}
