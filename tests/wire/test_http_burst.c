/*
 * Many requests at once to a server of which nothing is known yet: one of them finds out what it
 * speaks, and the others wait for that, within their time, instead of opening a connection each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/wire.h"

#define MANY 64
#define CONNECT_MS 500u

static struct wire wire;
static struct relay *relay;
static struct ask asks[3 * MANY];

static void begin(bool h2, const char *http)
{
    wire_begin(&wire, &(struct tls_server_options){.h2 = h2});
    wire_open(&wire, http, false);
}

static int begin_by_relay(void **state)
{
    (void)state;
    begin(false, "");
    relay = relay_start(tls_server_port(wire.server), false);
    return 0;
}

static int end_by_relay(void **state)
{
    (void)state;
    wire_end(&wire);
    relay_stop(relay);
    return 0;
}

static void begin_many(const char *path, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        wire_ask(&wire, &asks[i], path);
        asks[i].method = "POST";
        ask_begin(&asks[i]);
    }
}

static void begin_one_by_relay(struct ask *ask, uint32_t connect_timeout_ms)
{
    wire_ask_by(&wire, relay, ask, "/bytes/1");
    ask->request.connect_timeout_ms = connect_timeout_ms;
    ask_begin(ask);
    latch_wait(&ask->sent, 1);
}

static void cancel(struct ask *ask)
{
    ask_cancel(ask);
    assert_int_equal(ask_wait(ask), KP_CANCELED);
    ask_clear(ask);
}

/* ---- What it finds out ---- */

/* One found out, the others share the next; where the frames are libcurl's, all share. */
static void http2_takes_as_few_connections_as_can_be(void **state)
{
    static const struct {
        const char *http;
        size_t n;
        uint64_t n_connections;
    } rows[] = {
        {"", MANY, 2},
        {"", 3 * MANY, 3},
        {", \"h2_framing\": false", MANY, 1},
        {", \"h2_framing\": false", 3 * MANY, 4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(true, rows[i].http);
        begin_many("/hang", rows[i].n);
        latch_wait(tls_server_requests(wire.server), rows[i].n);
        uint64_t n = tls_server_n_connections(wire.server);
        for (size_t j = 0; j < rows[i].n; j++)
            cancel(&asks[j]);
        wire_end(&wire);
        if (n > rows[i].n_connections)
            fail_msg("%zu: %u connections", i, (unsigned)n);
    }
}

static void http1_takes_one_for_each(void **state)
{
    (void)state;
    begin(false, "");
    begin_many("/hang", MANY);
    latch_wait(tls_server_requests(wire.server), MANY);
    assert_int_equal(tls_server_n_connections(wire.server), MANY);
    for (int i = 0; i < MANY; i++)
        cancel(&asks[i]);
    wire_end(&wire);
}

/* What waits for one of the few connections there may be has all its time to connect before it. */
static void time_to_connect_ends_with_the_finding_out(void **state)
{
    (void)state;
    begin(false, ", \"max_connections\": 2");
    begin_many("/hang", 5);
    latch_wait(tls_server_requests(wire.server), 2);
    client_move(&wire.client, 10001);
    for (uint64_t i = 0; i < 4; i++) {
        cancel(&asks[i]);
        latch_wait(tls_server_requests(wire.server), i + 3 < 5 ? i + 3 : 5);
    }
    cancel(&asks[4]);
    wire_end(&wire);
}

/* ---- One that does not ---- */

/* The clock stands still: nobody waits for anything but the failure of those before. */
static void failure_lets_the_next_one_try_at_once(void **state)
{
    (void)state;
    relay_truncate_at(relay, 100);
    for (int i = 0; i < MANY; i++)
        begin_one_by_relay(&asks[i], 0);
    for (int i = 0; i < MANY; i++)
        ask_expect_failure(&asks[i], KP_TRANSIENT, 3106, KP_NOT_SENT);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
}

static void server_that_hangs_holds_nobody_longer_than_it_may_take(void **state)
{
    (void)state;
    relay_hold(relay);
    for (int i = 0; i < MANY; i++)
        begin_one_by_relay(&asks[i], CONNECT_MS);
    relay_wait_swallowed(relay, 1);
    assert_int_equal(relay_n_connections(relay), 1);
    client_move(&wire.client, CONNECT_MS + 1);
    ask_expect_failure(&asks[0], KP_TRANSIENT, 3106, KP_NOT_SENT);
    for (int i = 2; i < MANY; i++)
        ask_expect_failure(&asks[i], KP_TRANSIENT, 3103, KP_NOT_SENT);
    relay_wait_swallowed(relay, 2); /* the second one had its turn */
    client_move(&wire.client, CONNECT_MS + 1);
    ask_expect_failure(&asks[1], KP_TRANSIENT, 3106, KP_NOT_SENT);
    assert_int_equal(relay_n_connections(relay), 2);
}

/* The first one may wait for a minute, and the others need not wait for it. */
static void connection_that_hangs_is_doubted_when_one_has_waited_in_vain(void **state)
{
    (void)state;
    relay_hold(relay);
    begin_one_by_relay(&asks[0], 50000);
    begin_one_by_relay(&asks[1], CONNECT_MS);
    begin_one_by_relay(&asks[2], 50000);
    relay_wait_swallowed(relay, 1);
    client_move(&wire.client, CONNECT_MS + 1);
    ask_expect_failure(&asks[1], KP_TRANSIENT, 3103, KP_NOT_SENT);
    relay_wait_swallowed(relay, 2);
    cancel(&asks[0]);
    cancel(&asks[2]);
}

static void one_that_is_taken_back_lets_the_next_one_try(void **state)
{
    (void)state;
    relay_hold(relay);
    for (int i = 0; i < 4; i++)
        begin_one_by_relay(&asks[i], 0);
    for (uint64_t i = 0; i < 4; i++) {
        relay_wait_swallowed(relay, i + 1);
        assert_int_equal(relay_n_connections(relay), i + 1);
        cancel(&asks[i]);
    }
}

#define TEST_RELAY(name) cmocka_unit_test_setup_teardown(name, begin_by_relay, end_by_relay)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http2_takes_as_few_connections_as_can_be),
        cmocka_unit_test(http1_takes_one_for_each),
        cmocka_unit_test(time_to_connect_ends_with_the_finding_out),
        TEST_RELAY(failure_lets_the_next_one_try_at_once),
        TEST_RELAY(server_that_hangs_holds_nobody_longer_than_it_may_take),
        TEST_RELAY(connection_that_hangs_is_doubted_when_one_has_waited_in_vain),
        TEST_RELAY(one_that_is_taken_back_lets_the_next_one_try),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
