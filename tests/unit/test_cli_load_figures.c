/* cli/load_figures: what a comparison of two made-up results calls noise, and what it does not. */
#include "cli/load_figures.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SLICE_MS 250
#define N_SLICES 40 /* of a run of 10 s */
#define WITHIN "within noise"
#define BEYOND "beyond noise"
#define TOO_SHORT "too short to tell"

/* ---- Results ---- */

/* What a made-up run is like; latencies in ms. */
struct shape {
    double rate;
    double p50;
    double p99;
    double failed;  /* of 100 operations */
    double drain;   /* how far slices after the end are off, 0: there are none */
    double step_up; /* the second half of the run, as a multiple of the rate; 0: one rate */
    int n_slices;
};

static const struct shape USUAL = {
    .rate = 400, .p50 = 2, .p99 = 8, .failed = 0, .n_slices = N_SLICES};

/* Slices lie 10% above and below the mean in turns, and so scatter by 1.6% of it. */
static json_t *slice_of(const struct shape *shape, int i, double factor)
{
    const double scatter = factor * (i % 2 == 0 ? 0.9 : 1.1);
    const double n = 100 * scatter;
    const double failed = floor(shape->failed * (i % 2 == 0 ? 0.9 : 1.1));
    return json_pack("{s:i, s:i, s:i, s:f, s:i, s:i}", "start_ms", i * SLICE_MS, "ok",
                     (int)(n - failed), "failed", (int)failed, "per_s", shape->rate * scatter,
                     "p50", (int)(shape->p50 * scatter * 1e6), "p99",
                     (int)(shape->p99 * scatter * 1e6));
}

static int drain_slices(const struct shape *shape)
{
    return shape->drain > 0 ? 20 : 0;
}

static json_t *timeline_of(const struct shape *shape)
{
    json_t *slices = json_array();
    for (int i = 0; i < shape->n_slices; i++) {
        const bool second = shape->step_up > 0 && i >= shape->n_slices / 2;
        (void)json_array_append_new(slices, slice_of(shape, i, second ? shape->step_up : 1));
    }
    for (int i = 0; i < drain_slices(shape); i++) {
        (void)json_array_append_new(slices,
                                    slice_of(shape, shape->n_slices + i, shape->drain * (i + 1)));
    }
    (void)json_array_append_new(/* one that is not whole */
                                slices,
                                slice_of(shape, shape->n_slices + drain_slices(shape), 0.01));
    return slices;
}

static json_t *row_of(const struct shape *shape, const char *op, int n)
{
    return json_pack("{s:s, s:i, s:i, s:{s:i, s:i, s:i, s:i}}", "op", op, "ok",
                     n - (int)(n * shape->failed / 100), "failed", (int)(n * shape->failed / 100),
                     "latency_ns", "p50", (int)(shape->p50 * 1e6), "p90", (int)(shape->p99 * 0.7e6),
                     "p99", (int)(shape->p99 * 1e6), "p99.9", (int)(shape->p99 * 1.2e6));
}

static json_t *result_of(const struct shape *shape)
{
    const double duration_ms = shape->n_slices * SLICE_MS;
    json_t *root = json_pack(
        "{s:o, s:[o, o], s:f, s:{s:i, s:[f]}, s:i, s:o}", "all", row_of(shape, "all", 4000), "ops",
        row_of(shape, "wrap", 3000), row_of(shape, "unwrap", 1000), "achieved_per_s", shape->rate,
        "plan", "duration_ms", (int)duration_ms, "rates_per_s", shape->rate, "measured_ms",
        (int)duration_ms + drain_slices(shape) * SLICE_MS, "timeline", timeline_of(shape));
    assert_non_null(root);
    if (shape->step_up > 0) {
        (void)json_array_append_new(json_object_get(json_object_get(root, "plan"), "rates_per_s"),
                                    json_real(shape->rate * shape->step_up));
    }
    return root;
}

/* ---- Verdicts ---- */

struct wanted {
    const char *name;
    struct load_figure found;
};

static void pick(void *ctx, const struct load_figure *figure)
{
    struct wanted *wanted = ctx;
    if (strcmp(figure->name, wanted->name) == 0) {
        wanted->found = *figure;
    }
}

static struct load_figure figure_of(const struct shape *a, const struct shape *b, const char *name)
{
    json_t *roots[2] = {result_of(a), result_of(b)};
    struct wanted wanted = {.name = name};
    cli_load_figures_each(roots[0], roots[1], pick, &wanted);
    json_decref(roots[0]);
    json_decref(roots[1]);
    assert_non_null(wanted.found.verdict);
    return wanted.found;
}

static void assert_verdict(const struct shape *a, const struct shape *b, const char *name,
                           const char *verdict)
{
    const struct load_figure found = figure_of(a, b, name);
    if (strcmp(found.verdict, verdict) != 0) {
        print_error("%s: %f and %f are %s\n", name, found.a, found.b, found.verdict);
        fail();
    }
}

static const char *const ALL[] = {"rate per s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms"};
#define N_ALL (sizeof ALL / sizeof ALL[0])

static struct shape scaled(double factor)
{
    struct shape shape = USUAL;
    shape.rate *= factor;
    shape.p50 *= factor;
    shape.p99 *= factor;
    return shape;
}

static void equal_runs_are_within_noise(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        assert_verdict(&USUAL, &USUAL, ALL[i], WITHIN);
        assert_true(fabs(figure_of(&USUAL, &USUAL, ALL[i]).ratio - 1) < 1e-9);
    }
    assert_verdict(&USUAL, &USUAL, "failed %", WITHIN);
}

/* Two standard errors of 1.6% make 2.3%, three of those 6.8%. */
static void differences_count_from_three_standard_errors_on(void **state)
{
    static const struct {
        double factor;
        const char *verdict;
    } rows[] = {{1.01, WITHIN}, {1.06, WITHIN}, {1.09, BEYOND}, {1.3, BEYOND}, {0.7, BEYOND}};
    (void)state;
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        const struct shape other = scaled(rows[row].factor);
        for (size_t i = 0; i < N_ALL; i++) {
            assert_verdict(&USUAL, &other, ALL[i], rows[row].verdict);
            assert_true(fabs(figure_of(&USUAL, &other, ALL[i]).ratio - rows[row].factor) < 1e-3);
        }
    }
}

/* What overload leaves to be done after the end scatters wildly, and says nothing of the run. */
static void slices_after_the_end_do_not_count(void **state)
{
    struct shape drained = scaled(1.3);
    drained.drain = 5;
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        assert_verdict(&USUAL, &drained, ALL[i], BEYOND);
    }
}

/* A run with a step to four times the rate scatters no more than one without. */
static void steps_are_no_scatter(void **state)
{
    struct shape a = USUAL;
    struct shape b = scaled(1.3);
    a.step_up = 4;
    b.step_up = 4;
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        assert_verdict(&a, &a, ALL[i], WITHIN);
        assert_verdict(&a, &b, ALL[i], BEYOND);
    }
}

static void failures_are_compared_by_their_difference(void **state)
{
    struct shape few = USUAL;
    struct shape many = USUAL;
    few.failed = 10;
    many.failed = 20;
    (void)state;
    assert_verdict(&USUAL, &few, "failed %", BEYOND); /* none at all against 10% */
    assert_verdict(&few, &many, "failed %", BEYOND);
    assert_verdict(&few, &few, "failed %", WITHIN);
    const struct load_figure found = figure_of(&few, &many, "failed %");
    assert_true(fabs(found.a - 10) < 1e-6 && fabs(found.b - 20) < 1e-6);
    assert_true(figure_of(&USUAL, &few, "failed %").ratio == 0);
}

/* 1,000 of 4,000 operations scatter twice as much: 9% is noise then, 30% is not. */
static void operations_are_compared_one_by_one(void **state)
{
    const struct shape slightly = scaled(1.09);
    const struct shape other = scaled(1.3);
    (void)state;
    assert_verdict(&USUAL, &slightly, "unwrap p99 ms", WITHIN);
    assert_verdict(&USUAL, &other, "unwrap p99 ms", BEYOND);
    assert_verdict(&USUAL, &other, "wrap p50 ms", BEYOND);
}

static void few_slices_tell_nothing(void **state)
{
    struct shape other = scaled(1.3);
    (void)state;
    other.n_slices = LOAD_SLICES_TO_TELL;
    assert_verdict(&USUAL, &other, "p99 ms", BEYOND);
    other.n_slices = LOAD_SLICES_TO_TELL - 1;
    for (size_t i = 0; i < N_ALL; i++) {
        assert_verdict(&USUAL, &other, ALL[i], TOO_SHORT);
    }
    assert_verdict(&USUAL, &other, "failed %", TOO_SHORT);
}

static void results_without_members_do_no_harm(void **state)
{
    json_t *empty = json_object();
    struct wanted wanted = {.name = "p99 ms"};
    (void)state;
    cli_load_figures_each(empty, empty, pick, &wanted);
    assert_string_equal(wanted.found.verdict, TOO_SHORT);
    json_decref(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_runs_are_within_noise),
        cmocka_unit_test(differences_count_from_three_standard_errors_on),
        cmocka_unit_test(slices_after_the_end_do_not_count),
        cmocka_unit_test(steps_are_no_scatter),
        cmocka_unit_test(failures_are_compared_by_their_difference),
        cmocka_unit_test(operations_are_compared_one_by_one),
        cmocka_unit_test(few_slices_tell_nothing),
        cmocka_unit_test(results_without_members_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
