/*
 * HTTP/2 by frames of our own, in the life of a connection and of the provider: numbers of streams
 * that are used up, new keys, the way through a proxy, a close over streams in every state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "core/h2_parts.h"
#include "support/wire.h"

#define MANY 20

static struct wire wire;
static struct ask asks[MANY];

static int begin(void **state)
{
    (void)state;
    wire_begin_framed(&wire, "");
    return 0;
}

static int end(void **state)
{
    (void)state;
    wire_end(&wire);
    return 0;
}

/* ---- Numbers ---- */

#define N_LEFT 3 /* streams before the numbers of a connection are used up */

static int begin_at_the_last_numbers(void **state)
{
    kpi_h2_session_number_from(INT32_MAX - 2 * (N_LEFT - 1));
    return begin(state);
}

static int end_numbers(void **state)
{
    (void)end(state);
    kpi_h2_session_number_from(1);
    return 0;
}

/* One after the other, and many at once: who got no number goes elsewhere, and none goes twice. */
static void connection_whose_numbers_are_used_up_is_replaced(void **state)
{
    (void)state;
    for (int i = 0; i < 3 * N_LEFT; i++)
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_int_equal(tls_server_n_connections(wire.server), 1 + 3);
    for (int i = 0; i < MANY; i++) {
        wire_ask(&wire, &asks[i], "/bytes/1");
        asks[i].method = "POST";
        ask_begin(&asks[i]);
    }
    for (int i = 0; i < MANY; i++) {
        kp_status st = ask_wait(&asks[i]);
        if (st != KP_OK)
            fail_msg("%d: %s, %s", i, kp_status_text(st), asks[i].error.text);
        ask_clear(&asks[i]);
    }
    assert_int_equal(latch_count(tls_server_requests(wire.server)), 1 + 3 * N_LEFT + MANY);
}

/* ---- Keys ---- */

static void server_may_change_its_keys(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        wire_expect(&wire, "/rekey", KP_OK, 0);
        wire_expect(&wire, "/bytes/100000", KP_OK, 0);
    }
    assert_int_equal(tls_server_n_connections(wire.server), 2);
}

/* ---- A proxy and a pin ---- */

static void ask_pinned(uint8_t *pin, kp_status status, uint32_t code)
{
    wire_ask(&wire, &asks[0], "/bytes/1");
    asks[0].request.pin = kpb_span(pin, KPI_PIN_SHA256_LEN);
    kp_status st = ask_do(&asks[0]);
    if (st != status || (st != KP_OK && asks[0].error.code != code))
        fail_msg("%s, %s", kp_status_text(st), asks[0].error.text);
    ask_clear(&asks[0]);
}

static void pin_holds_through_a_proxy(void **state)
{
    uint8_t pin[KPI_PIN_SHA256_LEN];
    char http[64];
    (void)state;
    wire_begin(&wire, &(struct tls_server_options){.h2 = true});
    struct relay *proxy = relay_start(tls_server_port(wire.server), true);
    (void)snprintf(http, sizeof http, ", \"proxy\": \"http://127.0.0.1:%u\"", relay_port(proxy));
    wire_open(&wire, http, false);
    cert_digest(&wire.cert, pin, sizeof pin);
    for (int i = 0; i < 4; i++)
        ask_pinned(pin, KP_OK, 0);
    assert_int_equal(relay_n_asked(proxy), 2); /* one found out */
    pin[0] ^= 1;
    ask_pinned(pin, KP_VAULT, 3106);
    wire_end(&wire);
    relay_stop(proxy);
}

/* ---- Close ---- */

static char large[240000];

/* Streams that wait for an answer, for the end of one and for a window, and one for a stream. */
static void provider_closes_over_streams_in_every_state(void **state)
{
    static const char *const paths[] = {"/hang", "/stop", "/count", "/hang"};
    enum { N = sizeof paths / sizeof paths[0] };
    (void)state;
    memset(large, 'b', sizeof large);
    wire_begin_framed(&wire, ", \"max_streams\": 3, \"max_connections_h2\": 1");
    tls_server_behave(wire.server, MANNER_CLOSED_WINDOW);
    for (size_t i = 0; i < N; i++) {
        wire_ask(&wire, &asks[i], paths[i]);
        asks[i].method = "POST";
        if (i == 2)
            asks[i].request.body = kpb_span(large, sizeof large);
        ask_begin(&asks[i]);
    }
    latch_wait(tls_server_requests(wire.server), 1 + 2);
    for (size_t i = 0; i < N; i++)
        latch_wait(&asks[i].sent, 1);
    kp_vault_release(wire.vault);
    struct kp_close_report report = client_close(&wire.client, 30000);
    wire.has_client = false;
    assert_string_equal(report.text, "");
    assert_int_equal(report.abandoned, 0);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(ask_wait(&asks[i]), KP_CANCELED);
        assert_int_equal(asks[i].error.exposure == KP_NOT_SENT, i == N - 1);
        ask_clear(&asks[i]);
    }
    script_end();
    wire_end(&wire);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(connection_whose_numbers_are_used_up_is_replaced,
                                        begin_at_the_last_numbers, end_numbers),
        TEST(server_may_change_its_keys),
        cmocka_unit_test(pin_holds_through_a_proxy),
        cmocka_unit_test(provider_closes_over_streams_in_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
