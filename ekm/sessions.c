/* OpenSession and CloseSession. Opening asks no vault: databases open while the network is away. */
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "ekm/buffers.h"
#include "ekm/credential.h"
#include "ekm/functions.h"
#include "ekm/vault.h"

static kp_status refuse_bad(struct ekm_call *call, const struct ekm_vault *vault)
{
    return kpb_fail_code(&call->err, KP_AUTH, KP_CODE_ErrorGetTokenBadCredentials,
                         "the vault %s refused this credential a moment ago", vault->text);
}

static void name_vault(struct ekm_call *call, kp_span identity)
{
    size_t len = identity.len < sizeof call->vault ? identity.len : sizeof call->vault - 1;

    if (len > 0)
        memcpy(call->vault, identity.ptr, len);
    call->vault[len] = '\0';
}

static kp_status open_on(struct ekm_call *call, struct ekm_vault *vault, SqlCpSession *session)
{
    uint64_t id = 0;
    kp_status st;

    if (ekm_vault_is_bad(call->provider, vault)) {
        st = refuse_bad(call, vault);
        ekm_vault_release(call->provider, vault);
        return st;
    }
    st = ekm_session_open(call->provider, vault, &id, &call->err); /* moved to the session */
    if (st == KP_OK)
        *session = (void *)(uintptr_t)id; /* NOLINT(performance-no-int-to-ptr): a number it is */
    return st;
}

static kp_status open_with(struct ekm_call *call, kp_span identity, kp_span secret,
                           SqlCpSession *session)
{
    struct ekm_credential credential;
    struct ekm_vault *vault = NULL;
    kp_status st =
        ekm_credential_read(identity, secret, &call->provider->settings, &credential, &call->err);

    if (st == KP_OK)
        st = ekm_vault_acquire(call->provider, &credential, &vault, &call->err);
    ekm_credential_clear(&credential);
    return st == KP_OK ? open_on(call, vault, session) : st;
}

kp_status ekm_open_session(struct ekm_call *call, const SqlCpCredential *credential,
                           SqlCpSession *session)
{
    kp_buf identity;
    kp_buf secret;
    kp_status st;

    if (!credential || !session)
        return ekm_call_refuse(call, "the credential or the place for the session is NULL");
    kp_buf_init(&identity, "ekm.identity", (size_t)4 * EKM_CREDENTIAL_MAX_LEN);
    kp_buf_init_secret(&secret, "ekm.secret", (size_t)4 * EKM_CREDENTIAL_MAX_LEN);
    st = ekm_take_text(call, &credential->name, "IDENTITY", EKM_CREDENTIAL_MAX_LEN, &identity);
    if (st == KP_OK)
        st = ekm_take_text(call, &credential->password, "SECRET", EKM_CREDENTIAL_MAX_LEN, &secret);
    if (st == KP_OK) {
        name_vault(call, kp_buf_view(&identity));
        st = open_with(call, kp_buf_view(&identity), kp_buf_view(&secret), session);
    }
    kp_buf_clear(&secret);
    kp_buf_clear(&identity);
    return st;
}

kp_status ekm_close_session(struct ekm_call *call, const SqlCpSession *session, bool abort)
{
    if (!session)
        return ekm_call_refuse(call, "the session is NULL");
    if (!ekm_session_close(call->provider, (uint64_t)(uintptr_t)*session, abort))
        return ekm_call_refuse(call, "there is no session of that number; it was closed");
    return KP_OK;
}
