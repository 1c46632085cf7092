/* Key metadata: one fetch for all who wait, kept for a while, forgotten when the key changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/metrics.h"
#include "core/vault.h"
#include "support/client.h"

#define N 8
#define LIFETIME_MS 300000u

static struct client client;
static struct script_vault *script;
static kp_vault *vault;
static struct outcome waiters[N];

static int begin_with(const char *config)
{
    script_begin();
    client_begin(&client, config);
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    return 0;
}

#define NO_RETRY "\"retry\": {\"max_attempts\": 1}"

static int begin(void **state)
{
    (void)state;
    return begin_with(CLIENT_CONFIG(", \"defaults\": {" NO_RETRY "}"));
}

static int begin_stale(void **state)
{
    (void)state;
    return begin_with(CLIENT_CONFIG(", \"defaults\": {" NO_RETRY ", \"cache\": {\"stale_ms\": "
                                    "60000}, \"breaker\": {\"failures\": 2}}"));
}

static int begin_small(void **state)
{
    (void)state;
    return begin_with(CLIENT_CONFIG(", \"defaults\": {\"cache\": {\"entries\": 2}}"));
}

static int begin_never(void **state)
{
    (void)state;
    return begin_with(CLIENT_CONFIG(", \"defaults\": {\"cache\": {\"metadata_ms\": 0}}"));
}

static int end(void **state)
{
    (void)state;
    client_wait_idle(vault);
    client_wait_slots_free(&client);
    kp_vault_release(vault);
    client_end(&client);
    return 0;
}

/* ---- Helpers ---- */

static struct kp_request get_key(const char *name, const char *version)
{
    return client_get_key(name, version, KP_REQ_CACHED_OK);
}

static void hold_next(void)
{
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
}

/* All of them wait for one fetch, which is held by the plugin. */
static void let_all_wait(void)
{
    struct kp_request request = get_key("k", "");
    uint64_t before = atomic_load(&vault->metrics->ops[KP_OP_GET_KEY].coalesced);
    hold_next();
    for (int i = 0; i < N; i++) {
        outcome_init(&waiters[i]);
        outcome_submit(&waiters[i], vault, &request);
    }
    SCRIPT_WAIT(script, n_held, 1);
    client_wait_coalesced(vault, KP_OP_GET_KEY, before + N - 1);
}

static void expect_all(int from, kp_status status)
{
    for (int i = from; i < N; i++)
        assert_int_equal(outcome_wait(&waiters[i]), status);
}

static void clear_all(void)
{
    for (int i = 0; i < N; i++)
        outcome_clear(&waiters[i]);
}

/* Asks, and tells with which flags it was answered. */
static uint32_t flags_of(const char *name, const char *version, kp_status expected)
{
    struct kp_request request = get_key(name, version);
    struct outcome outcome;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    assert_int_equal(outcome_wait(&outcome), expected);
    uint32_t flags = outcome.result.reply.flags;
    if (expected == KP_OK) {
        assert_non_null(outcome.result.reply.key);
        assert_int_equal(outcome.result.reply.name.len, strlen(name));
    }
    outcome_clear(&outcome);
    return flags;
}

static uint32_t n_asked(void)
{
    return script_counts(script).n_submit;
}

/* ---- One fetch ---- */

static void many_waiters_share_one_fetch(void **state)
{
    (void)state;
    let_all_wait();
    script_finish_held(script, KP_OK);
    expect_all(0, KP_OK);
    for (int i = 0; i < N; i++) {
        assert_true(waiters[i].result.reply.flags & KP_REPLY_CACHED);
        assert_memory_equal(waiters[i].result.reply.key->name.ptr, "k", 1);
    }
    clear_all();
    assert_int_equal(n_asked(), 1);
    const struct kpi_vault_metrics *counted = vault->metrics;
    assert_int_equal(atomic_load(&counted->ops[KP_OP_GET_KEY].submitted), N);
    assert_int_equal(atomic_load(&counted->ops[KP_OP_GET_KEY].completed[KP_OK]), N); /* no fetch */
    assert_int_equal(flags_of("k", "", KP_OK), KP_REPLY_CACHED);
    assert_int_equal(n_asked(), 1);
}

static void first_waiter_that_cancels_takes_nobody_with_it(void **state)
{
    (void)state;
    let_all_wait();
    kp_cancel(client.provider, waiters[0].id);
    assert_int_equal(outcome_wait(&waiters[0]), KP_CANCELED);
    assert_int_equal(script_counts(script).n_cancel, 0);
    script_finish_held(script, KP_OK);
    expect_all(1, KP_OK);
    clear_all();
    assert_int_equal(n_asked(), 1);
}

static void first_waiters_deadline_is_not_the_others(void **state)
{
    struct kp_request hasty = get_key("k", "");
    struct outcome first;
    (void)state;
    hasty.timeout_ms = 50;
    hold_next();
    outcome_init(&first);
    outcome_submit(&first, vault, &hasty);
    SCRIPT_WAIT(script, n_held, 1);
    struct kp_request patient = get_key("k", "");
    struct outcome second;
    outcome_init(&second);
    outcome_submit(&second, vault, &patient);
    client_wait_coalesced(vault, KP_OP_GET_KEY, 1);
    client_move(&client, 50);
    assert_int_equal(outcome_wait(&first), KP_TIMEOUT);
    assert_int_equal(script_counts(script).n_held, 1);
    script_finish_held(script, KP_OK);
    assert_int_equal(outcome_wait(&second), KP_OK);
    outcome_clear(&first);
    outcome_clear(&second);
}

static void all_waiters_may_leave_and_the_fetch_still_serves_the_next(void **state)
{
    (void)state;
    let_all_wait();
    for (int i = 0; i < N; i++)
        kp_cancel(client.provider, waiters[i].id);
    expect_all(0, KP_CANCELED);
    clear_all();
    script_finish_held(script, KP_OK);
    client_wait_in_flight(vault, 0);
    assert_int_equal(flags_of("k", "", KP_OK), KP_REPLY_CACHED);
    assert_int_equal(n_asked(), 1);
}

static void failure_reaches_every_waiter_and_is_not_kept(void **state)
{
    static const kp_status failures[] = {KP_NOT_FOUND, KP_FORBIDDEN, KP_THROTTLED, KP_TRANSIENT};
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        let_all_wait();
        script_finish_held(script, failures[i]);
        expect_all(0, failures[i]);
        clear_all();
        assert_int_equal(n_asked(), i + 1);
    }
    assert_int_equal(flags_of("k", "", KP_OK), KP_REPLY_CACHED);
    assert_int_equal(n_asked(), 5);
}

static void fetch_ends_at_its_own_deadline(void **state)
{
    (void)state;
    let_all_wait(); /* their own deadline is 30 s */
    client_move(&client, 10000);
    expect_all(0, KP_TIMEOUT);
    clear_all();
}

static void other_keys_and_versions_are_fetched_apart(void **state)
{
    (void)state;
    (void)flags_of("k", "", KP_OK);
    (void)flags_of("k", "1", KP_OK);
    (void)flags_of("k", "2", KP_OK);
    (void)flags_of("K", "1", KP_OK);
    assert_int_equal(n_asked(), 4);
    (void)flags_of("k", "2", KP_OK);
    assert_int_equal(n_asked(), 4);
}

static void who_does_not_ask_for_the_cache_asks_the_vault(void **state)
{
    struct kp_request request = client_get_key("k", "", 0);
    struct outcome outcome;
    (void)state;
    (void)flags_of("k", "", KP_OK);
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    assert_int_equal(outcome.result.reply.flags, 0);
    outcome_clear(&outcome);
    assert_int_equal(n_asked(), 2);
}

static void lifetime_of_zero_keeps_nothing(void **state)
{
    (void)state;
    assert_int_equal(flags_of("k", "", KP_OK), 0);
    assert_int_equal(flags_of("k", "", KP_OK), 0);
    assert_int_equal(n_asked(), 2);
}

/* ---- Lifetime ---- */

static void entry_lives_as_long_as_configured_and_no_longer(void **state)
{
    (void)state;
    (void)flags_of("k", "", KP_OK);
    client_move(&client, LIFETIME_MS - 1);
    (void)flags_of("k", "", KP_OK);
    assert_int_equal(n_asked(), 1);
    client_move(&client, 1);
    (void)flags_of("k", "", KP_OK);
    assert_int_equal(n_asked(), 2);
}

static void age_counts_from_the_question_not_from_the_answer(void **state)
{
    (void)state;
    let_all_wait();
    client_move(&client, 9000);
    script_finish_held(script, KP_OK);
    expect_all(0, KP_OK);
    clear_all();
    client_move(&client, LIFETIME_MS - 9000);
    (void)flags_of("k", "", KP_OK);
    assert_int_equal(n_asked(), 2);
}

static void cache_keeps_the_entries_used_last(void **state)
{
    (void)state;
    (void)flags_of("k1", "", KP_OK);
    (void)flags_of("k2", "", KP_OK);
    (void)flags_of("k1", "", KP_OK);
    (void)flags_of("k3", "", KP_OK); /* room for two: k2 goes */
    assert_int_equal(n_asked(), 3);
    (void)flags_of("k1", "", KP_OK);
    (void)flags_of("k3", "", KP_OK);
    assert_int_equal(n_asked(), 3);
    (void)flags_of("k2", "", KP_OK);
    assert_int_equal(n_asked(), 4);
}

/* ---- Changes ---- */

static const uint32_t CHANGES[] = {KP_OP_CREATE, KP_OP_IMPORT, KP_OP_IMPORT_BYOK,
                                   KP_OP_UPDATE, KP_OP_DELETE, KP_OP_RECOVER,
                                   KP_OP_PURGE,  KP_OP_ROTATE, KP_OP_SET_ROTATION_POLICY};
#define N_CHANGES (sizeof CHANGES / sizeof CHANGES[0])

static void change_of_a_key_forgets_all_its_versions(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CHANGES; i++) {
        struct kp_request change = client_request(CHANGES[i]);
        (void)flags_of("k", "", KP_OK);
        (void)flags_of("k", "1", KP_OK);
        (void)flags_of("other", "1", KP_OK);
        uint32_t before = n_asked();
        assert_int_equal(client_do(vault, &change), KP_OK);
        (void)flags_of("other", "1", KP_OK);
        assert_int_equal(n_asked(), before + 1);
        (void)flags_of("k", "", KP_OK);
        (void)flags_of("k", "1", KP_OK);
        assert_int_equal(n_asked(), before + 3);
    }
}

/* The vaults do not tell the cases of a name apart: it is one key that changes. */
static void change_of_a_key_forgets_every_spelling_of_its_name(void **state)
{
    struct kp_request change = client_request(KP_OP_UPDATE);
    struct kp_request request = get_key("K", "");
    struct outcome under_way;
    (void)state;
    (void)flags_of("K", "1", KP_OK);
    hold_next();
    outcome_init(&under_way);
    outcome_submit(&under_way, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    assert_int_equal(client_do(vault, &change), KP_OK); /* of k */
    script_finish_held(script, KP_OK);
    assert_int_equal(outcome_wait(&under_way), KP_OK);
    assert_int_equal(under_way.result.reply.flags & KP_REPLY_CACHED, 0);
    outcome_clear(&under_way);
    uint32_t before = n_asked();
    (void)flags_of("K", "1", KP_OK);
    (void)flags_of("K", "", KP_OK);
    assert_int_equal(n_asked(), before + 2);
}

static void change_that_failed_forgets_too_for_it_may_have_happened(void **state)
{
    struct kp_request change = client_request(KP_OP_UPDATE);
    (void)state;
    (void)flags_of("k", "", KP_OK);
    script_push(script, (struct script_act){.status = KP_TIMEOUT, .exposure = KP_MAYBE_SENT});
    assert_int_equal(client_do(vault, &change), KP_TIMEOUT);
    (void)flags_of("k", "", KP_OK);
    assert_int_equal(n_asked(), 3);
}

static void use_of_a_key_forgets_nothing(void **state)
{
    struct kp_request wrap = client_wrap();
    (void)state;
    (void)flags_of("k", "", KP_OK);
    assert_int_equal(client_do(vault, &wrap), KP_OK);
    (void)flags_of("k", "", KP_OK);
    assert_int_equal(n_asked(), 2);
}

/* The answer under way may be from before the change: it is not kept, and whoever asks after the
 * change does not get it. */
static void change_during_a_fetch_outdates_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CHANGES; i++) {
        struct kp_request change = client_request(CHANGES[i]);
        struct outcome before;
        struct outcome after;
        struct kp_request request = get_key("k", "");
        uint32_t asked = n_asked();
        hold_next();
        outcome_init(&before);
        outcome_submit(&before, vault, &request);
        SCRIPT_WAIT(script, n_held, 1);
        assert_int_equal(client_do(vault, &change), KP_OK);
        hold_next();
        outcome_init(&after);
        outcome_submit(&after, vault, &request); /* a fetch of its own */
        SCRIPT_WAIT(script, n_held, 2);
        struct script_op *old = script_held(script);
        script_push(script, (struct script_act){0}); /* for whoever waited for the old one */
        assert_int_equal(script_finish(old, KP_OK), KP_OK);
        assert_int_equal(outcome_wait(&before), KP_OK);
        assert_int_equal(before.result.reply.flags & KP_REPLY_CACHED, 0);
        assert_false(outcome_is_there(&after));
        script_finish_held(script, KP_OK);
        assert_int_equal(outcome_wait(&after), KP_OK);
        assert_int_equal(n_asked(), asked + 4);
        outcome_clear(&before);
        outcome_clear(&after);
        (void)flags_of("k", "", KP_OK); /* the second one was kept */
        assert_int_equal(n_asked(), asked + 4);
        struct kp_request forget = client_request(KP_OP_UPDATE);
        assert_int_equal(client_do(vault, &forget), KP_OK);
    }
}

/* ---- While the vault is away ---- */

static void fail_twice(void)
{
    struct kp_request wrap = client_wrap();
    for (int i = 0; i < 2; i++) {
        script_push(script, (struct script_act){.status = KP_TRANSIENT});
        assert_int_equal(client_do(vault, &wrap), KP_TRANSIENT);
    }
    assert_string_equal(kpi_breaker_text(&vault->breaker), "open");
}

static void who_does_not_wait_for_the_probe_shares_no_fetch_that_does(void **state)
{
    struct kp_request patient = client_get_key("k", "", KP_REQ_CACHED_OK | KP_REQ_WAIT_FOR_PROBE);
    struct outcome waiter;
    (void)state;
    fail_twice();
    outcome_init(&waiter);
    outcome_submit(&waiter, vault, &patient);
    (void)flags_of("k", "", KP_TRANSIENT); /* at once, as the open breaker has it */
    assert_false(outcome_is_there(&waiter));
    client_move(&client, 5000);
    assert_int_equal(outcome_wait(&waiter), KP_OK);
    outcome_clear(&waiter);
}

/* ---- Stale ---- */

static void outage_serves_no_stale_entry_unless_allowed(void **state)
{
    (void)state;
    (void)flags_of("k", "", KP_OK);
    client_move(&client, LIFETIME_MS);
    script_push(script, (struct script_act){.status = KP_TRANSIENT});
    (void)flags_of("k", "", KP_TRANSIENT);
}

static void outage_serves_a_stale_entry_within_its_bound(void **state)
{
    (void)state;
    (void)flags_of("k", "", KP_OK);
    client_move(&client, LIFETIME_MS);
    script_push(script, (struct script_act){.status = KP_TRANSIENT});
    assert_int_equal(flags_of("k", "", KP_OK), KP_REPLY_CACHED | KP_REPLY_STALE);
    client_move(&client, 59999);
    script_push(script, (struct script_act){.status = KP_TRANSIENT});
    assert_int_equal(flags_of("k", "", KP_OK), KP_REPLY_CACHED | KP_REPLY_STALE);
    assert_string_equal(kpi_breaker_text(&vault->breaker), "open");
    client_move(&client, 1);
    (void)flags_of("k", "", KP_TRANSIENT); /* by the open breaker, without asking */
    assert_int_equal(n_asked(), 3);
}

static void open_breaker_serves_stale_without_asking(void **state)
{
    (void)state;
    (void)flags_of("k", "", KP_OK);
    client_move(&client, LIFETIME_MS);
    fail_twice();
    assert_int_equal(flags_of("k", "", KP_OK), KP_REPLY_CACHED | KP_REPLY_STALE);
    assert_int_equal(n_asked(), 3);
}

static void answer_of_the_vault_is_never_replaced_by_a_stale_one(void **state)
{
    static const kp_status answers[] = {KP_NOT_FOUND, KP_FORBIDDEN, KP_AUTH, KP_THROTTLED};
    (void)state;
    (void)flags_of("k", "", KP_OK);
    client_move(&client, LIFETIME_MS);
    for (size_t i = 0; i < 4; i++) {
        script_push(script, (struct script_act){.status = answers[i]});
        (void)flags_of("k", "", answers[i]);
    }
}

static void forgotten_entry_is_not_served_stale(void **state)
{
    struct kp_request change = client_request(KP_OP_UPDATE);
    (void)state;
    (void)flags_of("k", "", KP_OK);
    assert_int_equal(client_do(vault, &change), KP_OK);
    script_push(script, (struct script_act){.status = KP_TRANSIENT});
    (void)flags_of("k", "", KP_TRANSIENT);
}

/* ---- Close ---- */

static void close_ends_waiters_and_fetch(void **state)
{
    (void)state;
    let_all_wait();
    kp_vault_release(vault);
    struct kp_close_report report = client_close(&client, 10000);
    assert_int_equal(report.abandoned, 0);
    expect_all(0, KP_CANCELED);
    clear_all();
    script_begin();
    client_begin(&client, NULL);
    vault = client_vault(&client, "script:a");
}

#define TEST(name, begin) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(many_waiters_share_one_fetch, begin),
        TEST(first_waiter_that_cancels_takes_nobody_with_it, begin),
        TEST(first_waiters_deadline_is_not_the_others, begin),
        TEST(all_waiters_may_leave_and_the_fetch_still_serves_the_next, begin),
        TEST(failure_reaches_every_waiter_and_is_not_kept, begin),
        TEST(fetch_ends_at_its_own_deadline, begin),
        TEST(other_keys_and_versions_are_fetched_apart, begin),
        TEST(who_does_not_ask_for_the_cache_asks_the_vault, begin),
        TEST(lifetime_of_zero_keeps_nothing, begin_never),
        TEST(entry_lives_as_long_as_configured_and_no_longer, begin),
        TEST(age_counts_from_the_question_not_from_the_answer, begin),
        TEST(cache_keeps_the_entries_used_last, begin_small),
        TEST(change_of_a_key_forgets_all_its_versions, begin),
        TEST(change_of_a_key_forgets_every_spelling_of_its_name, begin),
        TEST(change_that_failed_forgets_too_for_it_may_have_happened, begin),
        TEST(use_of_a_key_forgets_nothing, begin),
        TEST(change_during_a_fetch_outdates_it, begin),
        TEST(who_does_not_wait_for_the_probe_shares_no_fetch_that_does, begin_stale),
        TEST(outage_serves_no_stale_entry_unless_allowed, begin),
        TEST(outage_serves_a_stale_entry_within_its_bound, begin_stale),
        TEST(open_breaker_serves_stale_without_asking, begin_stale),
        TEST(answer_of_the_vault_is_never_replaced_by_a_stale_one, begin_stale),
        TEST(forgotten_entry_is_not_served_stale, begin_stale),
        TEST(close_ends_waiters_and_fetch, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
