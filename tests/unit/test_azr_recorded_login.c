/* Exchanges that the real login service and identity endpoints took part in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/azure-rest/challenge.h"
#include "plugins/azure-rest/form.h"
#include "plugins/azure-rest/managed_identity.h"
#include "plugins/azure-rest/token_reply.h"
#include "plugins/azure-rest/token_request.h"
#include "support/recordings.h"

#define CLIENT "0123abcd-4567-89ab-cdef-0123456789ab"

/* The value of name in a form or query text, as it stands there; empty span when absent. */
static kp_span value_of(const char *text, const char *name)
{
    size_t n = strlen(name);
    const char *p = text;
    while (p) {
        if (strncmp(p, name, n) == 0 && p[n] == '=') {
            p += n + 1;
            return kpb_span(p, strcspn(p, "&"));
        }
        p = strpbrk(p, "&?");
        p = p ? p + 1 : NULL;
    }
    return kpb_span(NULL, 0);
}

/* Each parameter that both have says the same; the recorded client's own extras do not count. */
static void assert_same_parameter(const char *ours, const char *recorded, const char *name)
{
    kp_span a = value_of(ours, name);
    kp_span b = value_of(recorded, name);
    if (!a.ptr || !kpb_span_eq(a, b))
        fail_msg("%s: '%.*s', recorded '%.*s'", name, (int)a.len, (const char *)a.ptr, (int)b.len,
                 (const char *)b.ptr);
}

static char *terminated(const kp_buf *buf)
{
    char *text = calloc(1, buf->len + 1);
    assert_non_null(text);
    memcpy(text, buf->ptr, buf->len);
    return text;
}

static void read_recorded(const json_t *exchange, uint32_t source, int64_t now,
                          const char *want_token, int64_t want_expires_s)
{
    struct azr_lifetime life;
    struct kp_error err;
    kp_buf token;
    char *body = recordings_reply(exchange);
    if (azr_token_read(kpb_span_str(body), source, now, &token, &life, &err) != KP_OK)
        fail_msg("%s", err.text);
    assert_true(kpb_span_eq_str(kp_buf_view(&token), want_token));
    assert_int_equal(life.expires_s, want_expires_s);
    kp_buf_clear(&token);
    free(body);
}

static void read_refusal(const json_t *exchange, kp_status status, uint32_t code, const char *shows,
                         const char *trace_id)
{
    struct kp_error err;
    char *body = recordings_reply(exchange);
    uint32_t http = (uint32_t)json_integer_value(json_object_get(exchange, "status"));
    kp_status st = azr_token_error(kpb_span_str(body), http, AZR_SOURCE_LOGIN, &err);
    if (st != status || err.code != code || !strstr(err.text, shows))
        fail_msg("%s %u %s", kp_status_text(st), (unsigned)err.code, err.text);
    assert_string_equal(err.request_id, trace_id);
    free(body);
}

static void assert_same_request(const json_t *exchange, const char *tenant, bool announces_cae)
{
    struct azr_target target = {.login = "login.microsoftonline.com",
                                .resource = "https://vault.azure.net"};
    struct azr_grant grant = {
        .target = &target, .announces_cae = announces_cae, .client_id = kpb_span_str(CLIENT)};
    const char *recorded = recordings_text(exchange, "request_body");
    kp_buf url, body;
    (void)snprintf(target.tenant, sizeof target.tenant, "%s", tenant);
    assert_int_equal(azr_token_url(&target, AZR_ENDPOINT_V2, &url, NULL), KP_OK);
    assert_int_equal(azr_token_body(&grant, AZR_PROOF_SECRET, kpb_span_str("s"), &body, NULL),
                     KP_OK);
    char *our_url = terminated(&url);
    char *our_body = terminated(&body);
    assert_string_equal(our_url + strlen("https://login.microsoftonline.com"),
                        recordings_text(exchange, "path") + strlen("LOGIN"));
    assert_same_parameter(our_body, recorded, "grant_type");
    assert_same_parameter(our_body, recorded, "scope");
    assert_true(value_of(recorded, "client_id").len > 0 &&
                value_of(recorded, "client_secret").len > 0);
    if (announces_cae)
        assert_same_parameter(our_body, recorded, "claims");
    free(our_url);
    free(our_body);
    kp_buf_clear(&url);
    kp_buf_clear(&body);
}

static void client_secret_request_and_reply(void **state)
{
    size_t n;
    (void)state;
    recordings_need();
    json_t *all = recordings_load("login-client-secret", &n);
    const json_t *x = json_array_get(all, 0);
    assert_same_request(x, "33333333-3333-3333-3333-333333333333", false);
    read_recorded(x, AZR_SOURCE_LOGIN, 1700000000, "Sanitized", 86399);
    json_decref(all);
}

static void cae_capable_request_and_reply(void **state)
{
    size_t n;
    (void)state;
    recordings_need();
    json_t *all = recordings_load("login-client-secret-cae-capable", &n);
    const json_t *x = json_array_get(all, n - 1);
    assert_same_request(x, "12345678-1234-1234-1234-123456789012", true);
    read_recorded(x, AZR_SOURCE_LOGIN, 1700000000, "access_token", 86399);
    json_decref(all);
}

static void aliases_of_instance_discovery_are_in_the_table(void **state)
{
    size_t n, i;
    json_t *cloud, *alias;
    size_t k;
    (void)state;
    recordings_need();
    json_t *all = recordings_load("login-client-secret-cae-capable", &n);
    json_t *metadata =
        json_object_get(json_object_get(json_array_get(all, 0), "response_body"), "metadata");
    assert_true(json_array_size(metadata) >= 4);
    json_array_foreach(metadata, i, cloud) {
        const char *first = json_string_value(json_object_get(cloud, "preferred_network"));
        const struct azr_cloud *ours = azr_cloud_of_login(kpb_span_str(first));
        if (strcmp(first, "login.microsoftonline.de") == 0) {
            assert_null(ours); /* closed: no login there */
            continue;
        }
        json_array_foreach(json_object_get(cloud, "aliases"), k, alias) {
            assert_non_null(ours);
            assert_ptr_equal(azr_cloud_of_login(kpb_span_str(json_string_value(alias))), ours);
        }
    }
    json_decref(all);
}

static void refusals_of_the_real_service(void **state)
{
    size_t n;
    (void)state;
    recordings_need();
    json_t *all = recordings_load("login-invalid-client-secret-401", &n);
    read_refusal(json_array_get(all, 1), KP_AUTH, 3303, "AADSTS7000215",
                 "7bf28be4-fc61-48f2-81a3-5a9775ca0700");
    json_decref(all);
    all = recordings_load("login-tenant-not-found-400", &n);
    read_refusal(json_array_get(all, 1), KP_AUTH, 3303, "AADSTS90002",
                 "5b265564-6291-411b-8a78-611893781c00");
    json_decref(all);
    /* The recorder cut this body in the middle: no JSON, and no credential refused by guess. */
    all = recordings_load("login-invalid-certificate-401", &n);
    read_refusal(json_array_get(all, 1), KP_PROTOCOL, 3307, "HTTP 401", "");
    json_decref(all);
}

static void assert_same_query(const json_t *exchange, const struct azr_mi_ask *ask)
{
    struct azr_mi_request r;
    const char *path = recordings_text(exchange, "path");
    assert_int_equal(azr_mi_request_make(ask, &r, NULL), KP_OK);
    char *url = terminated(&r.url);
    const char *ours = strstr(url, "/metadata/");
    const char *recorded = strchr(path, '/');
    assert_non_null(ours);
    assert_string_equal(ours, recorded);
    free(url);
    azr_mi_request_clear(&r);
}

static void imds_request_and_replies(void **state)
{
    const struct azr_mi_env env = {0};
    struct azr_mi_ask ask = {
        .source = AZR_MI_IMDS, .env = &env, .resource = kpb_span_str("https://vault.azure.net")};
    size_t n;
    (void)state;
    recordings_need();
    json_t *all = recordings_load("msi-imds-system-assigned", &n);
    assert_same_query(json_array_get(all, 1), &ask);
    read_recorded(json_array_get(all, 1), AZR_SOURCE_MANAGED_IDENTITY, 1580150504, "Sanitized",
                  28799);
    json_decref(all);
    all = recordings_load("msi-imds-user-assigned", &n);
    read_recorded(json_array_get(all, 0), AZR_SOURCE_MANAGED_IDENTITY, 1740186825, "redacted",
                  86091);
    json_decref(all);
    all = recordings_load("msi-imds-missing-header-400", &n);
    struct kp_error err;
    char *body = recordings_reply(json_array_get(all, 0));
    assert_int_equal(azr_token_error(kpb_span_str(body), 400, AZR_SOURCE_MANAGED_IDENTITY, &err),
                     KP_AUTH);
    free(body);
    read_recorded(json_array_get(all, 1), AZR_SOURCE_MANAGED_IDENTITY, 1712078671, "redacted",
                  86400);
    json_decref(all);
}

static void service_fabric_and_arc_exchanges(void **state)
{
    const struct azr_mi_env env = {
        .identity_endpoint = kpb_span_str("https://sf:2377/metadata/identity/oauth2/token"),
        .identity_header = kpb_span_str("code"),
        .identity_server_thumbprint = kpb_span_str("000102030405060708090a0b0c0d0e0f10111213")};
    struct azr_mi_ask ask = {.source = AZR_MI_SERVICE_FABRIC,
                             .env = &env,
                             .resource = kpb_span_str("https://vault.azure.net")};
    size_t n;
    (void)state;
    recordings_need();
    json_t *all = recordings_load("msi-service-fabric", &n);
    assert_same_query(json_array_get(all, 1), &ask);
    read_recorded(json_array_get(all, 1), AZR_SOURCE_MANAGED_IDENTITY, 1605311274 - 86000,
                  "Sanitized", 86000);
    json_decref(all);
    all = recordings_load("msi-arc-token", &n);
    read_recorded(json_array_get(all, 0), AZR_SOURCE_MANAGED_IDENTITY, 1605134296, "Sanitized",
                  86396);
    json_decref(all);
}

static void recorded_challenges_lead_to_the_cloud_s_login(void **state)
{
    static const struct {
        const char *file, *host, *resource;
    } rows[] = {
        {"msi-imds-system-assigned", "aiimdssavault.vault.azure.net", "https://vault.azure.net"},
        {"vault-challenge-create-get", "x.vault.azure.net", "https://vault.azure.net"},
        {"hsm-challenge-create-get", "x.managedhsm.azure.net", "https://managedhsm.azure.net"},
        {"hsm-random-bytes-challenge", "x.managedhsm.azure.net", "https://managedhsm.azure.net"},
        {"vault-exportable-no-policy-400", "x.vault.azure.net", "https://vault.azure.net"},
    };
    (void)state;
    recordings_need();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n;
        struct azr_challenge challenge;
        struct azr_target target;
        struct kp_error err = {0};
        json_t *all = recordings_load(rows[i].file, &n);
        const char *value = recordings_header(json_array_get(all, 0), "WWW-Authenticate");
        assert_non_null(value);
        kp_span span = kpb_span_str(value);
        if (azr_challenge_parse(&span, 1, &challenge, &err) != KP_OK ||
            azr_challenge_check(&challenge, kpb_span_str(rows[i].host), NULL, &target, &err) !=
                KP_OK)
            fail_msg("%s: %s", rows[i].file, err.text);
        assert_string_equal(target.login, "login.microsoftonline.com");
        assert_string_equal(target.resource, rows[i].resource);
        json_decref(all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_secret_request_and_reply),
        cmocka_unit_test(cae_capable_request_and_reply),
        cmocka_unit_test(aliases_of_instance_discovery_are_in_the_table),
        cmocka_unit_test(refusals_of_the_real_service),
        cmocka_unit_test(imds_request_and_replies),
        cmocka_unit_test(service_fabric_and_arc_exchanges),
        cmocka_unit_test(recorded_challenges_lead_to_the_cloud_s_login),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
