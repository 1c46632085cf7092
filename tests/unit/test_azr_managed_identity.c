/* Managed identity endpoints: choice, requests, retries, the Arc agent's key file; fingerprints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/azure-rest/arc.h"
#include "plugins/azure-rest/fingerprint.h"
#include "plugins/azure-rest/managed_identity.h"
#include "support/failing_heap.h"

#define CLIENT "0123abcd-4567-89ab-cdef-0123456789ab"
#define RES "resource=https%3A%2F%2Fvault.azure.net"
#define PIN "000102030405060708090A0b0c0d0e0f10111213"

static kp_span text(const char *s)
{
    return kpb_span_str(s);
}

static struct azr_mi_env env_of(const char *endpoint, const char *header)
{
    struct azr_mi_env env = {.identity_endpoint = text(endpoint), .identity_header = text(header)};
    return env;
}

static struct azr_mi_ask ask_of(enum azr_mi_source source, const struct azr_mi_env *env)
{
    struct azr_mi_ask ask = {
        .source = source, .env = env, .resource = text("https://vault.azure.net")};
    return ask;
}

static const char *header(const struct azr_mi_request *r, const char *name)
{
    static char value[256];
    for (uint32_t i = 0; i < r->http.n_headers; i++)
        if (kpb_span_eq_nocase(r->http.headers[i].name, text(name))) {
            assert_true(r->http.headers[i].value.len < sizeof value);
            memcpy(value, r->http.headers[i].value.ptr, r->http.headers[i].value.len);
            value[r->http.headers[i].value.len] = '\0';
            return value;
        }
    return "";
}

static void choice_follows_the_documented_order(void **state)
{
    const struct {
        struct azr_mi_env env;
        enum azr_mi_source source;
    } rows[] = {
        {{.has_arc_agent = false}, AZR_MI_IMDS},
        {{.identity_endpoint = text("x"), .identity_header = text("y")}, AZR_MI_APP_SERVICE},
        {{.identity_endpoint = text("x"),
          .identity_header = text("y"),
          .identity_server_thumbprint = text("z")},
         AZR_MI_SERVICE_FABRIC},
        {{.msi_endpoint = text("x"), .msi_secret = text("y")}, AZR_MI_APP_SERVICE_2017},
        {{.identity_endpoint = text("x"), .imds_endpoint = text("y")}, AZR_MI_ARC},
        {{.has_arc_agent = true}, AZR_MI_ARC},
        {{.identity_endpoint = text("x"), .identity_header = text("y"), .has_arc_agent = true},
         AZR_MI_APP_SERVICE},
        {{.identity_endpoint = text("x")}, AZR_MI_IMDS},
    };
    const struct azr_mi_env shell = {.msi_endpoint = text("x")};
    enum azr_mi_source source = AZR_MI_NONE;
    struct kp_error err;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(azr_mi_choose(&rows[i].env, &source, &err), KP_OK);
        assert_int_equal(source, rows[i].source);
    }
    assert_int_equal(azr_mi_choose(&shell, &source, &err), KP_UNSUPPORTED);
}

static void requests_are_as_each_endpoint_wants_them(void **state)
{
    const struct azr_mi_env none = {0};
    const struct azr_mi_env pod = {.imds_host = text("http://127.0.0.1:8081/")};
    const struct azr_mi_env app = env_of("http://127.0.0.1:41741/msi/token/", "hdr");
    const struct azr_mi_env old = {.msi_endpoint = text("http://127.0.0.1:41741/MSI/token"),
                                   .msi_secret = text("sec")};
    struct azr_mi_env fabric =
        env_of("https://localhost:2377/metadata/identity/oauth2/token", "code");
    fabric.identity_server_thumbprint = text(PIN);
    const struct {
        enum azr_mi_source source;
        const struct azr_mi_env *env;
        const char *url, *header, *value;
        uint32_t flags;
        size_t pin_len;
    } rows[] = {
        {AZR_MI_IMDS, &none,
         "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&" RES,
         "Metadata", "true", KP_HTTP_CLEARTEXT_METADATA, 0},
        {AZR_MI_IMDS, &pod,
         "http://127.0.0.1:8081/metadata/identity/oauth2/token?api-version=2018-02-01&" RES,
         "Metadata", "true", KP_HTTP_CLEARTEXT_METADATA, 0},
        {AZR_MI_APP_SERVICE, &app, "http://127.0.0.1:41741/msi/token?api-version=2019-08-01&" RES,
         "X-IDENTITY-HEADER", "hdr", KP_HTTP_CLEARTEXT_METADATA, 0},
        {AZR_MI_APP_SERVICE_2017, &old,
         "http://127.0.0.1:41741/MSI/token?api-version=2017-09-01&" RES, "secret", "sec",
         KP_HTTP_CLEARTEXT_METADATA, 0},
        {AZR_MI_ARC, &none,
         "http://127.0.0.1:40342/metadata/identity/oauth2/token?api-version=2020-06-01&" RES,
         "Metadata", "true", KP_HTTP_CLEARTEXT_METADATA, 0},
        {AZR_MI_SERVICE_FABRIC, &fabric,
         "https://localhost:2377/metadata/identity/oauth2/"
         "token?api-version=2019-07-01-preview&" RES,
         "Secret", "code", 0, 20},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct azr_mi_ask ask = ask_of(rows[i].source, rows[i].env);
        struct azr_mi_request r;
        assert_int_equal(azr_mi_request_make(&ask, &r, NULL), KP_OK);
        if (!kpb_span_eq_str(r.http.url, rows[i].url))
            fail_msg("%.*s", (int)r.http.url.len, (const char *)r.http.url.ptr);
        assert_string_equal(header(&r, rows[i].header), rows[i].value);
        assert_int_equal(r.http.flags, rows[i].flags | KP_HTTP_NO_PROXY | KP_HTTP_SECRET_REPLY);
        assert_int_equal(r.http.pin.len, rows[i].pin_len);
        assert_true(kpb_span_eq_str(r.http.method, "GET"));
        assert_int_equal(r.http.body.len, 0);
        assert_int_equal(r.http.struct_size, sizeof r.http);
        azr_mi_request_clear(&r);
    }
}

static void pin_is_the_thumbprint(void **state)
{
    struct azr_mi_env env = env_of("https://h/x", "c");
    struct azr_mi_request r;
    (void)state;
    env.identity_server_thumbprint = text(PIN);
    struct azr_mi_ask ask = ask_of(AZR_MI_SERVICE_FABRIC, &env);
    assert_int_equal(azr_mi_request_make(&ask, &r, NULL), KP_OK);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(r.http.pin.ptr[i], i);
    azr_mi_request_clear(&r);
}

static void arc_second_step_carries_the_key(void **state)
{
    const struct azr_mi_env none = {0};
    struct azr_mi_ask ask = ask_of(AZR_MI_ARC, &none);
    struct azr_mi_request r;
    (void)state;
    ask.arc_key = text("k3y");
    assert_int_equal(azr_mi_request_make(&ask, &r, NULL), KP_OK);
    assert_string_equal(header(&r, "Authorization"), "Basic k3y");
    assert_string_equal(header(&r, "Metadata"), "true");
    assert_true(r.secret.secret);
    azr_mi_request_clear(&r);
    azr_mi_request_clear(&r);
    azr_mi_request_clear(NULL);
}

static void selectors_have_each_source_s_own_name(void **state)
{
    const struct azr_mi_env none = {0};
    const struct azr_mi_env app = env_of("http://127.0.0.1/x", "h");
    const struct azr_mi_env old = {.msi_endpoint = text("http://127.0.0.1/x"),
                                   .msi_secret = text("s")};
    const struct {
        enum azr_mi_source source;
        const struct azr_mi_env *env;
        uint32_t selector;
        const char *identity, *want; /* NULL: refused */
    } rows[] = {
        {AZR_MI_IMDS, &none, AZR_MI_CLIENT_ID, CLIENT, "&client_id=" CLIENT},
        {AZR_MI_IMDS, &none, AZR_MI_OBJECT_ID, CLIENT, "&object_id=" CLIENT},
        {AZR_MI_IMDS, &none, AZR_MI_RESOURCE_ID, "/sub/x", "&msi_res_id=%2Fsub%2Fx"},
        {AZR_MI_APP_SERVICE, &app, AZR_MI_CLIENT_ID, CLIENT, "&client_id=" CLIENT},
        {AZR_MI_APP_SERVICE, &app, AZR_MI_OBJECT_ID, CLIENT, "&principal_id=" CLIENT},
        {AZR_MI_APP_SERVICE, &app, AZR_MI_RESOURCE_ID, "/a", "&mi_res_id=%2Fa"},
        {AZR_MI_APP_SERVICE_2017, &old, AZR_MI_CLIENT_ID, CLIENT, "&clientid=" CLIENT},
        {AZR_MI_APP_SERVICE_2017, &old, AZR_MI_OBJECT_ID, CLIENT, NULL},
        {AZR_MI_ARC, &none, AZR_MI_CLIENT_ID, CLIENT, NULL},
        {AZR_MI_IMDS, &none, AZR_MI_CLIENT_ID, "x&y=z", NULL},
        {AZR_MI_IMDS, &none, AZR_MI_RESOURCE_ID, "", NULL},
        {AZR_MI_IMDS, &none, 77, CLIENT, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct azr_mi_ask ask = ask_of(rows[i].source, rows[i].env);
        struct azr_mi_request r;
        ask.selector = rows[i].selector;
        ask.identity = text(rows[i].identity);
        kp_status st = azr_mi_request_make(&ask, &r, NULL);
        assert_int_equal(st, rows[i].want ? KP_OK : KP_CONFIG);
        if (rows[i].want)
            assert_true(kpb_span_ends_with_nocase(r.http.url, rows[i].want));
        azr_mi_request_clear(&r);
    }
}

static void environments_that_would_send_it_astray_are_refused(void **state)
{
    const struct {
        enum azr_mi_source source;
        const char *endpoint, *header, *thumbprint;
    } rows[] = {
        {AZR_MI_APP_SERVICE, "ftp://127.0.0.1/x", "h", ""},
        {AZR_MI_APP_SERVICE, "127.0.0.1/x", "h", ""},
        {AZR_MI_APP_SERVICE, "http://", "h", ""},
        {AZR_MI_APP_SERVICE, "http:///x", "h", ""},
        {AZR_MI_APP_SERVICE, "http://a@b/x", "h", ""},
        {AZR_MI_APP_SERVICE, "http://a/x?y=z", "h", ""},
        {AZR_MI_APP_SERVICE, "http://a/x y", "h", ""},
        {AZR_MI_APP_SERVICE, "http://127.0.0.1/x", "h\r\nX: y", ""},
        {AZR_MI_ARC, "http://10.0.0.1/x", "", ""},
        {AZR_MI_ARC, "http://127.0.0.1.evil.com/x", "", ""},
        {AZR_MI_ARC, "http://localhost.evil.com/x", "", ""},
        {AZR_MI_SERVICE_FABRIC, "http://localhost/x", "h", PIN},
        {AZR_MI_SERVICE_FABRIC, "https://localhost/x", "h", "abcd"},
        {AZR_MI_SERVICE_FABRIC, "https://localhost/x", "h", ""},
    };
    struct kp_error err;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct azr_mi_env env = env_of(rows[i].endpoint, rows[i].header);
        struct azr_mi_ask ask = ask_of(rows[i].source, &env);
        struct azr_mi_request r;
        env.identity_server_thumbprint = text(rows[i].thumbprint);
        if (azr_mi_request_make(&ask, &r, &err) != KP_CONFIG)
            fail_msg("%s was taken", rows[i].endpoint);
        assert_int_equal(err.code, 3304);
        assert_int_equal(r.http.url.len, 0);
        azr_mi_request_clear(&r);
    }
}

static void retries_stand_in_the_table(void **state)
{
    static const uint32_t imds_waits[] = {2000, 6000, 14000, 30000};
    uint32_t wait = 0;
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(azr_mi_may_retry(AZR_MI_IMDS, i + 1, 410, &wait));
        assert_int_equal(wait, imds_waits[i]);
    }
    assert_false(azr_mi_may_retry(AZR_MI_IMDS, 5, 410, &wait));
    assert_false(azr_mi_may_retry(AZR_MI_IMDS, 0, 410, &wait));
    assert_true(azr_mi_may_retry(AZR_MI_IMDS, 1, 404, &wait));
    assert_true(azr_mi_may_retry(AZR_MI_IMDS, 1, 429, &wait));
    assert_true(azr_mi_may_retry(AZR_MI_IMDS, 1, 503, &wait));
    assert_true(azr_mi_may_retry(AZR_MI_IMDS, 1, 0, &wait));
    assert_false(azr_mi_may_retry(AZR_MI_IMDS, 1, 400, &wait));
    assert_false(azr_mi_may_retry(AZR_MI_IMDS, 1, 401, &wait));
    assert_true(azr_mi_may_retry(AZR_MI_SERVICE_FABRIC, 2, 500, &wait));
    assert_int_equal(wait, 1000);
    assert_false(azr_mi_may_retry(AZR_MI_SERVICE_FABRIC, 3, 500, &wait));
    assert_false(azr_mi_may_retry(AZR_MI_NONE, 1, 500, &wait));
    assert_string_equal(azr_mi_name(AZR_MI_ARC), "Azure Arc");
    assert_string_equal(azr_mi_name((enum azr_mi_source)99), "no endpoint");
}

/* ---- Arc's file ---- */

static kp_status key_path(const char *header_value, const char *program_data, kp_span *path)
{
    const struct kp_http_header headers[] = {{text("Www-Authenticate"), text(header_value)}};
    struct kp_http_reply reply = {.struct_size = sizeof reply, .n_headers = 1, .headers = headers};
    struct kp_error err;
    kp_status st = azr_arc_key_path(&reply, text(program_data), path, &err);
    assert_true(st == KP_OK || err.code == 3304);
    return st;
}

static void arc_path_is_one_key_file_in_the_agent_s_folder(void **state)
{
    static const char *const bad[] = {
        "",
        "Basic",
        "Basic realm=",
        "Bearer realm=/var/opt/azcmagent/tokens/a.key",
        "Basic realm=/etc/shadow",
        "Basic realm=/etc/shadow.key",
        "Basic realm=/var/opt/azcmagent/tokens/a.pem",
        "Basic realm=/var/opt/azcmagent/tokens/.key",
        "Basic realm=/var/opt/azcmagent/tokens/",
        "Basic realm=/var/opt/azcmagent/tokens/../../../../etc/ssl/a.key",
        "Basic realm=/var/opt/azcmagent/tokens/sub/a.key",
        "Basic realm=/var/opt/azcmagent/tokens//a.key",
        "Basic realm=/var/opt/azcmagent/tokens/..a.key/../a.key",
        "Basic realm=/var/opt/azcmagent/tokensX/a.key",
        "Basic realm=/VAR/opt/azcmagent/tokens/a.key",
        "Basic realm=var/opt/azcmagent/tokens/a.key",
        "Basic realm=/var/opt/azcmagent/tokens/a.key\\..\\b.key",
        "Basic realm=/var/opt/azcmagent/tokens/a b.key",
        "Basic realm=/var/opt/azcmagent/tokens/a.KEY",
        "Basic realm=/var/opt/azcmagent/tokens/a.key, realm2=x",
    };
    kp_span path;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (key_path(bad[i], "", &path) == KP_OK)
            fail_msg("'%s' was taken", bad[i]);
    assert_int_equal(key_path("Basic realm=/var/opt/azcmagent/tokens/a-1.key", "", &path), KP_OK);
    assert_true(kpb_span_eq_str(path, "/var/opt/azcmagent/tokens/a-1.key"));
    assert_int_equal(key_path("basic realm=\"/var/opt/azcmagent/tokens/a.key\"", "", &path), KP_OK);
    assert_true(kpb_span_eq_str(path, "/var/opt/azcmagent/tokens/a.key"));
}

static void arc_path_on_windows(void **state)
{
    static const char pd[] = "C:\\ProgramData";
    kp_span path;
    (void)state;
    assert_int_equal(
        key_path("Basic realm=C:\\ProgramData\\AzureConnectedMachineAgent\\Tokens\\a.key", pd,
                 &path),
        KP_OK);
    assert_int_equal(
        key_path("Basic realm=c:/programdata/azureconnectedmachineagent/tokens/a.KEY", pd, &path),
        KP_OK);
    assert_int_equal(
        key_path("Basic realm=C:\\ProgramData\\AzureConnectedMachineAgent\\Tokens\\..\\a.key", pd,
                 &path),
        KP_AUTH);
    assert_int_equal(
        key_path("Basic realm=C:\\ProgramData\\AzureConnectedMachineAgent\\Tokens\\b:a.key", pd,
                 &path),
        KP_AUTH);
    assert_int_equal(
        key_path("Basic realm=D:\\ProgramData\\AzureConnectedMachineAgent\\Tokens\\a.key", pd,
                 &path),
        KP_AUTH);
    assert_int_equal(key_path("Basic realm=/var/opt/azcmagent/tokens/a.key", pd, &path), KP_AUTH);
}

static void arc_key_is_bounded_and_one_word(void **state)
{
    static char big[AZR_ARC_KEY_MAX_LEN + 1];
    kp_span key;
    (void)state;
    assert_int_equal(azr_arc_key_check(text("k3y=\n"), &key, NULL), KP_OK);
    assert_true(kpb_span_eq_str(key, "k3y="));
    assert_int_equal(azr_arc_key_check(text(""), &key, NULL), KP_AUTH);
    assert_int_equal(azr_arc_key_check(text(" \n"), &key, NULL), KP_AUTH);
    assert_int_equal(azr_arc_key_check(text("a\r\nX: y"), &key, NULL), KP_AUTH);
    memset(big, 'x', sizeof big);
    assert_int_equal(azr_arc_key_check(kpb_span(big, sizeof big - 1), &key, NULL), KP_OK);
    assert_int_equal(azr_arc_key_check(kpb_span(big, sizeof big), &key, NULL), KP_AUTH);
}

static void each_allocation_failing_is_no_memory(void **state)
{
    const struct azr_mi_env env = env_of("http://127.0.0.1:41741/msi/token", "hdr");
    struct azr_mi_ask ask = ask_of(AZR_MI_APP_SERVICE, &env);
    struct azr_mi_request r;
    struct kp_error err;
    (void)state;
    for (unsigned n = 1;; n++) {
        failing_heap_use(n);
        kp_status st = azr_mi_request_make(&ask, &r, &err);
        azr_mi_request_clear(&r);
        assert_int_equal(failing_heap_live(), 0);
        if (!failing_heap_site())
            break;
        assert_int_equal(st, KP_NO_MEMORY);
        assert_int_equal(err.code, 3300);
    }
    failing_heap_drop();
}

/* ---- Fingerprints ---- */

static void fingerprint(const char *key, const char *a, const char *b, uint8_t ret[32])
{
    const kp_span parts[] = {text(a), text(b)};
    assert_int_equal(azr_fingerprint(text(key), parts, 2, ret, NULL), KP_OK);
}

static void fingerprints_differ_with_key_secret_and_division(void **state)
{
    static const char k1[] = "0123456789abcdef0123456789abcdef";
    static const char k2[] = "1123456789abcdef0123456789abcdef";
    uint8_t one[32], other[32];
    (void)state;
    fingerprint(k1, "client", "secret", one);
    fingerprint(k1, "client", "secret", other);
    assert_memory_equal(one, other, 32);
    fingerprint(k1, "client", "secreT", other);
    assert_memory_not_equal(one, other, 32);
    fingerprint(k1, "clients", "ecret", other);
    assert_memory_not_equal(one, other, 32);
    fingerprint(k2, "client", "secret", other);
    assert_memory_not_equal(one, other, 32);
}

static void fingerprint_bounds_and_memory(void **state)
{
    static uint8_t big[AZR_FINGERPRINT_MAX_LEN];
    static const uint8_t key[AZR_FINGERPRINT_KEY_LEN];
    const kp_span huge[] = {kpb_span(big, sizeof big), kpb_span(big, sizeof big)};
    const kp_span one = kpb_span(big, 10);
    uint8_t out[32];
    (void)state;
    assert_int_equal(azr_fingerprint(kpb_span(key, 32), huge, 1, out, NULL), KP_USAGE);
    assert_int_equal(azr_fingerprint(kpb_span(key, 32), huge, 2, out, NULL), KP_USAGE);
    assert_int_equal(azr_fingerprint(kpb_span(key, 31), &one, 1, out, NULL), KP_USAGE);
    assert_int_equal(azr_fingerprint(kpb_span(key, 32), &one, 0, out, NULL), KP_USAGE);
    failing_heap_use(1);
    assert_int_equal(azr_fingerprint(kpb_span(key, 32), &one, 1, out, NULL), KP_NO_MEMORY);
    assert_int_equal(failing_heap_live(), 0);
    failing_heap_drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choice_follows_the_documented_order),
        cmocka_unit_test(requests_are_as_each_endpoint_wants_them),
        cmocka_unit_test(pin_is_the_thumbprint),
        cmocka_unit_test(arc_second_step_carries_the_key),
        cmocka_unit_test(selectors_have_each_source_s_own_name),
        cmocka_unit_test(environments_that_would_send_it_astray_are_refused),
        cmocka_unit_test(retries_stand_in_the_table),
        cmocka_unit_test(arc_path_is_one_key_file_in_the_agent_s_folder),
        cmocka_unit_test(arc_path_on_windows),
        cmocka_unit_test(arc_key_is_bounded_and_one_word),
        cmocka_unit_test(each_allocation_failing_is_no_memory),
        cmocka_unit_test(fingerprints_differ_with_key_secret_and_division),
        cmocka_unit_test(fingerprint_bounds_and_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
