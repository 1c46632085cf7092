#include "core/block.h"

#include <string.h>

#include "base/mem.h"

#define PACK_ALIGN 8u

kp_status kpi_block_alloc(struct kpi_block *block, const char *site, size_t len)
{
    void *ptr = kpb_secret_alloc(site, len);
    if (!ptr)
        return KP_NO_MEMORY;
    block->ptr = ptr;
    block->len = len;
    return KP_OK;
}

void kpi_block_free(struct kpi_block *block)
{
    kpb_secret_free(block->ptr, block->len);
    block->ptr = NULL;
    block->len = 0;
}

void kpi_struct_read(void *dst, size_t len, const void *src)
{
    uint32_t given;
    memcpy(&given, src, sizeof given);
    memset(dst, 0, len);
    memcpy(dst, src, given < len ? given : len);
    given = (uint32_t)len;
    memcpy(dst, &given, sizeof given);
}

/* Lays things out one after another; with base NULL it only measures. */
struct packer {
    uint8_t *base;
    size_t used;
};

static void *pack_room(struct packer *p, size_t len)
{
    size_t at = (p->used + PACK_ALIGN - 1) & ~(size_t)(PACK_ALIGN - 1);
    p->used = at + len;
    return p->base ? p->base + at : NULL;
}

static void pack_span(struct packer *p, kp_span *span)
{
    if (span->len == 0) {
        span->ptr = NULL;
        return;
    }
    /* Spans need no alignment: packed tightly. */
    uint8_t *room = p->base ? p->base + p->used : NULL;
    p->used += span->len;
    if (room)
        memcpy(room, span->ptr, span->len);
    span->ptr = room;
}

static void pack_spans(struct packer *p, kp_span *const spans[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        pack_span(p, spans[i]);
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
    if (!src)
        return NULL;
    kpi_struct_read(&params, sizeof params, src);
    void *room = pack_room(p, sizeof params);
    params.tags = pack_tags(p, params.tags, params.n_tags);
    kp_span *const spans[] = {&params.release_policy,
                              &params.n,
                              &params.e,
                              &params.d,
                              &params.p,
                              &params.q,
                              &params.dp,
                              &params.dq,
                              &params.qi,
                              &params.x,
                              &params.y,
                              &params.k,
                              &params.key_hsm};
    pack_spans(p, spans, sizeof spans / sizeof spans[0]);
    if (room)
        memcpy(room, &params, sizeof params);
    return room;
}

static const struct kp_rotation_policy *pack_policy(struct packer *p,
                                                    const struct kp_rotation_policy *src)
{
    struct kp_rotation_policy policy;
    if (!src)
        return NULL;
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
    if (!src)
        return NULL;
    kpi_struct_read(&key, sizeof key, src);
    void *room = pack_room(p, sizeof key);
    key.tags = pack_tags(p, key.tags, key.n_tags);
    kp_span *const spans[] = {&key.name,
                              &key.version,
                              &key.kid,
                              &key.n,
                              &key.e,
                              &key.x,
                              &key.y,
                              &key.recovery_level,
                              &key.recovery_id,
                              &key.hsm_platform,
                              &key.release_policy};
    pack_spans(p, spans, sizeof spans / sizeof spans[0]);
    if (room)
        memcpy(room, &key, sizeof key);
    return room;
}

static const struct kp_key_info *const *pack_keys(struct packer *p, const struct kp_reply *reply)
{
    if (reply->n_keys == 0)
        return NULL;
    const struct kp_key_info **room = pack_room(p, reply->n_keys * sizeof *room);
    for (uint32_t i = 0; i < reply->n_keys; i++) {
        const struct kp_key_info *key = pack_key(p, reply->keys[i]);
        if (room)
            room[i] = key;
    }
    return room;
}

static const struct kp_request *pack_request(struct packer *p, const struct kp_request *src)
{
    struct kp_request request;
    kpi_struct_read(&request, sizeof request, src);
    void *room = pack_room(p, sizeof request);
    request.params = pack_params(p, request.params);
    request.policy = pack_policy(p, request.policy);
    kp_span *const spans[] = {
        &request.name, &request.version,   &request.value,      &request.iv,    &request.aad,
        &request.tag,  &request.signature, &request.page_token, &request.nonce, &request.enc};
    pack_spans(p, spans, sizeof spans / sizeof spans[0]);
    if (room)
        memcpy(room, &request, sizeof request);
    return room;
}

static const struct kp_reply *pack_reply(struct packer *p, const struct kp_reply *src)
{
    struct kp_reply reply;
    kpi_struct_read(&reply, sizeof reply, src);
    void *room = pack_room(p, sizeof reply);
    reply.key = pack_key(p, reply.key);
    reply.keys = pack_keys(p, &reply);
    reply.policy = pack_policy(p, reply.policy);
    kp_span *const spans[] = {&reply.name, &reply.version, &reply.kid, &reply.value,
                              &reply.iv,   &reply.tag,     &reply.aad, &reply.next_page};
    pack_spans(p, spans, sizeof spans / sizeof spans[0]);
    if (room)
        memcpy(room, &reply, sizeof reply);
    return room;
}

kp_status kpi_block_copy_request(struct kpi_block *block, const struct kp_request *request,
                                 const struct kp_request **ret_request)
{
    struct packer measure = {NULL, 0};
    (void)pack_request(&measure, request);
    kp_status st = kpi_block_alloc(block, "op.request", measure.used);
    if (st != KP_OK)
        return st;
    struct packer write = {block->ptr, 0};
    *ret_request = pack_request(&write, request);
    return KP_OK;
}

kp_status kpi_block_copy_reply(struct kpi_block *block, const struct kp_reply *reply,
                               const struct kp_reply **ret_reply)
{
    struct packer measure = {NULL, 0};
    (void)pack_reply(&measure, reply);
    if (measure.used > block->len) {
        struct kpi_block larger;
        kp_status st = kpi_block_alloc(&larger, "op.reply", measure.used);
        if (st != KP_OK)
            return st;
        kpi_block_free(block);
        *block = larger;
    }
    struct packer write = {block->ptr, 0};
    *ret_reply = pack_reply(&write, reply);
    return KP_OK;
}
