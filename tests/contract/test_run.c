/* run: on the caller's thread behind the gate, on our workers for everybody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/metrics.h"
#include "core/provider.h"
#include "core/vault.h"
#include "support/client.h"

#define N_PERMITS 2u

static struct client client;
static struct script_vault *script;
static kp_vault *vault;
static struct latch entered;
static struct latch go;

static void open_vault(void)
{
    struct kp_request request = client_wrap();
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    assert_int_equal(client_do(vault, &request), KP_OK);
    client_wait_idle(vault);
}

static int begin(void **state)
{
    (void)state;
    script_begin();
    script_serve_run(KP_OP_BIT(KP_OP_WRAP) | KP_OP_BIT(KP_OP_UPDATE));
    client_begin(&client, "{\"provider\": {\"max_operations\": 64, \"inline_permits\": 2, "
                          "\"workers\": 4}, \"defaults\": {\"breaker\": {\"failures\": 1000}}}");
    latch_init(&entered);
    latch_init(&go);
    open_vault();
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (client.provider) {
        client_wait_idle(vault);
        client_wait_slots_free(&client);
        assert_int_equal(kpi_gate_busy(&client.provider->gate), 0);
        kp_vault_release(vault);
        client_end(&client);
    } else {
        script_end();
    }
    latch_clear(&go);
    latch_clear(&entered);
    return 0;
}

static struct script_run_act *run_act(void)
{
    return &script_plan(script)->run;
}

static kp_status call_once(uint32_t flags)
{
    struct kp_request request = client_wrap();
    struct kp_result result;
    request.flags = flags;
    kp_status st = kp_call(vault, &request, &result);
    assert_int_equal(result.status, st);
    if (st == KP_OK) {
        assert_memory_equal(result.reply.value.ptr, request.value.ptr, request.value.len);
        assert_int_equal(result.error.status, KP_OK);
    } else {
        assert_int_equal(result.error.status, st);
        assert_true(result.error.text[0] != '\0');
        assert_null(result.reply.value.ptr);
    }
    kp_result_clear(&result);
    return st;
}

static uv_thread_t seen_thread;
static bool seen_on_loop;

static void note_thread(void *ctx)
{
    (void)ctx;
    seen_thread = uv_thread_self();
    seen_on_loop = kpi_on_loop_thread();
}

static bool ran_here(void)
{
    uv_thread_t self = uv_thread_self();
    return uv_thread_equal(&self, &seen_thread) != 0;
}

/* ---- Where it runs ---- */

static void blocking_call_runs_on_its_own_thread_without_the_loop(void **state)
{
    struct script_counts before = script_counts(script);
    (void)state;
    run_act()->call = note_thread;
    for (int i = 0; i < 10; i++)
        assert_int_equal(call_once(0), KP_OK);
    assert_true(ran_here());
    assert_int_equal(script_counts(script).n_run, before.n_run + 10);
    assert_int_equal(script_counts(script).n_submit, 0);
}

static void asynchronous_caller_is_served_by_a_worker(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    run_act()->call = note_thread;
    assert_int_equal(client_do(vault, &request), KP_OK);
    assert_false(ran_here());
    assert_false(seen_on_loop);
    assert_int_equal(script_counts(script).n_submit, 0);
}

static void caller_who_wants_no_cryptography_on_its_thread_gets_none(void **state)
{
    (void)state;
    run_act()->call = note_thread;
    assert_int_equal(call_once(KP_REQ_NEVER_INLINE), KP_OK);
    assert_false(ran_here());
    assert_false(seen_on_loop);
}

static void operation_outside_the_mask_goes_through_submit(void **state)
{
    struct kp_request request = client_request(KP_OP_UNWRAP);
    struct kp_result result;
    uint32_t before = script_counts(script).n_run;
    (void)state;
    assert_int_equal(kp_call(vault, &request, &result), KP_OK);
    kp_result_clear(&result);
    assert_int_equal(script_counts(script).n_run, before);
    assert_int_equal(script_counts(script).n_submit, 1);
}

static void first_call_opens_the_vault_by_the_loop(void **state)
{
    kp_vault *other = client_vault(&client, "script:b");
    struct kp_request request = client_wrap();
    struct kp_result result;
    (void)state;
    assert_int_equal(kp_call(other, &request, &result), KP_OK);
    kp_result_clear(&result);
    assert_int_equal(script_counts(script_vault("b")).n_open, 1);
    kp_vault_release(other);
}

/* ---- Declined, failed, misbehaved ---- */

static void declined_run_goes_through_submit(void **state)
{
    struct kp_request request = client_wrap();
    struct script_counts before = script_counts(script);
    (void)state;
    run_act()->how = SCRIPT_RUN_DECLINES;
    assert_int_equal(call_once(0), KP_OK);
    assert_int_equal(script_counts(script).n_submit, 1);
    assert_int_equal(client_do(vault, &request), KP_OK);
    assert_int_equal(script_counts(script).n_submit, 2);
    assert_true(script_counts(script).n_run >= before.n_run + 2);
    client_wait_idle(vault);
    assert_int_equal(script_counts(script).n_done, 2);
}

/* Only the loop may touch what is known of the key, and forget it. */
static void change_of_a_key_is_the_loops(void **state)
{
    struct kp_request get = client_get_key("k", "", KP_REQ_CACHED_OK);
    struct kp_request change = client_request(KP_OP_UPDATE);
    struct kp_result result;
    (void)state;
    assert_int_equal(client_do(vault, &get), KP_OK);
    uint32_t before = script_counts(script).n_submit;
    assert_int_equal(client_do(vault, &get), KP_OK);
    assert_int_equal(script_counts(script).n_submit, before);
    assert_int_equal(kp_call(vault, &change, &result), KP_OK);
    kp_result_clear(&result);
    assert_int_equal(client_do(vault, &get), KP_OK);
    assert_int_equal(script_counts(script).n_submit, before + 1);
}

static void declined_run_counts_as_no_attempt(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    run_act()->how = SCRIPT_RUN_DECLINES;
    for (int i = 0; i < 4; i++) /* five attempts in all are allowed */
        script_push(script, (struct script_act){.status = KP_TRANSIENT});
    struct outcome outcome;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    client_move_until(&client, &outcome.latch);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    outcome_clear(&outcome);
}

static void move_clock_on(void *ctx)
{
    (void)ctx;
    fake_clock_set_forward(&client.clock, 800);
}

static void declined_run_does_not_begin_the_deadline_anew(void **state)
{
    struct kp_request request = client_wrap();
    struct caller caller;
    (void)state;
    *run_act() = (struct script_run_act){.how = SCRIPT_RUN_DECLINES, .call = move_clock_on};
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    request.timeout_ms = 10000;
    caller_start(&caller, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    const struct kp_host *host = script_host(script);
    uint32_t left = host->time_left_ms(host->self, script_op_id(script_held(script)));
    assert_true(left <= 9200);
    script_finish_held(script, KP_OK);
    assert_int_equal(caller_join(&caller), KP_OK);
    caller_clear(&caller);
}

static void final_failure_of_run_is_the_callers(void **state)
{
    struct kp_request request = client_wrap();
    uint32_t before = script_counts(script).n_run;
    (void)state;
    *run_act() = (struct script_run_act){.how = SCRIPT_RUN_FAILS, .status = KP_FORBIDDEN};
    assert_int_equal(call_once(0), KP_FORBIDDEN);
    assert_int_equal(client_do(vault, &request), KP_FORBIDDEN);
    run_act()->bare = true;
    assert_int_equal(call_once(0), KP_FORBIDDEN);
    assert_int_equal(client_do(vault, &request), KP_FORBIDDEN);
    assert_int_equal(script_counts(script).n_run, before + 4);
    assert_int_equal(script_counts(script).n_submit, 0);
}

static void answer_next_time(void *ctx)
{
    (void)ctx;
    run_act()->how = SCRIPT_RUN_ANSWERS;
    run_act()->call = NULL;
}

/* One operation of two attempts, in the counters too. */
static void expect_second_try(kp_status failure, bool bare)
{
    struct kp_request request = client_wrap();
    struct caller caller;
    uint32_t before = script_counts(script).n_run;
    const struct kpi_op_metrics *counted = &vault->metrics->ops[KP_OP_WRAP];
    uint64_t submitted = atomic_load(&counted->submitted);
    uint64_t retries = atomic_load(&counted->retries);
    uint64_t succeeded = atomic_load(&counted->completed[KP_OK]);
    uint64_t throttled = atomic_load(&vault->metrics->throttled);
    *run_act() = (struct script_run_act){
        .how = SCRIPT_RUN_FAILS, .status = failure, .bare = bare, .call = answer_next_time};
    caller_start(&caller, vault, &request);
    client_move_until(&client, &caller.ended);
    assert_int_equal(caller_join(&caller), KP_OK);
    caller_clear(&caller);
    assert_int_equal(script_counts(script).n_run, before + 2);
    assert_int_equal(atomic_load(&counted->submitted), submitted + 1);
    assert_int_equal(atomic_load(&counted->retries), retries + 1);
    assert_int_equal(atomic_load(&counted->completed[KP_OK]), succeeded + 1);
    assert_int_equal(atomic_load(&counted->completed[failure]), 0);
    assert_int_equal(atomic_load(&vault->metrics->throttled),
                     throttled + (failure == KP_THROTTLED));
}

static void passing_failure_of_run_is_tried_again_by_the_loop(void **state)
{
    (void)state;
    expect_second_try(KP_TRANSIENT, false);
    expect_second_try(KP_THROTTLED, false);
}

static void passing_failure_without_a_word_is_tried_again_too(void **state)
{
    (void)state;
    expect_second_try(KP_TRANSIENT, true);
    expect_second_try(KP_THROTTLED, true);
}

static void first_attempts_on_the_callers_thread_pay_for_retries(void **state)
{
    (void)state;
    atomic_store(&vault->budget.tokens, 0);
    for (int i = 0; i < 5; i++) /* at 20 percent each, the default */
        assert_int_equal(call_once(0), KP_OK);
    assert_int_equal(atomic_load(&vault->budget.tokens), KPI_BUDGET_RETRY);
    expect_second_try(KP_TRANSIENT, false);
}

static void passing_failures_on_the_callers_thread_count_for_the_breaker(void **state)
{
    (void)state;
    expect_second_try(KP_TRANSIENT, false);
    assert_true(kpi_breaker_calm(&vault->breaker)); /* the second try succeeded */
    *run_act() = (struct script_run_act){.how = SCRIPT_RUN_FAILS, .status = KP_TRANSIENT};
    atomic_store(&vault->budget.tokens, 0);
    assert_int_equal(call_once(0), KP_TRANSIENT);
    assert_false(kpi_breaker_calm(&vault->breaker));
}

static void status_that_is_none_becomes_internal(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    *run_act() =
        (struct script_run_act){.how = SCRIPT_RUN_FAILS, .status = (kp_status)77, .bare = true};
    assert_int_equal(call_once(0), KP_INTERNAL);
    assert_int_equal(client_do(vault, &request), KP_INTERNAL);
}

static void run_that_answers_nothing_becomes_internal(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    run_act()->n_answers = UINT32_MAX;
    assert_int_equal(call_once(0), KP_INTERNAL);
    assert_int_equal(client_do(vault, &request), KP_INTERNAL);
}

static kp_status answer_null(void *instance, const struct kp_request *request, kp_answer_fn *answer,
                             void *answer_ctx, struct kp_error *reterr)
{
    (void)instance;
    (void)request;
    (void)reterr;
    answer(answer_ctx, NULL);
    return KP_OK;
}

static void run_that_answers_null_becomes_internal(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    kp_vault_release(vault);
    client_end(&client);
    script_begin();
    script_serve_run(KP_OP_BIT(KP_OP_WRAP));
    script_table()->run = answer_null;
    client_begin(&client, NULL);
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    for (int i = 0; i < 3; i++) {
        struct outcome outcome;
        outcome_init(&outcome);
        outcome_submit(&outcome, vault, &request);
        assert_int_equal(outcome_wait(&outcome), KP_INTERNAL);
        assert_non_null(strstr(outcome.result.error.text, "no reply"));
        outcome_clear(&outcome);
    }
    assert_int_equal(call_once(0), KP_INTERNAL);
}

static void run_that_answers_twice_is_taken_at_its_first_word(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    run_act()->n_answers = 3;
    assert_int_equal(call_once(0), KP_OK);
    assert_int_equal(client_do(vault, &request), KP_OK);
}

/* ---- The gate ---- */

#define N_CALLERS 6

static void permits_bound_what_runs_at_once(void **state)
{
    struct kp_request request = client_wrap();
    struct caller callers[N_CALLERS];
    struct outcome outcomes[N_CALLERS];
    (void)state;
    *run_act() = (struct script_run_act){.entered = &entered, .block = &go};
    for (int i = 0; i < N_CALLERS; i++) {
        caller_start(&callers[i], vault, &request);
        outcome_init(&outcomes[i]);
        outcome_submit(&outcomes[i], vault, &request);
    }
    latch_wait(&entered, N_PERMITS);
    assert_int_equal(kpi_gate_busy(&client.provider->gate), N_PERMITS);
    assert_int_equal(script_counts(script).n_running, N_PERMITS);
    latch_hit(&go);
    for (int i = 0; i < N_CALLERS; i++) {
        assert_int_equal(caller_join(&callers[i]), KP_OK);
        caller_clear(&callers[i]);
        assert_int_equal(outcome_wait(&outcomes[i]), KP_OK);
        outcome_clear(&outcomes[i]);
    }
    assert_int_equal(script_counts(script).n_running_max, N_PERMITS);
}

static void take_all_permits(struct caller callers[N_PERMITS])
{
    struct kp_request request = client_wrap();
    *run_act() = (struct script_run_act){.entered = &entered, .block = &go};
    for (unsigned i = 0; i < N_PERMITS; i++)
        caller_start(&callers[i], vault, &request);
    latch_wait(&entered, N_PERMITS);
}

static void join_all(struct caller callers[N_PERMITS])
{
    for (unsigned i = 0; i < N_PERMITS; i++) {
        assert_int_equal(caller_join(&callers[i]), KP_OK);
        caller_clear(&callers[i]);
    }
}

static void caller_out_of_time_leaves_the_line(void **state)
{
    struct kp_request request = client_wrap();
    struct caller callers[N_PERMITS];
    struct kp_result result;
    (void)state;
    take_all_permits(callers);
    uint32_t before = script_counts(script).n_run;
    request.timeout_ms = 20;
    assert_int_equal(kp_call(vault, &request, &result), KP_TIMEOUT);
    assert_int_equal(result.error.exposure, KP_NOT_SENT);
    assert_non_null(strstr(result.error.text, "before a processor was free"));
    kp_result_clear(&result);
    latch_hit(&go);
    join_all(callers);
    assert_int_equal(script_counts(script).n_run, before);
    assert_int_equal(call_once(0), KP_OK);
}

static void job_nobody_waits_for_is_not_run(void **state)
{
    struct kp_request request = client_wrap();
    struct caller callers[N_PERMITS];
    struct outcome outcome;
    (void)state;
    take_all_permits(callers);
    uint32_t before = script_counts(script).n_run;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    client_wait_in_flight(vault, 1);
    kp_cancel(client.provider, outcome.id);
    assert_int_equal(outcome_wait(&outcome), KP_CANCELED);
    outcome_clear(&outcome);
    latch_hit(&go);
    join_all(callers);
    client_wait_idle(vault);
    assert_int_equal(script_counts(script).n_run, before);
}

static void deadline_in_line_says_nothing_about_the_vault(void **state)
{
    struct kp_request request = client_wrap();
    struct caller callers[N_PERMITS];
    struct outcome outcome;
    (void)state;
    take_all_permits(callers);
    request.timeout_ms = 10000;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    client_wait_in_flight(vault, 1);
    client_move(&client, 10000);
    assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
    outcome_clear(&outcome);
    assert_true(kpi_breaker_calm(&vault->breaker));
    latch_hit(&go);
    join_all(callers);
}

/* Its deadline passes while it stands in line, and a permit comes before the loop has noticed. */
static void job_past_its_deadline_ends_with_timeout(void **state)
{
    struct kp_request request = client_wrap();
    struct caller callers[N_PERMITS];
    struct outcome outcome;
    (void)state;
    take_all_permits(callers);
    request.timeout_ms = 10000;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    client_wait_in_flight(vault, 1);
    fake_clock_set_forward(&client.clock, 10000);
    latch_hit(&go);
    join_all(callers);
    assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
    outcome_clear(&outcome);
    assert_true(kpi_breaker_calm(&vault->breaker)); /* it says nothing about the vault */
}

static void close_sends_the_line_away_and_waits_for_those_inside(void **state)
{
    struct kp_request request = client_wrap();
    struct caller inside[N_PERMITS];
    struct caller waiting[3];
    struct outcome outcome;
    (void)state;
    take_all_permits(inside);
    for (int i = 0; i < 3; i++)
        caller_start(&waiting[i], vault, &request);
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    client_wait_in_flight(vault, 1);
    struct latch closed;
    latch_init(&closed);
    kp_vault_release(vault);
    kp_provider_close(client.provider, 60000, client_note_closed, &closed);
    for (int i = 0; i < 3; i++) {
        kp_status st = caller_join(&waiting[i]);
        assert_true(st == KP_CANCELED || st == KP_USAGE); /* USAGE: had not come in yet */
        caller_clear(&waiting[i]);
    }
    assert_int_equal(outcome_wait(&outcome), KP_CANCELED);
    outcome_clear(&outcome);
    assert_int_equal(latch_count(&closed), 0);
    assert_int_equal(script_counts(script).n_close, 0);
    latch_hit(&go);
    join_all(inside);
    latch_wait(&closed, 1);
    assert_int_equal(client_last_report()->abandoned, 0);
    latch_clear(&closed);
    client.provider = NULL;
}

/* ---- Many at once ---- */

static void call_many(void *arg)
{
    uint32_t *n_ok = arg;
    for (int i = 0; i < 500; i++)
        *n_ok += call_once(0) == KP_OK;
}

static void many_callers_at_once_are_each_served(void **state)
{
    uv_thread_t threads[8];
    uint32_t n_ok[8] = {0};
    (void)state;
    for (int i = 0; i < 8; i++)
        assert_int_equal(uv_thread_create(&threads[i], call_many, &n_ok[i]), 0);
    for (int i = 0; i < 8; i++) {
        uv_thread_join(&threads[i]);
        assert_int_equal(n_ok[i], 500);
    }
    assert_true(script_counts(script).n_running_max <= N_PERMITS);
    assert_int_equal(atomic_load(&vault->n_pending), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(blocking_call_runs_on_its_own_thread_without_the_loop),
        TEST(asynchronous_caller_is_served_by_a_worker),
        TEST(caller_who_wants_no_cryptography_on_its_thread_gets_none),
        TEST(operation_outside_the_mask_goes_through_submit),
        TEST(first_call_opens_the_vault_by_the_loop),
        TEST(declined_run_goes_through_submit),
        TEST(change_of_a_key_is_the_loops),
        TEST(declined_run_counts_as_no_attempt),
        TEST(declined_run_does_not_begin_the_deadline_anew),
        TEST(final_failure_of_run_is_the_callers),
        TEST(passing_failure_of_run_is_tried_again_by_the_loop),
        TEST(passing_failure_without_a_word_is_tried_again_too),
        TEST(first_attempts_on_the_callers_thread_pay_for_retries),
        TEST(passing_failures_on_the_callers_thread_count_for_the_breaker),
        TEST(status_that_is_none_becomes_internal),
        TEST(run_that_answers_nothing_becomes_internal),
        TEST(run_that_answers_null_becomes_internal),
        TEST(run_that_answers_twice_is_taken_at_its_first_word),
        TEST(permits_bound_what_runs_at_once),
        TEST(caller_out_of_time_leaves_the_line),
        TEST(job_nobody_waits_for_is_not_run),
        TEST(deadline_in_line_says_nothing_about_the_vault),
        TEST(job_past_its_deadline_ends_with_timeout),
        TEST(close_sends_the_line_away_and_waits_for_those_inside),
        TEST(many_callers_at_once_are_each_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
