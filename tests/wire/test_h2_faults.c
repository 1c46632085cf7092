/*
 * HTTP/2 by frames of our own: what a server or the way to it can do to a stream or to a
 * connection. Each fault has its class, its number and how far the request got, and the next
 * request is served.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "support/memory_hooks.h"
#include "support/wire.h"

#define TIME_MS 20000u

static struct wire wire;
static struct relay *relay;

static int begin(void **state)
{
    (void)state;
    wire_begin_framed(&wire, ", \"max_headers_kib\": 4");
    return 0;
}

static int end(void **state)
{
    (void)state;
    wire_end(&wire);
    return 0;
}

static void ask_by_relay(struct ask *ask, const char *path)
{
    wire_ask_by(&wire, relay, ask, path);
    ask->request.timeout_ms = TIME_MS;
    ask->timeout_ms = 10 * TIME_MS;
    ask->method = "POST";
}

/* With a connection by the relay that is framed by us. */
static int begin_by_relay(void **state)
{
    struct ask ask;
    (void)begin(state);
    relay = relay_start(tls_server_port(wire.server), false);
    for (int i = 0; i < 2; i++) {
        ask_by_relay(&ask, "/bytes/1");
        assert_int_equal(ask_do(&ask), KP_OK);
        ask_clear(&ask);
    }
    return 0;
}

static int end_by_relay(void **state)
{
    (void)end(state);
    relay_stop(relay);
    return 0;
}

/* ---- The path ---- */

/* libcurl's connection, which found out, has gone; the other one serves all. */
static void second_connection_serves_all_that_follows(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        wire_expect(&wire, "/bytes/10", KP_OK, 0);
    assert_int_equal(tls_server_n_connections(wire.server), 2);
}

static void framing_can_be_left_to_libcurl(void **state)
{
    (void)state;
    wire_begin_framed(&wire, ", \"h2_framing\": false");
    for (int i = 0; i < 5; i++)
        wire_expect(&wire, "/bytes/10", KP_OK, 0);
    assert_int_equal(tls_server_n_connections(wire.server), 1);
    wire_end(&wire);
}

static void answers_come_whole(void **state)
{
    struct ask ask;
    (void)state;
    wire_ask(&wire, &ask, "/bytes/3000000");
    ask.request.flags = KP_HTTP_SECRET_REPLY;
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(ask.body_len, 3000000);
    assert_true(ask.times.tls_ns > 0);
    ask_clear(&ask);
    wire_ask(&wire, &ask, "/headers/30");
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(ask.n_headers, 30);
    assert_non_null(strstr(ask.headers, "x-0029: 000"));
    assert_int_equal(ask.times.tls_ns, 0);
    ask_clear(&ask);
    wire_ask(&wire, &ask, "/interim");
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(ask.http_status, 200);
    assert_null(strstr(ask.headers, "x-early"));
    ask_clear(&ask);
}

static char large[240000];

static void ask_with_body(struct ask *ask, const char *path)
{
    memset(large, 'b', sizeof large);
    wire_ask(&wire, ask, path);
    ask->method = "POST";
    ask->request.body = kpb_span(large, sizeof large);
}

/* The server's windows hold 64 KiB. */
static void body_beyond_the_window_arrives(void **state)
{
    struct ask ask;
    (void)state;
    ask_with_body(&ask, "/count");
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(ask.body_len, sizeof large);
    ask_clear(&ask);
}

/* ---- One stream ---- */

static void stream_that_is_reset_fails_alone(void **state)
{
    static const struct wire_fault faults[] = {
        {"/reset/2", KP_TRANSIENT, 3107, KP_MAYBE_SENT},
        {"/reset/0", KP_TRANSIENT, 3107, KP_MAYBE_SENT},
        {"/reset/7", KP_TRANSIENT, 3107, KP_NOT_SENT}, /* REFUSED_STREAM */
        {"/reset-body/2", KP_TRANSIENT, 3119, KP_ANSWERED},
        {"/reset-body/7", KP_TRANSIENT, 3119, KP_ANSWERED},  /* it has looked at it */
        {"/reset-body/13", KP_TRANSIENT, 3119, KP_ANSWERED}, /* HTTP_1_1_REQUIRED */
        {"/status/099", KP_PROTOCOL, 3107, KP_ANSWERED},
        {"/status/000", KP_PROTOCOL, 3107, KP_MAYBE_SENT},
        {"/headers/100", KP_PROTOCOL, 3114, KP_ANSWERED},
    };
    struct ask beside;
    (void)state;
    wire_ask(&wire, &beside, "/hang");
    ask_begin(&beside);
    latch_wait(tls_server_requests(wire.server), 2);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct ask ask;
        wire_ask(&wire, &ask, faults[i].path);
        ask_begin(&ask);
        ask_expect_failure(&ask, faults[i].status, faults[i].code, faults[i].exposure);
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
    }
    assert_int_equal(tls_server_n_connections(wire.server), 2);
    ask_cancel(&beside);
    ask_expect_failure(&beside, KP_CANCELED, 0, KP_MAYBE_SENT);
}

static void body_is_refused_at_the_bound(void **state)
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
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_int_equal(tls_server_n_connections(wire.server), 2);
}

static void time_is_up_at_the_step_it_was(void **state)
{
    static const struct wire_fault faults[] = {
        {"/hang", KP_TRANSIENT, 3107, KP_MAYBE_SENT},
        {"/stop", KP_TRANSIENT, 3119, KP_ANSWERED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct ask ask;
        uint64_t n = latch_count(tls_server_requests(wire.server));
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
        wire_ask(&wire, &ask, faults[i].path);
        ask.request.timeout_ms = TIME_MS;
        ask_begin(&ask);
        latch_wait(tls_server_requests(wire.server), n + 2);
        /* Frames of a connection come in their order: what was said first has been read. */
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
        client_move(&wire.client, TIME_MS + 1);
        ask_expect_failure(&ask, faults[i].status, faults[i].code, faults[i].exposure);
    }
}

/* A connection of its own, whose server opens no window: 64 KiB go out and no more. */
static void windows_that_stay_closed_hold_up_a_request(void **state)
{
    struct ask ask;
    (void)state;
    tls_server_behave(wire.server, MANNER_CLOSED_WINDOW);
    ask_with_body(&ask, "/count");
    ask.request.timeout_ms = TIME_MS;
    ask_begin(&ask);
    latch_wait(&ask.sent, 1);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    client_move(&wire.client, TIME_MS + 1);
    ask_expect_failure(&ask, KP_TRANSIENT, 3106, KP_MAYBE_SENT);
    tls_server_behave(wire.server, MANNER_WELL);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
}

static void answer_before_the_request_is_out_is_one(void **state)
{
    struct ask ask;
    (void)state;
    tls_server_behave(wire.server, MANNER_CLOSED_WINDOW);
    ask_with_body(&ask, "/early");
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(ask.http_status, 200);
    ask_clear(&ask);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_int_equal(tls_server_n_connections(wire.server), 2);
}

/* ---- Many streams ---- */

#define MANY 150

static struct ask asks[MANY];

static void begin_many(const char *path)
{
    for (int i = 0; i < MANY; i++) {
        wire_ask(&wire, &asks[i], path);
        ask_begin(&asks[i]);
    }
}

static void storm_of_cancels_leaves_the_connections_as_they_were(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        begin_many(round == 0 ? "/hang" : "/bytes/1000");
        latch_wait(tls_server_requests(wire.server), round == 0 ? 1 + MANY : 0);
        for (int i = 0; i < MANY; i++)
            ask_cancel(&asks[i]);
        for (int i = 0; i < MANY; i++) {
            kp_status st = ask_wait(&asks[i]);
            assert_true(st == KP_CANCELED || (round > 0 && st == KP_OK));
            ask_clear(&asks[i]);
        }
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
    }
    assert_int_equal(tls_server_n_connections(wire.server), 3);
}

/* First no stream, then one at a time: all of them come through, over four connections at most. */
static void servers_limit_of_streams_is_kept(void **state)
{
    (void)state;
    tls_server_behave(wire.server, MANNER_NARROW);
    begin_many("/bytes/1000");
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(ask_wait(&asks[i]), KP_OK);
        ask_clear(&asks[i]);
    }
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_in_range(tls_server_n_connections(wire.server), 2, 5);
}

#define BATCHES 100

/* Takes requests back that wait for a stream, so many times as many as there may be. */
static void storm_at_a_shut_server(int n_batches)
{
    for (int i = 0; i < n_batches; i++) {
        begin_many("/hang");
        for (int j = 0; j < MANY; j++)
            latch_wait(&asks[j].sent, 1);
        for (int j = 0; j < MANY; j++)
            ask_cancel(&asks[j]);
        for (int j = 0; j < MANY; j++) {
            assert_int_equal(ask_wait(&asks[j]), KP_CANCELED);
            ask_clear(&asks[j]);
        }
    }
}

/* What is taken back while no stream is free leaves nothing behind: neither with us nor with
 * nghttp2, which would keep it until there is one. One request waits on, for the connections to
 * stay. */
static void requests_that_never_became_streams_leave_nothing(void **state)
{
    static struct ask ask; /* which a failure leaves under way */
    (void)state;
    tls_server_behave(wire.server, MANNER_SHUT);
    wire_ask(&wire, &ask, "/hang");
    ask_begin(&ask);
    storm_at_a_shut_server(2);
    uint64_t n_live = memory_hooks_n_live();
    storm_at_a_shut_server(BATCHES * 100 / MANY);
    assert_in_range(memory_hooks_n_live(), 0, n_live + 1000);
    ask_cancel(&ask);
    ask_expect_failure(&ask, KP_CANCELED, 0, KP_NOT_SENT);
    tls_server_behave(wire.server, MANNER_WELL);
    tls_server_drop_all(wire.server);
}

/* ---- GOAWAY ---- */

/* What the server has not looked at goes out on another connection, and nobody notices. */
static void request_that_came_too_late_goes_elsewhere(void **state)
{
    struct ask ask;
    (void)state;
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    wire_ask(&wire, &ask, "/goaway");
    ask.method = "POST";
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(ask.http_status, 200);
    ask_clear(&ask);
    assert_int_equal(latch_count(tls_server_requests(wire.server)), 4);
    assert_int_equal(tls_server_n_connections(wire.server), 3);
}

static void request_before_the_end_is_answered(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        wire_expect(&wire, "/last", KP_OK, 0);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_int_equal(latch_count(tls_server_requests(wire.server)), 5);
}

/* ---- The connection ---- */

static void reset_under_a_request_is_maybe_sent(void **state)
{
    struct ask ask;
    uint64_t n = latch_count(tls_server_requests(wire.server));
    (void)state;
    ask_by_relay(&ask, "/hang");
    ask_begin(&ask);
    latch_wait(tls_server_requests(wire.server), n + 1);
    relay_reset(relay);
    ask_expect_failure(&ask, KP_TRANSIENT, 3107, KP_MAYBE_SENT);
    assert_int_equal(latch_count(tls_server_requests(wire.server)), n + 1);
    ask_by_relay(&ask, "/bytes/1");
    assert_int_equal(ask_do(&ask), KP_OK);
    ask_clear(&ask);
}

static void end_in_the_body_shows(void **state)
{
    struct ask ask;
    (void)state;
    relay_truncate_at(relay, 30000);
    ask_by_relay(&ask, "/bytes/100000");
    ask_begin(&ask);
    ask_expect_failure(&ask, KP_TRANSIENT, 3119, KP_ANSWERED);
}

static void silence_costs_what_was_under_way(void **state)
{
    struct ask ask;
    (void)state;
    relay_go_silent(relay);
    ask_by_relay(&ask, "/bytes/1");
    ask_begin(&ask);
    relay_wait_swallowed(relay, 1);
    client_move(&wire.client, TIME_MS + 1);
    ask_expect_failure(&ask, KP_TRANSIENT, 3107, KP_MAYBE_SENT);
    ask_by_relay(&ask, "/bytes/1");
    assert_int_equal(ask_do(&ask), KP_OK);
    ask_clear(&ask);
}

static void connection_that_was_closed_while_idle_is_replaced(void **state)
{
    struct ask ask;
    (void)state;
    for (unsigned i = 2; i <= 5; i++) {
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
        wire_ask(&wire, &ask, "/hang");
        ask.method = "POST";
        ask_begin(&ask);
        latch_wait(tls_server_requests(wire.server), 2 * (i - 1) + 1);
        assert_int_equal(tls_server_n_connections(wire.server), i);
        tls_server_drop_all(wire.server); /* the request's end says that it has been noticed */
        ask_expect_failure(&ask, KP_TRANSIENT, 3107, KP_MAYBE_SENT);
    }
}

/* ---- Servers that do not keep to it ---- */

static void bad_manners_end_the_request_and_nothing_else(void **state)
{
    static const struct {
        enum tls_server_manner manner;
        uint32_t code;
        uint32_t or_code; /* whoever is first */
    } rows[] = {
        {MANNER_ENDS, 3107, 3106},
        {MANNER_GARBAGE, 3107, 3106},
        {MANNER_SETTINGS, 3107, 3106},
        {MANNER_CONTINUATION, 3114, 3107},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ask ask;
        tls_server_behave(wire.server, rows[i].manner);
        tls_server_drop_all(wire.server);
        wire_ask(&wire, &ask, "/bytes/1");
        ask.method = "POST";
        ask_begin(&ask);
        kp_status st = ask_wait(&ask);
        if (st != KP_TRANSIENT ||
            (ask.error.code != rows[i].code && ask.error.code != rows[i].or_code))
            fail_msg("%zu: %s %s", i, kp_status_text(st), ask.error.text);
        ask_clear(&ask);
        tls_server_behave(wire.server, MANNER_WELL);
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
    }
}

static void server_that_speaks_http1_after_all_is_served_so(void **state)
{
    (void)state;
    tls_server_behave(wire.server, MANNER_HTTP1);
    for (int i = 0; i < 3; i++)
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_int_equal(tls_server_n_connections(wire.server), 3);
}

static void request_that_wants_http1_gets_it(void **state)
{
    struct ask ask;
    (void)state;
    wire_ask(&wire, &ask, "/reset/13");
    ask.method = "POST";
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(ask.http_status, 200);
    assert_non_null(strstr(ask.headers, "X-First: one\n")); /* which HTTP/1.1 alone says */
    ask_clear(&ask);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define TEST_RELAY(name) cmocka_unit_test_setup_teardown(name, begin_by_relay, end_by_relay)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(second_connection_serves_all_that_follows),
        cmocka_unit_test(framing_can_be_left_to_libcurl),
        TEST(answers_come_whole),
        TEST(body_beyond_the_window_arrives),
        TEST(stream_that_is_reset_fails_alone),
        TEST(body_is_refused_at_the_bound),
        TEST(time_is_up_at_the_step_it_was),
        TEST(windows_that_stay_closed_hold_up_a_request),
        TEST(answer_before_the_request_is_out_is_one),
        TEST(storm_of_cancels_leaves_the_connections_as_they_were),
        TEST(servers_limit_of_streams_is_kept),
        TEST(requests_that_never_became_streams_leave_nothing),
        TEST(request_that_came_too_late_goes_elsewhere),
        TEST(request_before_the_end_is_answered),
        TEST_RELAY(reset_under_a_request_is_maybe_sent),
        TEST_RELAY(end_in_the_body_shows),
        TEST_RELAY(silence_costs_what_was_under_way),
        TEST(connection_that_was_closed_while_idle_is_replaced),
        TEST(bad_manners_end_the_request_and_nothing_else),
        TEST(server_that_speaks_http1_after_all_is_served_so),
        TEST(request_that_wants_http1_gets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
