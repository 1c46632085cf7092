/* What is tried again, when, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/vault.h"
#include "support/client.h"

static struct client client;
static struct script_vault *script;
static kp_vault *vault;

static int begin_with(const char *config)
{
    script_begin();
    client_begin(&client, config);
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    return 0;
}

/* Three attempts, pauses up to 100 ms, a breaker out of the way. */
static int begin(void **state)
{
    (void)state;
    return begin_with(
        CLIENT_CONFIG(", \"defaults\": {\"retry\": {\"max_attempts\": 3, \"base_ms\": 100, "
                      "\"cap_ms\": 100}, \"breaker\": {\"failures\": 1000}}"));
}

static int end(void **state)
{
    (void)state;
    kp_vault_release(vault);
    client_end(&client);
    return 0;
}

static void fail_times(unsigned n, kp_status status, uint32_t exposure)
{
    for (unsigned i = 0; i < n; i++)
        script_push(script, (struct script_act){.status = status, .exposure = exposure});
}

/* Submits and moves the time until it is over; returns the number of attempts the plugin saw. */
static uint32_t attempts_of(const struct kp_request *request, kp_status expected)
{
    struct outcome outcome;
    uint32_t before = script_counts(script).n_submit;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, request);
    client_move_until(&client, &outcome.latch);
    assert_int_equal(outcome_wait(&outcome), expected);
    outcome_clear(&outcome);
    client_wait_idle(vault);
    return script_counts(script).n_submit - before;
}

/* ---- Classes ---- */

static void only_transient_and_throttled_are_tried_again(void **state)
{
    (void)state;
    for (unsigned status = KP_USAGE; status < KP_STATUS_COUNT; status++) {
        struct kp_request request = client_wrap();
        bool again = status == KP_TRANSIENT || status == KP_THROTTLED;
        fail_times(1, (kp_status)status, KP_ANSWERED);
        assert_int_equal(attempts_of(&request, again ? KP_OK : (kp_status)status), again ? 2 : 1);
    }
}

static void last_failure_is_what_the_client_hears(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    fail_times(2, KP_TRANSIENT, KP_NOT_SENT);
    script_push(script, (struct script_act){
                            .status = KP_THROTTLED, .exposure = KP_ANSWERED_REFUSED, .code = 3001});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    client_move_until(&client, &outcome.latch);
    assert_int_equal(outcome_wait(&outcome), KP_THROTTLED);
    assert_int_equal(outcome.result.error.code, 3001);
    assert_int_equal(script_counts(script).n_submit, 3); /* as many as max_attempts allows */
    outcome_clear(&outcome);
}

static void refusal_by_submit_is_tried_again_like_any_failure(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_REFUSED, .status = KP_TRANSIENT});
    assert_int_equal(attempts_of(&request, KP_OK), 2);
    assert_int_equal(script_counts(script).n_done, 1);
}

/* ---- Exposure ---- */

/* Nobody says how far it got, so it may have got there. */
static void failure_without_detail_counts_as_maybe_sent(void **state)
{
    struct kp_request create = client_request(KP_OP_CREATE);
    struct kp_request wrap = client_wrap();
    (void)state;
    script_push(script, (struct script_act){.status = KP_TRANSIENT, .bare = true});
    assert_int_equal(attempts_of(&create, KP_TRANSIENT), 1);
    script_push(script, (struct script_act){.status = KP_TRANSIENT, .bare = true});
    assert_int_equal(attempts_of(&wrap, KP_OK), 2);
}

static kp_status fail_without_a_size(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    const struct kp_error error = {.text = "its struct_size is 0"};
    script_op_mark_finished(op);
    return host->finish(host->self, script_op_id(op), KP_TRANSIENT, NULL, &error);
}

static void failure_whose_detail_ends_before_exposure_counts_as_maybe_sent(void **state)
{
    struct kp_request create = client_request(KP_OP_CREATE);
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_CALL, .call = fail_without_a_size});
    assert_int_equal(attempts_of(&create, KP_TRANSIENT), 1);
}

/* What the vault may have carried out is not sent again unless that does no harm. */
static void exposure_decides_for_each_operation(void **state)
{
    static const uint32_t exposures[] = {KP_NOT_SENT, KP_MAYBE_SENT, KP_ANSWERED_REFUSED,
                                         KP_ANSWERED};
    (void)state;
    for (uint32_t op = 1; op <= KP_OP_MAX; op++) {
        bool repeatable = kp_op_traits(op) & KP_TRAIT_REPEATABLE;
        for (size_t i = 0; i < 4; i++) {
            struct kp_request request = client_request(op);
            bool again =
                repeatable || exposures[i] == KP_NOT_SENT || exposures[i] == KP_ANSWERED_REFUSED;
            kpi_budget_init(&vault->budget, 10);
            fail_times(1, KP_TRANSIENT, exposures[i]);
            assert_int_equal(attempts_of(&request, again ? KP_OK : KP_TRANSIENT), again ? 2 : 1);
            client_move(&client, 600000);
        }
    }
}

static void create_import_and_rotate_are_never_sent_twice_when_in_doubt(void **state)
{
    static const uint32_t once[] = {KP_OP_CREATE, KP_OP_IMPORT, KP_OP_IMPORT_BYOK, KP_OP_ROTATE};
    static const uint32_t doubts[] = {KP_MAYBE_SENT, KP_ANSWERED};
    static const kp_status failures[] = {KP_TRANSIENT, KP_THROTTLED, KP_TIMEOUT};
    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 2; k++)
            for (size_t f = 0; f < 3; f++) {
                struct kp_request request = client_request(once[i]);
                fail_times(1, failures[f], doubts[k]);
                assert_int_equal(attempts_of(&request, failures[f]), 1);
            }
}

/* The second try could not be sent, but the first may have been carried out: it says so. */
static void doubt_of_an_earlier_attempt_is_not_forgotten(void **state)
{
    struct kp_request request = client_request(KP_OP_DELETE);
    struct outcome outcome;
    (void)state;
    fail_times(1, KP_TRANSIENT, KP_MAYBE_SENT);
    script_push(script, (struct script_act){.status = KP_AUTH, .exposure = KP_NOT_SENT});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_done, 1);
    client_move(&client, 100);
    assert_int_equal(outcome_wait(&outcome), KP_AUTH);
    assert_int_equal(outcome.result.error.exposure, KP_MAYBE_SENT);
    outcome_clear(&outcome);
}

static void doubt_is_not_forgotten_by_a_cancel_in_the_pause(void **state)
{
    struct kp_request request = client_request(KP_OP_DELETE);
    struct outcome outcome;
    (void)state;
    fail_times(1, KP_TRANSIENT, KP_MAYBE_SENT);
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_done, 1);
    kp_cancel(client.provider, outcome.id);
    assert_int_equal(outcome_wait(&outcome), KP_CANCELED);
    assert_int_equal(outcome.result.error.exposure, KP_MAYBE_SENT);
    outcome_clear(&outcome);
}

static void what_was_never_sent_says_so(void **state)
{
    struct kp_request request = client_request(KP_OP_DELETE);
    struct outcome outcome;
    (void)state;
    fail_times(1, KP_TRANSIENT, KP_NOT_SENT);
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_done, 1);
    kp_cancel(client.provider, outcome.id);
    assert_int_equal(outcome_wait(&outcome), KP_CANCELED);
    assert_int_equal(outcome.result.error.exposure, KP_NOT_SENT);
    outcome_clear(&outcome);
}

/* ---- Pauses ---- */

static void hint_of_the_vault_is_waited_for(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    script_push(script, (struct script_act){.status = KP_THROTTLED, .hint_ms = 5000});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_done, 1);
    client_move(&client, 4999);
    assert_false(latch_wait_for(&outcome.latch, 1, 20000000));
    assert_int_equal(script_counts(script).n_submit, 1);
    client_move(&client, 1);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    outcome_clear(&outcome);
}

static void pause_never_exceeds_the_cap(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) { /* the default budget's burst */
        struct kp_request request = client_wrap();
        struct outcome outcome;
        fail_times(1, KP_TRANSIENT, KP_NOT_SENT);
        uint32_t n = script_counts(script).n_submit;
        outcome_init(&outcome);
        outcome_submit(&outcome, vault, &request);
        SCRIPT_WAIT(script, n_done, n + 1);
        client_move(&client, 100);
        assert_int_equal(outcome_wait(&outcome), KP_OK);
        outcome_clear(&outcome);
    }
}

static void hint_beyond_the_deadline_ends_it_at_once(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    request.timeout_ms = 4000;
    script_push(script, (struct script_act){.status = KP_THROTTLED, .hint_ms = 4000, .code = 3001});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    assert_int_equal(outcome_wait(&outcome), KP_THROTTLED); /* not timeout, and not later */
    assert_int_equal(outcome.result.error.retry_after_ms, 4000);
    outcome_clear(&outcome);
}

/* ---- Budget ---- */

static void budget_bounds_the_retries_of_a_vault(void **state)
{
    uint32_t n_attempts = 0;
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct kp_request request = client_wrap();
        fail_times(1, KP_TRANSIENT, KP_NOT_SENT);
        struct outcome outcome;
        outcome_init(&outcome);
        outcome_submit(&outcome, vault, &request);
        client_move_until(&client, &outcome.latch);
        outcome_clear(&outcome);
    }
    client_wait_idle(vault);
    n_attempts = script_counts(script).n_submit;
    /* Twenty first attempts; ten retries saved up, and 20 percent of the twenty earned
     * meanwhile. */
    assert_in_range(n_attempts, 20 + 10, 20 + 10 + 4);
}

static void budget_of_one_vault_is_not_another_ones(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    atomic_store(&vault->budget.tokens, 0);
    fail_times(1, KP_TRANSIENT, KP_NOT_SENT);
    assert_int_equal(attempts_of(&request, KP_TRANSIENT), 1);
    kp_vault *other = client_vault(&client, "script:b");
    script_push(script_vault("b"), (struct script_act){.status = KP_TRANSIENT});
    struct outcome outcome;
    outcome_init(&outcome);
    outcome_submit(&outcome, other, &request);
    client_move_until(&client, &outcome.latch);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    outcome_clear(&outcome);
    kp_vault_release(other);
}

/* ---- Opening ---- */

static void opening_that_fails_for_a_passing_reason_is_tried_again(void **state)
{
    struct kp_request request = client_request(KP_OP_CREATE);
    struct outcome outcome;
    (void)state;
    script_plan(script)->opening = SCRIPT_OPEN_FAILS;
    script_plan(script)->open_status = KP_TRANSIENT;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_close, 1);
    script_plan(script)->opening = SCRIPT_OPENS;
    client_move_until(&client, &outcome.latch);
    assert_int_equal(outcome_wait(&outcome), KP_OK); /* nothing was sent: even a create goes on */
    assert_int_equal(script_counts(script).n_open, 2);
    outcome_clear(&outcome);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_transient_and_throttled_are_tried_again),
        TEST(last_failure_is_what_the_client_hears),
        TEST(refusal_by_submit_is_tried_again_like_any_failure),
        TEST(failure_without_detail_counts_as_maybe_sent),
        TEST(failure_whose_detail_ends_before_exposure_counts_as_maybe_sent),
        TEST(exposure_decides_for_each_operation),
        TEST(create_import_and_rotate_are_never_sent_twice_when_in_doubt),
        TEST(doubt_of_an_earlier_attempt_is_not_forgotten),
        TEST(doubt_is_not_forgotten_by_a_cancel_in_the_pause),
        TEST(what_was_never_sent_says_so),
        TEST(hint_of_the_vault_is_waited_for),
        TEST(pause_never_exceeds_the_cap),
        TEST(hint_beyond_the_deadline_ends_it_at_once),
        TEST(budget_bounds_the_retries_of_a_vault),
        TEST(budget_of_one_vault_is_not_another_ones),
        TEST(opening_that_fails_for_a_passing_reason_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
