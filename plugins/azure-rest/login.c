#include "plugins/azure-rest/login.h"

#include "base/errors.h"
#include "base/span.h"

#define CLIENT_ID_DIGITS 32u

static kp_status refuse(struct kp_error *reterr, const char *why)
{
    return kpb_fail_code(reterr, KP_AUTH, KP_CODE_ErrorSecretAuthParamsGetRequestBody,
                         "the credential cannot be used: %s", why);
}

static kp_span skip(kp_span text, size_t n)
{
    return kpb_span(text.ptr + n, text.len - n);
}

/* ---- Managed identity ---- */

static bool is_separator(uint8_t c)
{
    return c == ' ' || c == '-' || c == ':' || c == '_';
}

static bool take_word(kp_span *text, const char *word)
{
    size_t n = strlen(word);
    if (text->len < n || !kpb_span_eq_nocase(kpb_span(text->ptr, n), kpb_span_str(word)))
        return false;
    *text = skip(*text, n);
    return true;
}

static void skip_separators(kp_span *text)
{
    while (text->len > 0 && is_separator(text->ptr[0]))
        *text = skip(*text, 1);
}

/* "Managed Identity", in whatever spelling; *rest is what follows. */
static bool takes_managed_identity(kp_span text, kp_span *rest)
{
    if (!take_word(&text, "managed"))
        return false;
    skip_separators(&text);
    if (!take_word(&text, "identity") || (text.len > 0 && !is_separator(text.ptr[0])))
        return false;
    skip_separators(&text);
    *rest = text;
    return true;
}

static kp_status read_managed_identity(kp_span client_id, kp_span secret, struct azr_login *login,
                                       struct kp_error *reterr)
{
    if (secret.len > 0)
        return refuse(reterr, "a managed identity has no secret; leave SECRET out");
    if (client_id.len > 0 && !azr_guid_normalise(client_id, login->client_id))
        return refuse(reterr, "what follows 'Managed Identity' is no client id (a GUID)");
    login->kind = AZR_LOGIN_MANAGED_IDENTITY;
    return KP_OK;
}

/* ---- Client id and secret ---- */

/* The client id at the start of text, which moves behind it; with its hyphens or without. */
static bool take_client_id(kp_span *text, char out[AZR_GUID_LEN + 1u])
{
    const size_t lengths[] = {AZR_GUID_LEN, CLIENT_ID_DIGITS};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t n = lengths[i];
        if (text->len >= n && azr_guid_normalise(kpb_span(text->ptr, n), out)) {
            *text = skip(*text, n);
            return true;
        }
    }
    return false;
}

kp_status azr_login_from_sql(kp_span secret, struct azr_login *ret, struct kp_error *reterr)
{
    struct azr_login login = {.kind = AZR_LOGIN_SECRET};
    if (secret.len < CLIENT_ID_DIGITS)
        return kpb_fail_code(reterr, KP_USAGE, KP_CODE_scp_err_PasswordTooShort,
                             "SECRET has fewer than the 32 characters of a client id; it is the "
                             "client id without hyphens, then the client secret");
    if (!take_client_id(&secret, login.client_id))
        return refuse(reterr, "SECRET does not start with a client id, 32 hexadecimal digits "
                              "without hyphens");
    if (secret.len == 0)
        return refuse(reterr, "SECRET has only the client id in it; the client secret has to "
                              "follow");
    login.secret = secret;
    *ret = login;
    return KP_OK;
}

static kp_status read_client_secret(kp_span identity, kp_span secret, struct azr_login *login,
                                    struct kp_error *reterr)
{
    if (!azr_guid_normalise(identity, login->client_id))
        return refuse(reterr, "the identity is neither a client id (a GUID, or its 32 digits) nor "
                              "'Managed Identity'");
    if (secret.len == 0)
        return refuse(reterr, "the client secret is missing");
    login->kind = AZR_LOGIN_SECRET;
    login->secret = secret;
    return KP_OK;
}

kp_status azr_login_parse(kp_span identity, kp_span secret, struct azr_login *ret,
                          struct kp_error *reterr)
{
    struct azr_login login = {0};
    kp_status st = KP_OK;
    kp_span rest;
    identity = azr_trim(identity);
    if (identity.len == 0 && secret.len > 0)
        return azr_login_from_sql(secret, ret, reterr);
    if (takes_managed_identity(identity, &rest))
        st = read_managed_identity(rest, secret, &login, reterr);
    else if (identity.len > 0)
        st = read_client_secret(identity, secret, &login, reterr);
    if (st == KP_OK)
        *ret = login;
    return st;
}
