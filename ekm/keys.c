#include "ekm/keys.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "ekm/algorithms.h"
#include "ekm/buffers.h"
#include "ekm/utf16.h"

enum ekm_scheme ekm_reported_scheme(const struct ekm_call *call)
{
    return call->provider->settings.name_thumbprints ? EKM_SCHEME_NAME : EKM_SCHEME_PUBLIC_KEY;
}

/* ---- Names ---- */

static kp_span before_slash(kp_span text)
{
    const uint8_t *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;

    return slash ? kpb_span(text.ptr, (size_t)(slash - text.ptr)) : text;
}

static kp_status check_key_name(struct ekm_call *call, kp_span text, struct kp_key_ref *ret_ref)
{
    struct ekm_thumb thumb;
    kp_status st = KP_OK;

    if (ekm_reported_scheme(call) == EKM_SCHEME_NAME)
        st = ekm_thumb_of_name(before_slash(text), &thumb, &call->err);
    if (st != KP_OK)
        return st;
    st = kp_key_name_parse(text, ret_ref, &call->err);
    if (st == KP_USAGE)
        call->err.code = KP_CODE_ErrorHttpResponseCodeClientError;
    return st;
}

static kp_status copy_name(struct ekm_call *call, const kp_buf *text,
                           char asked[EKM_ASKED_MAX_LEN + 1])
{
    if (text->len == 0)
        return ekm_call_refuse(call, "PROVIDER_KEY_NAME is empty");
    if (text->len > EKM_ASKED_MAX_LEN)
        return kpb_fail_code(&call->err, KP_USAGE, KP_CODE_ErrorHttpResponseCodeClientError,
                             "PROVIDER_KEY_NAME has more than %u characters", EKM_ASKED_MAX_LEN);
    memcpy(asked, text->ptr, text->len);
    asked[text->len] = '\0';
    return KP_OK;
}

kp_status ekm_take_key_name(struct ekm_call *call, const SqlCpStr *str,
                            char asked[EKM_ASKED_MAX_LEN + 1], struct kp_key_ref *ret_ref)
{
    kp_buf text;
    kp_status st;

    kp_buf_init(&text, "ekm.key_name", (size_t)3 * x_cbKeyNameMaxLen);
    st = ekm_take_text(call, str, "PROVIDER_KEY_NAME", x_cbKeyNameMaxLen / 2, &text);
    if (st == KP_OK)
        st = copy_name(call, &text, asked);
    kp_buf_clear(&text);
    if (st != KP_OK)
        return st;
    ekm_call_name_key(call, kpb_span_str(asked), kpb_span(NULL, 0));
    return check_key_name(call, kpb_span_str(asked), ret_ref);
}

/* ---- Algorithms ---- */

static kp_status record_algorithm(struct ekm_call *call, struct ekm_resolved *resolved)
{
    return ekm_map_put(call->provider->map, &resolved->record, 1, EKM_PUT_REMEMBER, NULL,
                       &call->err);
}

kp_status ekm_settle_algorithm(struct ekm_call *call, struct ekm_resolved *resolved)
{
    const struct ekm_algorithm *alg =
        ekm_algorithm_for(resolved->key.bits, call->provider->settings.report_3072_as_2048);

    if (resolved->record.reported_alg)
        return KP_OK;
    if (!alg)
        return kpb_fail_code(&call->err, KP_UNSUPPORTED, KP_CODE_scp_err_NotSupported,
                             "the key has %u bits; RSA keys of 2048, 3072 and 4096 are served",
                             resolved->key.bits);
    resolved->record.reported_alg = alg->id;
    return record_algorithm(call, resolved);
}

/* ---- By thumbprint ---- */

static kp_status resolve(struct ekm_call *call, const struct ekm_thumb *thumb,
                         struct ekm_resolved *ret)
{
    struct ekm_asking asking;

    ekm_call_ask(call, &asking);
    asking.query.session_find = NULL; /* its copy is too old, or without the key */
    return ekm_resolve_thumb(call->provider->resolver, &asking.query, thumb, EKM_RESOLVE_WITH_KEY,
                             ret, &call->err);
}

kp_status ekm_key_of_thumb(struct ekm_call *call, const struct ekm_thumb *thumb,
                           struct ekm_resolved *ret)
{
    kp_status st;

    if (ekm_session_find(call->session, thumb, EKM_COPY_FRESH_MS, ret) && ret->has_key)
        return KP_OK;
    st = resolve(call, thumb, ret);
    if (st == KP_OK && !ret->has_key)
        st = kpb_fail(&call->err, KP_INTERNAL, "the key's public part was not fetched");
    if (st == KP_OK)
        st = ekm_settle_algorithm(call, ret);
    if (st == KP_OK)
        ekm_session_keep(call->session, ret, NULL);
    return st;
}

/* ---- Answering ---- */

static bool note_need(uint32_t *cb, const void *ptr, uint32_t need)
{
    if (ekm_fits(ptr, *cb, need))
        return true;
    *cb = need;
    return false;
}

kp_status ekm_fill_key_info(struct ekm_call *call, kp_span name, const struct ekm_thumb *thumb,
                            SqlCpAlgId alg, SqlCpKeyInfo *info)
{
    uint16_t *ws = info->name.ws;
    uint8_t *pb = info->thumb.pb;
    bool name_fits = note_need(&info->name.cb, ws, (uint32_t)(2 * ekm_utf16_len(name)));
    bool thumb_fits = note_need(&info->thumb.cb, pb, thumb->len);

    if (!name_fits || !thumb_fits)
        return ekm_call_too_small(call);
    memset(info, 0, sizeof *info);
    info->name.ws = ws;
    ekm_put_text(name, &info->name);
    info->thumb.pb = pb;
    info->thumb.cb = thumb->len;
    memcpy(pb, thumb->bytes, thumb->len);
    info->algId = alg;
    info->flags = scp_kf_Supported;
    return KP_OK;
}
