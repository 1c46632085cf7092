/* The client credentials grant: a secret or a signed assertion for a token (RFC 6749, RFC 7523). */
#include "tools/kp-emulator/login.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/assertion.h"
#include "tools/kp-emulator/clock.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/token.h"

#define SITE "emulator.token"
#define LONG_LIFETIME_S 86399

/* One grant under way. */
struct grant {
    struct emu_fields form;
    const struct emu_app *app;
    const char *audience;
    bool is_v2;
    bool is_long; /* the client can be told that a token was revoked */
};

static kp_span field(const struct grant *grant, const char *name)
{
    return emu_fields_get(&grant->form, name, NULL);
}

/* ---- What is asked for ---- */

static bool check_scope(struct emu_exchange *x, struct grant *grant)
{
    kp_span text = field(grant, grant->is_v2 ? "scope" : "resource");
    grant->audience = emu_audience_of(text);
    if (grant->is_v2 && !kpb_span_ends_with_nocase(text, "/.default"))
        emu_fail_login(x, 400, "invalid_scope", 1002012,
                       "The provided value for scope is not valid: a client credential request "
                       "names one resource and '/.default'.");
    else if (!grant->audience)
        emu_fail_login(x, 400, "invalid_resource", 500011,
                       "The resource principal named %.*s was not found in the tenant.",
                       (int)(text.len < 100 ? text.len : 100), (const char *)text.ptr);
    else
        return true;
    return false;
}

/* {"access_token":{"xms_cc":{"values":["CP1"]}}} announces continuous access evaluation. */
static bool check_claims(struct emu_exchange *x, struct grant *grant)
{
    kp_span text = field(grant, "claims");
    if (text.len == 0)
        return true;
    json_t *claims = emu_json_parse(text);
    const json_t *cc = json_object_get(json_object_get(claims, "access_token"), "xms_cc");
    kp_span first = emu_json_text(json_array_get(json_object_get(cc, "values"), 0));
    grant->is_long = kpb_span_eq_nocase(first, kpb_span_str("CP1"));
    bool ok = claims != NULL;
    json_decref(claims);
    if (!ok)
        emu_fail_login(x, 400, "invalid_request", 9002313, "The claims parameter is no JSON.");
    return ok;
}

/* ---- Who asks ---- */

static bool holds_secret(const json_t *secrets, kp_span secret)
{
    bool found = false;
    for (size_t i = 0; i < json_array_size(secrets); i++)
        found = kpb_span_eq_secret(emu_json_text(json_array_get(secrets, i)), secret) || found;
    return found;
}

static bool check_secret(struct emu_exchange *x, const struct grant *grant)
{
    kp_span secret = field(grant, "client_secret");
    if (holds_secret(grant->app->secrets, secret))
        return true;
    if (holds_secret(grant->app->old_secrets, secret))
        emu_fail_login(x, 401, "invalid_client", 7000222,
                       "The provided client secret keys for app '%s' are expired.",
                       grant->app->client_id);
    else
        emu_fail_login(x, 401, "invalid_client", 7000215,
                       "Invalid client secret provided for app '%s'.", grant->app->client_id);
    return false;
}

static bool check_credential(struct emu_exchange *x, const struct grant *grant)
{
    bool has_secret;
    bool has_assertion;
    kp_span assertion = emu_fields_get(&grant->form, "client_assertion", &has_assertion);
    (void)emu_fields_get(&grant->form, "client_secret", &has_secret);
    if (has_secret)
        return check_secret(x, grant);
    if (!has_assertion) {
        emu_fail_login(x, 401, "invalid_client", 7000218,
                       "The request must hold client_assertion or client_secret.");
        return false;
    }
    if (kpb_span_eq_str(field(grant, "client_assertion_type"),
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"))
        return emu_check_assertion(x, grant->app, assertion);
    emu_fail_login(x, 400, "invalid_request", 900144, "client_assertion_type is not jwt-bearer.");
    return false;
}

static bool check_grant(struct emu_exchange *x, struct grant *grant)
{
    kp_span client_id = field(grant, "client_id");
    grant->app = emu_settings_app(&x->emu->settings, client_id);
    if (!kpb_span_eq_str(field(grant, "grant_type"), "client_credentials"))
        emu_fail_login(x, 400, "unsupported_grant_type", 70003,
                       "Only client_credentials is emulated.");
    else if (!grant->app)
        emu_fail_login(x, 400, "unauthorized_client", 700016,
                       "Application with identifier '%.*s' was not found in the directory.",
                       (int)(client_id.len < 64 ? client_id.len : 64), (const char *)client_id.ptr);
    else
        return check_scope(x, grant) && check_claims(x, grant) && check_credential(x, grant);
    return false;
}

/* ---- The answer ---- */

/* Version 1 writes numbers as text and says more. */
static json_t *reply_of(const struct grant *grant, kp_span token, int64_t lifetime_s)
{
    const json_int_t now = emu_clock_unix_s();
    const json_int_t life = lifetime_s;
    if (grant->is_v2)
        return json_pack("{s:s,s:I,s:I,s:o}", "token_type", "Bearer", "expires_in", life,
                         "ext_expires_in", life, "access_token", emu_json_string(token));
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:s,s:o}", "token_type", "Bearer", "expires_in",
                     json_sprintf("%lld", (long long)life), "ext_expires_in",
                     json_sprintf("%lld", (long long)life), "expires_on",
                     json_sprintf("%lld", (long long)(now + life)), "not_before",
                     json_sprintf("%lld", (long long)now), "resource", grant->audience,
                     "access_token", emu_json_string(token));
}

static void send_token(struct emu_exchange *x, const struct grant *grant)
{
    kp_buf token;
    int64_t lifetime_s = x->emu->settings.token_lifetime_s;
    if (grant->is_long && lifetime_s == EMU_TOKEN_LIFETIME_S)
        lifetime_s = LONG_LIFETIME_S;
    kp_buf_init(&token, SITE, EMU_JWT_MAX_LEN);
    kp_status st = emu_token_make(x->emu, grant->app, grant->audience, lifetime_s, &token);
    emu_send_json(x, 200, st == KP_OK ? reply_of(grant, kp_buf_view(&token), lifetime_s) : NULL);
    kp_buf_clear(&token);
}

void emu_serve_token(struct emu_exchange *x, bool is_v2)
{
    struct grant grant = {.is_v2 = is_v2};
    if (emu_fields_parse(x->request.body, &grant.form) != KP_OK)
        emu_fail_login(x, 400, "invalid_request", 9002313, "The form is malformed.");
    else if (check_grant(x, &grant))
        send_token(x, &grant);
    emu_fields_clear(&grant.form);
}
