/* What the provider is, and the algorithms it offers. */
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "ekm/algorithms.h"
#include "ekm/buffers.h"
#include "ekm/functions.h"
#include "ekm/utf16.h"

/*
 * The name may change, GUID and version may not: every key in SQL Server's catalogue refers to the
 * GUID, and a library whose version differs from the catalogue's is not loaded (33024) until ALTER
 * CRYPTOGRAPHIC PROVIDER has been run. So the version is that of the interface between us and the
 * catalogue, raised with the major version alone.
 */
#define PROVIDER_NAME "keyprovider EKM"

static const SqlCpGuid provider_guid = {
    0x6d0c9f52, 0x3b1e, 0x4d7a, {0x9c, 0x41, 0x2e, 0x85, 0xd1, 0x7f, 0x0a, 0x63}};
static const SqlCpVersion provider_version = {1, 0, 0, 0};

static void fill_provider(SqlCpProviderInfo *info)
{
    info->guid = provider_guid;
    info->version.major = provider_version.major;
    info->version.minor = provider_version.minor;
    info->scpVersion.major = x_scp_SqlCpVerMajor;
    info->scpVersion.minor = x_scp_SqlCpVerMinor;
    info->authType = scp_auth_Basic;
    /* Supported with no symmetric algorithm to enumerate: one report has it that 0 is refused. */
    info->symmKeySupport = scp_kf_Supported;
    info->asymmKeySupport = scp_kf_Supported;
    info->cbKeyThumbLen = EKM_THUMB_LEN;
    info->fAcceptsKeyName = 1;
}

kp_status ekm_provider_info(struct ekm_call *call, SqlCpProviderInfo *info)
{
    kp_span name = kpb_span_str(PROVIDER_NAME);
    uint32_t need = (uint32_t)(2 * ekm_utf16_len(name));
    uint16_t *ws;

    if (!info)
        return ekm_call_refuse(call, "the provider info is NULL");
    if (!ekm_fits(info->name.ws, info->name.cb, need)) {
        info->name.cb = need;
        return ekm_call_too_small(call); /* success here would be fatal: 33029 */
    }
    ws = info->name.ws;
    memset(info, 0, sizeof *info);
    info->name.ws = ws;
    ekm_put_text(name, &info->name);
    fill_provider(info);
    return KP_OK;
}

static kp_status fail_no_algorithm(struct ekm_call *call, SqlCpAlgId id)
{
    return kpb_fail_code(&call->err, KP_NOT_FOUND, KP_CODE_scp_err_NotFound,
                         "there is no algorithm with id %u", id);
}

kp_status ekm_next_algorithm(struct ekm_call *call, SqlCpAlgId *id)
{
    const struct ekm_algorithm *next;

    call->is_enumeration = true;
    if (!id)
        return ekm_call_refuse(call, "the algorithm id is NULL");
    next = ekm_algorithm_next(*id, call->provider->settings.report_3072_as_2048);
    if (!next)
        return fail_no_algorithm(call, *id);
    *id = next->id;
    return KP_OK;
}

/* Also what is not offered to new keys: old ones may have been reported as it. */
kp_status ekm_algorithm_info(struct ekm_call *call, SqlCpAlgId id, SqlCpAlgorithmInfo *info)
{
    const struct ekm_algorithm *alg = ekm_algorithm_find(id);
    uint32_t need;
    uint16_t *ws;

    if (!info)
        return ekm_call_refuse(call, "the algorithm info is NULL");
    if (!alg)
        return fail_no_algorithm(call, id);
    need = (uint32_t)(2 * strlen(alg->tag));
    if (!ekm_fits(info->algTag.ws, info->algTag.cb, need)) {
        info->algTag.cb = need;
        return ekm_call_too_small(call);
    }
    ws = info->algTag.ws;
    memset(info, 0, sizeof *info);
    info->algTag.ws = ws;
    ekm_put_text(kpb_span_str(alg->tag), &info->algTag);
    info->algId = alg->id;
    info->type = scp_kt_Asymmetric;
    info->bitLen = alg->bits;
    return KP_OK;
}
