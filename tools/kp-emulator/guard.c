#include "tools/kp-emulator/guard.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/challenge.h"
#include "tools/kp-emulator/clock.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/hosts.h"
#include "tools/kp-emulator/operation.h"

#define SITE "emulator.guard"
#define CHALLENGE_MAX_LEN 4096u
#define URL_MAX_LEN 320u

/* ---- 401 ---- */

/* The login service that belongs to the host the client called. */
static void authority_for(const struct emu_exchange *x, char out[URL_MAX_LEN])
{
    const char *login = emu_login_host_for(x->request.host);
    if (login)
        (void)snprintf(out, URL_MAX_LEN, "https://%s/%s", login, x->emu->settings.tenant);
    else
        (void)snprintf(out, URL_MAX_LEN, "https://localhost:%u/%s",
                       x->emu->listeners[EMU_ROLE_LOGIN].port, x->emu->settings.tenant);
}

static const char *audience_for(const struct emu_exchange *x)
{
    return emu_audience_for(x->request.host, emu_is_hsm(x->vault));
}

static void send_401(struct emu_exchange *x, const char *header, const char *message)
{
    if (x->emu->logs_refusals) /* before anybody can have the answer */
        (void)fprintf(stderr, "kp-emulator: 401 %s %s\n", x->request_id, message);
    emu_set_header(x, "WWW-Authenticate", header);
    if (!emu_is_hsm(x->vault)) {
        emu_fail(x, 401, "Unauthorized", NULL, "%s", message);
        return;
    }
    /* A Managed HSM says nothing, or "OK" to a GET. */
    if (x->request.method == EMU_GET)
        emu_send_text(x, 401, "application/json; charset=utf-8", kpb_span_str("OK"));
    else
        emu_send_empty(x, 401);
}

void emu_send_challenge(struct emu_exchange *x, const char *variant, const char *message)
{
    char authority[URL_MAX_LEN];
    kp_buf text;
    authority_for(x, authority);
    kp_buf_init(&text, SITE, CHALLENGE_MAX_LEN);
    if (emu_challenge_write(variant, authority, audience_for(x), &text) == KP_OK)
        send_401(x, (const char *)text.ptr, message);
    else
        emu_fail(x, 500, "InternalServerError", NULL, "the challenge is too long");
    kp_buf_clear(&text);
}

void emu_send_claims_challenge(struct emu_exchange *x)
{
    /* {"access_token":{"nbf":{"essential":true,"value":"1"}}} */
    static const char CLAIMS[] =
        "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ==";
    char variant[256];
    (void)snprintf(variant, sizeof variant,
                   "Bearer realm=\"\", authorization_uri=\"{A}/oauth2/authorize\", "
                   "error=\"insufficient_claims\", claims=\"%s\"",
                   CLAIMS);
    emu_send_challenge(x, variant, "the token has been revoked; ask for one with these claims");
}

/* ---- The token ---- */

static bool is_audience(kp_span aud, const char *wanted)
{
    if (aud.len > 0 && aud.ptr[aud.len - 1] == '/')
        aud.len--;
    return kpb_span_eq_str(aud, wanted);
}

/* Why a token is refused, or NULL. */
static const char *objection(struct emu_exchange *x, const struct emu_jwt *jwt)
{
    char issuer[URL_MAX_LEN];
    const struct emu *emu = x->emu;
    const int64_t now = emu_clock_unix_s();
    (void)snprintf(issuer, sizeof issuer, "https://sts.windows.net/%s/", emu->settings.tenant);
    if (!emu_jwt_is_signed_by(jwt, emu->signer.key, KP_ALG_ES256, KP_ALG_NONE))
        return "AKV10000: the token's signature is not one of the emulator's token service";
    if (!is_audience(emu_json_member(jwt->claims, "aud"), audience_for(x)))
        return "AKV10022: the token is for another audience";
    if (!kpb_span_eq_str(emu_json_member(jwt->claims, "iss"), issuer))
        return "AKV10032: the token is of another issuer or tenant";
    if (now >= emu_jwt_number(jwt, "exp", 0))
        return "AKV10000: TokenExpired";
    if (now < emu_jwt_number(jwt, "nbf", INT64_MAX))
        return "AKV10000: the token is not valid yet";
    x->app = emu_settings_app(&emu->settings, emu_json_member(jwt->claims, "appid"));
    return x->app ? NULL : "AKV10000: the token's application is unknown";
}

static const char *read_token(struct emu_exchange *x, kp_span token)
{
    struct emu_jwt jwt;
    const char *why = "AKV10000: the token is none";
    if (emu_jwt_read(token, &jwt) == KP_OK)
        why = objection(x, &jwt);
    emu_jwt_clear(&jwt);
    return why;
}

static bool take_bearer(kp_span header, kp_span *ret_token)
{
    static const char SCHEME[] = "Bearer ";
    const size_t len = sizeof SCHEME - 1;
    if (header.len <= len || !kpb_span_eq_nocase(kpb_span(header.ptr, len), kpb_span_str(SCHEME)))
        return false;
    *ret_token = kpb_span(header.ptr + len, header.len - len);
    return true;
}

bool emu_check_token(struct emu_exchange *x)
{
    kp_span token = {NULL, 0};
    const char *why = "AKV10000: Request is missing a Bearer or PoP token.";
    if (take_bearer(emu_request_header(&x->request, "Authorization"), &token))
        why = read_token(x, token);
    if (why)
        emu_send_challenge(x, x->emu->settings.challenge, why);
    return !why;
}

/* ---- api-version ---- */

static const char *const VERSIONS[] = {
    "7.0",
    "7.1",
    "7.2-preview",
    "7.2",
    "7.3-preview",
    "7.3",
    "7.4-preview.1",
    "7.4",
    "7.5-preview.1",
    "7.5",
    "7.6-preview.1",
    "7.6-preview.2",
    "2025-06-01-preview",
    "7.6",
    "2025-07-01",
    "2026-01-01-preview",
    "2026-03-01-preview",
    "2026-04-01",
};

static kp_span api_version(const struct emu_exchange *x)
{
    return emu_fields_get(&x->request.query, "api-version", NULL);
}

bool emu_check_api_version(struct emu_exchange *x)
{
    kp_span version = api_version(x);
    for (size_t i = 0; i < sizeof VERSIONS / sizeof VERSIONS[0]; i++) {
        if (kpb_span_eq_str(version, VERSIONS[i]))
            return true;
    }
    if (version.len == 0)
        emu_fail_parameter(x, "the request has no api-version");
    else
        emu_fail_parameter(x, "api-version %.*s is none; the newest is 2026-04-01",
                           (int)(version.len < 40 ? version.len : 40), (const char *)version.ptr);
    return false;
}

bool emu_has_platform(const struct emu_exchange *x)
{
    kp_span version = api_version(x);
    return emu_has_key_size(x) || kpb_span_starts_with(version, "7.5") ||
           kpb_span_starts_with(version, "7.6");
}

bool emu_has_key_size(const struct emu_exchange *x)
{
    return kpb_span_starts_with(api_version(x), "20");
}

/* ---- Permissions ---- */

static void send_forbidden(struct emu_exchange *x)
{
    const char *vault = x->vault->settings->name;
    const char *action = x->operation->action;
    if (emu_is_hsm(x->vault))
        emu_fail(x, 403, "AccessDenied", NULL,
                 "%s has no role with the data action Microsoft.KeyVault/managedHsm/keys/%s at "
                 "scope /keys",
                 x->app->object_id, action);
    else if (x->vault->settings->is_rbac)
        emu_fail(x, 403, "Forbidden", "ForbiddenByRbac",
                 "Caller is not authorized.\r\nCaller: appid=%s;oid=%s\r\nAction: "
                 "'Microsoft.KeyVault/vaults/keys/%s'\r\nVault: %s",
                 x->app->client_id, x->app->object_id, action, vault);
    else
        emu_fail(x, 403, "Forbidden", "ForbiddenByPolicy",
                 "appid=%s;oid=%s has no keys %s permission on key vault '%s'", x->app->client_id,
                 x->app->object_id, x->operation->permission, vault);
}

bool emu_check_permission(struct emu_exchange *x)
{
    if (x->vault->settings->blocks_clients) {
        emu_fail(x, 403, "Forbidden", "ForbiddenByFirewall",
                 "the client's address is not allowed by the vault's firewall");
        return false;
    }
    if (emu_app_may(x->app, x->vault->settings->name, x->operation->permission))
        return true;
    send_forbidden(x);
    return false;
}

/* ---- Throttle ---- */

static bool makes_a_key(uint32_t op)
{
    return op == KP_OP_CREATE || op == KP_OP_RELEASE;
}

bool emu_check_throttle(struct emu_exchange *x)
{
    int64_t wait_s = 0;
    const json_t *facts = emu_book_version(&x->vault->book, x->name, x->version);
    bool is_hsm = json_is_true(json_object_get(facts, "hsm"));
    uint32_t bits = (uint32_t)json_integer_value(json_object_get(facts, "rsa_bits"));
    enum emu_bucket bucket = is_hsm ? EMU_HSM_OTHER : EMU_SOFT_OTHER;
    if (makes_a_key(x->operation->op))
        bucket = is_hsm ? EMU_HSM_CREATE : EMU_SOFT_CREATE;
    if (emu_is_hsm(x->vault) || /* crypto on a Managed HSM is not throttled */
        emu_throttle_take(&x->vault->throttle, bucket, bits, x->emu->settings.throttle_percent,
                          emu_clock_ms(), &wait_s))
        return true;
    emu_fail_throttled(x, wait_s);
    return false;
}
