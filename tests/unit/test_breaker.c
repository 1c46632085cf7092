#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/errors.h"
#include "core/breaker.h"

#define MS UINT64_C(1000000)

static const struct kpi_breaker_policy POLICY = {3, 1000, 3000};

static struct kp_error outage(uint32_t code)
{
    struct kp_error error;
    (void)kpb_fail_code(&error, KP_TRANSIENT, code, "the vault is not there");
    return error;
}

static bool fail_at(struct kpi_breaker *breaker, uint64_t now_ns)
{
    struct kp_error error = outage(3102);
    return kpi_breaker_failed(breaker, &POLICY, now_ns, &error);
}

/* Open since now_ns 0. */
static void open_it(struct kpi_breaker *breaker)
{
    kpi_breaker_init(breaker);
    assert_false(fail_at(breaker, 0));
    assert_false(fail_at(breaker, 0));
    assert_true(fail_at(breaker, 0));
}

static void only_transient_and_timeout_count(void **state)
{
    (void)state;
    for (unsigned status = 0; status < KP_STATUS_COUNT; status++)
        assert_int_equal(kpi_breaker_counts((kp_status)status),
                         status == KP_TRANSIENT || status == KP_TIMEOUT);
}

static void new_breaker_is_closed_and_calm(void **state)
{
    struct kpi_breaker breaker;
    (void)state;
    kpi_breaker_init(&breaker);
    assert_true(kpi_breaker_calm(&breaker));
    assert_true(kpi_breaker_closed(&breaker));
    assert_int_equal(kpi_breaker_ask(&breaker, 0), KPI_PASS);
    assert_string_equal(kpi_breaker_text(&breaker), "closed");
}

static void success_between_failures_starts_the_count_again(void **state)
{
    struct kpi_breaker breaker;
    (void)state;
    kpi_breaker_init(&breaker);
    for (int i = 0; i < 10; i++) {
        assert_false(fail_at(&breaker, 0));
        assert_false(fail_at(&breaker, 0));
        assert_false(kpi_breaker_calm(&breaker));
        kpi_breaker_succeeded(&breaker);
        assert_true(kpi_breaker_calm(&breaker));
    }
    assert_true(kpi_breaker_closed(&breaker));
}

static void failures_in_a_row_open_it_for_a_while(void **state)
{
    struct kpi_breaker breaker;
    (void)state;
    open_it(&breaker);
    assert_string_equal(kpi_breaker_text(&breaker), "open");
    assert_true(kpi_breaker_open(&breaker));
    assert_int_equal(kpi_breaker_ask(&breaker, 999 * MS), KPI_REFUSE);
    assert_true(kpi_breaker_open(&breaker));
}

static void first_to_ask_when_its_time_has_come_is_the_only_probe(void **state)
{
    struct kpi_breaker breaker;
    (void)state;
    open_it(&breaker);
    assert_int_equal(kpi_breaker_ask(&breaker, 1000 * MS), KPI_PASS_AS_PROBE);
    assert_string_equal(kpi_breaker_text(&breaker), "half_open");
    for (int i = 0; i < 63; i++)
        assert_int_equal(kpi_breaker_ask(&breaker, 2000 * MS), KPI_REFUSE);
}

static void probe_that_succeeds_closes_it(void **state)
{
    struct kpi_breaker breaker;
    (void)state;
    open_it(&breaker);
    assert_int_equal(kpi_breaker_ask(&breaker, 1000 * MS), KPI_PASS_AS_PROBE);
    kpi_breaker_succeeded(&breaker);
    assert_true(kpi_breaker_calm(&breaker));
    assert_int_equal(kpi_breaker_ask(&breaker, 1000 * MS), KPI_PASS);
}

static void each_failed_probe_doubles_the_pause_up_to_its_bound(void **state)
{
    static const uint64_t pauses_ms[] = {1000, 2000, 3000, 3000};
    struct kpi_breaker breaker;
    uint64_t now = 0;
    (void)state;
    open_it(&breaker);
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
        now += pauses_ms[i] * MS;
        assert_int_equal(kpi_breaker_ask(&breaker, now - 1), KPI_REFUSE);
        assert_int_equal(kpi_breaker_ask(&breaker, now), KPI_PASS_AS_PROBE);
        assert_true(fail_at(&breaker, now));
    }
    now += 3000 * MS;
    assert_int_equal(kpi_breaker_ask(&breaker, now), KPI_PASS_AS_PROBE);
    kpi_breaker_succeeded(&breaker); /* and the next outage begins with the short pause */
    (void)fail_at(&breaker, now);
    (void)fail_at(&breaker, now);
    assert_true(fail_at(&breaker, now));
    assert_int_equal(kpi_breaker_ask(&breaker, now + 1000 * MS), KPI_PASS_AS_PROBE);
}

static void lost_probe_lets_the_next_one_probe_at_once(void **state)
{
    struct kpi_breaker breaker;
    (void)state;
    open_it(&breaker);
    assert_int_equal(kpi_breaker_ask(&breaker, 1500 * MS), KPI_PASS_AS_PROBE);
    kpi_breaker_probe_lost(&breaker, 1600 * MS);
    assert_string_equal(kpi_breaker_text(&breaker), "open");
    assert_int_equal(kpi_breaker_ask(&breaker, 1600 * MS), KPI_PASS_AS_PROBE);
}

static void probe_lost_without_a_probe_changes_nothing(void **state)
{
    struct kpi_breaker breaker;
    (void)state;
    open_it(&breaker);
    kpi_breaker_probe_lost(&breaker, 10 * MS);
    assert_int_equal(kpi_breaker_ask(&breaker, 20 * MS), KPI_REFUSE);
    kpi_breaker_init(&breaker);
    kpi_breaker_probe_lost(&breaker, 10 * MS);
    assert_true(kpi_breaker_closed(&breaker));
}

static void late_failure_of_an_older_attempt_does_not_lengthen_the_pause(void **state)
{
    struct kpi_breaker breaker;
    (void)state;
    open_it(&breaker);
    assert_false(fail_at(&breaker, 900 * MS));
    assert_int_equal(kpi_breaker_ask(&breaker, 1000 * MS), KPI_PASS_AS_PROBE);
}

static void refusal_repeats_class_and_code_of_the_last_cause(void **state)
{
    struct kpi_breaker breaker;
    struct kp_error error;
    (void)state;
    open_it(&breaker);
    struct kp_error cause = outage(3104);
    cause.exposure = KP_MAYBE_SENT;
    cause.http_status = 503;
    assert_int_equal(kpi_breaker_ask(&breaker, 1000 * MS), KPI_PASS_AS_PROBE);
    assert_true(kpi_breaker_failed(&breaker, &POLICY, 1000 * MS, &cause));
    assert_int_equal(kpi_breaker_refusal(&breaker, 1500 * MS, &error), KP_TRANSIENT);
    assert_int_equal(error.status, KP_TRANSIENT);
    assert_int_equal(error.code, 3104);
    assert_int_equal(error.http_status, 503);
    assert_int_equal(error.exposure, KP_NOT_SENT);
    assert_int_equal(error.retry_after_ms, 1500);
    assert_non_null(strstr(error.text, "4 times in a row"));
    assert_non_null(strstr(error.text, "the vault is not there"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_transient_and_timeout_count),
        cmocka_unit_test(new_breaker_is_closed_and_calm),
        cmocka_unit_test(success_between_failures_starts_the_count_again),
        cmocka_unit_test(failures_in_a_row_open_it_for_a_while),
        cmocka_unit_test(first_to_ask_when_its_time_has_come_is_the_only_probe),
        cmocka_unit_test(probe_that_succeeds_closes_it),
        cmocka_unit_test(each_failed_probe_doubles_the_pause_up_to_its_bound),
        cmocka_unit_test(lost_probe_lets_the_next_one_probe_at_once),
        cmocka_unit_test(probe_lost_without_a_probe_changes_nothing),
        cmocka_unit_test(late_failure_of_an_older_attempt_does_not_lengthen_the_pause),
        cmocka_unit_test(refusal_repeats_class_and_code_of_the_last_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
