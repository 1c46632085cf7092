/* cli/load_progress: the line that says how a load test goes. */
#include "cli/load_progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct load_glance glance = {.n_ok = 1234, .n_failed = 5, .p99_ns = 7654321};

static struct load_plan the_plan(void)
{
    struct load_plan plan = {.duration_ns = 30 * LOAD_NS_PER_S,
                             .ramp_ns = LOAD_NS_PER_S,
                             .warm_up_ns = 3 * LOAD_NS_PER_S};
    return plan;
}

static void whole_line_says_time_counts_and_rate(void **state)
{
    const struct load_plan plan = the_plan();
    char line[LOAD_PROGRESS_LEN];
    (void)state;
    cli_load_progress_text(&plan, &glance, 13 * LOAD_NS_PER_S, 200, line);
    assert_string_equal(line, "13.0 s of 33.0 s: 1234 ok, 5 failed, p99 7.654 ms, 123.4 per s");
}

static void what_is_not_measured_yet_is_named(void **state)
{
    const struct load_plan plan = the_plan();
    char line[LOAD_PROGRESS_LEN];
    (void)state;
    cli_load_progress_text(&plan, &glance, LOAD_NS_PER_S / 2, 200, line);
    assert_non_null(strstr(line, " (ramp): "));
    cli_load_progress_text(&plan, &glance, 2 * LOAD_NS_PER_S, 200, line);
    assert_non_null(strstr(line, " (warm-up): "));
    assert_non_null(strstr(line, " 0.0 per s"));
}

static void run_that_a_count_ends_names_the_count(void **state)
{
    struct load_plan plan = the_plan();
    char line[LOAD_PROGRESS_LEN];
    (void)state;
    plan.is_open_ended = true;
    plan.n_ops = 5000;
    cli_load_progress_text(&plan, &glance, 13 * LOAD_NS_PER_S, 200, line);
    assert_non_null(strstr(line, "13.0 s of 5000 operations: "));
}

static void line_is_never_wider_than_the_terminal(void **state)
{
    const struct load_plan plan = the_plan();
    const struct load_glance much = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    char line[LOAD_PROGRESS_LEN];
    (void)state;
    for (uint32_t columns = 0; columns < 2 * LOAD_PROGRESS_LEN; columns++) {
        cli_load_progress_text(&plan, &much, UINT64_MAX, columns, line);
        assert_true(strlen(line) <= columns);
        assert_true(strlen(line) < LOAD_PROGRESS_LEN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_line_says_time_counts_and_rate),
        cmocka_unit_test(what_is_not_measured_yet_is_named),
        cmocka_unit_test(run_that_a_count_ends_names_the_count),
        cmocka_unit_test(line_is_never_wider_than_the_terminal),
    };
    return cmocka_run_group_tests_name("cli_progress", tests, NULL, NULL);
}
