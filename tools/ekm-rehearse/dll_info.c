/* The calls without a session. */
#include "base/span.h"
#include "tools/ekm-rehearse/dll_twice.h"
#include "tools/ekm-rehearse/utf16.h"

struct rh_verdict rh_dll_initialize(struct rh_dll *d)
{
    const struct rh_verdict v = rh_seen(d, "InitializeProvider", d->call.InitializeProvider());
    d->is_initialized = v.code == scp_err_Success;
    return v;
}

/* A text the provider wrote, which may be no UTF-16 at all. */
static const char *read_text(struct rh_memory *m, const struct rh_slot *slot, kp_span *ret)
{
    const kp_status st = rh_utf16_to_utf8(kpb_span(slot->ptr, slot->cb), m, ret);
    if (st == KP_NO_MEMORY)
        return "the rehearsal ran out of memory";
    return st == KP_OK ? NULL : "it wrote a text that is no UTF-16";
}

static void put_str(SqlCpStr *str, const struct rh_slot *slot)
{
    str->cb = slot->cb;
    str->ws = (uint16_t *)(void *)slot->ptr;
}

static bool take_str(const SqlCpStr *str, struct rh_slot *slot)
{
    slot->cb = str->cb;
    return (uint8_t *)str->ws == slot->ptr;
}

static SqlCpError info_once(struct rh_dll *d, void *ctx, struct rh_slot *slots, bool *ret_kept)
{
    SqlCpProviderInfo *info = ctx;
    memset(info, 0xa5, sizeof *info);
    put_str(&info->name, &slots[0]);
    const SqlCpError code = d->call.GetProviderInfo(info);
    *ret_kept = take_str(&info->name, &slots[0]);
    return code;
}

struct rh_verdict rh_dll_info(struct rh_dll *d, struct rh_memory *m, struct rh_provider_info *ret)
{
    struct rh_twice t = {.api = "GetProviderInfo", .once = info_once, .ctx = &ret->raw, .n = 1};
    t.slots[0].max_len = x_cbFriendlyNameMaxLen;
    struct rh_verdict v = rh_twice(d, m, &t);
    if (rh_verdict_ok(&v))
        v.broken = read_text(m, &t.slots[0], &ret->name);
    return v;
}

struct rh_verdict rh_dll_next_algorithm(struct rh_dll *d, SqlCpAlgId *id)
{
    const SqlCpAlgId before = *id;
    struct rh_verdict v = rh_seen(d, "GetNextAlgorithmId", d->call.GetNextAlgorithmId(id));
    if (v.code == scp_err_Success && *id <= before)
        v.broken = "it enumerates algorithms without an end";
    return v;
}

struct algorithm_call {
    SqlCpAlgId id;
    SqlCpAlgorithmInfo info;
};

static SqlCpError algorithm_once(struct rh_dll *d, void *ctx, struct rh_slot *slots, bool *ret_kept)
{
    struct algorithm_call *c = ctx;
    memset(&c->info, 0x5a, sizeof c->info);
    put_str(&c->info.algTag, &slots[0]);
    const SqlCpError code = d->call.GetAlgorithmInfo(c->id, &c->info);
    *ret_kept = take_str(&c->info.algTag, &slots[0]);
    return code;
}

struct rh_verdict rh_dll_algorithm(struct rh_dll *d, struct rh_memory *m, SqlCpAlgId id,
                                   struct rh_algorithm *ret)
{
    struct algorithm_call call = {.id = id};
    struct rh_twice t = {.api = "GetAlgorithmInfo", .once = algorithm_once, .ctx = &call, .n = 1};
    kp_span tag = {NULL, 0};
    t.slots[0].max_len = x_cbAlgorithmTagMaxLen;
    struct rh_verdict v = rh_twice(d, m, &t);
    if (!rh_verdict_ok(&v) || (v.broken = read_text(m, &t.slots[0], &tag)))
        return v;
    if (tag.len >= sizeof ret->tag)
        return rh_broken(t.api, v.code, "an algorithm tag is ASCII of at most 60 characters");
    *ret = (struct rh_algorithm){
        .id = id, .type = call.info.type, .bits = call.info.bitLen, .iv_len = call.info.ivLen};
    if (tag.len)
        memcpy(ret->tag, tag.ptr, tag.len);
    return v;
}
