/* cli/load_*: what a load test is asked, when it starts what, and what it makes of the outcome. */
#include "cli/load_plan.h"
#include "cli/load_report.h"
#include "cli/load_schedule.h"
#include "cli/load_search.h"
#include "cli/load_svg.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

static struct load_plan plan_of(const char *mix, const char *rates)
{
    struct load_plan plan = {.duration_ns = 10 * LOAD_NS_PER_S, .n_callers = 4, .seed = 7};
    struct kp_error error;
    assert_int_equal(cli_load_mix_parse(mix, &plan, &error), KP_OK);
    if (rates) {
        assert_int_equal(cli_load_rates_parse(rates, &plan, &error), KP_OK);
    }
    return plan;
}

/* ---- Options ---- */

static void mix_names_operations_with_weights(void **state)
{
    (void)state;
    const struct load_plan plan = plan_of("wrap:8,unwrap:90,get_key", NULL);
    assert_int_equal(plan.weights[LOAD_WRAP], 8);
    assert_int_equal(plan.weights[LOAD_UNWRAP], 90);
    assert_int_equal(plan.weights[LOAD_GET_KEY], 1);
    assert_int_equal(plan.total_weight, 99);
}

static void malformed_mix_is_refused(void **state)
{
    static const char *const bad[] = {"",       "wrap:",    "wrap:0",   "wrap:x",      "create:1",
                                      "wrap,",  ",wrap",    "wrap:1:2", "wrap:-1",     "wrap,wrap",
                                      "wrap 1", "unwrap,,", "WRAP",     "wrap:9999999"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct load_plan plan = {0};
        struct kp_error error;
        assert_int_equal(cli_load_mix_parse(bad[i], &plan, &error), KP_USAGE);
        assert_non_null(strstr(error.text, "--mix"));
    }
}

static void rates_are_one_or_many_steps(void **state)
{
    (void)state;
    const struct load_plan plan = plan_of("wrap", "100,0.5,400");
    assert_int_equal(plan.n_rates, 3);
    assert_true(plan.rates[1] == 0.5);
}

static void malformed_rates_are_refused(void **state)
{
    static const char *const bad[] = {"", "0", "-1", "1e3", "nan", "100,", "1.2.3", "1000001", "x"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct load_plan plan = {0};
        struct kp_error error;
        assert_int_equal(cli_load_rates_parse(bad[i], &plan, &error), KP_USAGE);
    }
}

static void slo_reads_latency_and_errors(void **state)
{
    struct load_slo slo;
    struct kp_error error;
    (void)state;
    assert_int_equal(cli_load_slo_parse("p99.9=50ms,errors=0.1%", &slo, &error), KP_OK);
    assert_int_equal(slo.n_promises, 1);
    assert_true(fabs(slo.promises[0].quantile - 0.999) < 1e-9);
    assert_int_equal(slo.promises[0].limit_ns, 50 * LOAD_NS_PER_MS);
    assert_true(fabs(slo.errors_percent - 0.1) < 1e-9);
    assert_int_equal(cli_load_slo_parse("p50=500us,p99=1s,max=2m", &slo, &error), KP_OK);
    assert_int_equal(slo.n_promises, 3);
    assert_int_equal(slo.promises[0].limit_ns, 500000);
    assert_true(slo.promises[2].quantile == 1);
    assert_int_equal(slo.promises[2].limit_ns, 120 * LOAD_NS_PER_S);
    assert_true(slo.errors_percent < 0);
    static const char *const bad[] = {"",
                                      "p99",
                                      "p0=1s",
                                      "p101=1s",
                                      "q9=1s",
                                      "errors=1",
                                      "p99=",
                                      "errors=x%",
                                      "p99=1x",
                                      "p99=50ms,",
                                      "=50ms",
                                      "p99=us",
                                      "p99=0us",
                                      "errors=1%,errors=2%",
                                      "p1=1s,p2=1s,p3=1s,p4=1s,p5=1s,p6=1s,p7=1s,p8=1s,p9=1s"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(cli_load_slo_parse(bad[i], &slo, &error), KP_USAGE);
    }
}

static void payloads_are_one_or_many(void **state)
{
    static const char *const bad[] = {"", "0", "65537", "32,", "x", "1,2,3,4,5,6,7,8,9"};
    struct load_plan plan = plan_of("wrap", NULL);
    struct kp_error error;
    (void)state;
    assert_int_equal(cli_load_payloads_parse("32,190", &plan, &error), KP_OK);
    assert_int_equal(plan.n_payloads, 2);
    assert_int_equal(plan.payload_lens[1], 190);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(cli_load_payloads_parse(bad[i], &plan, &error), KP_USAGE);
        assert_non_null(strstr(error.text, "--payload"));
    }
}

/* An option as the command line gives it; text is NULL where it takes none. */
static void give(struct cli *c, enum cli_opt opt, const char *text)
{
    c->args.given |= CLI_OPT_BIT(opt);
    c->args.value[opt] = text;
}

/* A search is an open loop though it is given no rate: it has the places of one. */
static void places_are_those_of_the_loop(void **state)
{
    static const struct {
        bool rate;
        bool search;
        bool sync;
        uint32_t n_callers;
    } rows[] = {{false, false, false, 16}, {false, false, true, 16},   {true, false, false, 1024},
                {true, false, true, 64},   {false, true, false, 1024}, {false, true, true, 64}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cli c = {.exit_code = 0};
        struct load_plan plan;
        if (rows[i].rate) {
            give(&c, CLI_OPT_RATE, "50");
        }
        if (rows[i].search) {
            give(&c, CLI_OPT_SEARCH, NULL);
        }
        if (rows[i].sync) {
            give(&c, CLI_OPT_SYNC, NULL);
        }
        assert_int_equal(cli_load_plan_read(&c, &plan), KP_OK);
        assert_int_equal(plan.n_callers, rows[i].n_callers);
        give(&c, CLI_OPT_ARRIVALS, "poisson");
        assert_int_equal(cli_load_plan_read(&c, &plan) == KP_OK, rows[i].rate || rows[i].search);
        give(&c, CLI_OPT_CALLERS, "7");
        give(&c, CLI_OPT_ARRIVALS, rows[i].rate || rows[i].search ? "constant" : NULL);
        assert_int_equal(cli_load_plan_read(&c, &plan), KP_OK);
        assert_int_equal(plan.n_callers, 7);
    }
}

/* ---- Schedule ---- */

static void constant_arrivals_are_evenly_spaced(void **state)
{
    (void)state;
    const struct load_plan plan = plan_of("wrap", "50");
    struct load_schedule schedule;
    struct load_item item;
    uint64_t n = 0;
    cli_load_schedule_init(&schedule, &plan, 1);
    for (; cli_load_schedule_next(&schedule, 0, &item); n++) {
        assert_in_range(item.start_ns, n * (LOAD_NS_PER_S / 50) - (n ? 1 : 0),
                        n * (LOAD_NS_PER_S / 50) + 1);
    }
    assert_in_range(n, 499, 501);
}

static void poisson_arrivals_have_the_rate_and_scatter_of_poisson(void **state)
{
    (void)state;
    struct load_plan plan = plan_of("wrap", "1000");
    struct load_schedule schedule;
    struct load_item item;
    uint64_t last = 0;
    double sum = 0;
    double squares = 0;
    uint64_t n = 0;
    plan.poisson = true;
    cli_load_schedule_init(&schedule, &plan, 1);
    for (; cli_load_schedule_next(&schedule, 0, &item); n++) {
        const double gap = (double)(item.start_ns - last);
        sum += gap;
        squares += gap * gap;
        last = item.start_ns;
    }
    const double mean = sum / (double)n;
    const double deviation = sqrt(squares / (double)n - mean * mean);
    assert_in_range(n, 9500, 10500);
    assert_true(fabs(deviation / mean - 1) < 0.06); /* exponential: as large as the mean */
}

static void same_seed_gives_the_same_run(void **state)
{
    (void)state;
    const struct load_plan plan = plan_of("wrap:1,unwrap:3", "200");
    struct load_schedule a;
    struct load_schedule b;
    struct load_item from_a;
    struct load_item from_b;
    cli_load_schedule_init(&a, &plan, 5);
    cli_load_schedule_init(&b, &plan, 5);
    while (cli_load_schedule_next(&a, 0, &from_a)) {
        assert_true(cli_load_schedule_next(&b, 0, &from_b));
        assert_int_equal(from_a.op, from_b.op);
        assert_int_equal(from_a.key, from_b.key);
        assert_int_equal(from_a.start_ns, from_b.start_ns);
    }
    assert_false(cli_load_schedule_next(&b, 0, &from_b));
}

static void steps_share_the_duration(void **state)
{
    (void)state;
    struct load_plan plan = plan_of("wrap", "10,20");
    plan.warm_up_ns = LOAD_NS_PER_S;
    assert_true(cli_load_schedule_rate(&plan, 0) == 10);
    assert_true(cli_load_schedule_rate(&plan, 5 * LOAD_NS_PER_S) == 10);
    assert_true(cli_load_schedule_rate(&plan, 7 * LOAD_NS_PER_S) == 20);
    assert_true(cli_load_schedule_rate(&plan, 99 * LOAD_NS_PER_S) == 20);
}

static void operations_and_keys_follow_their_weights(void **state)
{
    enum { N = 20000 };
    (void)state;
    struct load_plan plan = plan_of("wrap:1,unwrap:3", NULL);
    uint32_t ops[LOAD_N_OPS] = {0};
    uint32_t keys[4] = {0};
    struct load_schedule schedule;
    struct load_item item;
    plan.zipf = 1;
    plan.n_ops = N;
    cli_load_schedule_init(&schedule, &plan, 4);
    while (cli_load_schedule_next(&schedule, 1, &item)) {
        ops[item.op]++;
        keys[item.key]++;
    }
    assert_in_range(ops[LOAD_UNWRAP], N * 73 / 100, N * 77 / 100);
    assert_int_equal(ops[LOAD_WRAP] + ops[LOAD_UNWRAP], N);
    /* 1, 1/2, 1/3, 1/4 of 25/12 */
    assert_in_range(keys[0], N * 46 / 100, N * 50 / 100);
    assert_in_range(keys[3], N * 10 / 100, N * 14 / 100);
}

/* Half of the rate on average while it grows: half of the operations. */
static void ramp_grows_evenly_to_the_rate(void **state)
{
    (void)state;
    struct load_plan plan = plan_of("wrap", "1000");
    struct load_schedule schedule;
    struct load_item item;
    uint64_t n[3] = {0};
    plan.ramp_ns = 4 * LOAD_NS_PER_S;
    plan.warm_up_ns = plan.ramp_ns;
    plan.duration_ns = 2 * LOAD_NS_PER_S;
    assert_true(fabs(cli_load_schedule_rate(&plan, plan.ramp_ns / 4) - 250) < 1e-6);
    for (int poisson = 0; poisson < 2; poisson++) {
        memset(n, 0, sizeof n);
        plan.poisson = poisson != 0;
        cli_load_schedule_init(&schedule, &plan, 1);
        while (cli_load_schedule_next(&schedule, 0, &item)) {
            n[item.start_ns / (2 * LOAD_NS_PER_S)]++;
        }
        assert_in_range(n[0], plan.poisson ? 420 : 499, plan.poisson ? 580 : 501);
        assert_in_range(n[1], plan.poisson ? 1350 : 1499, plan.poisson ? 1650 : 1501);
        assert_in_range(n[2], plan.poisson ? 1800 : 1999, plan.poisson ? 2200 : 2001);
    }
}

static void callers_of_a_closed_loop_join_while_the_ramp_lasts(void **state)
{
    (void)state;
    struct load_plan plan = plan_of("wrap", NULL);
    plan.ramp_ns = 4 * LOAD_NS_PER_S;
    plan.n_callers = 4;
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(cli_load_schedule_join_ns(&plan, i), i * LOAD_NS_PER_S);
    }
    plan.n_rates = 1;
    assert_int_equal(cli_load_schedule_join_ns(&plan, 3), 0);
}

static void count_is_of_measured_operations(void **state)
{
    (void)state;
    struct load_plan plan = plan_of("wrap", "10");
    struct load_schedule schedule;
    struct load_item item;
    uint32_t n = 0;
    plan.warm_up_ns = LOAD_NS_PER_S;
    plan.n_ops = 5;
    cli_load_schedule_init(&schedule, &plan, 1);
    while (cli_load_schedule_next(&schedule, 0, &item)) {
        n++;
    }
    assert_in_range(n, 14, 15); /* ten of the warm-up, give or take the one on its edge */
}

static void closed_loop_ends_with_the_duration(void **state)
{
    (void)state;
    const struct load_plan plan = plan_of("wrap", NULL);
    struct load_schedule schedule;
    struct load_item item;
    cli_load_schedule_init(&schedule, &plan, 1);
    assert_true(cli_load_schedule_next(&schedule, plan.duration_ns - 1, &item));
    assert_false(cli_load_schedule_next(&schedule, plan.duration_ns, &item));
}

/* ---- Results ---- */

static void add(struct load_result *result, enum load_op op, uint64_t start_ms, uint64_t end_ms,
                const struct kp_error *error)
{
    const struct load_outcome outcome = {op,
                                         0,
                                         start_ms * LOAD_NS_PER_MS,
                                         end_ms * LOAD_NS_PER_MS,
                                         error ? (kp_status)error->status : KP_OK,
                                         error};
    cli_load_result_add(result, &outcome);
}

static struct kp_error error_of(kp_status status, uint32_t code, const char *text)
{
    struct kp_error error;
    kp_error_init(&error);
    error.status = status;
    error.code = code;
    (void)snprintf(error.text, sizeof error.text, "%s", text);
    return error;
}

/* 1,000 unwraps of 1 to 1,000 ms, 10 failures of two kinds. */
static struct load_result *known_result(const char *slo)
{
    struct load_plan plan = plan_of("unwrap", "100");
    const struct kp_error throttled = error_of(KP_THROTTLED, 3109, "<b>slow & down</b>");
    const struct kp_error lost = error_of(KP_TRANSIENT, 3119, "cut");
    const struct load_cost cost = {.wall_ns = plan.duration_ns, .cpu_ns = LOAD_NS_PER_S};
    struct kp_error error;
    if (slo) {
        assert_int_equal(cli_load_slo_parse(slo, &plan.slo, &error), KP_OK);
    }
    struct load_result *result = cli_load_result_new(&plan);
    assert_non_null(result);
    for (uint64_t i = 0; i < 1000; i++) {
        add(result, LOAD_UNWRAP, i * 10, i * 10 + i + 1, NULL);
    }
    for (uint64_t i = 0; i < 10; i++) {
        add(result, LOAD_UNWRAP, i * 10, i * 10 + 1, i < 7 ? &lost : &throttled);
    }
    static const struct load_counters counters;
    cli_load_result_finish(result, &cost, &counters, plan.duration_ns);
    return result;
}

static void quantiles_are_exact_within_a_64th(void **state)
{
    (void)state;
    struct load_result *result = known_result(NULL);
    const struct kpb_histogram *all = cli_load_result_all(result);
    for (uint32_t i = 0; i < LOAD_N_QUANTILES; i++) {
        const double truth = ceil(cli_load_quantiles[i] * 1000) * 1e6;
        const double told = (double)kpb_histogram_quantile(all, cli_load_quantiles[i]);
        assert_true(told >= truth && told <= truth * (1 + 1.0 / 64));
    }
    assert_int_equal(cli_load_result_n_ok(result), 1000);
    assert_int_equal(cli_load_result_n_failed(result), 10);
    assert_true(fabs(cli_load_achieved_per_s(result) - 100) < 1e-6);
    cli_load_result_free(result);
}

/* Steps of 5 s at 100 and 300: all of it, half of it, and a run that ended in the second step. */
static void offered_rate_is_that_of_the_time_measured(void **state)
{
    static const struct {
        uint64_t measured_ms;
        double offered;
    } rows[] = {{10000, 200}, {10400, 200}, {5000, 100}, {2000, 100}, {7500, 500.0 / 3}, {0, 100}};
    static const struct load_counters counters;
    const struct load_cost cost = {.wall_ns = 1};
    const struct load_plan plan = plan_of("wrap", "100,300");
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct load_result *result = cli_load_result_new(&plan);
        assert_non_null(result);
        cli_load_result_finish(result, &cost, &counters, rows[i].measured_ms * LOAD_NS_PER_MS);
        assert_true(fabs(cli_load_offered_per_s(result) - rows[i].offered) < 1e-6);
        cli_load_result_free(result);
    }
}

/* A run of 10 s, over after 12.5 s: everywhere; and a run that ended when it should: nowhere. */
static void drain_is_told_where_there_is_one(void **state)
{
    static const struct load_counters counters;
    const struct load_cost cost = {.wall_ns = 1};
    const struct load_plan plan = plan_of("wrap", "100");
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct load_result *result = cli_load_result_new(&plan);
        struct cli_out out;
        cli_load_result_finish(result, &cost, &counters,
                               plan.duration_ns + (over ? 2500 : 20) * LOAD_NS_PER_MS);
        cli_out_init(&out);
        cli_load_write_text(result, &out);
        cli_load_write_page(result, &out);
        cli_load_write_json(result, &out);
        assert_int_equal(kp_buf_append_byte(&out.buf, 0), KP_OK);
        const char *text = (const char *)out.buf.ptr;
        assert_non_null(strstr(text, over ? "\"drain_ms\":2500," : "\"drain_ms\":20,"));
        assert_true((strstr(text, "went on     2.5 s after the end") != NULL) == over);
        assert_true((strstr(text, "<p>Went on for 2.5 s after the end") != NULL) == over);
        cli_out_clear(&out);
        cli_load_result_free(result);
    }
}

static void failures_are_told_by_class_and_code_most_frequent_first(void **state)
{
    (void)state;
    struct load_result *result = known_result(NULL);
    assert_int_equal(cli_load_result_failure(result, 0)->code, 3119);
    assert_int_equal(cli_load_result_failure(result, 0)->n, 7);
    assert_int_equal(cli_load_result_failure(result, 1)->status, KP_THROTTLED);
    assert_int_equal(cli_load_result_failure(result, 1)->n, 3);
    assert_null(cli_load_result_failure(result, 2));
    cli_load_result_free(result);
}

static void warm_up_is_left_out(void **state)
{
    (void)state;
    struct load_plan plan = plan_of("wrap", "100");
    plan.warm_up_ns = LOAD_NS_PER_S;
    struct load_result *result = cli_load_result_new(&plan);
    add(result, LOAD_WRAP, 999, 5000, NULL);
    add(result, LOAD_WRAP, 1000, 1001, NULL);
    assert_int_equal(cli_load_result_n_ok(result), 1);
    cli_load_result_free(result);
}

/* Nobody knows how long it will be: slices grow with it, and nothing is lost of what they hold. */
static void slices_of_a_run_that_a_count_ends_grow(void **state)
{
    (void)state;
    struct load_plan plan = plan_of("wrap", NULL);
    const struct kp_error lost = error_of(KP_TRANSIENT, 3119, "cut");
    const struct load_slice *slice;
    uint64_t n_ok = 0;
    uint64_t n_failed = 0;
    uint32_t n = 0;
    plan.is_open_ended = true;
    plan.duration_ns = 86400 * LOAD_NS_PER_S;
    struct load_result *result = cli_load_result_new(&plan);
    for (uint64_t s = 0; s < 1000; s++) {
        add(result, LOAD_WRAP, s * 1000, s * 1000 + 1, NULL);
        add(result, LOAD_WRAP, s * 1000, s * 1000 + 1, &lost);
    }
    for (; (slice = cli_load_result_slice(result, n)) != NULL; n++) {
        n_ok += kpb_histogram_count(&slice->latency);
        n_failed += slice->n_failed;
    }
    assert_int_equal(n_ok, 1000);
    assert_int_equal(n_failed, 1000);
    assert_int_equal(cli_load_result_slice_ns(result), 16 * LOAD_NS_PER_S); /* 250 ms, doubled */
    assert_int_equal(n, 63);
    assert_int_equal(kpb_histogram_count(&cli_load_result_slice(result, 10)->latency), 16);
    cli_load_result_free(result);
}

static void slo_is_held_or_broken(void **state)
{
    static const struct {
        const char *slo;
        bool held;
    } rows[] = {
        {"p99=1s", true},           {"p99=900ms", false},          {"errors=1%", true},
        {"errors=0.5%", false},     {"p50=600ms,errors=1%", true}, {"p50=400ms,errors=1%", false},
        {"p50=600ms,max=2s", true}, {"p50=400ms,max=2s", false},   {"max=2s,p50=400ms", false},
        {"max=999ms", false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct load_result *result = known_result(rows[i].slo);
        assert_int_equal(cli_load_result_slo_held(result), rows[i].held);
        cli_load_result_free(result);
    }
}

static void run_without_operations_breaks_any_promise(void **state)
{
    (void)state;
    struct load_plan plan = plan_of("wrap", NULL);
    struct kp_error error;
    assert_int_equal(cli_load_slo_parse("errors=100%", &plan.slo, &error), KP_OK);
    struct load_result *result = cli_load_result_new(&plan);
    assert_false(cli_load_result_slo_held(result));
    cli_load_result_free(result);
}

/* ---- Search ---- */

/* Searches against a vault that keeps its promises up to a rate; the answer. */
static double search(double limit, double first, uint32_t *ret_n)
{
    struct load_trial trials[LOAD_TRIALS_MAX];
    uint32_t n = 0;
    for (double rate; (rate = cli_load_search_next(trials, n, first)) > 0; n++) {
        assert_in_range(n, 0, LOAD_TRIALS_MAX - 1);
        trials[n] = (struct load_trial){.rate = rate, .held = rate <= limit};
    }
    *ret_n = n;
    return cli_load_search_answer(trials, n);
}

static void search_finds_the_limit_from_below_and_from_above(void **state)
{
    static const double firsts[] = {1, 50, 700, 90000};
    uint32_t n = 0;
    (void)state;
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        const double answer = search(737, firsts[i], &n);
        assert_true(answer <= 737 && answer * LOAD_SEARCH_PRECISION >= 737 * 0.999);
    }
}

static void search_ends_where_nothing_or_everything_holds(void **state)
{
    uint32_t n = 0;
    (void)state;
    assert_true(search(0, 50, &n) == 0);
    assert_in_range(n, 1, 8);
    assert_true(search(1e12, 50, &n) > LOAD_RATE_MAX / 2);
}

/* ---- Reports ---- */

static json_t *json_of(const struct load_result *result)
{
    struct cli_out out;
    cli_out_init(&out);
    cli_load_write_json(result, &out);
    assert_int_equal(out.st, KP_OK);
    json_t *root = json_loadb((const char *)out.buf.ptr, out.buf.len, JSON_REJECT_DUPLICATES, NULL);
    cli_out_clear(&out);
    assert_non_null(root);
    return root;
}

/* The smallest bucket end that a share of all values does not exceed. */
static json_int_t quantile_again(const json_t *buckets, json_int_t n, double q)
{
    json_int_t seen = 0;
    json_int_t ns = 0;
    for (size_t i = 0; i < json_array_size(buckets) && (double)seen < q * (double)n; i++) {
        const json_t *bucket = json_array_get(buckets, i);
        ns = json_integer_value(json_array_get(bucket, 0));
        seen += json_integer_value(json_array_get(bucket, 1));
    }
    return ns;
}

static void json_numbers_follow_from_its_histogram_and_timeline(void **state)
{
    (void)state;
    struct load_result *result = known_result(NULL);
    json_t *root = json_of(result);
    const json_t *all = json_object_get(root, "all");
    const json_t *buckets = json_object_get(all, "histogram_ns");
    const json_int_t n = json_integer_value(json_object_get(all, "ok"));
    const json_int_t max =
        json_integer_value(json_object_get(json_object_get(all, "latency_ns"), "max"));
    for (uint32_t i = 0; i < LOAD_N_QUANTILES; i++) {
        const json_int_t again = quantile_again(buckets, n, cli_load_quantiles[i]);
        const json_int_t told = json_integer_value(
            json_object_get(json_object_get(all, "latency_ns"), cli_load_quantile_texts[i]));
        assert_int_equal(told, again < max ? again : max);
    }
    json_int_t in_timeline = 0;
    const json_t *timeline = json_object_get(root, "timeline");
    for (size_t i = 0; i < json_array_size(timeline); i++) {
        in_timeline += json_integer_value(json_object_get(json_array_get(timeline, i), "ok"));
    }
    assert_int_equal(in_timeline, n);
    json_decref(root);
    cli_load_result_free(result);
}

static void percentile_log_ends_with_all_values(void **state)
{
    struct cli_out out;
    (void)state;
    struct load_result *result = known_result(NULL);
    cli_out_init(&out);
    cli_load_write_percentiles(result, &out);
    cli_out_text(&out, ""); /* what follows reads it as text */
    assert_int_equal(kp_buf_append_byte(&out.buf, 0), KP_OK);
    const char *text = (const char *)out.buf.ptr;
    assert_non_null(strstr(text, "Value     Percentile TotalCount 1/(1-Percentile)"));
    assert_non_null(strstr(text, "1.000000000000       1000\n"));
    assert_non_null(strstr(text, "Total count    =         1000]"));
    cli_out_clear(&out);
    cli_load_result_free(result);
}

/* Line by line what HdrHistogram's outputPercentileDistribution(5 ticks) makes of 1, 2, 3, 4. */
static void percentile_log_has_the_levels_of_hdrhistogram(void **state)
{
    static const char want[] = "       Value     Percentile TotalCount 1/(1-Percentile)\n"
                               "\n"
                               "    0.000001 0.000000000000          1           1.00\n"
                               "    0.000001 0.100000000000          1           1.11\n"
                               "    0.000001 0.200000000000          1           1.25\n"
                               "    0.000002 0.300000000000          2           1.43\n"
                               "    0.000002 0.400000000000          2           1.67\n"
                               "    0.000002 0.500000000000          2           2.00\n"
                               "    0.000003 0.550000000000          3           2.22\n"
                               "    0.000003 0.600000000000          3           2.50\n"
                               "    0.000003 0.650000000000          3           2.86\n"
                               "    0.000003 0.700000000000          3           3.33\n"
                               "    0.000003 0.750000000000          3           4.00\n"
                               "    0.000004 0.775000000000          4           4.44\n"
                               "    0.000004 1.000000000000          4\n"
                               "#[Mean    =        0.000, StdDeviation   =        0.000]\n"
                               "#[Max     =        0.000, Total count    =            4]\n"
                               "#[Buckets =           38, SubBuckets     =          128]\n";
    const struct load_plan plan = plan_of("wrap", NULL);
    static const struct load_counters counters;
    const struct load_cost cost = {.wall_ns = 1};
    struct cli_out out;
    (void)state;
    struct load_result *result = cli_load_result_new(&plan);
    for (uint64_t ns = 1; ns <= 4; ns++) {
        const struct load_outcome outcome = {LOAD_WRAP, 0, 0, ns, KP_OK, NULL};
        cli_load_result_add(result, &outcome);
    }
    cli_load_result_finish(result, &cost, &counters, 1);
    cli_out_init(&out);
    cli_load_write_percentiles(result, &out);
    assert_int_equal(kp_buf_append_byte(&out.buf, 0), KP_OK);
    assert_memory_equal(out.buf.ptr, want, sizeof want - 1);
    cli_out_clear(&out);
    cli_load_result_free(result);
}

static void page_has_its_plots_and_escapes_what_vaults_say(void **state)
{
    struct cli_out out;
    size_t n_plots = 0;
    (void)state;
    struct load_result *result = known_result("p99=1ms");
    cli_out_init(&out);
    cli_load_write_page(result, &out);
    assert_int_equal(out.st, KP_OK);
    assert_int_equal(kp_buf_append_byte(&out.buf, 0), KP_OK);
    const char *text = (const char *)out.buf.ptr;
    for (const char *at = text; (at = strstr(at, "<svg")) != NULL; at++) {
        n_plots++;
    }
    assert_int_equal(n_plots, 3);
    assert_non_null(strstr(text, "SLO broken"));
    assert_non_null(strstr(text, "&lt;b&gt;slow &amp; down&lt;/b&gt;"));
    assert_null(strstr(text, "<b>slow"));
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "href="));
    assert_null(strstr(text, "src="));
    assert_null(strstr(text, "url("));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    cli_out_clear(&out);
    cli_load_result_free(result);
}

/* Nothing was measured between the second and the third second: no line says otherwise. */
static void gap_interrupts_a_line(void **state)
{
    static const struct load_point points[] = {{0, 1},   {1, 2}, {2, NAN}, {3, 1},
                                               {4, NAN}, {5, 3}, {6, 3}};
    const struct load_chart chart = {.title = "t",
                                     .x_label = "x",
                                     .y_label = "y",
                                     .n_lines = 1,
                                     .lines = {{"l", points, 7, LOAD_LINE_SOLID}}};
    struct cli_out out;
    uint32_t n = 0;
    (void)state;
    cli_out_init(&out);
    cli_load_svg(&chart, &out);
    assert_int_equal(kp_buf_append_byte(&out.buf, 0), KP_OK);
    const char *text = (const char *)out.buf.ptr;
    for (const char *at = text; (at = strstr(at, "<polyline")) != NULL; at++) {
        n++;
    }
    assert_int_equal(n, 3);
    assert_non_null(strstr(text, "<circle")); /* the lonely one */
    assert_null(strstr(text, "nan"));
    cli_out_clear(&out);
}

static void empty_chart_still_draws(void **state)
{
    struct cli_out out;
    const struct load_chart chart = {.title = "t",
                                     .x_label = "x",
                                     .y_label = "y",
                                     .log_y = true,
                                     .n_lines = 1,
                                     .lines = {{"none", NULL, 0}}};
    (void)state;
    cli_out_init(&out);
    cli_load_svg(&chart, &out);
    assert_int_equal(out.st, KP_OK);
    assert_int_equal(kp_buf_append_byte(&out.buf, 0), KP_OK);
    assert_null(strstr((const char *)out.buf.ptr, "nan"));
    assert_null(strstr((const char *)out.buf.ptr, "inf"));
    cli_out_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mix_names_operations_with_weights),
        cmocka_unit_test(malformed_mix_is_refused),
        cmocka_unit_test(rates_are_one_or_many_steps),
        cmocka_unit_test(malformed_rates_are_refused),
        cmocka_unit_test(slo_reads_latency_and_errors),
        cmocka_unit_test(payloads_are_one_or_many),
        cmocka_unit_test(places_are_those_of_the_loop),
        cmocka_unit_test(constant_arrivals_are_evenly_spaced),
        cmocka_unit_test(ramp_grows_evenly_to_the_rate),
        cmocka_unit_test(callers_of_a_closed_loop_join_while_the_ramp_lasts),
        cmocka_unit_test(count_is_of_measured_operations),
        cmocka_unit_test(slices_of_a_run_that_a_count_ends_grow),
        cmocka_unit_test(poisson_arrivals_have_the_rate_and_scatter_of_poisson),
        cmocka_unit_test(same_seed_gives_the_same_run),
        cmocka_unit_test(steps_share_the_duration),
        cmocka_unit_test(operations_and_keys_follow_their_weights),
        cmocka_unit_test(closed_loop_ends_with_the_duration),
        cmocka_unit_test(quantiles_are_exact_within_a_64th),
        cmocka_unit_test(offered_rate_is_that_of_the_time_measured),
        cmocka_unit_test(drain_is_told_where_there_is_one),
        cmocka_unit_test(failures_are_told_by_class_and_code_most_frequent_first),
        cmocka_unit_test(warm_up_is_left_out),
        cmocka_unit_test(slo_is_held_or_broken),
        cmocka_unit_test(run_without_operations_breaks_any_promise),
        cmocka_unit_test(search_finds_the_limit_from_below_and_from_above),
        cmocka_unit_test(search_ends_where_nothing_or_everything_holds),
        cmocka_unit_test(json_numbers_follow_from_its_histogram_and_timeline),
        cmocka_unit_test(percentile_log_ends_with_all_values),
        cmocka_unit_test(percentile_log_has_the_levels_of_hdrhistogram),
        cmocka_unit_test(page_has_its_plots_and_escapes_what_vaults_say),
        cmocka_unit_test(gap_interrupts_a_line),
        cmocka_unit_test(empty_chart_still_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
