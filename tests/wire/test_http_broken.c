/*
 * What a server or the way to it can do to a request, one fault a test: silence, reset, an end too
 * early, too much. Each has its class, its number and how far the request got.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "support/wire.h"

#define TIME_MS 20000u

static struct wire wire;
static struct relay *relay;

static int begin(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    wire_open(&wire, ", \"max_headers_kib\": 1, \"max_connections\": 4", false);
    relay = relay_start(tls_server_port(wire.server), false);
    return 0;
}

static void ask_by_relay(struct ask *ask, const char *path)
{
    wire_ask_by(&wire, relay, ask, path);
    ask->timeout_ms = 10 * TIME_MS;
    ask->request.timeout_ms = TIME_MS;
}

/* The first answer says that the server speaks HTTP/2, the second comes by frames of our own. */
static int begin_h2(void **state)
{
    struct ask ask;
    (void)state;
    wire_begin(&wire, &(struct tls_server_options){.h2 = true});
    wire_open(&wire, "", false);
    relay = relay_start(tls_server_port(wire.server), false);
    for (int i = 0; i < 2; i++) {
        ask_by_relay(&ask, "/bytes/1");
        assert_int_equal(ask_do(&ask), KP_OK);
        ask_clear(&ask);
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    wire_end(&wire);
    relay_stop(relay);
    return 0;
}

/* ---- Answers that are none ---- */

static void answer_that_breaks_off_is_named_by_the_place(void **state)
{
    static const struct wire_fault faults[] = {
        {"/close-headers", KP_TRANSIENT, 3114, KP_ANSWERED},
        {"/close-body", KP_TRANSIENT, 3119, KP_ANSWERED},
        {"/close", KP_TRANSIENT, 3107, KP_MAYBE_SENT},
        {"/garbage", KP_PROTOCOL, 3107, KP_MAYBE_SENT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct ask ask;
        wire_ask(&wire, &ask, faults[i].path);
        ask.method = "POST";
        ask_begin(&ask);
        ask_expect_failure(&ask, faults[i].status, faults[i].code, faults[i].exposure);
    }
}

static void answer_that_stops_is_named_by_the_place(void **state)
{
    static const struct wire_fault faults[] = {
        {"/hang", KP_TRANSIENT, 3107, KP_MAYBE_SENT},
        {"/half-status", KP_TRANSIENT, 3107, KP_MAYBE_SENT},
        {"/half-headers", KP_TRANSIENT, 3114, KP_ANSWERED},
        {"/half-body", KP_TRANSIENT, 3119, KP_ANSWERED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct ask ask;
        uint64_t n = latch_count(tls_server_stopped(wire.server));
        wire_ask(&wire, &ask, faults[i].path);
        ask.request.timeout_ms = TIME_MS;
        ask_begin(&ask);
        latch_wait(tls_server_stopped(wire.server), n + 1);
        /* What the server has written arrives before a second request to it is answered. */
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
        client_move(&wire.client, TIME_MS + 1);
        ask_expect_failure(&ask, faults[i].status, faults[i].code, faults[i].exposure);
    }
}

static void too_much_is_refused_at_the_bound(void **state)
{
    struct ask ask;
    (void)state;
    wire_ask(&wire, &ask, "/bytes/1000");
    ask.request.max_reply_len = 1000;
    assert_int_equal(ask_do(&ask), KP_OK);
    ask_clear(&ask);
    wire_ask(&wire, &ask, "/bytes/1001");
    ask.request.max_reply_len = 1000;
    ask_begin(&ask);
    ask_expect_failure(&ask, KP_PROTOCOL, 3119, KP_ANSWERED);
    wire_ask(&wire, &ask, "/headers/9");
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(ask.n_headers, 10);
    ask_clear(&ask);
    wire_expect(&wire, "/headers/11", KP_PROTOCOL, 3114);
    wire_expect(&wire, "/headers/2000", KP_PROTOCOL, 3114);
}

static void interim_answer_is_not_the_answer(void **state)
{
    struct ask ask;
    (void)state;
    wire_ask(&wire, &ask, "/interim");
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(ask.http_status, 200);
    assert_string_equal(ask.body, "late");
    assert_null(strstr(ask.headers, "X-Early"));
    ask_clear(&ask);
}

static void redirect_is_an_answer(void **state)
{
    struct ask ask;
    (void)state;
    wire_ask(&wire, &ask, "/redirect");
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(ask.http_status, 302);
    assert_non_null(strstr(ask.headers, "Location: /echo\n"));
    assert_int_equal(latch_count(tls_server_requests(wire.server)), 1);
    ask_clear(&ask);
}

/* ---- The way there ---- */

static void nobody_listens(void **state)
{
    struct ask ask;
    (void)state;
    ask_by_relay(&ask, "/bytes/1");
    uint16_t port = relay_port(relay);
    relay_stop(relay);
    relay = NULL;
    assert_int_equal(ask_do(&ask), KP_TRANSIENT);
    assert_int_equal(ask.error.code, 3103);
    assert_int_equal(ask.error.exposure, KP_NOT_SENT);
    assert_true(port > 0);
    ask_clear(&ask);
}

static void reset_under_a_request_is_maybe_sent(void **state)
{
    struct ask ask;
    (void)state;
    ask_by_relay(&ask, "/hang");
    ask.method = "POST";
    ask_begin(&ask);
    latch_wait(tls_server_requests(wire.server), 1);
    relay_reset(relay);
    ask_expect_failure(&ask, KP_TRANSIENT, 3107, KP_MAYBE_SENT);
    ask_by_relay(&ask, "/bytes/1");
    assert_int_equal(ask_do(&ask), KP_OK);
    ask_clear(&ask);
}

/* The connection is used again, and dies under the second request: not sent by libcurl once
 * more. */
static void request_is_not_repeated_behind_the_pipelines_back(void **state)
{
    struct ask ask;
    (void)state;
    ask_by_relay(&ask, "/bytes/1");
    assert_int_equal(ask_do(&ask), KP_OK);
    ask_clear(&ask);
    ask_by_relay(&ask, "/close");
    ask.method = "POST";
    ask_begin(&ask);
    ask_expect_failure(&ask, KP_TRANSIENT, 3107, KP_MAYBE_SENT);
    assert_int_equal(latch_count(tls_server_requests(wire.server)), 2);
    assert_int_equal(relay_n_connections(relay), 2); /* it had begun, and was stopped */
}

static void truncation_in_the_handshake_is_not_sent(void **state)
{
    struct ask ask;
    (void)state;
    relay_truncate_at(relay, 100);
    ask_by_relay(&ask, "/bytes/1");
    ask_begin(&ask);
    ask_expect_failure(&ask, KP_TRANSIENT, 3106, KP_NOT_SENT);
}

static void truncation_in_the_body_shows(void **state)
{
    struct ask ask;
    (void)state;
    relay_truncate_at(relay, 20000);
    ask_by_relay(&ask, "/bytes/100000");
    ask_begin(&ask);
    ask_expect_failure(&ask, KP_TRANSIENT, 3119, KP_ANSWERED);
}

/* ---- Silence ---- */

#define ROUND 4

/* All connections swallow what is sent: the round that was under way is lost, the next is not. */
static void silent_drop_costs_one_round(void **state)
{
    struct ask asks[ROUND];
    struct ask ask;
    (void)state;
    for (int i = 0; i < ROUND; i++) {
        ask_by_relay(&asks[i], "/bytes/1");
        ask_begin(&asks[i]);
    }
    for (int i = 0; i < ROUND; i++) {
        assert_int_equal(ask_wait(&asks[i]), KP_OK);
        ask_clear(&asks[i]);
    }
    relay_go_silent(relay);
    for (int i = 0; i < ROUND; i++) {
        ask_by_relay(&asks[i], "/bytes/1");
        ask_begin(&asks[i]);
    }
    client_move(&wire.client, TIME_MS + 1);
    for (int i = 0; i < ROUND; i++)
        assert_int_equal(ask_wait(&asks[i]), KP_TRANSIENT);
    for (int i = 0; i < 3 * ROUND; i++) {
        ask_by_relay(&ask, "/bytes/1");
        assert_int_equal(ask_do(&ask), KP_OK);
        ask_clear(&ask);
    }
    for (int i = 0; i < ROUND; i++)
        ask_clear(&asks[i]);
}

/* The client gives up before the request's own time is over, again and again. */
static void silence_that_is_given_up_early_costs_no_more(void **state)
{
    struct ask ask;
    (void)state;
    ask_by_relay(&ask, "/bytes/1");
    assert_int_equal(ask_do(&ask), KP_OK);
    ask_clear(&ask);
    relay_go_silent(relay);
    ask_by_relay(&ask, "/bytes/1");
    ask_begin(&ask);
    relay_wait_swallowed(relay, 1);
    client_move(&wire.client, 10001); /* http.connect_timeout_ms and a little */
    ask_cancel(&ask);
    assert_int_equal(ask_wait(&ask), KP_CANCELED);
    ask_clear(&ask);
    ask_by_relay(&ask, "/bytes/1");
    assert_int_equal(ask_do(&ask), KP_OK);
    ask_clear(&ask);
}

/* A server that takes the connection and says nothing: TLS does not come about. */
static void silence_while_connecting_ends_with_the_connect_time(void **state)
{
    struct ask ask;
    (void)state;
    relay_hold(relay);
    ask_by_relay(&ask, "/bytes/1");
    ask.request.connect_timeout_ms = 500;
    ask_begin(&ask);
    relay_wait_swallowed(relay, 1);
    client_move(&wire.client, 501);
    ask_expect_failure(&ask, KP_TRANSIENT, 3106, KP_NOT_SENT);
}

/* ---- Old and idle ---- */

static void connections_that_were_idle_are_not_used_again(void **state)
{
    (void)state;
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    client_move(&wire.client, 59000);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_int_equal(tls_server_n_connections(wire.server), 1);
    client_move(&wire.client, 60000);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_int_equal(tls_server_n_connections(wire.server), 2);
}

static void connections_that_are_old_are_replaced(void **state)
{
    (void)state;
    for (int i = 0; i < 21; i++) {
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
        client_move(&wire.client, 30000);
    }
    assert_int_equal(tls_server_n_connections(wire.server), 2);
}

/* The loop still looks at a socket that is idle; its number is the next one's. */
static void connection_that_was_closed_while_idle_is_replaced(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 4; i++) {
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
        assert_int_equal(tls_server_n_connections(wire.server), i);
        tls_server_drop_all(wire.server);
    }
}

/* ---- Room ---- */

static void requests_beyond_the_connections_wait_in_line(void **state)
{
    struct ask asks[4 * ROUND];
    (void)state;
    for (int i = 0; i < 4 * ROUND; i++) {
        wire_ask(&wire, &asks[i], "/bytes/1");
        ask_begin(&asks[i]);
    }
    for (int i = 0; i < 4 * ROUND; i++) {
        assert_int_equal(ask_wait(&asks[i]), KP_OK);
        ask_clear(&asks[i]);
    }
    assert_true(tls_server_n_connections(wire.server) <= 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define TEST_H2(name) cmocka_unit_test_setup_teardown(name, begin_h2, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answer_that_breaks_off_is_named_by_the_place),
        TEST(answer_that_stops_is_named_by_the_place),
        TEST(too_much_is_refused_at_the_bound),
        TEST(interim_answer_is_not_the_answer),
        TEST(redirect_is_an_answer),
        TEST(nobody_listens),
        TEST(reset_under_a_request_is_maybe_sent),
        TEST(request_is_not_repeated_behind_the_pipelines_back),
        TEST(truncation_in_the_handshake_is_not_sent),
        TEST(truncation_in_the_body_shows),
        TEST(silent_drop_costs_one_round),
        TEST_H2(silent_drop_costs_one_round),
        TEST(silence_that_is_given_up_early_costs_no_more),
        TEST_H2(silence_that_is_given_up_early_costs_no_more),
        TEST(silence_while_connecting_ends_with_the_connect_time),
        TEST(connections_that_were_idle_are_not_used_again),
        TEST(connections_that_are_old_are_replaced),
        TEST(connection_that_was_closed_while_idle_is_replaced),
        TEST(requests_beyond_the_connections_wait_in_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
