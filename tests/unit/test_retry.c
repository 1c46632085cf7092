#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <uv.h>

#include "core/retry.h"

static const struct kpi_retry_policy POLICY = {5, 100, 10000};

static struct kpi_retry_input input_of(kp_status status)
{
    return (struct kpi_retry_input){.status = status,
                                    .exposure = KP_NOT_SENT,
                                    .op_traits = KP_TRAIT_REPEATABLE,
                                    .attempts = 1,
                                    .hint_ms = KP_NO_RETRY_HINT,
                                    .time_left_ms = 60000,
                                    .random = 0};
}

static void only_throttled_and_transient_may_be_tried_again(void **state)
{
    (void)state;
    for (unsigned status = 0; status < KP_STATUS_COUNT; status++) {
        struct kpi_retry_input input = input_of((kp_status)status);
        bool expected = status == KP_THROTTLED || status == KP_TRANSIENT;
        assert_int_equal(kpi_retry_allowed(&input), expected);
        assert_int_equal(kpi_retry_decide(&POLICY, &input).again, expected);
    }
}

/* exposure x repeatable: only what the vault surely did not carry out is sent twice. */
static void operations_not_repeatable_go_again_only_when_nothing_was_done(void **state)
{
    static const struct {
        uint32_t exposure;
        bool repeatable;
        bool allowed;
    } rows[] = {
        {KP_NOT_SENT, true, true},
        {KP_NOT_SENT, false, true},
        {KP_MAYBE_SENT, true, true},
        {KP_MAYBE_SENT, false, false},
        {KP_ANSWERED_REFUSED, true, true},
        {KP_ANSWERED_REFUSED, false, true},
        {KP_ANSWERED, true, true},
        {KP_ANSWERED, false, false},
        {77, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kpi_retry_input input = input_of(KP_TRANSIENT);
        input.exposure = rows[i].exposure;
        input.op_traits = rows[i].repeatable ? KP_TRAIT_REPEATABLE : KP_TRAIT_MUTATES;
        assert_int_equal(kpi_retry_allowed(&input), rows[i].allowed);
    }
}

static void create_import_and_rotate_are_not_repeatable(void **state)
{
    static const uint32_t once[] = {KP_OP_CREATE, KP_OP_IMPORT, KP_OP_IMPORT_BYOK, KP_OP_ROTATE};
    (void)state;
    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++) {
        struct kpi_retry_input input = input_of(KP_THROTTLED);
        input.op_traits = kp_op_traits(once[i]);
        input.exposure = KP_MAYBE_SENT;
        assert_false(kpi_retry_allowed(&input));
        input.exposure = KP_ANSWERED;
        assert_false(kpi_retry_allowed(&input));
        input.exposure = KP_ANSWERED_REFUSED;
        assert_true(kpi_retry_allowed(&input));
    }
}

static void last_attempt_of_the_policy_is_the_last(void **state)
{
    struct kpi_retry_input input = input_of(KP_TRANSIENT);
    (void)state;
    input.attempts = 4;
    assert_true(kpi_retry_decide(&POLICY, &input).again);
    input.attempts = 5;
    assert_false(kpi_retry_decide(&POLICY, &input).again);
    input.attempts = UINT32_MAX;
    assert_false(kpi_retry_decide(&POLICY, &input).again);
}

/* Full jitter: uniform over [0, base * 2^(attempts - 1)], both ends included. */
static void delay_spans_zero_to_the_doubled_base(void **state)
{
    (void)state;
    for (uint32_t attempts = 1; attempts <= 4; attempts++) {
        struct kpi_retry_input input = input_of(KP_TRANSIENT);
        uint64_t limit = UINT64_C(100) << (attempts - 1);
        input.attempts = attempts;
        input.random = limit;
        assert_int_equal(kpi_retry_decide(&POLICY, &input).delay_ms, limit);
        input.random = limit + 1;
        assert_int_equal(kpi_retry_decide(&POLICY, &input).delay_ms, 0);
    }
}

static void delay_is_capped(void **state)
{
    const struct kpi_retry_policy policy = {100, 60000, 150};
    struct kpi_retry_input input = input_of(KP_TRANSIENT);
    (void)state;
    for (uint32_t attempts = 1; attempts < 100; attempts++) {
        input.attempts = attempts;
        input.random = UINT64_MAX - attempts;
        assert_true(kpi_retry_decide(&policy, &input).delay_ms <= 150);
    }
}

static void hint_of_the_vault_is_a_floor(void **state)
{
    struct kpi_retry_input input = input_of(KP_THROTTLED);
    (void)state;
    input.hint_ms = 30000; /* above the cap: the vault knows better */
    assert_int_equal(kpi_retry_decide(&POLICY, &input).delay_ms, 30000);
    input.hint_ms = 5;
    input.random = 60;
    assert_int_equal(kpi_retry_decide(&POLICY, &input).delay_ms, 60);
    input.hint_ms = 0;
    assert_int_equal(kpi_retry_decide(&POLICY, &input).delay_ms, 60);
}

static void pause_that_would_end_past_the_deadline_is_not_begun(void **state)
{
    struct kpi_retry_input input = input_of(KP_THROTTLED);
    (void)state;
    input.hint_ms = 1000;
    input.time_left_ms = 1000;
    assert_false(kpi_retry_decide(&POLICY, &input).again);
    input.time_left_ms = 1001;
    assert_true(kpi_retry_decide(&POLICY, &input).again);
    input.time_left_ms = 0;
    input.hint_ms = KP_NO_RETRY_HINT;
    assert_false(kpi_retry_decide(&POLICY, &input).again);
}

static void budget_gives_its_burst_and_no_more(void **state)
{
    struct kpi_budget budget;
    (void)state;
    kpi_budget_init(&budget, 3);
    for (int i = 0; i < 3; i++)
        assert_true(kpi_budget_withdraw(&budget));
    assert_false(kpi_budget_withdraw(&budget));
}

static void budget_earns_its_percentage_up_to_the_burst(void **state)
{
    struct kpi_budget budget;
    (void)state;
    kpi_budget_init(&budget, 1);
    assert_true(kpi_budget_withdraw(&budget));
    for (int i = 0; i < 4; i++) {
        kpi_budget_deposit(&budget, 20, 1);
        assert_false(kpi_budget_withdraw(&budget));
    }
    kpi_budget_deposit(&budget, 20, 1); /* five first attempts at 20 percent buy one retry */
    for (int i = 0; i < 50; i++)
        kpi_budget_deposit(&budget, 20, 1);
    assert_true(kpi_budget_withdraw(&budget));
    assert_false(kpi_budget_withdraw(&budget));
}

static void budget_lowered_by_reload_is_not_raised_by_a_deposit(void **state)
{
    struct kpi_budget budget;
    (void)state;
    kpi_budget_init(&budget, 10);
    kpi_budget_deposit(&budget, 1000, 2); /* more in it than the new burst allows */
    assert_int_equal(atomic_load(&budget.tokens), 10 * KPI_BUDGET_RETRY);
    kpi_budget_init(&budget, 0);
    kpi_budget_deposit(&budget, 1000, 0);
    assert_false(kpi_budget_withdraw(&budget));
}

static struct kpi_budget shared;
static _Atomic uint32_t n_granted;

static void withdraw_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2000; i++)
        if (kpi_budget_withdraw(&shared))
            atomic_fetch_add(&n_granted, 1);
}

static void threads_cannot_overdraw_the_budget(void **state)
{
    uv_thread_t threads[4];
    (void)state;
    kpi_budget_init(&shared, 5000);
    for (int i = 0; i < 4; i++)
        assert_int_equal(uv_thread_create(&threads[i], withdraw_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        uv_thread_join(&threads[i]);
    assert_int_equal(atomic_load(&n_granted), 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_throttled_and_transient_may_be_tried_again),
        cmocka_unit_test(operations_not_repeatable_go_again_only_when_nothing_was_done),
        cmocka_unit_test(create_import_and_rotate_are_not_repeatable),
        cmocka_unit_test(last_attempt_of_the_policy_is_the_last),
        cmocka_unit_test(delay_spans_zero_to_the_doubled_base),
        cmocka_unit_test(delay_is_capped),
        cmocka_unit_test(hint_of_the_vault_is_a_floor),
        cmocka_unit_test(pause_that_would_end_past_the_deadline_is_not_begun),
        cmocka_unit_test(budget_gives_its_burst_and_no_more),
        cmocka_unit_test(budget_earns_its_percentage_up_to_the_burst),
        cmocka_unit_test(budget_lowered_by_reload_is_not_raised_by_a_deposit),
        cmocka_unit_test(threads_cannot_overdraw_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
