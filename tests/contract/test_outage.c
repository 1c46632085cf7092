/* The circuit breaker in the pipeline: who opens it, whom it refuses, who finds out that it is
 * over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/vault.h"
#include "support/client.h"

#define OPEN_MS 5000u

static struct client client;
static struct script_vault *script;
static kp_vault *vault;

/* Three failures open it for five seconds; nothing is tried again, so that each failure counts
 * once. */
static int begin(void **state)
{
    (void)state;
    script_begin();
    client_begin(&client,
                 CLIENT_CONFIG(", \"defaults\": {\"retry\": {\"max_attempts\": 1}, \"breaker\": "
                               "{\"failures\": 3, \"open_ms\": 5000, \"open_max_ms\": 20000}}"));
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    return 0;
}

static int end(void **state)
{
    (void)state;
    client_wait_idle(vault);
    kp_vault_release(vault);
    client_end(&client);
    return 0;
}

static void fail_with(kp_status status, uint32_t code)
{
    struct kp_request request = client_wrap();
    script_push(script, (struct script_act){.status = status, .code = code});
    assert_int_equal(client_do(vault, &request), status);
}

static void open_it(void)
{
    for (int i = 0; i < 3; i++)
        fail_with(KP_TRANSIENT, 3102);
    assert_string_equal(kpi_breaker_text(&vault->breaker), "open");
}

static void failures_in_a_row_open_it_and_the_plugin_is_left_alone(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    open_it();
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    assert_int_equal(outcome_wait(&outcome), KP_TRANSIENT);
    assert_int_equal(outcome.result.error.code, 3102); /* repeats class and number of the cause */
    assert_int_equal(outcome.result.error.exposure, KP_NOT_SENT);
    assert_int_equal(outcome.result.error.retry_after_ms, OPEN_MS);
    assert_non_null(strstr(outcome.result.error.text, "the script says transient"));
    outcome_clear(&outcome);
    assert_int_equal(script_counts(script).n_submit, 3);
}

static void success_in_between_keeps_it_closed(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    for (int i = 0; i < 5; i++) {
        fail_with(KP_TRANSIENT, 0);
        fail_with(KP_TIMEOUT, 0);
        assert_int_equal(client_do(vault, &request), KP_OK);
    }
    assert_string_equal(kpi_breaker_text(&vault->breaker), "closed");
}

static void answers_of_the_vault_never_trip_it(void **state)
{
    static const kp_status answers[] = {KP_THROTTLED, KP_AUTH,  KP_FORBIDDEN, KP_NOT_FOUND,
                                        KP_CONFLICT,  KP_VAULT, KP_PROTOCOL,  KP_INTEGRITY};
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        for (int n = 0; n < 4; n++)
            fail_with(answers[i], 0);
        assert_string_equal(kpi_breaker_text(&vault->breaker), "closed");
        fail_with(KP_TRANSIENT, 0); /* and each of them says that the vault is there */
        fail_with(KP_TRANSIENT, 0);
        fail_with(answers[i], 0);
    }
}

static void cancel_is_no_verdict(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct outcome outcome;
        script_push(script, (struct script_act){.how = SCRIPT_HELD});
        outcome_init(&outcome);
        outcome_submit(&outcome, vault, &request);
        SCRIPT_WAIT(script, n_held, 1);
        kp_cancel(client.provider, outcome.id);
        assert_int_equal(outcome_wait(&outcome), KP_CANCELED);
        outcome_clear(&outcome);
        client_wait_idle(vault);
    }
    assert_true(kpi_breaker_calm(&vault->breaker));
}

static void hung_attempts_open_it_at_their_deadline(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcomes[3];
    (void)state;
    request.timeout_ms = 2000;
    for (int i = 0; i < 3; i++) {
        script_push(script, (struct script_act){.how = SCRIPT_DEAF});
        outcome_init(&outcomes[i]);
        outcome_submit(&outcomes[i], vault, &request);
    }
    SCRIPT_WAIT(script, n_held, 3);
    client_move(&client, 2000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(outcome_wait(&outcomes[i]), KP_TIMEOUT);
        outcome_clear(&outcomes[i]);
    }
    assert_string_equal(kpi_breaker_text(&vault->breaker), "open");
    struct outcome refused;
    outcome_init(&refused);
    outcome_submit(&refused, vault, &request);
    assert_int_equal(outcome_wait(&refused), KP_TIMEOUT);
    assert_int_equal(refused.result.error.exposure, KP_NOT_SENT);
    outcome_clear(&refused);
    script_finish_held(script, KP_OK);
}

static void short_deadline_says_nothing_about_the_vault(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    request.timeout_ms = 5;
    for (int i = 0; i < 5; i++) {
        struct outcome outcome;
        script_push(script, (struct script_act){.how = SCRIPT_HELD});
        outcome_init(&outcome);
        outcome_submit(&outcome, vault, &request);
        SCRIPT_WAIT(script, n_held, 1);
        client_move(&client, 5);
        assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
        outcome_clear(&outcome);
        client_wait_idle(vault);
    }
    assert_true(kpi_breaker_calm(&vault->breaker));
}

/* ---- The probe ---- */

#define N_WAITERS 64

static struct outcome waiters[N_WAITERS];

static void submit_waiters(uint32_t flags)
{
    for (int i = 0; i < N_WAITERS; i++) {
        struct kp_request request = client_wrap();
        request.flags = flags;
        outcome_init(&waiters[i]);
        outcome_submit(&waiters[i], vault, &request);
    }
}

static void clear_waiters(void)
{
    for (int i = 0; i < N_WAITERS; i++)
        outcome_clear(&waiters[i]);
}

static void sixty_four_waiters_one_probe_that_succeeds(void **state)
{
    (void)state;
    open_it();
    submit_waiters(KP_REQ_WAIT_FOR_PROBE);
    client_move(&client, OPEN_MS - 1);
    assert_false(latch_wait_for(&waiters[0].latch, 1, 20000000));
    assert_int_equal(script_counts(script).n_submit, 3);
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    client_move(&client, 1);
    SCRIPT_WAIT(script, n_held, 1);
    assert_string_equal(kpi_breaker_text(&vault->breaker), "half_open");
    assert_int_equal(script_counts(script).n_submit, 4); /* one, and 63 wait for its verdict */
    script_finish_held(script, KP_OK);
    for (int i = 0; i < N_WAITERS; i++)
        assert_int_equal(outcome_wait(&waiters[i]), KP_OK);
    assert_string_equal(kpi_breaker_text(&vault->breaker), "closed");
    assert_int_equal(script_counts(script).n_submit, 3 + N_WAITERS);
    clear_waiters();
}

static void sixty_four_waiters_one_probe_that_fails(void **state)
{
    int n_failed = 0;
    (void)state;
    open_it();
    submit_waiters(KP_REQ_WAIT_FOR_PROBE);
    script_push(script, (struct script_act){.status = KP_TRANSIENT});
    client_move(&client, OPEN_MS);
    SCRIPT_WAIT(script, n_done, 4);
    client_wait_in_flight(vault, 0);
    assert_string_equal(kpi_breaker_text(&vault->breaker), "open");
    assert_int_equal(script_counts(script).n_submit, 4);
    client_move(&client, 2 * OPEN_MS - 1); /* twice as long as the first time */
    assert_int_equal(script_counts(script).n_submit, 4);
    client_move(&client, 1);
    for (int i = 0; i < N_WAITERS; i++)
        n_failed += outcome_wait(&waiters[i]) == KP_TRANSIENT;
    assert_int_equal(n_failed, 1); /* the first probe; the second one opened the way for the rest */
    assert_int_equal(script_counts(script).n_submit, 4 + N_WAITERS - 1);
    clear_waiters();
}

static void while_the_probe_is_out_others_are_refused(void **state)
{
    (void)state;
    open_it();
    client_move(&client, OPEN_MS);
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    submit_waiters(0);
    for (int i = 1; i < N_WAITERS; i++)
        assert_int_equal(outcome_wait(&waiters[i]), KP_TRANSIENT);
    assert_int_equal(script_counts(script).n_submit, 4);
    script_finish_held(script, KP_OK);
    assert_int_equal(outcome_wait(&waiters[0]), KP_OK);
    clear_waiters();
}

static void waiter_for_the_probe_gives_up_at_its_deadline(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    open_it();
    request.flags = KP_REQ_WAIT_FOR_PROBE;
    request.timeout_ms = 1000;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    client_move(&client, 1000);
    assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
    outcome_clear(&outcome);
}

static void canceled_probe_hands_its_task_to_the_next(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    open_it();
    client_move(&client, OPEN_MS);
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    kp_cancel(client.provider, outcome.id);
    assert_int_equal(outcome_wait(&outcome), KP_CANCELED);
    outcome_clear(&outcome);
    client_wait_idle(vault);
    assert_int_equal(client_do(vault, &request), KP_OK);
    assert_string_equal(kpi_breaker_text(&vault->breaker), "closed");
}

static void hung_probe_opens_it_again_at_its_deadline(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    open_it();
    client_move(&client, OPEN_MS);
    request.timeout_ms = 2000;
    script_push(script, (struct script_act){.how = SCRIPT_DEAF});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    client_move(&client, 2000);
    assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
    outcome_clear(&outcome);
    assert_string_equal(kpi_breaker_text(&vault->breaker), "open");
    script_finish_held(script, KP_OK); /* too late to count */
    client_wait_in_flight(vault, 0);
    assert_string_equal(kpi_breaker_text(&vault->breaker), "open");
    client_move(&client, 2 * OPEN_MS);
    assert_int_equal(client_do(vault, &request), KP_OK);
}

static void throttled_probe_closes_it_for_the_vault_is_there(void **state)
{
    (void)state;
    open_it();
    client_move(&client, OPEN_MS);
    fail_with(KP_THROTTLED, 0);
    assert_string_equal(kpi_breaker_text(&vault->breaker), "closed");
}

/* A probe whose run declines goes on through submit; it is still the probe. */
static void probe_whose_run_declines_stays_the_probe(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    kp_vault_release(vault);
    client_end(&client);
    script_begin();
    script_serve_run(KP_OP_BIT(KP_OP_WRAP));
    client_begin(&client,
                 CLIENT_CONFIG(", \"defaults\": {\"retry\": {\"max_attempts\": 1}, \"breaker\": "
                               "{\"failures\": 3, \"open_ms\": 5000, \"open_max_ms\": 20000}}"));
    script = script_vault("a");
    script_plan(script)->run.how = SCRIPT_RUN_DECLINES;
    vault = client_vault(&client, "script:a");
    open_it();
    client_move(&client, OPEN_MS);
    assert_int_equal(client_do(vault, &request), KP_OK);
    assert_string_equal(kpi_breaker_text(&vault->breaker), "closed");
}

/* ---- Opening the vault counts too ---- */

static void failed_openings_open_it_and_an_opening_probes(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_plan(script)->opening = SCRIPT_OPEN_FAILS;
    script_plan(script)->open_status = KP_TRANSIENT;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(client_do(vault, &request), KP_TRANSIENT);
        client_wait_state(vault, KPI_VAULT_IDLE);
    }
    assert_string_equal(kpi_breaker_text(&vault->breaker), "open");
    assert_int_equal(client_do(vault, &request), KP_TRANSIENT);
    assert_int_equal(script_counts(script).n_open, 3);
    client_move(&client, OPEN_MS);
    script_plan(script)->opening = SCRIPT_OPENS;
    assert_int_equal(client_do(vault, &request), KP_OK);
    assert_string_equal(kpi_breaker_text(&vault->breaker), "closed");
}

static void one_vaults_outage_is_not_another_ones(void **state)
{
    struct kp_request request = client_wrap();
    kp_vault *other = client_vault(&client, "script:b");
    (void)state;
    open_it();
    assert_int_equal(client_do(other, &request), KP_OK);
    kp_vault_release(other);
}

/* The breaker's refusal is an end, not a failure to be tried again. */
static void refusal_is_not_tried_again(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    open_it();
    for (int i = 0; i < 20; i++)
        assert_int_equal(client_do(vault, &request), KP_TRANSIENT);
    client_move(&client, OPEN_MS);
    assert_int_equal(client_do(vault, &request), KP_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(failures_in_a_row_open_it_and_the_plugin_is_left_alone),
        TEST(success_in_between_keeps_it_closed),
        TEST(answers_of_the_vault_never_trip_it),
        TEST(cancel_is_no_verdict),
        TEST(hung_attempts_open_it_at_their_deadline),
        TEST(short_deadline_says_nothing_about_the_vault),
        TEST(sixty_four_waiters_one_probe_that_succeeds),
        TEST(sixty_four_waiters_one_probe_that_fails),
        TEST(while_the_probe_is_out_others_are_refused),
        TEST(waiter_for_the_probe_gives_up_at_its_deadline),
        TEST(canceled_probe_hands_its_task_to_the_next),
        TEST(hung_probe_opens_it_again_at_its_deadline),
        TEST(throttled_probe_closes_it_for_the_vault_is_there),
        TEST(probe_whose_run_declines_stays_the_probe),
        TEST(failed_openings_open_it_and_an_opening_probes),
        TEST(one_vaults_outage_is_not_another_ones),
        TEST(refusal_is_not_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
