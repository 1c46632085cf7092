#include "ekm/buffers.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "ekm/utf16.h"

bool ekm_fits(const void *ptr, uint32_t cb, size_t n)
{
    return ptr && cb >= n;
}

kp_status ekm_put_data(struct ekm_call *call, kp_span bytes, SqlCpData *data)
{
    bool fits = ekm_fits(data->pb, data->cb, bytes.len);

    data->cb = (uint32_t)bytes.len;
    if (!fits)
        return ekm_call_too_small(call);
    memcpy(data->pb, bytes.ptr, bytes.len);
    return KP_OK;
}

void ekm_put_text(kp_span text, SqlCpStr *str)
{
    str->cb = (uint32_t)(2 * ekm_utf16_len(text));
    ekm_utf16_write(text, str->ws);
}

static kp_status refuse(struct ekm_call *call, const char *what, const char *why)
{
    call->act = EKM_ACT_LOCAL;
    return kpb_fail_code(&call->err, KP_USAGE, KP_CODE_scp_err_InvalidArgument, "%s %s", what, why);
}

kp_status ekm_take_data(struct ekm_call *call, const SqlCpData *data, const char *what,
                        kp_span *ret)
{
    if (!data || !data->pb || data->cb == 0)
        return refuse(call, what, "is NULL or empty");
    *ret = kpb_span(data->pb, data->cb);
    return KP_OK;
}

kp_status ekm_take_thumb(struct ekm_call *call, const SqlCpKeyThumbprint *data,
                         struct ekm_thumb *ret)
{
    kp_span bytes;
    kp_status st = ekm_take_data(call, data, "the thumbprint", &bytes);

    if (st == KP_OK)
        st = ekm_thumb_from_bytes(bytes, ret, &call->err);
    if (st == KP_OK)
        ekm_call_name_thumb(call, ret);
    return st;
}

kp_status ekm_take_text(struct ekm_call *call, const SqlCpStr *str, const char *what,
                        size_t max_chars, kp_buf *out)
{
    kp_status st;

    if (!str || (!str->ws && str->cb > 0))
        return refuse(call, what, "is NULL");
    if (str->cb % 2 != 0)
        return refuse(call, what, "ends within a character");
    if (str->cb / 2 > max_chars)
        return refuse(call, what, "is longer than the interface allows");
    st = ekm_utf16_read(str->ws, str->cb / 2, out);
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(&call->err, "ekm.text");
    return st == KP_OK ? st : refuse(call, what, "is no UTF-16, or has a NUL in it");
}
