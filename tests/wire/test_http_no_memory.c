/*
 * Memory runs out at each site of a request in turn: the request ends once, with no_memory and the
 * number of that step, and the next one is answered.
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

#define IDLE_MS 60001u

static struct wire wire;

static int begin(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    wire_open(&wire, "", false);
    return 0;
}

/* The first answer says that the server speaks HTTP/2. */
static int begin_h2(void **state)
{
    (void)state;
    wire_begin(&wire, &(struct tls_server_options){.h2 = true});
    wire_open(&wire, "", false);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    memory_hooks_fail(NULL, 0);
    wire_end(&wire);
    return 0;
}

static void ask_for_bytes(struct ask *ask)
{
    wire_ask(&wire, ask, "/bytes/5000");
    ask->method = "POST";
    ask->request.body = kpb_span_str("body");
    ask->request.bearer = kpb_span_str("token");
}

static void expect_ok(void)
{
    struct ask ask;
    ask_for_bytes(&ask);
    kp_status st = ask_do(&ask);
    if (st != KP_OK)
        fail_msg("%s: %s", kp_status_text(st), ask.error.text);
    ask_clear(&ask);
}

/* A request on a connection of its own while the nth allocation at site fails; 0 where it did not
 * come to that. */
static uint32_t code_without(const char *site, uint32_t nth, bool *ret_failed)
{
    struct ask ask;
    client_move(&wire.client, IDLE_MS);
    ask_for_bytes(&ask);
    memory_hooks_fail(site, nth);
    kp_status st = ask_do(&ask);
    *ret_failed = memory_hooks_has_failed();
    memory_hooks_fail(NULL, 0);
    uint32_t code = ask.error.code;
    if (st != KP_OK && st != KP_NO_MEMORY && st != KP_TRANSIENT)
        fail_msg("%s %u: %s, %s", site, nth, kp_status_text(st), ask.error.text);
    if (st == KP_OK)
        assert_int_equal(ask.body_len, 5000);
    ask_clear(&ask);
    expect_ok();
    return st == KP_OK ? 0 : code;
}

static void our_own_sites_have_their_numbers(void **state)
{
    static const struct {
        const char *site;
        uint32_t code;
    } rows[] = {
        {"http.generation", 3100}, {"http.handle", 3100}, {"http.watch", 0},
        {"http.head", 3115},       {"http.lines", 3116},  {"http.body", 3120},
        {"http.headers", 3121},
    };
    (void)state;
    expect_ok();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool failed;
        uint32_t code = code_without(rows[i].site, 1, &failed);
        if (!failed || (rows[i].code != 0 && code != rows[i].code) || code == 0)
            fail_msg("%s: %u", rows[i].site, code);
    }
}

/* Without a length that is announced the body grows, and may have to stop. */
static void body_that_cannot_grow_is_3122(void **state)
{
    struct ask ask;
    (void)state;
    wire_ask(&wire, &ask, "/unbounded");
    memory_hooks_fail("http.body", 2);
    assert_int_equal(ask_do(&ask), KP_NO_MEMORY);
    assert_int_equal(ask.error.code, 3122);
    assert_int_equal(ask.error.exposure, KP_ANSWERED);
    ask_clear(&ask);
    expect_ok();
}

/* What host->http itself needs: it says so at once, and no callback comes. */
static void request_that_cannot_be_copied_is_refused_at_once(void **state)
{
    static const char *const sites[] = {"errand", "http.call", "http.request"};
    (void)state;
    expect_ok();
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        struct ask ask;
        ask_for_bytes(&ask);
        memory_hooks_fail(sites[i], 1);
        assert_int_equal(ask_do(&ask), KP_NO_MEMORY);
        assert_int_equal(ask.refused, KP_NO_MEMORY);
        ask_clear(&ask);
        expect_ok();
    }
}

static void first_use_of_a_server_may_fail_at_any_site(void **state)
{
    static const char *const sites[] = {"http",           "http.pool",     "http.host",
                                        "http.authority", "http.name",     "resolver.lookup",
                                        "resolver.host",  "http.pem_file", "http.entry"};
    (void)state;
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        struct ask ask;
        (void)begin(NULL);
        ask_for_bytes(&ask);
        memory_hooks_fail(sites[i], 1);
        kp_status st = ask_do(&ask);
        if (st == KP_OK || !memory_hooks_has_failed())
            fail_msg("%s: %s", sites[i], kp_status_text(st));
        ask_clear(&ask);
        expect_ok();
        (void)end(NULL);
    }
}

/* Whatever libcurl wanted memory for: it takes the refusal, and so do we. */
static void libcurl_may_run_out_anywhere(void **state)
{
    bool failed = true;
    (void)state;
    expect_ok();
    for (uint32_t nth = 1; failed; nth++)
        (void)code_without("libcurl", nth, &failed);
}

/* ... and nghttp2, and what else a connection takes whose frames are our own. */
static void frames_of_our_own_may_run_out_anywhere(void **state)
{
    static const char *const sites[] = {"h2.room",    "h2.connection", "http.handle",
                                        "http.watch", "nghttp2",       "libcurl"};
    (void)state;
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        bool failed = true;
        for (uint32_t nth = 1; failed; nth++) {
            (void)code_without(sites[i], nth, &failed);
            if (nth == 1 && !failed)
                fail_msg("%s: nothing is allocated there", sites[i]);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(our_own_sites_have_their_numbers),
        TEST(body_that_cannot_grow_is_3122),
        TEST(request_that_cannot_be_copied_is_refused_at_once),
        cmocka_unit_test(first_use_of_a_server_may_fail_at_any_site),
        TEST(libcurl_may_run_out_anywhere),
        cmocka_unit_test_setup_teardown(frames_of_our_own_may_run_out_anywhere, begin_h2, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
