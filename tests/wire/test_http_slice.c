/* One request over TLS and what becomes of it: answered, refused, cancelled, closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "support/wire.h"

static struct wire wire;

static int begin(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    wire_open(&wire, "", false);
    return 0;
}

static int begin_h2(void **state)
{
    (void)state;
    wire_begin(&wire, &(struct tls_server_options){.h2 = true});
    wire_open(&wire, "", false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    wire_end(&wire);
    return 0;
}

static void request_arrives_as_it_was_given(void **state)
{
    const struct kp_http_header headers[] = {
        {kpb_span_str("Content-Type"), kpb_span_str("application/json")},
        {kpb_span_str("X-Empty"), {NULL, 0}},
    };
    struct ask ask;
    char expected[512];
    (void)state;
    wire_ask(&wire, &ask, "/echo?a=b");
    ask.method = "POST";
    ask.request.headers = headers;
    ask.request.n_headers = 2;
    ask.request.body = kpb_span_str("{\"a\": 1}");
    ask.request.bearer = kpb_span_str("to.ke-n");
    assert_int_equal(ask_do(&ask), KP_OK);
    (void)snprintf(expected, sizeof expected,
                   "POST /echo?a=b HTTP/1.1\r\nHost: localhost:%u\r\n"
                   "Content-Type: application/json\r\nX-Empty:\r\n"
                   "Authorization: Bearer to.ke-n\r\nContent-Length: 8\r\n\r\n{\"a\": 1}",
                   tls_server_port(wire.server));
    assert_int_equal(ask.http_status, 200);
    assert_string_equal(ask.body, expected);
    assert_true(strncmp(ask.headers, "X-First: one\nContent-Length: ", 29) == 0);
    assert_non_null(strstr(ask.headers, "\nX-Last: two\n"));
    assert_int_equal(ask.times.struct_size, sizeof ask.times);
    assert_true(ask.times.tls_ns > 0);
    ask_clear(&ask);
}

static void any_status_is_an_answer(void **state)
{
    static const unsigned statuses[] = {204, 302, 401, 403, 404, 429, 500, 503};
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct ask ask;
        char path[32];
        (void)snprintf(path, sizeof path, "/status/%u", statuses[i]);
        wire_ask(&wire, &ask, path);
        assert_int_equal(ask_do(&ask), KP_OK);
        assert_int_equal(ask.http_status, statuses[i]);
        ask_clear(&ask);
    }
}

static void connection_is_used_again(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        wire_expect(&wire, "/bytes/10", KP_OK, 0);
    assert_int_equal(tls_server_n_connections(wire.server), 1);
}

static void secret_reply_is_whole(void **state)
{
    struct ask ask;
    (void)state;
    wire_ask(&wire, &ask, "/bytes/300000");
    ask.request.flags = KP_HTTP_SECRET_REPLY;
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(ask.body_len, 300000);
    assert_int_equal(strspn(ask.body, "x"), 300000);
    ask_clear(&ask);
}

static void cancel_ends_a_request_that_waits_for_its_answer(void **state)
{
    struct ask ask;
    (void)state;
    wire_ask(&wire, &ask, "/hang");
    ask_begin(&ask);
    latch_wait(tls_server_requests(wire.server), 1);
    ask_cancel(&ask);
    assert_int_equal(ask_wait(&ask), KP_CANCELED);
    assert_int_equal(ask.error.exposure, KP_MAYBE_SENT);
    ask_clear(&ask);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
}

static void deadline_ends_a_request_that_waits_for_its_answer(void **state)
{
    struct ask ask;
    (void)state;
    wire_ask(&wire, &ask, "/hang");
    ask.timeout_ms = 1000;
    ask_begin(&ask);
    latch_wait(tls_server_requests(wire.server), 1);
    client_move(&wire.client, 1001);
    assert_int_equal(outcome_wait(&ask.outcome), KP_TIMEOUT);
    kp_status st = ask_wait(&ask); /* its own time is over too: whichever the loop sees first */
    assert_true(st == KP_CANCELED || (st == KP_TRANSIENT && ask.error.code == 3107));
    ask_clear(&ask);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_int_equal(tls_server_n_connections(wire.server), 2);
}

static void many_requests_share_an_http2_connection(void **state)
{
    struct ask asks[50];
    (void)state;
    wire_expect(&wire, "/bytes/10", KP_OK, 0);
    for (int i = 0; i < 50; i++) {
        wire_ask(&wire, &asks[i], "/bytes/20000");
        ask_begin(&asks[i]);
    }
    for (int i = 0; i < 50; i++) {
        assert_int_equal(ask_wait(&asks[i]), KP_OK);
        assert_int_equal(asks[i].body_len, 20000);
        ask_clear(&asks[i]);
    }
    assert_int_equal(tls_server_n_connections(wire.server), 2); /* the first one found out */
}

#define MANY 250

/* A hundred streams a connection, four connections at most; nobody waits for a place. */
static void http2_connections_are_few(void **state)
{
    static struct ask asks[MANY];
    (void)state;
    wire_expect(&wire, "/bytes/10", KP_OK, 0);
    for (int i = 0; i < MANY; i++) {
        wire_ask(&wire, &asks[i], "/hang");
        ask_begin(&asks[i]);
    }
    latch_wait(tls_server_requests(wire.server), 1 + MANY);
    assert_in_range(tls_server_n_connections(wire.server), 3, 4);
    for (int i = 0; i < MANY; i++) {
        ask_cancel(&asks[i]);
        assert_int_equal(ask_wait(&asks[i]), KP_CANCELED);
        ask_clear(&asks[i]);
    }
    wire_expect(&wire, "/bytes/10", KP_OK, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define TEST_H2(name) cmocka_unit_test_setup_teardown(name, begin_h2, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(request_arrives_as_it_was_given),
        TEST(any_status_is_an_answer),
        TEST(connection_is_used_again),
        TEST(secret_reply_is_whole),
        TEST(cancel_ends_a_request_that_waits_for_its_answer),
        TEST(deadline_ends_a_request_that_waits_for_its_answer),
        TEST_H2(many_requests_share_an_http2_connection),
        TEST_H2(http2_connections_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
