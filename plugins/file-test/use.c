#include "plugins/file-test/use.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "crypto/algs.h"

/* ---- The rules ---- */

/* Out of their window keys still undo what they did: decrypt, unwrap and verify. */
static bool needs_window(uint32_t op)
{
    return op == KP_OP_ENCRYPT || op == KP_OP_WRAP || op == KP_OP_SIGN;
}

static kp_status check_window(const struct ft_vault *vault, const struct ft_loaded *k,
                              struct kp_error *reterr)
{
    int64_t now = ft_now_unix_s(vault);
    if (k->not_before_unix_s != KP_TIME_NONE && now < k->not_before_unix_s)
        return FT_FAIL_FORBIDDEN(
            reterr,
            "key '%s' of vault %s, version %s, is not valid yet; wait, or move "
            "its not-before date",
            k->name, vault->store.label, k->version);
    if (k->expires_unix_s != KP_TIME_NONE && now >= k->expires_unix_s)
        return FT_FAIL_FORBIDDEN(
            reterr,
            "key '%s' of vault %s, version %s, has expired; rotate it, or move "
            "its expiry date",
            k->name, vault->store.label, k->version);
    return KP_OK;
}

kp_status ft_use_check(const struct ft_vault *vault, const struct ft_loaded *loaded,
                       const struct kp_request *request, struct kp_error *reterr)
{
    if (!kpc_alg_serves(request->alg, request->op))
        return FT_FAIL_USAGE(reterr, "algorithm %s is none for %s", kp_alg_text(request->alg),
                             kp_op_text(request->op));
    if (!loaded->enabled)
        return FT_FAIL_FORBIDDEN(reterr,
                                 "key '%s' of vault %s, version %s, is disabled; enable it first",
                                 loaded->name, vault->store.label, loaded->version);
    if (!(loaded->key_ops & kpc_alg_key_op(request->op)))
        return FT_FAIL_FORBIDDEN(reterr,
                                 "key '%s' of vault %s, version %s, may not be used to %s; its "
                                 "key_ops do not name it",
                                 loaded->name, vault->store.label, loaded->version,
                                 kp_op_text(request->op));
    return needs_window(request->op) ? check_window(vault, loaded, reterr) : KP_OK;
}

/* ---- The computation ---- */

size_t ft_use_room(const struct ft_loaded *loaded, const struct kp_request *request)
{
    if (request->op == KP_OP_VERIFY)
        return 0;
    return kpc_max_output_len(loaded->key, request->alg, request->op, request->value.len);
}

static kp_status run_cipher(const struct ft_loaded *loaded, const struct kp_request *request,
                            struct ft_use *ret, struct kp_error *reterr)
{
    const struct kpc_input in = {.alg = request->alg,
                                 .value = request->value,
                                 .iv = request->iv,
                                 .aad = request->aad,
                                 .tag = request->tag};
    struct kpc_result *out = &ret->result;
    bool forward = request->op == KP_OP_ENCRYPT || request->op == KP_OP_WRAP;
    kp_status st = forward ? kpc_encrypt(loaded->key, &in, out, reterr)
                           : kpc_decrypt(loaded->key, &in, out, reterr);
    if (st != KP_OK || !forward)
        return st;
    ret->reply.iv = kpb_span(out->iv, out->iv_len);
    ret->reply.tag = kpb_span(out->tag, out->tag_len);
    ret->reply.aad = request->aad;
    return KP_OK;
}

static kp_status compute(const struct ft_loaded *loaded, const struct kp_request *request,
                         struct ft_use *ret, struct kp_error *reterr)
{
    bool is_valid = false;
    if (request->op == KP_OP_SIGN)
        return kpc_sign(loaded->key, request->alg, request->value, &ret->result.value, reterr);
    if (request->op != KP_OP_VERIFY)
        return run_cipher(loaded, request, ret, reterr);
    kp_status st = kpc_verify(loaded->key, request->alg, request->value, request->signature,
                              &is_valid, reterr);
    ret->reply.flags |= is_valid ? KP_REPLY_VERIFIED : 0u;
    return st;
}

kp_status ft_use_key(const struct ft_vault *vault, const struct ft_loaded *loaded,
                     const struct kp_request *request, uint8_t *room, size_t cap,
                     struct ft_use *ret, struct kp_error *reterr)
{
    memset(ret, 0, sizeof *ret);
    ret->result.value.ptr = room;
    ret->result.value.cap = cap;
    kp_status st = compute(loaded, request, ret, reterr);
    if (st != KP_OK) {
        kpb_error_prefix(reterr, "key '%s' of vault %s, version %s", loaded->name,
                         vault->store.label, loaded->version);
        if (reterr && st == KP_USAGE && reterr->code == 0)
            reterr->code = KP_CODE_ErrorHttpResponseCodeClientError;
        return st;
    }
    ret->reply.struct_size = sizeof ret->reply;
    ret->reply.alg = request->alg;
    ret->reply.name = kpb_span_str(loaded->name);
    ret->reply.version = kpb_span_str(loaded->version);
    if (request->op != KP_OP_VERIFY)
        ret->reply.value = kpb_span(room, ret->result.value.len);
    return KP_OK;
}
