#include "core/block.h"

#include <stdbool.h>

#include "base/mem.h"
#include "core/spans.h"

#define PACK_ALIGN 8u

kp_status kpi_block_alloc(struct kpi_block *block, const char *site, size_t len)
{
    void *ptr = kpb_secret_alloc(site, len);
    if (!ptr)
        return KP_NO_MEMORY;
    *block = (struct kpi_block){ptr, len, 0};
    return KP_OK;
}

void kpi_block_free(struct kpi_block *block)
{
    if (block->ptr)
        kpb_secret_free(block->ptr, block->len);
    *block = (struct kpi_block){NULL, 0, 0};
}

void kpi_block_wipe(struct kpi_block *block)
{
    kpb_wipe(block->ptr, block->used);
    block->used = 0;
}

/* What an earlier, longer copy left counts too. */
static void note_used(struct kpi_block *block, size_t used)
{
    if (used > block->used)
        block->used = used;
}

/* Makes room for len bytes: the block at hand, or another in its place. */
static kp_status make_room(struct kpi_block *block, const char *site, size_t len)
{
    struct kpi_block larger;
    if (len <= block->len)
        return KP_OK;
    kp_status st = kpi_block_alloc(&larger, site, len);
    if (st != KP_OK)
        return st;
    kpi_block_free(block);
    *block = larger;
    return KP_OK;
}

/* Lays things out one after another in cap bytes. From where these end it only measures. */
struct packer {
    uint8_t *base;
    size_t cap;
    size_t used;
};

/* Takes len bytes from at on; NULL when they do not fit. A sum too large for a size_t never
 * fits. */
static void *take_room(struct packer *p, size_t at, size_t len)
{
    p->used = len <= SIZE_MAX - at ? at + len : SIZE_MAX;
    return p->used <= p->cap ? p->base + at : NULL;
}

static void *pack_room(struct packer *p, size_t len)
{
    if (p->used > SIZE_MAX - PACK_ALIGN)
        return NULL;
    return take_room(p, (p->used + PACK_ALIGN - 1) & ~(size_t)(PACK_ALIGN - 1), len);
}

static void pack_bytes(struct packer *p, kp_span *span)
{
    uint8_t *room = take_room(p, p->used, span->len); /* needs no alignment: packed tightly */
    if (room)
        memcpy(room, span->ptr, span->len);
    span->ptr = room;
}

static inline void pack_span(struct packer *p, kp_span *span)
{
    if (span->len == 0)
        span->ptr = NULL; /* most members of most structs */
    else
        pack_bytes(p, span);
}

static const struct kp_tag *pack_tags(struct packer *p, const struct kp_tag *tags, uint32_t n)
{
    if (n == 0)
        return NULL;
    struct kp_tag *room = pack_room(p, n * sizeof *tags);
    for (uint32_t i = 0; i < n; i++) {
        struct kp_tag tag = tags[i];
        pack_span(p, &tag.name);
        pack_span(p, &tag.value);
        if (room)
            room[i] = tag;
    }
    return room;
}

static const struct kp_key_params *pack_params(struct packer *p, const struct kp_key_params *src)
{
    struct kp_key_params params;
    kpi_struct_read(&params, sizeof params, src);
    void *room = pack_room(p, sizeof params);
    params.tags = pack_tags(p, params.tags, params.n_tags);
#define XX(member) pack_span(p, &params.member);
    KPI_KEY_PARAMS_SPANS(XX)
#undef XX
    if (room)
        memcpy(room, &params, sizeof params);
    return room;
}

static const struct kp_rotation_policy *pack_policy(struct packer *p,
                                                    const struct kp_rotation_policy *src)
{
    struct kp_rotation_policy policy;
    kpi_struct_read(&policy, sizeof policy, src);
    if (policy.n_rules > KP_ROTATION_ACTIONS_MAX)
        policy.n_rules = KP_ROTATION_ACTIONS_MAX;
    void *room = pack_room(p, sizeof policy);
    for (uint32_t i = 0; i < policy.n_rules; i++)
        pack_span(p, &policy.rules[i].duration);
    pack_span(p, &policy.expiry);
    if (room)
        memcpy(room, &policy, sizeof policy);
    return room;
}

static const struct kp_key_info *pack_key(struct packer *p, const struct kp_key_info *src)
{
    struct kp_key_info key;
    kpi_struct_read(&key, sizeof key, src);
    void *room = pack_room(p, sizeof key);
    key.tags = pack_tags(p, key.tags, key.n_tags);
#define XX(member) pack_span(p, &key.member);
    KPI_KEY_INFO_SPANS(XX)
#undef XX
    if (room)
        memcpy(room, &key, sizeof key);
    return room;
}

static const struct kp_key_info *const *pack_keys(struct packer *p, const struct kp_reply *reply)
{
    const struct kp_key_info **room = pack_room(p, reply->n_keys * sizeof *room);
    for (uint32_t i = 0; i < reply->n_keys; i++) {
        const struct kp_key_info *key = reply->keys[i] ? pack_key(p, reply->keys[i]) : NULL;
        if (room)
            room[i] = key;
    }
    return room;
}

static const struct kp_request *pack_request(struct packer *p, const struct kp_request *src)
{
    struct kp_request measured = {0};
    struct kp_request *room = pack_room(p, sizeof *room);
    struct kp_request *to = room ? room : &measured;
    *to = *src;
    to->params = src->params ? pack_params(p, src->params) : NULL;
    to->policy = src->policy ? pack_policy(p, src->policy) : NULL;
#define XX(member) pack_span(p, &to->member);
    KPI_REQUEST_SPANS(XX)
#undef XX
    return room;
}

static const struct kp_reply *pack_reply(struct packer *p, const struct kp_reply *src)
{
    struct kp_reply measured = {0};
    struct kp_reply *room = pack_room(p, sizeof *room);
    struct kp_reply *to = room ? room : &measured;
    kpi_struct_read(to, sizeof *to, src);
    to->key = to->key ? pack_key(p, to->key) : NULL;
    to->keys = to->n_keys > 0 ? pack_keys(p, to) : NULL;
    to->policy = to->policy ? pack_policy(p, to->policy) : NULL;
#define XX(member) pack_span(p, &to->member);
    KPI_REPLY_SPANS(XX)
#undef XX
    return room;
}

/* ---- The quick way: structs whose only pointers are spans, where there is room for all ---- */

/* Moves *at behind the copy; NULL ends it all: the copy would go beyond end. */
static inline uint8_t *put_span(uint8_t *at, const uint8_t *end, kp_span *span)
{
    if (span->len == 0) {
        span->ptr = NULL; /* most members of most structs */
        return at;
    }
    if (!at || span->len > (size_t)(end - at))
        return NULL;
    memcpy(at, span->ptr, span->len);
    span->ptr = at;
    return at + span->len;
}

/* NULL: not flat, or too long for the block. */
static const struct kp_request *put_request(struct kpi_block *block, const struct kp_request *src)
{
    struct kp_request *to = block->ptr;
    if (src->params || src->policy || block->len < sizeof *to)
        return NULL;
    const uint8_t *end = (const uint8_t *)block->ptr + block->len;
    uint8_t *at = (uint8_t *)(to + 1);
    *to = *src;
#define XX(member) at = put_span(at, end, &to->member);
    KPI_REQUEST_SPANS(XX)
#undef XX
    note_used(block, at ? (size_t)(at - (uint8_t *)to) : block->len);
    return at ? to : NULL;
}

/* NULL: not flat, or too long for the block. */
static const struct kp_reply *put_reply(struct kpi_block *block, const struct kp_reply *src)
{
    struct kp_reply *to = block->ptr;
    if (block->len < sizeof *to)
        return NULL;
    kpi_struct_read(to, sizeof *to, src);
    if (to->key || to->n_keys > 0 || to->policy)
        return NULL;
    const uint8_t *end = (const uint8_t *)block->ptr + block->len;
    uint8_t *at = (uint8_t *)(to + 1);
    to->keys = NULL;
#define XX(member) at = put_span(at, end, &to->member);
    KPI_REPLY_SPANS(XX)
#undef XX
    note_used(block, at ? (size_t)(at - (uint8_t *)to) : block->len);
    return at ? to : NULL;
}

/* ---- Any way ---- */

/* A few lengths only: an area serves later requests that are a little longer. */
static size_t request_area_len(size_t needed)
{
    static const size_t lens[] = {KPI_REQUEST_AREA_MIN_LEN, KPI_REQUEST_AREA_USUAL_LEN,
                                  KPI_REQUEST_AREA_MAX_LEN};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
        if (needed <= lens[i])
            return lens[i];
    return needed;
}

static kp_status pack_request_into(struct kpi_block *block, const struct kp_request *request,
                                   const struct kp_request **ret_request)
{
    struct packer measure = {NULL, 0, 0};
    (void)pack_request(&measure, request);
    kp_status st = make_room(block, "op.request", request_area_len(measure.used));
    if (st != KP_OK)
        return st;
    struct packer write = {block->ptr, block->len, 0};
    *ret_request = pack_request(&write, request);
    note_used(block, write.used);
    return KP_OK;
}

kp_status kpi_block_copy_request(struct kpi_block *block, const struct kp_request *request,
                                 const struct kp_request **ret_request)
{
    const struct kp_request *copy = put_request(block, request);
    if (!copy)
        return pack_request_into(block, request, ret_request);
    *ret_request = copy;
    return KP_OK;
}

static kp_status pack_reply_into(struct kpi_block *block, const struct kp_reply *reply,
                                 const struct kp_reply **ret_reply)
{
    struct packer write = {block->ptr, block->len, 0};
    const struct kp_reply *copy = pack_reply(&write, reply);
    if (write.used > block->len) {
        block->used = block->len; /* written in part */
        kp_status st = make_room(block, "op.reply", write.used);
        if (st != KP_OK)
            return st;
        write = (struct packer){block->ptr, block->len, 0};
        copy = pack_reply(&write, reply);
    }
    note_used(block, write.used);
    *ret_reply = copy;
    return KP_OK;
}

kp_status kpi_block_copy_reply(struct kpi_block *block, const struct kp_reply *reply,
                               const struct kp_reply **ret_reply)
{
    const struct kp_reply *copy = put_reply(block, reply);
    if (!copy)
        return pack_reply_into(block, reply, ret_reply);
    *ret_reply = copy;
    return KP_OK;
}
