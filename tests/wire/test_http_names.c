/* Names: looked up once for all who ask, on threads that nobody else waits for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/errors.h"
#include "base/span.h"
#include "core/resolve.h"
#include "support/tsan_options.h"
#include "support/wire.h"

#define LIFETIME_MS 30000u
#define STALE_MS 300000u

static struct wire wire;

/* ---- A resolver that does as the test says ---- */

static struct {
    struct latch asked;
    struct latch release; /* "held.*" wait for its first hit */
    _Atomic uint32_t fails;
    _Atomic uint32_t moved; /* server.test is elsewhere */
} names;

static kp_status resolve(void *ctx, const char *host, struct kpi_addresses *ret,
                         struct kp_error *reterr)
{
    (void)ctx;
    latch_hit(&names.asked);
    if (strncmp(host, "held", 4) == 0)
        latch_wait(&names.release, 1);
    if (strncmp(host, "gone", 4) == 0)
        return kpb_fail(reterr, KP_NOT_FOUND, "the host name %s does not exist", host);
    if (names.fails)
        return kpb_fail(reterr, KP_TRANSIENT, "the name server does not answer");
    *ret = (struct kpi_addresses){.n = 1, .at = {"127.0.0.1"}};
    if (names.moved)
        *ret = (struct kpi_addresses){.n = 2, .at = {"::1", "127.0.0.2"}};
    return KP_OK;
}

static int begin(void **state)
{
    (void)state;
    latch_init(&names.asked);
    latch_init(&names.release);
    names.fails = 0;
    names.moved = 0;
    kpi_resolver_use(resolve, NULL);
    wire_begin(&wire, NULL);
    wire_open(&wire, ", \"dns\": {\"max_lookups\": 2}, \"max_queued\": 20", false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    latch_hit(&names.release);
    wire_end(&wire);
    kpi_resolver_use(NULL, NULL);
    latch_clear(&names.asked);
    latch_clear(&names.release);
    return 0;
}

static void ask_name(struct ask *ask, const char *host)
{
    ask_init(ask, wire.vault, wire.script, host, tls_server_port(wire.server), "/bytes/1");
}

static void expect_of(const char *host, kp_status status, uint32_t code)
{
    struct ask ask;
    ask_name(&ask, host);
    kp_status st = ask_do(&ask);
    if (st != status || ask.error.code != code)
        fail_msg("%s: %s %u, %s", host, kp_status_text(st), ask.error.code, ask.error.text);
    assert_int_equal(ask.error.exposure, KP_NOT_SENT);
    ask_clear(&ask);
}

/* ---- Answers ---- */

static void name_that_does_not_exist_is_3900(void **state)
{
    (void)state;
    expect_of("gone.test", KP_NOT_FOUND, 3900);
    names.fails = 1;
    expect_of("server.test", KP_TRANSIENT, 3900);
    names.fails = 0;
    expect_of("server.test", KP_OK, 0);
}

static void requests_for_one_name_share_a_look_up(void **state)
{
    struct ask asks[10];
    (void)state;
    for (int i = 0; i < 10; i++) {
        ask_name(&asks[i], "held-server.test");
        ask_begin(&asks[i]);
    }
    latch_wait(&names.asked, 1);
    latch_hit(&names.release);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(ask_wait(&asks[i]), KP_VAULT); /* the certificate is for another name */
        ask_clear(&asks[i]);
    }
    assert_int_equal(latch_count(&names.asked), 1);
}

static void address_is_used_for_its_lifetime(void **state)
{
    (void)state;
    expect_of("server.test", KP_OK, 0);
    client_move(&wire.client, LIFETIME_MS - 1);
    expect_of("server.test", KP_OK, 0);
    assert_int_equal(latch_count(&names.asked), 1);
    client_move(&wire.client, 1);
    expect_of("server.test", KP_OK, 0);
    latch_wait(&names.asked, 2);
}

static void expect_short_lived(uint32_t lifetime_ms)
{
    struct ask ask;
    ask_name(&ask, "server.test");
    ask.request.dns_lifetime_ms = lifetime_ms;
    assert_int_equal(ask_do(&ask), KP_OK);
    ask_clear(&ask);
}

/* A plugin knows how fast its service moves; who asks for less holds, for all of the server. */
static void lifetime_that_a_request_asks_for_is_kept(void **state)
{
    (void)state;
    expect_short_lived(5000);
    client_move(&wire.client, 4999);
    expect_of("server.test", KP_OK, 0);
    assert_int_equal(latch_count(&names.asked), 1);
    client_move(&wire.client, 1);
    expect_of("server.test", KP_OK, 0);
    latch_wait(&names.asked, 2);
}

static void lifetime_is_never_made_longer(void **state)
{
    (void)state;
    expect_short_lived(2 * LIFETIME_MS);
    client_move(&wire.client, LIFETIME_MS);
    expect_of("server.test", KP_OK, 0);
    latch_wait(&names.asked, 2);
}

static void last_good_address_serves_for_a_bounded_time(void **state)
{
    (void)state;
    expect_of("server.test", KP_OK, 0);
    names.fails = 1;
    client_move(&wire.client, LIFETIME_MS + STALE_MS - 1);
    expect_of("server.test", KP_OK, 0);
    client_move(&wire.client, 2000);
    expect_of("server.test", KP_TRANSIENT, 3900);
}

/* The old address still serves while the new one is found out; then it is left. */
static void server_that_has_moved_is_followed(void **state)
{
    struct ask ask;
    (void)state;
    expect_of("server.test", KP_OK, 0);
    names.moved = 1;
    client_move(&wire.client, LIFETIME_MS + 1);
    expect_of("server.test", KP_OK, 0);
    latch_wait(&names.asked, 2);
    for (kp_status st = KP_OK; st == KP_OK; ask_clear(&ask)) {
        ask_name(&ask, "server.test"); /* nobody listens at the new ones */
        st = ask_do(&ask);
        assert_true(st == KP_OK || ask.error.code == 3103);
    }
}

/* ---- Look-ups that hang ---- */

static void hanging_look_up_delays_nobody_else(void **state)
{
    struct script_vault *script = script_vault("b");
    kp_vault *other = client_vault(&wire.client, "script:b");
    struct ask held;
    (void)state;
    ask_name(&held, "held.test");
    ask_begin(&held);
    latch_wait(&names.asked, 1);
    for (int i = 0; i < 1000; i++) {
        struct ask ask;
        ask_init(&ask, other, script, "server.test", tls_server_port(wire.server), "/bytes/1");
        assert_int_equal(ask_do(&ask), KP_OK);
        ask_clear(&ask);
    }
    assert_int_equal(latch_count(&held.answered), 0);
    ask_cancel(&held);
    assert_int_equal(ask_wait(&held), KP_CANCELED);
    assert_int_equal(held.error.exposure, KP_NOT_SENT);
    ask_clear(&held);
    kp_vault_release(other);
}

static void request_that_waits_for_a_name_ends_in_time(void **state)
{
    struct ask ask;
    (void)state;
    ask_name(&ask, "held.test");
    ask.request.timeout_ms = 500;
    ask_begin(&ask);
    latch_wait(&names.asked, 1);
    client_move(&wire.client, 501);
    assert_int_equal(ask_wait(&ask), KP_TRANSIENT);
    assert_int_equal(ask.error.code, 3900);
    assert_int_equal(ask.error.exposure, KP_NOT_SENT);
    ask_clear(&ask);
}

static void more_look_ups_than_allowed_fail_at_once(void **state)
{
    struct ask held[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        ask_name(&held[i], i == 0 ? "held-1.test" : "held-2.test");
        ask_begin(&held[i]);
    }
    latch_wait(&names.asked, 2);
    expect_of("server.test", KP_TRANSIENT, 3900);
    assert_int_equal(latch_count(&names.asked), 2);
    latch_hit(&names.release);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask_wait(&held[i]), KP_VAULT);
        ask_clear(&held[i]);
    }
    expect_of("server.test", KP_OK, 0);
}

static void queue_is_bounded(void **state)
{
    struct ask asks[20];
    struct ask ask;
    (void)state;
    for (int i = 0; i < 20; i++) {
        ask_name(&asks[i], "held-server.test");
        ask_begin(&asks[i]);
    }
    ask_name(&ask, "held-server.test");
    assert_int_equal(ask_do(&ask), KP_THROTTLED);
    assert_int_equal(ask.error.exposure, KP_NOT_SENT);
    ask_clear(&ask);
    latch_hit(&names.release);
    for (int i = 0; i < 20; i++) {
        (void)ask_wait(&asks[i]);
        ask_clear(&asks[i]);
    }
}

/* Close does not wait for the resolver, and says what it left. */
static void close_is_bounded_while_a_look_up_hangs(void **state)
{
    struct ask ask;
    (void)state;
    ask_name(&ask, "held.test");
    ask_begin(&ask);
    latch_wait(&names.asked, 1);
    kp_provider *provider = wire.client.provider;
    kp_vault_release(wire.vault);
    struct kp_close_report report = client_close(&wire.client, 200);
    assert_int_equal(ask_wait(&ask), KP_CANCELED);
    assert_int_equal(report.abandoned, 1);
    assert_string_equal(report.text, "1 look-ups of host names hang");
    ask_clear(&ask);
    latch_hit(&names.release);
    client_wait_workers_ended(provider);
    wire.has_client = false;
    script_end();
}

/* Behind a proxy nobody wants to know where the server is. */
static void behind_a_proxy_only_the_proxy_is_looked_up(void **state)
{
    struct relay *proxy = relay_start(tls_server_port(wire.server), true);
    char members[128];
    struct ask ask;
    (void)state;
    kp_vault_release(wire.vault);
    client_end(&wire.client);
    (void)snprintf(members, sizeof members, ", \"proxy\": \"http://proxy.test:%u\"",
                   relay_port(proxy));
    wire_open(&wire, members, false);
    ask_init_url(&ask, wire.vault, wire.script, "https://server.test/bytes/1");
    assert_int_equal(ask_do(&ask), KP_OK);
    assert_int_equal(latch_count(&names.asked), 1);
    assert_int_equal(relay_n_asked(proxy), 1);
    ask_clear(&ask);
    kp_vault_release(wire.vault);
    client_end(&wire.client);
    wire.has_client = false;
    relay_stop(proxy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(name_that_does_not_exist_is_3900),
        TEST(requests_for_one_name_share_a_look_up),
        TEST(address_is_used_for_its_lifetime),
        TEST(lifetime_that_a_request_asks_for_is_kept),
        TEST(lifetime_is_never_made_longer),
        TEST(last_good_address_serves_for_a_bounded_time),
        TEST(server_that_has_moved_is_followed),
        TEST(hanging_look_up_delays_nobody_else),
        TEST(request_that_waits_for_a_name_ends_in_time),
        TEST(more_look_ups_than_allowed_fail_at_once),
        TEST(queue_is_bounded),
        TEST(close_is_bounded_while_a_look_up_hangs),
        TEST(behind_a_proxy_only_the_proxy_is_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
