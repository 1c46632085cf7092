/* What a key is, by name and by thumbprint. */
#include "base/span.h"
#include "ekm/buffers.h"
#include "ekm/functions.h"
#include "ekm/keys.h"

/* Asks the vault, pins the version and records both before anything is answered. */
static kp_status fetch_by_name(struct ekm_call *call, const struct kp_key_ref *ref,
                               const char *asked, struct ekm_resolved *ret)
{
    struct ekm_asking asking;
    kp_status st;

    ekm_call_ask(call, &asking);
    st = ekm_resolve_name(call->provider->resolver, &asking.query, ref->name, ref->version,
                          ekm_reported_scheme(call), 0, ret, &call->err);
    if (st == KP_OK)
        st = ekm_settle_algorithm(call, ret);
    if (st == KP_OK)
        ekm_session_keep(call->session, ret, asked);
    return st;
}

kp_status ekm_key_info_by_name(struct ekm_call *call, const SqlCpStr *name, SqlCpKeyInfo *info)
{
    char asked[EKM_ASKED_MAX_LEN + 1];
    struct kp_key_ref ref;
    struct ekm_resolved key;
    kp_status st;

    if (!info)
        return ekm_call_refuse(call, "the key info is NULL");
    st = ekm_take_key_name(call, name, asked, &ref);
    if (st == KP_OK && !ekm_session_find_asked(call->session, asked, &key))
        st = fetch_by_name(call, &ref, asked, &key);
    if (st == KP_OK)
        st = ekm_fill_key_info(call, kpb_span_str(asked), &key.record.thumb,
                               key.record.reported_alg, info);
    if (st == KP_OK)
        ekm_session_forget_asked(call->session, asked);
    return st;
}

kp_status ekm_key_info_by_thumb(struct ekm_call *call, const SqlCpKeyThumbprint *thumb,
                                SqlCpKeyInfo *info)
{
    struct ekm_thumb wanted;
    struct ekm_resolved key;
    kp_status st;

    if (!info)
        return ekm_call_refuse(call, "the key info is NULL");
    st = ekm_take_thumb(call, thumb, &wanted);
    if (st == KP_OK)
        st = ekm_key_of_thumb(call, &wanted, &key);
    if (st == KP_OK)
        st = ekm_fill_key_info(call, kpb_span_str(key.record.name), &wanted,
                               key.record.reported_alg, info);
    return st;
}
