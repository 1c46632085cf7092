/* What may be asked and by which way: clear text, proxies, headers of the host's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/errors.h"
#include "base/span.h"
#include "core/resolve.h"
#include "support/env.h"
#include "support/wire.h"

#define SPAN(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static struct wire wire;
static struct tls_server *plain;
static struct relay *proxy;

static kp_status resolve(void *ctx, const char *host, struct kpi_addresses *ret,
                         struct kp_error *reterr)
{
    (void)ctx;
    (void)host;
    (void)reterr;
    *ret = (struct kpi_addresses){.n = 1, .at = {"127.0.0.1"}};
    return KP_OK;
}

static int begin_with(const char *members)
{
    kpi_resolver_use(resolve, NULL);
    wire_begin(&wire, NULL);
    plain = tls_server_start(&(struct tls_server_options){.cert = NULL});
    proxy = relay_start(tls_server_port(wire.server), true);
    wire_open(&wire, members, false);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    return begin_with(", \"cleartext_hosts\": \"identity.test, other.test\"");
}

static int end(void **state)
{
    (void)state;
    wire_end(&wire);
    tls_server_stop(plain);
    relay_stop(proxy);
    kpi_resolver_use(NULL, NULL);
    return 0;
}

/* ---- Clear text ---- */

static void ask_plainly(struct ask *ask, const char *host, uint32_t flags)
{
    char url[256];
    (void)snprintf(url, sizeof url, "http://%s:%u/echo", host, tls_server_port(plain));
    ask_init_url(ask, wire.vault, wire.script, url);
    ask->request.flags = flags;
}

static void expect_refused(struct ask *ask, const char *words)
{
    assert_int_equal(ask_do(ask), KP_USAGE);
    assert_int_equal(ask->error.exposure, KP_NOT_SENT);
    if (!strstr(ask->error.text, words))
        fail_msg("'%s' is not in: %s", words, ask->error.text);
    ask_clear(ask);
}

static void clear_text_goes_to_this_machines_surroundings_only(void **state)
{
    static const char *const beside[] = {"localhost", "127.0.0.1", "identity.test", "Other.test"};
    static const char *const away[] = {
        "server.test",      "10.0.0.1", "127.1", "0x7f.1", "identity.test.evil.test",
        "[::ffff:10.0.0.1]"};
    struct ask ask;
    (void)state;
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        ask_plainly(&ask, beside[i], KP_HTTP_CLEARTEXT_METADATA);
        assert_int_equal(ask_do(&ask), KP_OK);
        ask_clear(&ask);
        ask_plainly(&ask, beside[i], 0);
        expect_refused(&ask, "only https");
    }
    for (size_t i = 0; i < sizeof away / sizeof away[0]; i++) {
        ask_plainly(&ask, away[i], KP_HTTP_CLEARTEXT_METADATA);
        expect_refused(&ask, "http.cleartext_hosts");
    }
    assert_int_equal(latch_count(tls_server_requests(plain)), 4);
}

static void bearer_token_never_goes_in_clear_text(void **state)
{
    static const struct kp_http_header header = {SPAN("authorization"), SPAN("BEARER token")};
    static const struct kp_http_header basic = {SPAN("Authorization"), SPAN("Basic secret")};
    struct ask ask;
    (void)state;
    ask_plainly(&ask, "localhost", KP_HTTP_CLEARTEXT_METADATA);
    ask.request.bearer = kpb_span_str("token");
    expect_refused(&ask, "never sent without TLS");
    ask_plainly(&ask, "localhost", KP_HTTP_CLEARTEXT_METADATA);
    ask.request.headers = &header;
    ask.request.n_headers = 1;
    expect_refused(&ask, "never sent without TLS");
    ask_plainly(&ask, "localhost", KP_HTTP_CLEARTEXT_METADATA);
    ask.request.headers = &basic;
    ask.request.n_headers = 1;
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_non_null(strstr(ask.body, "Authorization: Basic secret\r\n"));
    ask_clear(&ask);
}

/* ---- Requests that are not sent ---- */

static void request_that_is_malformed_is_refused_with_a_reason(void **state)
{
    static const struct {
        const char *url;
        const char *words;
    } urls[] = {
        {"ftp://localhost/", "neither https:// nor http://"},
        {"https://", "no host name"},
        {"https://user@localhost/", "user name"},
        {"https://localhost:0/", "1..65535"},
        {"https://localhost:70000/", "1..65535"},
        {"https://localhost:8x/", "no number"},
        {"https://[::1/", "no host name"},
        {"https://a b/", "percent-encoded"},
        {"https://localhost/#part", "percent-encoded"},
        {"https://localhost\\@evil.test/", "no host name"},
    };
    struct ask ask;
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        ask_init_url(&ask, wire.vault, wire.script, urls[i].url);
        expect_refused(&ask, urls[i].words);
    }
}

/* Wherever it stands: values are looked at eight bytes at a time. */
static void bytes_that_no_value_has_are_refused(void **state)
{
    static const uint8_t bytes[] = {0x00, '\n', '\r', 0x1f, 0x7f};
    uint8_t value[20];
    const struct kp_http_header header = {SPAN("X-A"), {value, sizeof value}};
    struct ask ask;
    (void)state;
    for (size_t i = 0; i < sizeof bytes * sizeof value; i++) {
        memset(value, i % 2 ? 'v' : 0xff, sizeof value);
        value[i % sizeof value] = bytes[i / sizeof value];
        wire_ask(&wire, &ask, "/echo");
        ask.request.headers = &header;
        ask.request.n_headers = 1;
        expect_refused(&ask, "may not be sent");
    }
}

static void every_other_byte_goes_out_as_it_is(void **state)
{
    uint8_t value[256];
    const struct kp_http_header header = {SPAN("X-A"), {value, sizeof value}};
    struct ask ask;
    (void)state;
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (i < ' ' && i != '\t') || i == 0x7f ? 'v' : (uint8_t)i;
    wire_ask(&wire, &ask, "/echo");
    ask.request.headers = &header;
    ask.request.n_headers = 1;
    assert_int_equal(ask_do(&ask), KP_OK);
    const uint8_t *sent = (const uint8_t *)strstr(ask.body, "X-A: ");
    assert_non_null(sent);
    assert_memory_equal(sent + strlen("X-A: "), value, sizeof value);
    ask_clear(&ask);
}

static void headers_of_the_hosts_own_are_refused(void **state)
{
    static const struct kp_http_header headers[] = {
        {SPAN("Host"), SPAN("evil.test")},
        {SPAN("content-length"), SPAN("5")},
        {SPAN("Transfer-Encoding"), SPAN("chunked")},
        {SPAN("X-A"), SPAN("b\r\nX-C: d")},
        {SPAN("X A"), SPAN("b")},
        {SPAN(""), SPAN("b")},
    };
    struct ask ask;
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        wire_ask(&wire, &ask, "/echo");
        ask.request.headers = &headers[i];
        ask.request.n_headers = 1;
        expect_refused(&ask, "may not be sent");
    }
    wire_ask(&wire, &ask, "/echo");
    ask.request.bearer = kpb_span_str("to\r\nken");
    expect_refused(&ask, "bearer token has bytes");
    wire_ask(&wire, &ask, "/echo");
    ask.method = "GET / HTTP/1.1\r\nX:";
    expect_refused(&ask, "method");
    wire_ask(&wire, &ask, "/echo");
    ask.request.pin = kpb_span_str("short");
    expect_refused(&ask, "a pin has");
    assert_int_equal(latch_count(tls_server_requests(wire.server)), 0);
}

static void methods_arrive_as_they_are_named(void **state)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "GET"};
    struct ask ask;
    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char expected[32];
        (void)snprintf(expected, sizeof expected, "%s /echo HTTP/1.1\r\n", methods[i]);
        wire_ask(&wire, &ask, "/echo");
        ask.method = methods[i];
        assert_int_equal(ask_do(&ask), KP_OK);
        assert_true(strncmp(ask.body, expected, strlen(expected)) == 0);
        bool has_length = strstr(ask.body, "Content-Length: 0\r\n") != NULL;
        assert_int_equal(has_length, methods[i][0] == 'P');
        ask_clear(&ask);
    }
    assert_int_equal(tls_server_n_connections(wire.server), 1);
}

/* ---- Proxies ---- */

static void begin_by_proxy(const char *no_proxy)
{
    char members[256];
    (void)begin_with("");
    kp_vault_release(wire.vault);
    client_end(&wire.client);
    (void)snprintf(members, sizeof members,
                   ", \"proxy\": \"http://127.0.0.1:%u\", \"no_proxy\": \"%s\"", relay_port(proxy),
                   no_proxy);
    wire_open(&wire, members, false);
}

static void proxy_is_asked_for_a_tunnel(void **state)
{
    struct ask ask;
    (void)state;
    begin_by_proxy("elsewhere.test");
    wire_ask(&wire, &ask, "/echo");
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_null(strstr(ask.headers, "established"));
    ask_clear(&ask);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_int_equal(relay_n_asked(proxy), 1);
    (void)end(NULL);
}

static void proxy_is_passed_by_where_it_should_be(void **state)
{
    struct ask ask;
    (void)state;
    begin_by_proxy("elsewhere.test,localhost");
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_int_equal(relay_n_asked(proxy), 0);
    ask_init(&ask, wire.vault, wire.script, "server.test", tls_server_port(wire.server), "/echo");
    ask.request.flags = KP_HTTP_NO_PROXY;
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(relay_n_asked(proxy), 0);
    ask_clear(&ask);
    ask_plainly(&ask, "localhost", KP_HTTP_CLEARTEXT_METADATA);
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(relay_n_asked(proxy), 0);
    ask_clear(&ask);
    ask_init(&ask, wire.vault, wire.script, "server.test", tls_server_port(wire.server), "/echo");
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(relay_n_asked(proxy), 1);
    ask_clear(&ask);
    (void)end(NULL);
}

static void environment_names_the_proxy(void **state)
{
    char url[64];
    (void)state;
    (void)begin_with("");
    kp_vault_release(wire.vault);
    client_end(&wire.client);
    (void)snprintf(url, sizeof url, "us%%65r:p%%40ss@127.0.0.1:%u", relay_port(proxy));
    env_set("https_proxy", url);
    env_set("no_proxy", NULL);
    wire_open(&wire, ", \"proxy\": \"environment\"", false);
    env_set("https_proxy", NULL);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_int_equal(relay_n_asked(proxy), 1);
    assert_true(relay_was_told(proxy, "Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"));
    (void)end(NULL);
}

/* What cannot be used is not passed by, and is nobody's trouble who does not need it. */
static void proxy_in_the_environment_that_is_none_fails_requests_only(void **state)
{
    struct ask ask;
    (void)state;
    (void)begin_with("");
    kp_vault_release(wire.vault);
    client_end(&wire.client);
    env_set("https_proxy", "socks5://proxy.test:1080");
    env_set("no_proxy", "server.test");
    wire_open(&wire, ", \"proxy\": \"environment\"", false);
    env_set("https_proxy", NULL);
    env_set("no_proxy", NULL);
    wire_expect(&wire, "/bytes/1", KP_CONFIG, 3106);
    ask_init(&ask, wire.vault, wire.script, "server.test", tls_server_port(wire.server), "/echo");
    assert_int_equal(ask_do(&ask), KP_OK);
    ask_clear(&ask);
    (void)end(NULL);
}

static void proxy_that_is_none_is_found_when_opening(void **state)
{
    struct kp_options options;
    struct kp_error error;
    struct client client;
    (void)state;
    script_begin();
    kp_error_init(&error);
    client_options(&options, "{\"http\": {\"proxy\": \"https://proxy.test\"}}");
    assert_int_equal(client_open(&client, &options, true, &error), KP_CONFIG);
    assert_string_equal(error.text, "http.proxy: a proxy is spoken to as http://HOST:PORT");
    script_end();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clear_text_goes_to_this_machines_surroundings_only),
        TEST(bearer_token_never_goes_in_clear_text),
        TEST(bytes_that_no_value_has_are_refused),
        TEST(every_other_byte_goes_out_as_it_is),
        TEST(request_that_is_malformed_is_refused_with_a_reason),
        TEST(headers_of_the_hosts_own_are_refused),
        TEST(methods_arrive_as_they_are_named),
        cmocka_unit_test(proxy_is_asked_for_a_tunnel),
        cmocka_unit_test(proxy_is_passed_by_where_it_should_be),
        cmocka_unit_test(environment_names_the_proxy),
        cmocka_unit_test(proxy_in_the_environment_that_is_none_fails_requests_only),
        cmocka_unit_test(proxy_that_is_none_is_found_when_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
