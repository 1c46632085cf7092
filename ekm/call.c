#include "ekm/call.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "ekm/vault.h"

/* ---- Beginning and ending ---- */

kp_status ekm_call_begin(struct ekm_call *call, const char *function)
{
    memset(call, 0, sizeof *call);
    call->function = function;
    kp_error_init(&call->err);
    call->provider = ekm_provider_acquire();
    if (call->provider)
        return KP_OK;
    return kpb_fail_code(&call->err, KP_USAGE, KP_CODE_scp_err_Failure,
                         "SqlCryptInitializeProvider has not been called");
}

static void set_deadline(struct ekm_call *call)
{
    uint64_t patience = ekm_patience_left_ms(call->provider, call->session->vault);
    uint64_t timeout = call->provider->settings.timeout_ms;

    call->deadline_ms =
        ekm_provider_now_ms(call->provider) + (patience > timeout ? patience : timeout);
}

kp_status ekm_call_begin_session(struct ekm_call *call, const char *function,
                                 const SqlCpSession *handle)
{
    kp_status st = ekm_call_begin(call, function);

    if (st != KP_OK)
        return st;
    if (!handle)
        return ekm_call_refuse(call, "the session is NULL");
    call->session = ekm_session_acquire(call->provider, (uint64_t)(uintptr_t)*handle);
    if (!call->session)
        return ekm_call_refuse(call, "there is no session of that number; it was closed");
    memcpy(call->vault, call->session->vault->text, sizeof call->vault);
    set_deadline(call);
    return KP_OK;
}

/* Sizes that are asked for and lists that end are how the interface works. */
static bool is_worth_a_line(const struct ekm_call *call, SqlCpError number)
{
    return call->provider && number != scp_err_InsufficientBuffer &&
           !(call->is_enumeration && number == scp_err_NotFound);
}

static void tell(struct ekm_call *call, SqlCpError number)
{
    const struct ekm_news news = {.event = "failed",
                                  .call = call->function,
                                  .step = ekm_act_text(call->act),
                                  .vault = call->vault,
                                  .key = call->key,
                                  .number = (uint32_t)number,
                                  .err = &call->err};

    ekm_report_write(call->provider->report, &news);
}

SqlCpError ekm_call_end(struct ekm_call *call, kp_status status)
{
    SqlCpError number = scp_err_Success;

    if (status != KP_OK) {
        number = ekm_number(&call->err, call->act);
        if (is_worth_a_line(call, number))
            tell(call, number);
    }
    if (call->session)
        ekm_session_release(call->session);
    if (call->provider)
        ekm_provider_release(call->provider);
    return number;
}

/* ---- Sentences ---- */

kp_status ekm_call_refuse(struct ekm_call *call, const char *sentence)
{
    call->act = EKM_ACT_LOCAL;
    return kpb_fail_code(&call->err, KP_USAGE, KP_CODE_scp_err_InvalidArgument, "%s", sentence);
}

kp_status ekm_call_too_small(struct ekm_call *call)
{
    return kpb_fail_code(&call->err, KP_USAGE, KP_CODE_scp_err_InsufficientBuffer,
                         "the buffer is too small");
}

void ekm_call_name_key(struct ekm_call *call, kp_span name, kp_span version)
{
    (void)snprintf(call->key, sizeof call->key, "%.*s%s%.*s", (int)name.len, (const char *)name.ptr,
                   version.len ? "/" : "", (int)version.len, (const char *)version.ptr);
}

void ekm_call_name_thumb(struct ekm_call *call, const struct ekm_thumb *thumb)
{
    ekm_thumb_format(thumb, call->key);
}

/* ---- Asking the resolver ---- */

bool ekm_call_is_canceled(void *ctx)
{
    struct ekm_call *call = ctx;

    return ekm_session_is_aborted(call->session);
}

static bool find_in_session(void *ctx, const struct ekm_thumb *thumb, struct ekm_resolved *ret)
{
    struct ekm_call *call = ctx;

    return ekm_session_find(call->session, thumb, UINT64_MAX, ret);
}

void ekm_call_ask(struct ekm_call *call, struct ekm_asking *asking)
{
    const struct ekm_vault *vault = call->session->vault;

    asking->lookup = (struct ekm_lookup_vault){.vault = vault->kp,
                                               .call = ekm_call_vault,
                                               .filled = ekm_call_filled,
                                               .is_canceled = ekm_call_is_canceled,
                                               .call_ctx = call};
    asking->query =
        (struct ekm_query){.lookup = ekm_vault_lookup(&asking->lookup),
                           .vault = vault->text,
                           .identity = vault->identity,
                           .deadline_ms = call->deadline_ms,
                           .session_find = find_in_session,
                           .session_ctx = call,
                           .names = (const char *const *)call->provider->settings.key_names.at};
}
