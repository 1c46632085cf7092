/* The calls about sessions and keys. */
#include "base/span.h"
#include "tools/ekm-rehearse/dll_twice.h"
#include "tools/ekm-rehearse/utf16.h"

static const char no_memory[] = "the rehearsal ran out of memory";

/* A text on its way to the provider, followed by poison where a terminator would be. */
static bool give_text(struct rh_memory *m, kp_span text, SqlCpStr *ret)
{
    kp_span wide;
    if (rh_utf16_from_utf8(text, m, &wide) != KP_OK)
        return false;
    uint8_t *copy = rh_memory_take(m, wide.len + 8);
    if (!copy)
        return false;
    memset(copy, 0x41, wide.len + 8);
    memcpy(copy, wide.ptr, wide.len);
    *ret = (SqlCpStr){(uint32_t)wide.len, (uint16_t *)(void *)copy};
    return true;
}

/* The interface has no const; providers must not write here. */
static SqlCpData give_bytes(kp_span bytes)
{
    return (SqlCpData){(uint32_t)bytes.len, (uint8_t *)(uintptr_t)bytes.ptr};
}

struct rh_verdict rh_dll_open_session(struct rh_dll *d, struct rh_memory *m, kp_span identity,
                                      kp_span secret, SqlCpSession *ret)
{
    SqlCpCredential c;
    memset(&c, 0, sizeof c);
    if (!give_text(m, identity, &c.name) || !give_text(m, secret, &c.password))
        return rh_broken("OpenSession", scp_err_Failure, no_memory);
    *ret = NULL;
    return rh_seen(d, "OpenSession", d->call.OpenSession(&c, ret));
}

struct rh_verdict rh_dll_close_session(struct rh_dll *d, SqlCpSession *session, bool is_abort)
{
    return rh_seen(d, "CloseSession", d->call.CloseSession(session, is_abort));
}

/* ---- Key information: one call in three forms ---- */

struct key_call {
    const SqlCpSession *session;
    const SqlCpStr *name;
    const SqlCpKeyThumbprint *thumb;
    SqlCpKeyId id;
    SqlCpKeyInfo info;
};

static SqlCpError ask_key(struct rh_dll *d, struct key_call *c)
{
    if (c->name)
        return d->call.GetKeyInfoByName(c->session, c->name, &c->info);
    if (c->thumb)
        return d->call.GetKeyInfoByThumb(c->session, c->thumb, &c->info);
    return d->call.GetKeyInfoByKeyId(c->session, c->id, &c->info);
}

static SqlCpError key_once(struct rh_dll *d, void *ctx, struct rh_slot *slots, bool *ret_kept)
{
    struct key_call *c = ctx;
    memset(&c->info, 0xc3, sizeof c->info);
    c->info.name = (SqlCpStr){slots[0].cb, (uint16_t *)(void *)slots[0].ptr};
    c->info.thumb = (SqlCpData){slots[1].cb, slots[1].ptr};
    const SqlCpError code = ask_key(d, c);
    *ret_kept = (uint8_t *)c->info.name.ws == slots[0].ptr && c->info.thumb.pb == slots[1].ptr;
    slots[0].cb = c->info.name.cb;
    slots[1].cb = c->info.thumb.cb;
    return code;
}

static struct rh_verdict get_key(struct rh_dll *d, struct rh_memory *m, const char *api,
                                 struct key_call *c, struct rh_key_info *ret)
{
    struct rh_twice t = {.api = api, .once = key_once, .ctx = c, .n = 2};
    t.slots[0].max_len = x_cbKeyNameMaxLen;
    t.slots[1].max_len = x_cbKeyThumbprintMaxLen;
    struct rh_verdict v = rh_twice(d, m, &t);
    if (!rh_verdict_ok(&v))
        return v;
    if (t.slots[1].cb == 0)
        return rh_broken(api, v.code, "it gave a key no thumbprint");
    if (rh_utf16_to_utf8(kpb_span(t.slots[0].ptr, t.slots[0].cb), m, &ret->name) != KP_OK)
        return rh_broken(api, v.code, "it wrote a name that is no UTF-16");
    ret->thumb = kpb_span(t.slots[1].ptr, t.slots[1].cb);
    ret->algorithm = c->info.algId;
    ret->flags = c->info.flags;
    return v;
}

struct rh_verdict rh_dll_key_by_name(struct rh_dll *d, struct rh_memory *m,
                                     const SqlCpSession *session, kp_span name,
                                     struct rh_key_info *ret)
{
    SqlCpStr wide;
    struct key_call c = {.session = session, .name = &wide};
    if (!give_text(m, name, &wide))
        return rh_broken("GetKeyInfoByName", scp_err_Failure, no_memory);
    return get_key(d, m, "GetKeyInfoByName", &c, ret);
}

struct rh_verdict rh_dll_key_by_thumb(struct rh_dll *d, struct rh_memory *m,
                                      const SqlCpSession *session, kp_span thumb,
                                      struct rh_key_info *ret)
{
    const SqlCpKeyThumbprint data = give_bytes(thumb);
    struct key_call c = {.session = session, .thumb = &data};
    struct rh_verdict v = get_key(d, m, "GetKeyInfoByThumb", &c, ret);
    if (rh_verdict_ok(&v) && !kpb_span_eq(ret->thumb, thumb))
        v.broken = "asked for one thumbprint it answered with another";
    return v;
}

struct rh_verdict rh_dll_key_by_id(struct rh_dll *d, struct rh_memory *m,
                                   const SqlCpSession *session, SqlCpKeyId id,
                                   struct rh_key_info *ret)
{
    struct key_call c = {.session = session, .id = id};
    return get_key(d, m, "GetKeyInfoByKeyId", &c, ret);
}

struct rh_verdict rh_dll_next_key(struct rh_dll *d, const SqlCpSession *session, SqlCpKeyId *id)
{
    const SqlCpKeyId before = *id;
    struct rh_verdict v = rh_seen(d, "GetNextKeyId", d->call.GetNextKeyId(session, id));
    if (v.code == scp_err_Success && *id == before)
        v.broken = "it enumerates keys without an end";
    return v;
}

/* ---- Making and removing ---- */

static SqlCpError create(struct rh_dll *d, const SqlCpSession *session, const SqlCpStr *name,
                         SqlCpAlgId algorithm, SqlCpKeyThumbprint *thumb)
{
    return d->call.CreateKey(session, name, algorithm, 0, thumb);
}

struct rh_verdict rh_dll_create_key(struct rh_dll *d, struct rh_memory *m,
                                    const SqlCpSession *session, const struct rh_new_key *key,
                                    kp_span *ret_thumb)
{
    static const char api[] = "CreateKey";
    SqlCpStr name;
    SqlCpKeyThumbprint thumb = {0, NULL};
    uint8_t *buffer = rh_memory_take(m, key->thumb_len + 1u);
    if (!buffer || !give_text(m, key->name, &name))
        return rh_broken(api, scp_err_Failure, no_memory);
    if (key->ask_size) {
        const struct rh_verdict v =
            rh_seen(d, api, create(d, session, &name, key->algorithm, &thumb));
        if (v.code == scp_err_Success)
            return rh_broken(api, v.code, "it created a key without room for its thumbprint");
        if (v.code != scp_err_InsufficientBuffer && v.code != scp_err_InvalidArgument)
            return v;
    }
    memset(buffer, 0xb7, key->thumb_len + 1u);
    thumb = (SqlCpKeyThumbprint){key->thumb_len, buffer};
    struct rh_verdict v = rh_seen(d, api, create(d, session, &name, key->algorithm, &thumb));
    if (thumb.pb != buffer || buffer[key->thumb_len] != 0xb7)
        return rh_broken(api, v.code, "it wrote outside the buffer it was given");
    if (v.code == scp_err_Success && (thumb.cb == 0 || thumb.cb > key->thumb_len))
        return rh_broken(api, v.code, "it gave the new key no thumbprint of the announced length");
    *ret_thumb = kpb_span(buffer, thumb.cb);
    return v;
}

struct rh_verdict rh_dll_drop_key(struct rh_dll *d, const SqlCpSession *session, kp_span thumb)
{
    const SqlCpKeyThumbprint data = give_bytes(thumb);
    return rh_seen(d, "DropKey", d->call.DropKey(session, &data));
}

/* ---- The public half ---- */

struct export_call {
    const SqlCpSession *session;
    SqlCpKeyThumbprint thumb;
};

static SqlCpError export_once(struct rh_dll *d, void *ctx, struct rh_slot *slots, bool *ret_kept)
{
    const struct export_call *c = ctx;
    SqlCpKeyBlob blob = {slots[0].cb, slots[0].ptr};
    const SqlCpError code =
        d->call.ExportKey(c->session, &c->thumb, NULL, scp_kb_PublicKeyBlob, &blob);
    *ret_kept = blob.pb == slots[0].ptr;
    slots[0].cb = blob.cb;
    return code;
}

struct rh_verdict rh_dll_export(struct rh_dll *d, struct rh_memory *m, const SqlCpSession *session,
                                kp_span thumb, kp_span *ret)
{
    struct export_call c = {session, give_bytes(thumb)};
    struct rh_twice t = {.api = "ExportKey", .once = export_once, .ctx = &c, .n = 1};
    t.slots[0].max_len = x_cbKeyBlobMaxLen;
    struct rh_verdict v = rh_twice(d, m, &t);
    if (rh_verdict_ok(&v) && t.slots[0].cb == 0)
        v.broken = "it exported an empty public key";
    *ret = kpb_span(t.slots[0].ptr, t.slots[0].cb);
    return v;
}
