/* The client is told at its deadline, whatever the plugin is doing; and others do not suffer. */
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

static int begin(void **state)
{
    (void)state;
    script_begin();
    client_begin(&client, CLIENT_CONFIG(", \"defaults\": {\"timeout_ms\": 7000, \"max_in_flight\": "
                                        "2, \"breaker\": {\"failures\": 1000}}"));
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    return 0;
}

static int begin_real(void **state)
{
    (void)state;
    script_begin();
    client_begin_real(&client, NULL);
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    return 0;
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

static void submit_with(struct outcome *outcome, kp_vault *to, uint32_t timeout_ms)
{
    struct kp_request request = client_wrap();
    request.timeout_ms = timeout_ms;
    outcome_init(outcome);
    outcome_submit(outcome, to, &request);
}

static void client_is_told_at_its_deadline_and_not_before(void **state)
{
    struct outcome outcome;
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_DEAF});
    submit_with(&outcome, vault, 2000);
    SCRIPT_WAIT(script, n_held, 1);
    client_move(&client, 1999);
    assert_false(latch_wait_for(&outcome.latch, 1, 10000000));
    client_move(&client, 1);
    assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
    assert_int_equal(outcome.result.error.exposure, KP_MAYBE_SENT);
    assert_non_null(strstr(outcome.result.error.text, "2000 ms"));
    SCRIPT_WAIT(script, n_cancel, 1); /* the plugin hears of it too */
    script_finish_held(script, KP_OK);
    outcome_clear(&outcome);
}

static void deadline_of_zero_is_the_vaults_own(void **state)
{
    struct outcome outcome;
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    submit_with(&outcome, vault, 0);
    SCRIPT_WAIT(script, n_held, 1);
    client_move(&client, 6999);
    assert_false(latch_wait_for(&outcome.latch, 1, 10000000));
    client_move(&client, 1);
    assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
    outcome_clear(&outcome);
}

static void longest_deadline_is_no_overflow(void **state)
{
    struct outcome outcome;
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    submit_with(&outcome, vault, UINT32_MAX);
    SCRIPT_WAIT(script, n_held, 1);
    client_move(&client, UINT32_MAX - 1u);
    assert_false(latch_wait_for(&outcome.latch, 1, 10000000));
    client_move(&client, 1);
    assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
    outcome_clear(&outcome);
}

static void time_left_counts_from_submit_through_every_attempt(void **state)
{
    struct outcome outcome;
    (void)state;
    script_push(script, (struct script_act){.status = KP_THROTTLED, .hint_ms = 3000});
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    submit_with(&outcome, vault, 5000);
    SCRIPT_WAIT(script, n_done, 1);
    client_move(&client, 3000);
    SCRIPT_WAIT(script, n_held, 1);
    const struct kp_host *host = script_host(script);
    kp_op_id id = script_op_id(script_held(script));
    assert_int_equal(host->time_left_ms(host->self, id), 2000);
    assert_int_equal(host->time_left_ms(host->self, id ^ 3), 0); /* the attempt before */
    assert_int_equal(host->time_left_ms(host->self, 0), 0);
    assert_int_equal(host->time_left_ms(host->self, UINT64_MAX), 0);
    client_move(&client, 1999);
    assert_int_equal(host->time_left_ms(host->self, id), 1);
    client_move(&client, 1);
    assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
    outcome_clear(&outcome);
}

static void hung_plugin_does_not_stop_another_vault(void **state)
{
    struct outcome hung[4];
    kp_vault *other = client_vault(&client, "script:b");
    struct kp_request request = client_wrap();
    (void)state;
    script_usually(script, (struct script_act){.how = SCRIPT_DEAF});
    for (int i = 0; i < 4; i++)
        submit_with(&hung[i], vault, 1000);
    SCRIPT_WAIT(script, n_held, 2);
    for (int i = 0; i < 50; i++)
        assert_int_equal(client_do(other, &request), KP_OK);
    client_move(&client, 1000);
    for (int i = 0; i < 4; i++)
        assert_int_equal(outcome_wait(&hung[i]), KP_TIMEOUT);
    assert_int_equal(hung[0].result.error.exposure, KP_MAYBE_SENT);
    assert_int_equal(hung[3].result.error.exposure, KP_NOT_SENT); /* it never left the queue */
    assert_int_equal(client_do(other, &request), KP_OK);
    script_finish_held(script, KP_OK);
    for (int i = 0; i < 4; i++)
        outcome_clear(&hung[i]);
    kp_vault_release(other);
}

static void hung_opening_ends_at_the_deadline_of_each(void **state)
{
    struct outcome first;
    struct outcome second;
    struct kp_request request = client_wrap();
    (void)state;
    script_plan(script)->opening = SCRIPT_OPEN_HELD;
    submit_with(&first, vault, 1000);
    submit_with(&second, vault, 3000);
    SCRIPT_WAIT(script, n_open, 1);
    client_move(&client, 1000);
    assert_int_equal(outcome_wait(&first), KP_TIMEOUT);
    assert_false(outcome_is_there(&second));
    client_move(&client, 2000);
    assert_int_equal(outcome_wait(&second), KP_TIMEOUT);
    script_vault_opened(script, KP_OK);
    assert_int_equal(client_do(vault, &request), KP_OK);
    outcome_clear(&first);
    outcome_clear(&second);
}

/* ---- Blocking calls ---- */

static void blocking_call_returns_when_the_loop_says_so(void **state)
{
    struct kp_request request = client_wrap();
    struct caller caller;
    (void)state;
    request.timeout_ms = 20000;
    script_push(script, (struct script_act){.how = SCRIPT_DEAF});
    caller_start(&caller, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    client_move(&client, 20000);
    assert_int_equal(caller_join(&caller), KP_TIMEOUT);
    assert_int_equal(caller.result.status, KP_TIMEOUT);
    assert_true(caller.result.error.text[0] != '\0');
    script_finish_held(script, KP_OK);
    caller_clear(&caller);
}

static struct latch unblock;

static kp_status block_the_loop(struct script_op *op)
{
    latch_wait(&unblock, 1);
    return script_finish(op, KP_OK);
}

/* A plugin that blocks its loop breaks its promise; a blocking caller gets away all the same. */
static void blocking_call_returns_at_its_deadline_though_the_loop_is_stuck(void **state)
{
    struct kp_request request = client_wrap();
    struct kp_result result;
    (void)state;
    latch_init(&unblock);
    request.timeout_ms = 100;
    script_push(script, (struct script_act){.how = SCRIPT_CALL, .call = block_the_loop});
    uint64_t started = uv_hrtime();
    assert_int_equal(kp_call(vault, &request, &result), KP_TIMEOUT);
    assert_true(uv_hrtime() - started >= 100000000);
    assert_int_equal(result.status, KP_TIMEOUT);
    assert_int_equal(result.error.status, KP_TIMEOUT);
    assert_int_equal(result.error.exposure, KP_MAYBE_SENT);
    kp_result_clear(&result);
    latch_hit(&unblock); /* what comes now comes too late, and harms nobody */
    request.timeout_ms = 0;
    assert_int_equal(client_do(vault, &request), KP_OK);
    latch_clear(&unblock);
}

static void blocking_calls_and_late_finishes_race_harmlessly(void **state)
{
    (void)state;
    script_usually(script, (struct script_act){.how = SCRIPT_TIMER, .delay_ms = 1});
    for (int i = 0; i < 300; i++) {
        struct kp_request request = client_wrap();
        struct kp_result result;
        request.timeout_ms = 1 + i % 2;
        kp_status st = kp_call(vault, &request, &result);
        assert_true(st == KP_OK || st == KP_TIMEOUT);
        if (st == KP_OK)
            assert_memory_equal(result.reply.value.ptr, request.value.ptr, request.value.len);
        kp_result_clear(&result);
    }
}

/* ---- Opening has a limit of its own ---- */

static void opening_that_takes_too_long_fails_with_timeout(void **state)
{
    struct outcome outcome;
    struct kp_request request = client_wrap();
    (void)state;
    script_plan(script)->opening = SCRIPT_OPEN_HELD;
    submit_with(&outcome, vault, 3600000);
    SCRIPT_WAIT(script, n_open, 1);
    client_move(&client, 29999);
    assert_false(latch_wait_for(&outcome.latch, 1, 10000000));
    client_move(&client, 1);
    assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
    assert_int_equal(outcome.result.error.exposure, KP_NOT_SENT);
    outcome_clear(&outcome);
    submit_with(&outcome, vault, 3600000); /* fails at once while the opening is overdue */
    assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
    outcome_clear(&outcome);
    script_vault_opened(script, KP_OK); /* late, but it is open */
    client_wait_state(vault, KPI_VAULT_OPEN);
    assert_int_equal(client_do(vault, &request), KP_OK);
}

#define TEST(name, begin) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(client_is_told_at_its_deadline_and_not_before, begin),
        TEST(deadline_of_zero_is_the_vaults_own, begin),
        TEST(longest_deadline_is_no_overflow, begin),
        TEST(time_left_counts_from_submit_through_every_attempt, begin),
        TEST(hung_plugin_does_not_stop_another_vault, begin),
        TEST(hung_opening_ends_at_the_deadline_of_each, begin),
        TEST(blocking_call_returns_when_the_loop_says_so, begin),
        TEST(blocking_call_returns_at_its_deadline_though_the_loop_is_stuck, begin_real),
        TEST(blocking_calls_and_late_finishes_race_harmlessly, begin_real),
        TEST(opening_that_takes_too_long_fails_with_timeout, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
