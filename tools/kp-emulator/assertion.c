#include "tools/kp-emulator/assertion.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/app_certificate.h"
#include "tools/kp-emulator/attestation.h"
#include "tools/kp-emulator/clock.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/hosts.h"

#define LEEWAY_S 300
#define LIFETIME_MAX_S 86400
#define FEDERATED_AUDIENCE "api://AzureADTokenExchange"

static const struct emu_certificate *find_certificate(const struct emu_app *app,
                                                      const json_t *header)
{
    kp_span sha256 = emu_json_member(header, "x5t#S256");
    kp_span sha1 = emu_json_member(header, "x5t");
    kp_span kid = emu_json_member(header, "kid");
    for (size_t i = 0; i < app->n_certificates; i++) {
        const struct emu_certificate *c = &app->certificates[i];
        if (sha256.len > 0 ? emu_certificate_matches(c, sha256, true)
                           : emu_certificate_matches(c, sha1.len > 0 ? sha1 : kid, false))
            return c;
    }
    return NULL;
}

/* The token endpoint's own URL, under the name the client used or a login host, or the issuer. */
static bool is_audience(const struct emu_exchange *x, kp_span aud)
{
    static const char *const PATHS[] = {"/oauth2/v2.0/token", "/oauth2/token", "/v2.0", ""};
    const char *tenant = x->emu->settings.tenant;
    char base[EMU_BASE_MAX_LEN];
    char url[EMU_BASE_MAX_LEN + 80];
    emu_base_url(x, base);
    for (size_t i = 0; i < 2 * sizeof PATHS / sizeof PATHS[0]; i++) {
        const char *host = i % 2 == 0 ? base : "https://login.microsoftonline.com";
        (void)snprintf(url, sizeof url, "%s/%s%s", host, tenant, PATHS[i / 2]);
        if (kpb_span_eq_nocase(aud, kpb_span_str(url)))
            return true;
    }
    return false;
}

static bool is_in_time(const struct emu_jwt *jwt)
{
    const int64_t now = emu_clock_unix_s();
    const int64_t exp = emu_jwt_number(jwt, "exp", 0);
    const int64_t nbf = emu_jwt_number(jwt, "nbf", now);
    return exp > now - LEEWAY_S && nbf < now + LEEWAY_S && exp - nbf <= LIFETIME_MAX_S;
}

static bool check_claims(struct emu_exchange *x, const struct emu_app *app,
                         const struct emu_jwt *jwt)
{
    kp_span own = kpb_span_str(app->client_id);
    if (!kpb_span_eq_nocase(emu_json_member(jwt->claims, "iss"), own) ||
        !kpb_span_eq_nocase(emu_json_member(jwt->claims, "sub"), own))
        emu_fail_login(x, 401, "invalid_client", 700021,
                       "Client assertion application identifier doesn't match 'client_id'.");
    else if (!is_audience(x, emu_json_member(jwt->claims, "aud")))
        emu_fail_login(x, 401, "invalid_client", 700023,
                       "Client assertion audience claim does not match the token endpoint.");
    else if (!is_in_time(jwt))
        emu_fail_login(x, 401, "invalid_client", 700024,
                       "Client assertion is not within its valid time range.");
    else
        return true;
    return false;
}

static bool check(struct emu_exchange *x, const struct emu_app *app, const struct emu_jwt *jwt)
{
    const struct emu_certificate *certificate = find_certificate(app, jwt->header);
    if (!certificate)
        emu_fail_login(x, 401, "invalid_client", 700027,
                       "Client assertion contains an invalid signature. [Reason - The key was not "
                       "found.]");
    else if (!emu_jwt_is_signed_by(jwt, certificate->key, KP_ALG_PS256, KP_ALG_RS256))
        emu_fail_login(x, 401, "invalid_client", 700027,
                       "Client assertion contains an invalid signature. [Reason - The signature "
                       "is not one of the key, or not PS256 or RS256.]");
    else
        return check_claims(x, app, jwt);
    return false;
}

/* ---- Workload identity ---- */

/* A token of another issuer, which the test attestation authority plays. */
static bool is_federated(const struct emu_exchange *x, const struct emu_jwt *jwt)
{
    char authority[EMU_BASE_MAX_LEN];
    emu_attestation_authority(x->emu, authority);
    return kpb_span_eq_str(emu_json_member(jwt->claims, "iss"), authority);
}

static bool may_stand_in(const struct emu_app *app, kp_span subject)
{
    bool found = false;
    for (size_t i = 0; i < json_array_size(app->federated); i++)
        found = kpb_span_eq(emu_json_text(json_array_get(app->federated, i)), subject) || found;
    return found && subject.len > 0;
}

static bool check_federated(struct emu_exchange *x, const struct emu_app *app,
                            const struct emu_jwt *jwt)
{
    if (!emu_jwt_is_signed_by(jwt, x->emu->attestation.key, KP_ALG_ES256, KP_ALG_NONE))
        emu_fail_login(x, 401, "invalid_client", 700027,
                       "Client assertion contains an invalid signature.");
    else if (!kpb_span_eq_str(emu_json_member(jwt->claims, "aud"), FEDERATED_AUDIENCE) ||
             !may_stand_in(app, emu_json_member(jwt->claims, "sub")))
        emu_fail_login(x, 401, "invalid_client", 70021,
                       "No matching federated identity record found for presented assertion.");
    else if (!is_in_time(jwt))
        emu_fail_login(x, 401, "invalid_client", 700024,
                       "Client assertion is not within its valid time range.");
    else
        return true;
    return false;
}

bool emu_check_assertion(struct emu_exchange *x, const struct emu_app *app, kp_span text)
{
    struct emu_jwt jwt;
    bool ok = false;
    if (emu_jwt_read(text, &jwt) != KP_OK)
        emu_fail_login(x, 400, "invalid_request", 50027, "JWT token is invalid or malformed.");
    else
        ok = is_federated(x, &jwt) ? check_federated(x, app, &jwt) : check(x, app, &jwt);
    emu_jwt_clear(&jwt);
    return ok;
}
