#include "tools/kp-emulator/login.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/attestation.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/hosts.h"

#define URL_MAX_LEN 512u

/* ---- Headers ---- */

static void login_headers(struct emu_exchange *x, const char *cache)
{
    char id[64];
    kp_span asked = emu_request_header(&x->request, "client-request-id");
    emu_set_header(x, "Cache-Control", cache);
    emu_set_header(x, "Strict-Transport-Security", "max-age=31536000; includeSubDomains");
    emu_set_header(x, "X-Content-Type-Options", "nosniff");
    emu_set_header(x, "P3P", "CP=\"DSP CUR OTPi IND OTRi ONL FIN\"");
    emu_set_header(x, "x-ms-request-id", x->request_id);
    emu_set_header(x, "x-ms-ests-server", "2.1.0.0 - EMULATED");
    emu_set_header(x, "X-XSS-Protection", "0");
    if (asked.len > 0 && asked.len < sizeof id) {
        (void)snprintf(id, sizeof id, "%.*s", (int)asked.len, (const char *)asked.ptr);
        emu_set_header(x, "client-request-id", id);
    }
}

static bool is_tenant(const struct emu_exchange *x, kp_span text)
{
    return kpb_span_eq_nocase(text, kpb_span_str(x->emu->settings.tenant)) ||
           kpb_span_eq_nocase(text, kpb_span_str("common")) ||
           kpb_span_eq_nocase(text, kpb_span_str("organizations"));
}

static void fail_tenant(struct emu_exchange *x, const char *error, kp_span tenant)
{
    emu_fail_login(x, 400, error, 90002, "Tenant '%.*s' not found.",
                   (int)(tenant.len < 64 ? tenant.len : 64), (const char *)tenant.ptr);
}

/* ---- OpenID configuration ---- */

/* Members that are addresses below "https://HOST/TENANT". */
static const struct {
    const char *name;
    const char *path;
} ADDRESSES[] = {
    {"token_endpoint", "/oauth2/v2.0/token"},
    {"jwks_uri", "/discovery/v2.0/keys"},
    {"issuer", "/v2.0"},
    {"authorization_endpoint", "/oauth2/v2.0/authorize"},
    {"device_authorization_endpoint", "/oauth2/v2.0/devicecode"},
    {"end_session_endpoint", "/oauth2/v2.0/logout"},
    {"kerberos_endpoint", "/kerberos"},
};

static json_t *openid_constants(void)
{
    return json_pack(
        "{s:[s,s],s:[s,s,s],s:[s],s:[s],s:[s,s],s:[s],s:b,s:s,s:b,s:b,s:[s,s,s],s:n,"
        "s:s,s:s,s:s,s:s}",
        "token_endpoint_auth_methods_supported", "client_secret_post", "private_key_jwt",
        "response_modes_supported", "query", "fragment", "form_post", "subject_types_supported",
        "pairwise", "id_token_signing_alg_values_supported", "ES256", "response_types_supported",
        "code", "id_token", "scopes_supported", "openid", "request_uri_parameter_supported", 0,
        "userinfo_endpoint", "https://graph.microsoft.com/oidc/userinfo", "http_logout_supported",
        1, "frontchannel_logout_supported", 1, "claims_supported", "sub", "iss", "aud",
        "tenant_region_scope", "cloud_instance_name", "microsoftonline.com",
        "cloud_graph_host_name", "graph.windows.net", "msgraph_host", "graph.microsoft.com",
        "rbac_url", "https://pas.windows.net");
}

static void serve_openid(struct emu_exchange *x)
{
    char base[EMU_BASE_MAX_LEN];
    kp_span tenant = x->request.segments[0];
    if (emu_meet_fault(x, "openid"))
        return;
    if (!is_tenant(x, tenant)) {
        fail_tenant(x, "invalid_tenant", tenant);
        return;
    }
    json_t *document = openid_constants();
    emu_base_url(x, base);
    for (size_t i = 0; i < sizeof ADDRESSES / sizeof ADDRESSES[0]; i++)
        (void)json_object_set_new(document, ADDRESSES[i].name,
                                  json_sprintf("%s/%.*s%s", base, (int)tenant.len,
                                               (const char *)tenant.ptr, ADDRESSES[i].path));
    login_headers(x, "max-age=86400, private");
    emu_send_json(x, 200, document);
}

static void serve_keys(struct emu_exchange *x)
{
    login_headers(x, "max-age=86400, private");
    emu_send_json(x, 200, json_pack("{s:[o]}", "keys", emu_signer_jwk(&x->emu->signer)));
}

/* ---- Instance discovery ---- */

/* Aliases of each cloud's login service. */
static json_t *metadata_of(const struct emu_exchange *x)
{
    kp_span own = emu_request_header(&x->request, "Host");
    json_t *list = json_pack(
        "[{s:s,s:s,s:[s,s,s,s]},{s:s,s:s,s:[s,s]},{s:s,s:s,s:[s]},{s:s,s:s,s:[s,s]},"
        "{s:s,s:s,s:[s]}]",
        "preferred_network", "login.microsoftonline.com", "preferred_cache", "login.windows.net",
        "aliases", "login.microsoftonline.com", "login.windows.net", "login.microsoft.com",
        "sts.windows.net", "preferred_network", "login.partner.microsoftonline.cn",
        "preferred_cache", "login.partner.microsoftonline.cn", "aliases",
        "login.partner.microsoftonline.cn", "login.chinacloudapi.cn", "preferred_network",
        "login.microsoftonline.de", "preferred_cache", "login.microsoftonline.de", "aliases",
        "login.microsoftonline.de", "preferred_network", "login.microsoftonline.us",
        "preferred_cache", "login.microsoftonline.us", "aliases", "login.microsoftonline.us",
        "login.usgovcloudapi.net", "preferred_network", "login-us.microsoftonline.com",
        "preferred_cache", "login-us.microsoftonline.com", "aliases",
        "login-us.microsoftonline.com");
    if (!emu_is_login_host(x->request.host)) /* a test name is a cloud of its own */
        (void)json_array_append_new(list, json_pack("{s:o,s:o,s:[o]}", "preferred_network",
                                                    emu_json_string(own), "preferred_cache",
                                                    emu_json_string(own), "aliases",
                                                    emu_json_string(own)));
    return list;
}

/* Cuts "https://HOST/TENANT/..." into host, with its port, and tenant. */
static bool cut_endpoint(kp_span url, kp_span *host, kp_span *tenant)
{
    const size_t start = strlen("https://");
    if (!kpb_span_starts_with(url, "https://"))
        return false;
    kp_span rest = kpb_span(url.ptr + start, url.len - start);
    const uint8_t *slash = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;
    if (!slash)
        return false;
    *host = kpb_span(rest.ptr, (size_t)(slash - rest.ptr));
    size_t left = rest.len - host->len - 1;
    const uint8_t *end = left > 0 ? memchr(slash + 1, '/', left) : NULL;
    *tenant = kpb_span(slash + 1, end ? (size_t)(end - slash - 1) : left);
    return tenant->len > 0;
}

static void serve_discovery(struct emu_exchange *x)
{
    kp_span host;
    kp_span tenant;
    kp_span endpoint = emu_fields_get(&x->request.query, "authorization_endpoint", NULL);
    if (emu_meet_fault(x, "discovery"))
        return;
    login_headers(x, "max-age=86400, private");
    if (!cut_endpoint(endpoint, &host, &tenant) ||
        (!emu_is_login_host(emu_host_name(host)) &&
         !kpb_span_eq_nocase(host, emu_request_header(&x->request, "Host")))) {
        emu_fail_login(x, 400, "invalid_instance", 50049, "Unknown or invalid instance.");
        return;
    }
    json_t *document =
        json_sprintf("https://%.*s/%.*s/v2.0/.well-known/openid-configuration", (int)host.len,
                     (const char *)host.ptr, (int)tenant.len, (const char *)tenant.ptr);
    emu_send_json(x, 200,
                  json_pack("{s:o,s:s,s:o}", "tenant_discovery_endpoint", document, "api-version",
                            "1.1", "metadata", metadata_of(x)));
}

/* ---- Routes ---- */

static bool is_path(const struct emu_exchange *x, size_t at, const char *a, const char *b,
                    const char *c)
{
    const char *const words[] = {a, b, c};
    for (size_t i = 0; i < 3 && words[i]; i++) {
        if (!emu_segment_is(&x->request, at + i, words[i]))
            return false;
    }
    return x->request.n_segments == at + (a != NULL) + (b != NULL) + (c != NULL);
}

static bool is_openid(const struct emu_exchange *x)
{
    return is_path(x, 1, "v2.0", ".well-known", "openid-configuration") ||
           is_path(x, 1, ".well-known", "openid-configuration", NULL);
}

void emu_serve_login(struct emu_exchange *x)
{
    const bool is_get = x->request.method == EMU_GET;
    const bool is_v2 = is_path(x, 1, "oauth2", "v2.0", "token");
    if (is_get && is_path(x, 1, "discovery", "instance", NULL)) {
        serve_discovery(x);
    } else if (is_get && is_openid(x)) {
        serve_openid(x);
    } else if (is_get && is_path(x, 1, "discovery", "v2.0", "keys")) {
        serve_keys(x);
    } else if (is_get && is_path(x, 0, "certs", NULL, NULL)) {
        emu_serve_attestation_keys(x);
    } else if (x->request.method == EMU_POST && (is_v2 || is_path(x, 1, "oauth2", "token", NULL))) {
        login_headers(x, "no-store, no-cache");
        emu_set_header(x, "Pragma", "no-cache");
        emu_set_header(x, "Expires", "-1");
        if (emu_meet_fault(x, "token"))
            return;
        if (is_tenant(x, x->request.segments[0]))
            emu_serve_token(x, is_v2);
        else
            fail_tenant(x, "invalid_request", x->request.segments[0]);
    } else {
        emu_fail_login(x, 404, "invalid_request", 90099, "Nothing is at this path.");
    }
}
