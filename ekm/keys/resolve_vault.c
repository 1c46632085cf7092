/* The resolver's view of a vault, over the client face. */
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "ekm/keys/resolve.h"

static bool take_text(char *to, size_t room, kp_span text)
{
    if (text.len >= room)
        return false;
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
    return true;
}

static bool take_integer(uint8_t *to, size_t room, kp_span integer, uint32_t *ret_len)
{
    while (integer.len > 0 && integer.ptr[0] == 0)
        integer = kpb_span(integer.ptr + 1, integer.len - 1);
    if (integer.len > room)
        return false;
    if (integer.len > 0)
        memcpy(to, integer.ptr, integer.len);
    *ret_len = (uint32_t)integer.len;
    return true;
}

static bool take_parts(const struct kp_key_info *info, struct ekm_key *ret)
{
    bool is_rsa = info->kty == KP_KTY_RSA || info->kty == KP_KTY_RSA_HSM;

    if (!take_text(ret->name, sizeof ret->name, info->name) ||
        !take_text(ret->version, sizeof ret->version, info->version))
        return false;
    return !is_rsa || (take_integer(ret->n, sizeof ret->n, info->n, &ret->n_len) &&
                       take_integer(ret->e, sizeof ret->e, info->e, &ret->e_len));
}

kp_status ekm_key_fill(const struct kp_key_info *info, struct ekm_key *ret, struct kp_error *reterr)
{
    memset(ret, 0, sizeof *ret);
    if (!take_parts(info, ret) || (ret->n_len > 0) != (ret->e_len > 0))
        return kpb_fail_code(reterr, KP_PROTOCOL, KP_CODE_ErrorGetKeyByNameExtractKeyN,
                             "the vault describes a key that is longer than keys are, or half of "
                             "one");
    ret->kty = info->kty;
    ret->bits = info->bits;
    ret->key_ops = info->key_ops;
    ret->flags = info->flags;
    ret->created_unix_s = info->created_unix_s;
    if (ret->n_len == 0)
        return KP_OK;
    return ekm_thumb_of_key(kpb_span(ret->n, ret->n_len), kpb_span(ret->e, ret->e_len), &ret->thumb,
                            reterr);
}

/* ---- Calls ---- */

static kp_status call(const struct ekm_lookup_vault *v, struct kp_request *request,
                      uint32_t timeout_ms, struct kp_result *ret, struct kp_error *reterr)
{
    kp_status st;

    memset(ret, 0, sizeof *ret);
    ret->struct_size = sizeof *ret;
    request->flags = v->flags;
    request->timeout_ms = timeout_ms > 0 ? timeout_ms : 1;
    st = v->call ? v->call(v->call_ctx, v->vault, request, ret) : kp_call(v->vault, request, ret);
    if (st != KP_OK && reterr)
        *reterr = ret->error;
    return st;
}

static kp_status fill(const struct ekm_lookup_vault *v, const struct kp_key_info *info,
                      struct ekm_key *ret, struct kp_error *reterr)
{
    return v->filled ? v->filled(v->call_ctx, ret, reterr) : ekm_key_fill(info, ret, reterr);
}

static kp_status get(void *ctx, kp_span name, kp_span version, uint32_t timeout_ms,
                     struct ekm_key *ret, struct kp_error *reterr)
{
    struct kp_request request;
    struct kp_result result;
    kp_status st;

    kp_request_init(&request, KP_OP_GET_KEY);
    request.name = name;
    request.version = version;
    st = call(ctx, &request, timeout_ms, &result, reterr);
    if (st == KP_OK && !result.reply.key)
        st = kpb_fail_code(reterr, KP_PROTOCOL, KP_CODE_ErrorGetKeyByNameExtractKeyNode,
                           "the vault's answer has no key in it");
    if (st == KP_OK)
        st = fill(ctx, result.reply.key, ret, reterr);
    if (st == KP_OK && ret->name[0] == '\0')
        (void)take_text(ret->name, sizeof ret->name, name);
    kp_result_clear(&result);
    return st;
}

static kp_status tell_entry(const struct kp_key_info *info, kp_span name, ekm_listed_fn *each,
                            void *each_ctx, struct kp_error *reterr)
{
    const struct ekm_listed entry = {.name = info->name.len > 0 ? info->name : name,
                                     .version = info->version,
                                     .flags = info->flags,
                                     .created_unix_s = info->created_unix_s};

    return each(each_ctx, &entry, reterr);
}

static kp_status keep_token(kp_buf *next, kp_span token, struct kp_error *reterr)
{
    kp_status st = kp_buf_append(next, token);

    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, "ekm.page_token");
    if (st == KP_OK)
        return KP_OK;
    return kpb_fail_code(reterr, KP_PROTOCOL, KP_CODE_ErrorGetKeyByNameJsonParser,
                         "the vault's list goes on at a page whose token is too long");
}

static kp_status list(void *ctx, kp_span name, kp_span page_token, uint32_t timeout_ms,
                      ekm_listed_fn *each, void *each_ctx, kp_buf *next, struct kp_error *reterr)
{
    struct kp_request request;
    struct kp_result result;
    kp_status st;

    kp_request_init(&request, name.len > 0 ? KP_OP_LIST_VERSIONS : KP_OP_LIST_KEYS);
    request.name = name;
    request.page_token = page_token;
    st = call(ctx, &request, timeout_ms, &result, reterr);
    for (uint32_t i = 0; st == KP_OK && i < result.reply.n_keys; i++)
        st = tell_entry(result.reply.keys[i], name, each, each_ctx, reterr);
    if (st == KP_OK)
        st = keep_token(next, result.reply.next_page, reterr);
    kp_result_clear(&result);
    return st;
}

static bool is_canceled(void *ctx)
{
    const struct ekm_lookup_vault *v = ctx;

    return v->is_canceled && v->is_canceled(v->call_ctx);
}

struct ekm_lookup ekm_vault_lookup(struct ekm_lookup_vault *v)
{
    const struct ekm_lookup lookup = {
        .ctx = v, .get = get, .list = list, .is_canceled = is_canceled};

    return lookup;
}
