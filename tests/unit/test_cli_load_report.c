/* cli/load_*: a log of known operations, and every number that the reports make of it. */
#include "cli/load_capacity.h"
#include "cli/load_environment.h"
#include "cli/load_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/json_schema.h"

#define N_LOG 3000u
#define N_SECONDS 6u
#define N_PHASE 100u /* requests of each phase */
#define SCHEMA KP_TEST_SRC_DIR "/docs/load/result.schema.json"
#define EPSILON 0.011 /* rates are told with one or two digits */

/* ---- The log ---- */

static struct load_outcome logged[N_LOG];
static struct kp_error errors[2];
static struct load_result *result;
static struct load_counters counters;
static kp_buf text;

static struct load_plan the_plan(void)
{
    struct load_plan plan = {.duration_ns = N_SECONDS * LOAD_NS_PER_S, .n_callers = 4, .seed = 7};
    struct kp_error error;
    assert_int_equal(cli_load_mix_parse("wrap:1,unwrap:2", &plan, &error), KP_OK);
    assert_int_equal(cli_load_rates_parse("400,600", &plan, &error), KP_OK);
    assert_int_equal(cli_load_slo_parse("p50=900us,max=1ms,errors=5%", &plan.slo, &error), KP_OK);
    assert_int_equal(cli_load_payloads_parse("32,190", &plan, &error), KP_OK);
    plan.keys = "one/app,<two>/app";
    plan.vault = "file:./a&b";
    return plan;
}

/* Latencies from 10 us to 100 ms, evenly on a logarithmic scale, in an order that jumps. */
static void make_log(void)
{
    const char *const texts[] = {"slow down", "cut"};
    for (uint32_t i = 0; i < 2; i++) {
        kp_error_init(&errors[i]);
        errors[i].status = i == 0 ? KP_THROTTLED : KP_TRANSIENT;
        errors[i].code = 3109 + i;
        (void)snprintf(errors[i].text, sizeof errors[i].text, "%s", texts[i]);
    }
    for (uint32_t i = 0; i < N_LOG; i++) {
        const uint64_t start_ns = i * (N_SECONDS * LOAD_NS_PER_S / N_LOG);
        const double share = (double)(i * 1009 % N_LOG) / N_LOG;
        const struct kp_error *error = i % 100 == 7 ? &errors[i % 300 == 7] : NULL;
        logged[i] = (struct load_outcome){i % 3 == 0 ? LOAD_WRAP : LOAD_UNWRAP,
                                          i % 2,
                                          start_ns,
                                          start_ns + (uint64_t)(1e4 * pow(1e4, share)),
                                          error ? (kp_status)error->status : KP_OK,
                                          error};
    }
}

/* The k-th of the requests of a phase: (i + 1) us to 100 times as much. */
static uint64_t phase_ns(uint32_t phase, uint32_t k)
{
    return UINT64_C(1000) * (phase + 1) * k;
}

static int open_result(void **state)
{
    const struct load_plan plan = the_plan();
    const struct load_cost cost = {.cpu_ns = 123456789,
                                   .max_rss_bytes = 987654321,
                                   .grown_bytes = 432100,
                                   .most_under_way = 7};
    (void)state;
    make_log();
    counters = (struct load_counters){11, 12, 13, 14, 15, 16, {{0}}};
    for (uint32_t i = 0; i < KP_PHASE_COUNT; i++) {
        for (uint32_t k = 1; k <= N_PHASE; k++) {
            kpb_histogram_record(&counters.phases[i], phase_ns(i, k));
        }
    }
    result = cli_load_result_new(&plan);
    for (uint32_t i = 0; result && i < 2; i++) {
        cli_load_result_name_key(result, i, i == 0 ? "one/app" : "two/app");
    }
    for (uint32_t i = 0; result && i < N_LOG; i++) {
        cli_load_result_add(result, &logged[i]);
    }
    cli_load_result_finish(result, &cost, &counters, plan.duration_ns);
    return result ? 0 : -1;
}

static int close_result(void **state)
{
    (void)state;
    kp_buf_clear(&text);
    cli_load_result_free(result);
    return 0;
}

/* ---- What the log says ---- */

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Latencies of an operation (LOAD_N_OPS: of all) that ended in [from, to) well, sorted. */
static uint32_t latencies(enum load_op op, uint64_t from_ns, uint64_t to_ns, uint64_t *ret,
                          uint32_t *ret_failed)
{
    uint32_t n = 0;
    *ret_failed = 0;
    for (uint32_t i = 0; i < N_LOG; i++) {
        const struct load_outcome *o = &logged[i];
        if ((op != LOAD_N_OPS && o->op != op) || o->end_ns < from_ns || o->end_ns >= to_ns) {
            continue;
        }
        if (o->status == KP_OK) {
            ret[n++] = o->end_ns - o->start_ns;
        } else {
            *ret_failed += 1;
        }
    }
    qsort(ret, n, sizeof *ret, compare);
    return n;
}

/* The smallest value that at least q of them do not exceed. */
static uint64_t exact(const uint64_t *sorted, uint32_t n, double q)
{
    const uint32_t at = (uint32_t)ceil(q * n);
    return n == 0 ? 0 : sorted[at == 0 ? 0 : at - 1];
}

static void assert_told(uint64_t told, uint64_t truth)
{
    assert_true(told >= truth);
    assert_true((double)told <= (double)truth * (1 + 1.0 / 64) + 1);
}

/* ---- JSON ---- */

static const char *write(void (*how)(const struct load_result *, struct cli_out *))
{
    struct cli_out out;
    cli_out_init(&out);
    how(result, &out);
    assert_int_equal(out.st, KP_OK);
    kp_buf_clear(&text);
    kp_buf_init(&text, "test", CLI_OUT_MAX_LEN);
    assert_int_equal(kp_buf_append(&text, kp_buf_view(&out.buf)), KP_OK);
    assert_int_equal(kp_buf_append_byte(&text, 0), KP_OK);
    cli_out_clear(&out);
    return (const char *)text.ptr;
}

static json_t *written(void)
{
    json_error_t why;
    json_t *root = json_loads(write(cli_load_write_json), JSON_REJECT_DUPLICATES, &why);
    assert_non_null(root);
    return root;
}

static uint64_t uint_of(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    assert_true(json_is_integer(member));
    return (uint64_t)json_integer_value(member);
}

static double real_of(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    assert_true(json_is_number(member));
    return json_number_value(member);
}

static void check_latency(const json_t *row, const uint64_t *sorted, uint32_t n)
{
    const json_t *latency = json_object_get(row, "latency_ns");
    const json_t *buckets = json_object_get(row, "histogram_ns");
    uint64_t sum = 0;
    for (uint32_t i = 0; i < LOAD_N_QUANTILES; i++) {
        assert_told(uint_of(latency, cli_load_quantile_texts[i]),
                    exact(sorted, n, cli_load_quantiles[i]));
    }
    assert_int_equal(uint_of(latency, "max"), sorted[n - 1]);
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        const json_t *bucket = json_array_get(buckets, i);
        const uint64_t end_ns = (uint64_t)json_integer_value(json_array_get(bucket, 0));
        const uint64_t before = sum;
        sum += (uint64_t)json_integer_value(json_array_get(bucket, 1));
        assert_true(sorted[sum - 1] <= end_ns && sum > before);
        assert_true(sum == n || sorted[sum] > end_ns);
    }
    assert_int_equal(sum, n);
}

static void check_op(const json_t *row, enum load_op op)
{
    static uint64_t sorted[N_LOG];
    uint32_t n_failed;
    const uint32_t n = latencies(op, 0, UINT64_MAX, sorted, &n_failed);
    assert_string_equal(json_string_value(json_object_get(row, "op")),
                        op == LOAD_N_OPS ? "all" : cli_load_op_text(op));
    assert_int_equal(uint_of(row, "ok"), n);
    assert_int_equal(uint_of(row, "failed"), n_failed);
    check_latency(row, sorted, n);
}

static void operations_are_those_of_the_log(void **state)
{
    json_t *root = written();
    const json_t *ops = json_object_get(root, "ops");
    (void)state;
    assert_int_equal(json_array_size(ops), 2);
    check_op(json_array_get(ops, 0), LOAD_WRAP);
    check_op(json_array_get(ops, 1), LOAD_UNWRAP);
    check_op(json_object_get(root, "all"), LOAD_N_OPS);
    json_decref(root);
}

static void keys_are_those_of_the_log(void **state)
{
    static uint64_t sorted[N_LOG];
    json_t *root = written();
    const json_t *keys = json_object_get(root, "keys");
    (void)state;
    assert_int_equal(json_array_size(keys), 2);
    for (uint32_t key = 0; key < 2; key++) {
        const json_t *row = json_array_get(keys, key);
        uint32_t n = 0;
        uint32_t n_failed = 0;
        for (uint32_t i = key; i < N_LOG; i += 2) {
            if (logged[i].status == KP_OK) {
                sorted[n++] = logged[i].end_ns - logged[i].start_ns;
            } else {
                n_failed++;
            }
        }
        qsort(sorted, n, sizeof *sorted, compare);
        assert_string_equal(json_string_value(json_object_get(row, "key")),
                            key == 0 ? "one/app" : "two/app");
        assert_int_equal(uint_of(row, "ok"), n);
        assert_int_equal(uint_of(row, "failed"), n_failed);
        check_latency(row, sorted, n);
    }
    json_decref(root);
}

static void rates_are_those_of_the_log(void **state)
{
    static uint64_t sorted[N_LOG];
    uint32_t n_failed;
    const uint32_t n = latencies(LOAD_N_OPS, 0, UINT64_MAX, sorted, &n_failed);
    json_t *root = written();
    (void)state;
    assert_true(fabs(real_of(root, "achieved_per_s") - (double)n / N_SECONDS) < EPSILON);
    assert_true(fabs(real_of(root, "offered_per_s") - 500) < EPSILON);
    assert_int_equal(uint_of(root, "measured_ms"), N_SECONDS * 1000);
    json_decref(root);
}

static void slices_are_those_of_the_log(void **state)
{
    static uint64_t sorted[N_LOG];
    json_t *root = written();
    const json_t *timeline = json_object_get(root, "timeline");
    const uint64_t slice_ns = cli_load_result_slice_ns(result);
    uint64_t n_all = 0;
    (void)state;
    for (size_t i = 0; i < json_array_size(timeline); i++) {
        const json_t *row = json_array_get(timeline, i);
        uint32_t n_failed;
        const uint32_t n =
            latencies(LOAD_N_OPS, i * slice_ns, (i + 1) * slice_ns, sorted, &n_failed);
        assert_int_equal(uint_of(row, "start_ms"), i * slice_ns / LOAD_NS_PER_MS);
        assert_int_equal(uint_of(row, "ok"), n);
        assert_int_equal(uint_of(row, "failed"), n_failed);
        assert_true(fabs(real_of(row, "per_s") - (double)n * 1e9 / (double)slice_ns) < 0.06);
        assert_told(uint_of(row, "p50"), exact(sorted, n, 0.5));
        assert_told(uint_of(row, "p99"), exact(sorted, n, 0.99));
        n_all += n + n_failed;
    }
    assert_int_equal(n_all, N_LOG);
    json_decref(root);
}

static void failures_are_those_of_the_log(void **state)
{
    uint64_t n[2] = {0, 0};
    json_t *root = written();
    const json_t *failures = json_object_get(root, "failures");
    (void)state;
    for (uint32_t i = 0; i < N_LOG; i++) {
        if (logged[i].error) {
            n[logged[i].error == &errors[1]]++;
        }
    }
    assert_int_equal(json_array_size(failures), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *row = json_array_get(failures, i);
        const uint64_t which = uint_of(row, "code") - 3109;
        assert_string_equal(json_string_value(json_object_get(row, "class")),
                            kp_status_text((kp_status)errors[which].status));
        assert_int_equal(uint_of(row, "count"), n[which]);
    }
    json_decref(root);
}

static void counters_and_phases_are_told(void **state)
{
    static const char *const names[] = {"retries",   "refused",       "coalesced",
                                        "throttled", "breaker_trips", "connections"};
    json_t *root = written();
    const json_t *phases = json_object_get(root, "phases");
    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(uint_of(root, names[i]), 11 + i);
    }
    assert_int_equal(uint_of(root, "cpu_ns"), 123456789);
    assert_int_equal(uint_of(root, "max_rss_bytes"), 987654321);
    assert_int_equal(uint_of(root, "grown_bytes"), 432100);
    assert_int_equal(uint_of(root, "most_under_way"), 7);
    assert_int_equal(json_array_size(phases), KP_PHASE_COUNT);
    for (uint32_t i = 0; i < KP_PHASE_COUNT; i++) {
        const json_t *row = json_array_get(phases, i);
        uint64_t sorted[N_PHASE];
        for (uint32_t k = 1; k <= N_PHASE; k++) {
            sorted[k - 1] = phase_ns(i, k);
        }
        assert_string_equal(json_string_value(json_object_get(row, "phase")),
                            cli_load_phase_text(i));
        assert_int_equal(uint_of(row, "count"), N_PHASE);
        check_latency(row, sorted, N_PHASE);
    }
    json_decref(root);
}

/* ---- The same numbers for people ---- */

/* Each latency of a row of the JSON, as the text and the page write it. */
static void assert_latencies(const char *report, const json_t *row)
{
    const char *name;
    json_t *ns;
    json_object_foreach(json_object_get(row, "latency_ns"), name, ns) {
        char number[32];
        (void)snprintf(number, sizeof number, "%.3f", json_number_value(ns) / 1e6);
        assert_non_null(strstr(report, number));
    }
}

static void text_and_page_say_the_same(void **state)
{
    static const char *const tables[] = {"ops", "keys", "phases"};
    json_t *root = written();
    const json_t *row;
    size_t i;
    (void)state;
    for (int as_page = 0; as_page < 2; as_page++) {
        const char *report = write(as_page ? cli_load_write_page : cli_load_write_text);
        for (size_t table = 0; table < sizeof tables / sizeof tables[0]; table++) {
            json_array_foreach(json_object_get(root, tables[table]), i, row) {
                assert_latencies(report, row);
            }
        }
        assert_latencies(report, json_object_get(root, "all"));
        for (uint32_t phase = 0; phase < KP_PHASE_COUNT; phase++) {
            assert_non_null(strstr(report, cli_load_phase_text(phase)));
        }
    }
    json_decref(root);
}

/* A number as a report writes it. */
static void assert_says(const char *report, const char *before, double value, int digits,
                        const char *behind)
{
    char number[96];
    (void)snprintf(number, sizeof number, "%s%.*f%s", before, digits, value, behind);
    if (!strstr(report, number)) {
        print_error("'%s' is not in the report\n", number);
        fail();
    }
}

/* Everything but latencies that the text and the page tell, out of the JSON. */
static void totals_are_the_same_everywhere(void **state)
{
    static const char *const counts[] = {"retries",   "refused",       "coalesced",
                                         "throttled", "breaker_trips", "connections"};
    json_t *root = written();
    const json_t *all = json_object_get(root, "all");
    const double n = real_of(all, "ok") + real_of(all, "failed");
    (void)state;
    for (int as_page = 0; as_page < 2; as_page++) {
        const char *report = write(as_page ? cli_load_write_page : cli_load_write_text);
        assert_says(report, "", real_of(root, "achieved_per_s"), 1, " per s");
        assert_says(report, "", real_of(root, "offered_per_s"), 1, as_page ? " off" : " per s");
        assert_says(report, "", real_of(root, "cpu_ns") / 1000 / n, 1, " us");
        assert_says(report, "", real_of(root, "max_rss_bytes") / (1024 * 1024), 1, " MiB");
        assert_says(report, "", real_of(root, "grown_bytes") / 1024 / 7, 1, " KiB");
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            assert_says(report, as_page ? "<td>" : " ", real_of(root, counts[i]), 0,
                        as_page ? "</td>" : " ");
        }
    }
    json_decref(root);
}

/* A row of a table as it begins in the text and on the page. */
static void assert_row(const char *report, bool as_page, const char *name, uint64_t n_ok,
                       uint64_t n_failed)
{
    char row[128];
    if (as_page) {
        (void)snprintf(row, sizeof row, "<td>%s</td><td>%" PRIu64 "</td><td%s>%" PRIu64 "</td>",
                       name, n_ok, n_failed > 0 ? " class=\"bad\"" : "", n_failed);
    } else {
        (void)snprintf(row, sizeof row, "\n%-14s%11" PRIu64 "%11" PRIu64, name, n_ok, n_failed);
    }
    if (!strstr(report, row)) {
        print_error("'%s' is not in the report\n", row);
        fail();
    }
}

/* How many there were of everything, out of the JSON. */
static void counts_are_the_same_everywhere(void **state)
{
    json_t *root = written();
    const json_t *row;
    size_t i;
    (void)state;
    for (int as_page = 0; as_page < 2; as_page++) {
        const char *report = write(as_page ? cli_load_write_page : cli_load_write_text);
        json_array_foreach(json_object_get(root, "ops"), i, row) {
            assert_row(report, as_page, json_string_value(json_object_get(row, "op")),
                       uint_of(row, "ok"), uint_of(row, "failed"));
        }
        row = json_object_get(root, "all");
        assert_row(report, as_page, "all", uint_of(row, "ok"), uint_of(row, "failed"));
        json_array_foreach(json_object_get(root, "keys"), i, row) {
            assert_row(report, as_page, json_string_value(json_object_get(row, "key")),
                       uint_of(row, "ok"), uint_of(row, "failed"));
        }
        json_array_foreach(json_object_get(root, "failures"), i, row) {
            char failure[128];
            (void)snprintf(failure, sizeof failure,
                           as_page ? "<td>%s</td><td>%" PRIu64 "</td><td>%" PRIu64 "</td>"
                                   : "%s, code %" PRIu64 ", first: ",
                           json_string_value(json_object_get(row, "class")), uint_of(row, "code"),
                           uint_of(row, "count"));
            assert_non_null(strstr(report, failure));
        }
    }
    json_decref(root);
}

/* Each promise with what became of it; the one that was broken is marked in all of them. */
static void promises_are_told_one_by_one(void **state)
{
    json_t *root = written();
    const json_t *slo = json_object_get(root, "slo");
    const json_t *latency = json_object_get(json_object_get(root, "all"), "latency_ns");
    (void)state;
    assert_int_equal(json_array_size(slo), 3);
    assert_int_equal(uint_of(json_array_get(slo, 0), "measured_ns"), uint_of(latency, "p50"));
    assert_int_equal(uint_of(json_array_get(slo, 1), "measured_ns"), uint_of(latency, "max"));
    assert_true(fabs(real_of(json_array_get(slo, 2), "measured_percent") - 1) < 1e-6);
    for (size_t i = 0; i < 3; i++) {
        assert_true(json_is_true(json_object_get(json_array_get(slo, i), "held")) == (i == 2));
    }
    assert_true(json_is_false(json_object_get(root, "slo_held")));
    for (int as_page = 0; as_page < 2; as_page++) {
        const char *report = write(as_page ? cli_load_write_page : cli_load_write_text);
        assert_says(report, as_page ? "\"bad\">p50 " : "BROKEN: p50 ",
                    real_of(latency, "p50") / 1e6, 3, " ms, promised 0.900 ms");
        assert_non_null(strstr(report, as_page ? "<span>errors 1.000%, promised 5.000%"
                                               : "held: errors 1.000%, promised 5.000%"));
    }
    json_decref(root);
}

/* ---- The percentile log ---- */

/* How many of the sorted ones are at most ns. */
static uint32_t count_up_to(const uint64_t *sorted, uint32_t n, uint64_t ns)
{
    uint32_t count = 0;
    while (count < n && sorted[count] <= ns) {
        count++;
    }
    return count;
}

/* Each line: a level, the latency it is reached at, and how many were at most that. */
static void percentile_log_is_that_of_the_log(void **state)
{
    static uint64_t sorted[N_LOG];
    uint32_t n_failed;
    const uint32_t n = latencies(LOAD_N_OPS, 0, UINT64_MAX, sorted, &n_failed);
    const char *at = strchr(write(cli_load_write_percentiles), '\n') + 2;
    uint32_t n_lines = 0;
    double level = 0;
    (void)state;
    for (; *at != '#'; at = strchr(at, '\n') + 1) {
        char *end = NULL;
        const double ms = strtod(at, &end);
        level = strtod(end, &end);
        const uint64_t ns = (uint64_t)llround(ms * 1e6);
        assert_told(ns, exact(sorted, n, level));
        assert_int_equal(strtoul(end, &end, 10), count_up_to(sorted, n, ns));
        if (level < 1) {
            assert_true(fabs(strtod(end, NULL) - 1 / (1 - level)) < 0.006);
        }
        n_lines++;
    }
    assert_true(level == 1);
    assert_true(n_lines > 5 * 11); /* five to each half, of 3,000 */
}

static void percentile_log_ends_with_its_sums(void **state)
{
    static uint64_t sorted[N_LOG];
    uint32_t n_failed;
    const uint32_t n = latencies(LOAD_N_OPS, 0, UINT64_MAX, sorted, &n_failed);
    const char *report = write(cli_load_write_percentiles);
    double sum = 0;
    double squares = 0;
    char line[128];
    (void)state;
    for (uint32_t i = 0; i < n; i++) {
        sum += (double)sorted[i] / 1e6;
        squares += (double)sorted[i] / 1e6 * (double)sorted[i] / 1e6;
    }
    const double mean = sum / n;
    const double deviation = sqrt(squares / n - mean * mean);
    const double told_mean = strtod(strstr(report, "#[Mean    =") + 11, NULL);
    const double told_deviation = strtod(strstr(report, "StdDeviation   =") + 16, NULL);
    assert_true(told_mean >= mean && told_mean <= mean * (1 + 1.0 / 64));
    assert_true(fabs(told_deviation / deviation - 1) <= 1.0 / 64);
    (void)snprintf(line, sizeof line, "#[Max     = %12.3f, Total count    = %12u]\n",
                   (double)sorted[n - 1] / 1e6, n);
    assert_non_null(strstr(report, line));
    assert_non_null(strstr(report, "#[Buckets =           38, SubBuckets     =          128]\n"));
    assert_int_equal((38 + 1) * 128 / 2, KPB_HISTOGRAM_BUCKETS);
}

/* ---- A plot ---- */

/* A logarithmic axis by two of its labels: what stands where. */
struct scale {
    double low;
    double low_at;
    double high;
    double high_at;
};

static double value_at(const struct scale *scale, double at)
{
    const double share = (at - scale->low_at) / (scale->high_at - scale->low_at);
    return scale->low * pow(scale->high / scale->low, share);
}

/* Where on the plot a label is centred: at x, or 4 below y. */
static double label_at(const char *plot, const char *label, bool is_x)
{
    char text_of[64];
    (void)snprintf(text_of, sizeof text_of, is_x ? "\"middle\">%s</text>" : "\"end\">%s</text>",
                   label);
    const char *at = strstr(plot, text_of);
    assert_non_null(at);
    while (strncmp(at, "<text x=\"", 9) != 0) {
        at--;
    }
    return is_x ? strtod(at + 9, NULL) : strtod(strstr(at, " y=\"") + 4, NULL) - 4;
}

/* The points of the n-th line of a plot; how many there are. */
static uint32_t points_of(const char *plot, int n, double (*ret)[2], uint32_t max)
{
    const char *at = plot;
    char *end = NULL;
    uint32_t n_points = 0;
    for (int i = 0; i <= n; i++) {
        at = strstr(at, "<polyline ") + 1;
    }
    at = strstr(at, " points=\"") + 9;
    for (; *at != '"' && n_points < max; at = end + 1, n_points++) {
        ret[n_points][0] = strtod(at, &end);
        ret[n_points][1] = strtod(end + 1, &end);
    }
    return n_points;
}

/*
 * The line of unwrap, read off the picture as people do: each point is at a share that stays below
 * it, and at the latency that comes next. A tenth of a pixel is 0.6% of a latency, and of the share
 * no more than the place of one or two.
 */
static void curve_by_percentile_is_that_of_the_log(void **state)
{
    static uint64_t sorted[N_LOG];
    static double points[N_LOG][2];
    uint32_t n_failed;
    const uint32_t n = latencies(LOAD_UNWRAP, 0, UINT64_MAX, sorted, &n_failed);
    json_t *root = written();
    const json_t *unwrap = json_array_get(json_object_get(root, "ops"), 1);
    const char *plot = strstr(write(cli_load_write_page), "<svg");
    const struct scale x = {1, label_at(plot, "0%", true), 10, label_at(plot, "90%", true)};
    const struct scale y = {0.1, label_at(plot, "0.1", false), 10, label_at(plot, "10", false)};
    const uint32_t n_points = points_of(plot, 1, points, N_LOG);
    (void)state;
    assert_int_equal(n_points, json_array_size(json_object_get(unwrap, "histogram_ns")));
    for (uint32_t i = 0; i < n_points; i++) {
        const double below = (1 - 1 / value_at(&x, points[i][0])) * n;
        const double ns = value_at(&y, points[i][1]) * 1e6;
        const uint32_t from = below < 2 ? 0 : (uint32_t)lround(below) - 2;
        const uint32_t to = from + 4 < n ? from + 4 : n - 1;
        assert_true(ns >= (double)sorted[from] * 0.994);
        assert_true(ns <= (double)sorted[to] * (1.006 + 1.0 / 64));
    }
    json_decref(root);
}

/* ---- Where it comes from ---- */

static void environment_is_told_everywhere(void **state)
{
    static const char *const names[] = {"date",     "machine", "cpu_features", "library",
                                        "compiler", "openssl", "libcurl",      "nghttp2",
                                        "libuv",    "jansson", "build_flags"};
    json_t *root = written();
    const json_t *environment = json_object_get(root, "environment");
    (void)state;
    assert_int_equal(json_object_size(environment), sizeof names / sizeof names[0]);
    for (int as_page = 0; as_page < 2; as_page++) {
        const char *report = write(as_page ? cli_load_write_page : cli_load_write_text);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            const char *fact = json_string_value(json_object_get(environment, names[i]));
            assert_non_null(fact);
            assert_true(fact[0] != '\0');
            assert_non_null(strstr(report, names[i]));
            if (strcmp(names[i], "date") != 0) { /* each report has its own second */
                assert_non_null(strstr(report, fact));
            }
        }
        assert_non_null(strstr(report, as_page ? "&lt;two&gt;/app</b> in <b>file:./a&amp;b</b>"
                                               : "<two>/app in file:./a&b\n"));
    }
    json_decref(root);
}

static void processor_features_are_read_from_what_libcrypto_uses(void **state)
{
    char text_of[LOAD_FACT_LEN];
    (void)state;
    cli_load_cpu_features("CPUINFO: OPENSSL_ia32cap=0x1200000200000000:0x20000200020", text_of);
    assert_string_equal(text_of, "pclmulqdq aes avx avx2 avx512ifma vaes");
    cli_load_cpu_features("OPENSSL_ia32cap=0x200000000000000", text_of);
    assert_string_equal(text_of, "aes");
    cli_load_cpu_features("OPENSSL_armcap=0x3d", text_of);
    assert_string_equal(text_of, "OPENSSL_armcap=0x3d");
}

/* ---- The schema ---- */

static json_t *schema_of_results(void)
{
    json_error_t why;
    json_t *schema = json_load_file(SCHEMA, 0, &why);
    assert_non_null(schema);
    return schema;
}

static void json_fits_its_schema(void **state)
{
    json_t *schema = schema_of_results();
    json_t *root = written();
    (void)state;
    assert_true(schema_fits(schema, root));
    json_object_del(json_object_get(root, "all"), "ok");
    assert_false(schema_fits(schema, root));
    json_decref(root);
    root = written();
    assert_int_equal(json_object_set_new(root, "surprise", json_integer(1)), 0);
    assert_false(schema_fits(schema, root));
    json_decref(root);
    json_decref(schema);
}

/* A result as kp bench --json --capacity writes it, for a key of that size. */
static json_t *written_with_capacity(uint32_t bits)
{
    struct cli c = {.args = {.given = CLI_OPT_BIT(CLI_OPT_JSON)}};
    const struct load_key_kind kind = {KP_KTY_RSA, bits, 0};
    const struct load_shown shown = {100, 20 * LOAD_NS_PER_MS};
    json_error_t why;
    cli_out_init(&c.out);
    cli_load_open_json(result, &c.out);
    cli_load_capacity_tell(&c, cli_load_result_plan(result), &kind, &shown, 3300);
    cli_load_close_json(&c.out);
    json_t *root = json_loadb((const char *)c.out.buf.ptr, c.out.buf.len, 0, &why);
    cli_out_clear(&c.out);
    assert_non_null(root);
    return root;
}

/* Documented figures, and a size that has none. */
static void capacity_fits_the_schema(void **state)
{
    json_t *schema = schema_of_results();
    (void)state;
    for (uint32_t bits = 2048; bits <= 8192; bits *= 4) {
        json_t *root = written_with_capacity(bits);
        json_t *capacity = json_object_get(root, "capacity");
        assert_int_equal(uint_of(capacity, "callers"), 66);
        assert_int_equal(uint_of(capacity, "processes"), 33);
        assert_true(schema_fits(schema, root));
        json_object_del(capacity, "services");
        assert_false(schema_fits(schema, root));
        json_decref(root);
    }
    json_decref(schema);
}

/* ---- Counters ---- */

static void what_was_counted_before_is_taken_out(void **state)
{
    static struct load_counters before = {1, 2, 3, 4, 5, 6, {{0}}};
    static struct load_counters after = {11, 12, 13, 14, 15, 16, {{0}}};
    (void)state;
    kpb_histogram_add(&before.phases[KP_PHASE_TLS], 900000, 5);
    kpb_histogram_add(&after.phases[KP_PHASE_TLS], 900000, 5);
    kpb_histogram_add(&after.phases[KP_PHASE_TLS], 1000, 3);
    cli_load_counters_subtract(&after, &before);
    assert_int_equal(after.retries, 10);
    assert_int_equal(after.connections, 10);
    assert_int_equal(kpb_histogram_count(&after.phases[KP_PHASE_TLS]), 3);
    assert_told(kpb_histogram_quantile(&after.phases[KP_PHASE_TLS], 1.0), 1000);
}

/* ---- Capacity ---- */

static void capacity_is_read_from_the_documented_limits(void **state)
{
    static const struct {
        const char *mix;
        struct load_key_kind key;
        enum load_service service;
        double rate;
        uint32_t n_units;
        double per_unit;
    } rows[] = {
        {"unwrap", {KP_KTY_RSA, 2048, 0}, LOAD_VAULT_SOFTWARE, 400, 1, 400},
        {"unwrap", {KP_KTY_RSA, 2048, 0}, LOAD_VAULT_SOFTWARE, 401, 2, 400},
        {"wrap:1,unwrap:1", {KP_KTY_RSA, 4096, 0}, LOAD_VAULT_HSM, 100, 4, 25},
        {"unwrap", {KP_KTY_RSA, 2048, 0}, LOAD_MANAGED_HSM, 3300, 1, 3300},
        {"unwrap", {KP_KTY_RSA, 2048, 0}, LOAD_MANAGED_HSM, 3301, 2, 3300},
        {"wrap:1,unwrap:1", {KP_KTY_RSA, 2048, 0}, LOAD_MANAGED_HSM, 4400, 1, 4400},
        {"sign", {KP_KTY_EC, 256, KP_CURVE_P256}, LOAD_MANAGED_HSM, 990, 1, 990},
        {"unwrap", {KP_KTY_OCT, 256, 0}, LOAD_MANAGED_HSM, 6600, 1, 6600},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct load_plan plan = {.n_rates = 0};
        struct kp_error error;
        assert_int_equal(cli_load_mix_parse(rows[i].mix, &plan, &error), KP_OK);
        const struct load_need need =
            cli_load_capacity_need(&plan, &rows[i].key, rows[i].service, rows[i].rate);
        assert_true(need.known);
        assert_int_equal(need.n_units, rows[i].n_units);
        assert_true(fabs(need.rate_per_unit - rows[i].per_unit) < 1e-6);
    }
}

static void slowest_operation_of_a_mix_throttles_first(void **state)
{
    struct load_plan plan = {.n_rates = 0};
    struct kp_error error;
    const struct load_key_kind key = {KP_KTY_RSA, 3072, 0};
    (void)state;
    assert_int_equal(cli_load_mix_parse("wrap:5,unwrap:5", &plan, &error), KP_OK);
    const struct load_need need = cli_load_capacity_need(&plan, &key, LOAD_MANAGED_HSM, 10);
    assert_int_equal(need.first, LOAD_UNWRAP);
    assert_true(need.first_share > 0.8 && need.first_share < 0.9); /* 1900 against 360 */
}

static void what_is_not_documented_is_not_guessed(void **state)
{
    struct load_plan plan = {.n_rates = 0};
    struct kp_error error;
    const struct load_key_kind aes = {KP_KTY_OCT, 256, 0};
    const struct load_key_kind odd = {KP_KTY_RSA, 8192, 0};
    (void)state;
    assert_int_equal(cli_load_mix_parse("wrap,encrypt", &plan, &error), KP_OK);
    assert_false(cli_load_capacity_need(&plan, &aes, LOAD_MANAGED_HSM, 10).known);
    assert_false(cli_load_capacity_need(&plan, &aes, LOAD_VAULT_HSM, 10).known);
    assert_false(cli_load_capacity_need(&plan, &odd, LOAD_VAULT_SOFTWARE, 10).known);
}

static void callers_follow_from_rate_and_latency(void **state)
{
    (void)state;
    assert_int_equal(cli_load_capacity_callers(3300, 20 * LOAD_NS_PER_MS), 66);
    assert_int_equal(cli_load_capacity_callers(1, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_are_those_of_the_log),
        cmocka_unit_test(keys_are_those_of_the_log),
        cmocka_unit_test(rates_are_those_of_the_log),
        cmocka_unit_test(slices_are_those_of_the_log),
        cmocka_unit_test(failures_are_those_of_the_log),
        cmocka_unit_test(counters_and_phases_are_told),
        cmocka_unit_test(text_and_page_say_the_same),
        cmocka_unit_test(totals_are_the_same_everywhere),
        cmocka_unit_test(counts_are_the_same_everywhere),
        cmocka_unit_test(promises_are_told_one_by_one),
        cmocka_unit_test(percentile_log_is_that_of_the_log),
        cmocka_unit_test(percentile_log_ends_with_its_sums),
        cmocka_unit_test(curve_by_percentile_is_that_of_the_log),
        cmocka_unit_test(environment_is_told_everywhere),
        cmocka_unit_test(processor_features_are_read_from_what_libcrypto_uses),
        cmocka_unit_test(json_fits_its_schema),
        cmocka_unit_test(capacity_fits_the_schema),
        cmocka_unit_test(what_was_counted_before_is_taken_out),
        cmocka_unit_test(capacity_is_read_from_the_documented_limits),
        cmocka_unit_test(slowest_operation_of_a_mix_throttles_first),
        cmocka_unit_test(what_is_not_documented_is_not_guessed),
        cmocka_unit_test(callers_follow_from_rate_and_latency),
    };
    return cmocka_run_group_tests_name("cli_load_report", tests, open_result, close_result);
}
