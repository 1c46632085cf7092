/* Keys that come into being and go through SQL Server, where the configuration allows it. */
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "ekm/algorithms.h"
#include "ekm/buffers.h"
#include "ekm/functions.h"
#include "ekm/keys.h"
#include "ekm/vault.h"

static kp_status fail_unsupported(struct ekm_call *call, const char *sentence)
{
    return kpb_fail_code(&call->err, KP_UNSUPPORTED, KP_CODE_scp_err_NotSupported, "%s", sentence);
}

static kp_status run(struct ekm_call *call, const struct kp_request *request,
                     struct kp_result *ret_result)
{
    kp_status st = ekm_call_vault(call, call->session->vault->kp, request, ret_result);

    if (st != KP_OK)
        call->err = ret_result->error;
    return st;
}

/* ---- Create ---- */

/* Whatever can be known to be wrong is, before anything is made. */
static kp_status check_wishes(struct ekm_call *call, const struct ekm_algorithm *alg,
                              SqlCpKeyFlags flags)
{
    const struct ekm_settings *s = &call->provider->settings;

    if (!s->create_keys)
        return fail_unsupported(call, "CREATE_NEW is switched off (ekm.create_keys); write "
                                      "CREATION_DISPOSITION = OPEN_EXISTING");
    if (flags & scp_kf_Volatile)
        return fail_unsupported(call, "a key of a vault cannot be temporary");
    if (!alg)
        return ekm_call_refuse(call, "there is no algorithm with that id");
    if (alg->id == EKM_ALG_RSA_3072 && s->report_3072_as_2048)
        return fail_unsupported(call, "RSA_3072 is not offered for CREATE_NEW while "
                                      "ekm.report_3072_as_2048 is on; create the key with `kp key "
                                      "create NAME --type RSA --size 3072` and open it");
    return KP_OK;
}

/* A vault would make a new version of a key that is there, and the engine wants an error. */
static kp_status check_is_new(struct ekm_call *call, kp_span name)
{
    struct kp_request request;
    struct kp_result result;
    kp_status st;

    kp_request_init(&request, KP_OP_GET_KEY);
    request.name = name;
    st = run(call, &request, &result);
    kp_result_clear(&result);
    if (st == KP_NOT_FOUND)
        return KP_OK;
    if (st != KP_OK)
        return st;
    call->act = EKM_ACT_WRITE;
    return kpb_fail(&call->err, KP_CONFLICT,
                    "the vault has a key of that name: choose another, or write "
                    "CREATION_DISPOSITION = OPEN_EXISTING");
}

static kp_status create_in_vault(struct ekm_call *call, kp_span name, uint32_t bits,
                                 char version[KP_KEY_VERSION_MAX_LEN + 1])
{
    struct kp_key_params params;
    struct kp_request request;
    struct kp_result result;
    kp_status st;

    kp_key_params_init(&params);
    params.kty = KP_KTY_RSA;
    params.bits = bits;
    params.set = KP_SET_KEY_OPS;
    params.key_ops = KP_KEY_OP_WRAP | KP_KEY_OP_UNWRAP;
    kp_request_init(&request, KP_OP_CREATE);
    request.name = name;
    request.params = &params;
    st = run(call, &request, &result);
    if (st == KP_OK) {
        kp_span made = result.reply.key ? result.reply.key->version : result.reply.version;

        if (made.len == 0 || made.len > KP_KEY_VERSION_MAX_LEN)
            st = kpb_fail(&call->err, KP_PROTOCOL, "the vault did not say which version it made");
        else
            memcpy(version, made.ptr, made.len);
    }
    kp_result_clear(&result);
    return st;
}

static kp_status record_new(struct ekm_call *call, kp_span name, const char *version, uint32_t alg,
                            SqlCpKeyThumbprint *thumb)
{
    struct ekm_asking asking;
    struct ekm_resolved key;
    kp_status st;

    ekm_call_ask(call, &asking);
    st = ekm_resolve_name(call->provider->resolver, &asking.query, name, kpb_span_str(version),
                          ekm_reported_scheme(call), alg, &key, &call->err);
    if (st == KP_OK)
        ekm_session_keep(call->session, &key, NULL);
    return st == KP_OK
               ? ekm_put_data(call, kpb_span(key.record.thumb.bytes, key.record.thumb.len), thumb)
               : st;
}

static kp_status create(struct ekm_call *call, const struct kp_key_ref *ref,
                        const struct ekm_algorithm *alg, SqlCpKeyThumbprint *thumb)
{
    char version[KP_KEY_VERSION_MAX_LEN + 1] = "";
    kp_status st = check_is_new(call, ref->name);

    if (st == KP_OK)
        st = create_in_vault(call, ref->name, alg->bits, version);
    if (st == KP_OK)
        st = record_new(call, ref->name, version, alg->id, thumb);
    return st;
}

kp_status ekm_create_key(struct ekm_call *call, const SqlCpStr *name, SqlCpAlgId alg_id,
                         SqlCpKeyFlags flags, SqlCpKeyThumbprint *thumb)
{
    const struct ekm_algorithm *alg = ekm_algorithm_find(alg_id);
    char asked[EKM_ASKED_MAX_LEN + 1];
    struct kp_key_ref ref;
    kp_status st;

    if (!thumb)
        return ekm_call_refuse(call, "the thumbprint is NULL");
    st = ekm_take_key_name(call, name, asked, &ref);
    if (st == KP_OK)
        st = check_wishes(call, alg, flags);
    if (st == KP_OK && ref.version.len > 0)
        st = ekm_call_refuse(call, "a new key's version is the vault's to choose: give its name "
                                   "alone");
    if (st != KP_OK)
        return st;
    if (!ekm_fits(thumb->pb, thumb->cb, EKM_THUMB_LEN)) {
        thumb->cb = EKM_THUMB_LEN;
        return ekm_call_too_small(call);
    }
    return create(call, &ref, alg, thumb);
}

/* ---- Drop ---- */

struct counting {
    uint32_t n;
};

/* ekm_listed_fn */
static kp_status count_version(void *ctx, const struct ekm_listed *entry, struct kp_error *reterr)
{
    struct counting *c = ctx;

    (void)entry;
    (void)reterr;
    c->n++;
    return KP_OK;
}

/* Deleting takes all versions of a key, and an older one may still be needed to read a backup. */
static kp_status check_is_only(struct ekm_call *call, const struct ekm_record *record)
{
    struct counting c = {0};
    struct ekm_asking asking;
    const struct ekm_lookup *lookup = &asking.query.lookup;
    kp_buf next;
    bool has_more;
    kp_status st;

    ekm_call_ask(call, &asking);
    kp_buf_init(&next, "ekm.page_token", 8192);
    st = lookup->list(lookup->ctx, kpb_span_str(record->name), kpb_span(NULL, 0),
                      (uint32_t)ekm_call_left_ms(call), count_version, &c, &next, &call->err);
    has_more = next.len > 0;
    kp_buf_clear(&next);
    if (st != KP_OK || (c.n <= 1 && !has_more))
        return st;
    call->act = EKM_ACT_WRITE;
    return kpb_fail(&call->err, KP_CONFLICT,
                    "key %s has several versions, which would all be deleted; do that with `kp key "
                    "delete`, once nothing needs any of them",
                    record->name);
}

static kp_status delete_in_vault(struct ekm_call *call, const struct ekm_record *record)
{
    struct kp_request request;
    struct kp_result result;
    kp_status st;

    kp_request_init(&request, KP_OP_DELETE);
    request.name = kpb_span_str(record->name);
    st = run(call, &request, &result);
    kp_result_clear(&result);
    return st;
}

/* The record stays: a key that was deleted can be recovered, and is then found again. */
kp_status ekm_drop_key(struct ekm_call *call, const SqlCpKeyThumbprint *thumb)
{
    struct ekm_asking asking;
    struct ekm_resolved key;
    struct ekm_thumb wanted;
    kp_status st = ekm_take_thumb(call, thumb, &wanted);

    if (st != KP_OK)
        return st;
    if (!call->provider->settings.drop_keys)
        return fail_unsupported(call,
                                "REMOVE PROVIDER KEY is switched off (ekm.drop_keys); the key "
                                "stays in its vault");
    ekm_call_ask(call, &asking);
    st = ekm_resolve_thumb(call->provider->resolver, &asking.query, &wanted, 0, &key, &call->err);
    if (st == KP_OK)
        st = check_is_only(call, &key.record);
    if (st == KP_OK)
        st = delete_in_vault(call, &key.record);
    if (st == KP_OK)
        ekm_session_forget(call->session, &wanted);
    return st;
}
