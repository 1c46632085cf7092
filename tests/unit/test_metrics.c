/* core/metrics: what is counted comes out as Prometheus text that a parser accepts. */
#include "core/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/span.h"

#define N_THREADS 4
#define N_ROUNDS 5000
#define MS_NS UINT64_C(1000000)
#define TEXT_MAX_LEN (1024u * 1024u)

static struct kpi_metrics metrics;
static kp_buf text;

static int open_metrics(void **state)
{
    (void)state;
    kp_buf_init(&text, "test", TEXT_MAX_LEN);
    return kpi_metrics_init(&metrics) == KP_OK ? 0 : -1;
}

static int close_metrics(void **state)
{
    (void)state;
    kp_buf_clear(&text);
    kpi_metrics_clear(&metrics);
    return 0;
}

/* The whole text, NUL-terminated. */
static const char *print(void)
{
    kp_buf_reset(&text);
    assert_int_equal(kpi_metrics_prometheus(&metrics, &text), KP_OK);
    assert_int_equal(kp_buf_append_byte(&text, 0), KP_OK);
    return (const char *)text.ptr;
}

static bool has_line(const char *printed, const char *line)
{
    size_t n = strlen(line);

    for (const char *at = printed; (at = strstr(at, line)); at++) {
        if ((at == printed || at[-1] == '\n') && at[n] == '\n')
            return true;
    }
    return false;
}

static struct kpi_vault_metrics *add(const char *name)
{
    struct kpi_vault_metrics *vault = kpi_metrics_add_vault(&metrics, name);

    assert_non_null(vault);
    return vault;
}

static void text_without_vaults_has_heads_and_the_process(void **state)
{
    const char *printed = print();

    (void)state;
    assert_true(has_line(printed, "# TYPE keyprovider_operations_total counter"));
    assert_true(has_line(printed, "# TYPE keyprovider_operation_seconds histogram"));
    assert_non_null(strstr(printed, "\nkeyprovider_secret_bytes_locked "));
    assert_null(strchr(printed, '{'));
}

static void counters_come_out_by_vault_operation_and_status(void **state)
{
    struct kpi_vault_metrics *prod = add("prod");
    struct kpi_vault_metrics *test = add("file:./vault");
    const char *printed;

    (void)state;
    prod->ops[KP_OP_WRAP].submitted = 7;
    prod->ops[KP_OP_WRAP].retries = 2;
    prod->breaker_trips = 3;
    prod->in_flight = 4;
    test->queued = 5;
    kpi_metrics_completed(prod, KP_OP_WRAP, KP_OK, MS_NS);
    kpi_metrics_completed(prod, KP_OP_WRAP, KP_OK, MS_NS);
    kpi_metrics_completed(prod, KP_OP_WRAP, KP_THROTTLED, MS_NS);
    kpi_metrics_completed(test, KP_OP_GET_KEY, KP_NOT_FOUND, MS_NS);
    printed = print();
    assert_true(has_line(printed, "keyprovider_operations_submitted_total"
                                  "{vault=\"prod\",op=\"wrap\"} 7"));
    assert_true(has_line(printed, "keyprovider_retries_total{vault=\"prod\",op=\"wrap\"} 2"));
    assert_true(has_line(printed, "keyprovider_operations_total"
                                  "{vault=\"prod\",op=\"wrap\",status=\"ok\"} 2"));
    assert_true(has_line(printed, "keyprovider_operations_total"
                                  "{vault=\"prod\",op=\"wrap\",status=\"throttled\"} 1"));
    assert_true(has_line(printed,
                         "keyprovider_operations_total"
                         "{vault=\"file:./vault\",op=\"get_key\",status=\"not_found\"} 1"));
    assert_true(has_line(printed, "keyprovider_breaker_trips_total{vault=\"prod\"} 3"));
    assert_true(has_line(printed, "keyprovider_in_flight{vault=\"prod\"} 4"));
    assert_true(has_line(printed, "keyprovider_queued{vault=\"file:./vault\"} 5"));
    assert_null(strstr(printed, "op=\"unwrap\""));
    kpi_metrics_remove_vault(&metrics, prod);
    kpi_metrics_remove_vault(&metrics, test);
    assert_null(strstr(print(), "prod"));
}

/* Only phases that were seen, and none of a vault that asks nobody over HTTP. */
static void phases_come_out_as_a_histogram_each(void **state)
{
    struct kpi_vault_metrics *asked = add("asked");
    struct kpi_vault_metrics *quiet = add("quiet");
    const char *printed;

    (void)state;
    kpi_metrics_phase(asked, KP_PHASE_SERVER, 3 * MS_NS);
    kpi_metrics_phase(asked, KP_PHASE_SERVER, 20 * MS_NS);
    kpi_metrics_phase(asked, KP_PHASE_TLS, MS_NS / 2);
    kpi_metrics_completed(quiet, KP_OP_WRAP, KP_OK, MS_NS);
    printed = print();
#define PHASES "keyprovider_request_phase_seconds"
    assert_true(has_line(printed, "# TYPE " PHASES " histogram"));
    assert_true(
        has_line(printed, PHASES "_bucket{vault=\"asked\",phase=\"server\",le=\"0.0025\"} 0"));
    assert_true(
        has_line(printed, PHASES "_bucket{vault=\"asked\",phase=\"server\",le=\"0.005\"} 1"));
    assert_true(
        has_line(printed, PHASES "_bucket{vault=\"asked\",phase=\"server\",le=\"+Inf\"} 2"));
    assert_true(has_line(printed, PHASES "_sum{vault=\"asked\",phase=\"server\"} 0.023000000"));
    assert_true(has_line(printed, PHASES "_count{vault=\"asked\",phase=\"tls\"} 1"));
    assert_null(strstr(printed, "phase=\"token\""));
    assert_null(strstr(printed, PHASES "_count{vault=\"quiet\""));
#undef PHASES
    kpi_metrics_remove_vault(&metrics, asked);
    kpi_metrics_remove_vault(&metrics, quiet);
}

static void latencies_come_out_as_a_cumulative_histogram(void **state)
{
    struct kpi_vault_metrics *vault = add("v");
    const char *printed;

    (void)state;
    kpi_metrics_completed(vault, KP_OP_WRAP, KP_OK, 20000);
    kpi_metrics_completed(vault, KP_OP_WRAP, KP_OK, 3 * MS_NS);
    kpi_metrics_completed(vault, KP_OP_WRAP, KP_TIMEOUT, 45000 * MS_NS);
    printed = print();
#define SERIES "keyprovider_operation_seconds"
    assert_true(has_line(printed, SERIES "_bucket{vault=\"v\",op=\"wrap\",le=\"1e-05\"} 0"));
    assert_true(has_line(printed, SERIES "_bucket{vault=\"v\",op=\"wrap\",le=\"2.5e-05\"} 1"));
    assert_true(has_line(printed, SERIES "_bucket{vault=\"v\",op=\"wrap\",le=\"0.0025\"} 1"));
    assert_true(has_line(printed, SERIES "_bucket{vault=\"v\",op=\"wrap\",le=\"0.005\"} 2"));
    assert_true(has_line(printed, SERIES "_bucket{vault=\"v\",op=\"wrap\",le=\"30\"} 2"));
    assert_true(has_line(printed, SERIES "_bucket{vault=\"v\",op=\"wrap\",le=\"+Inf\"} 3"));
    assert_true(has_line(printed, SERIES "_sum{vault=\"v\",op=\"wrap\"} 45.003020000"));
    assert_true(has_line(printed, SERIES "_count{vault=\"v\",op=\"wrap\"} 3"));
    kpi_metrics_remove_vault(&metrics, vault);
}

static void labels_are_escaped(void **state)
{
    struct kpi_vault_metrics *vault = add("a\"b\\c\nd%s");

    (void)state;
    assert_true(has_line(print(), "keyprovider_queued{vault=\"a\\\"b\\\\c\\nd%s\"} 0"));
    kpi_metrics_remove_vault(&metrics, vault);
}

/* Two credentials make two vaults of one name; two series of one name would be no valid text. */
static void vaults_of_one_name_share_their_counters(void **state)
{
    struct kpi_vault_metrics *a = add("prod");
    struct kpi_vault_metrics *b = add("prod");
    const char *first;

    (void)state;
    kpi_metrics_completed(a, KP_OP_SIGN, KP_OK, 1);
    kpi_metrics_completed(b, KP_OP_SIGN, KP_OK, 1);
    kpi_metrics_remove_vault(&metrics, a);
    first = strstr(print(), "{vault=\"prod\",op=\"sign\",status=\"ok\"} 2\n");
    assert_non_null(first);
    assert_null(strstr(first + 1, "{vault=\"prod\",op=\"sign\",status=\"ok\"}"));
    kpi_metrics_remove_vault(&metrics, b);
    assert_null(strstr(print(), "prod"));
    kpi_metrics_remove_vault(&metrics, NULL);
}

/* ---- Reading ---- */

struct rows {
    size_t n;
    struct kp_op_metrics last;
};

static void keep_row(void *ctx, const struct kp_op_metrics *row)
{
    struct rows *rows = ctx;

    rows->n++;
    rows->last = *row;
}

static void each_reads_operations_that_were_asked_for(void **state)
{
    struct kpi_vault_metrics *vault = add("prod");
    struct rows rows = {0};

    (void)state;
    kpi_metrics_each(&metrics, keep_row, &rows);
    assert_int_equal(rows.n, 0);
    vault->ops[KP_OP_WRAP].submitted = 1000;
    vault->ops[KP_OP_WRAP].refused = 2;
    vault->ops[KP_OP_WRAP].retries = 3;
    vault->ops[KP_OP_WRAP].coalesced = 4;
    for (uint64_t i = 1; i <= 1000; i++)
        kpi_metrics_completed(vault, KP_OP_WRAP, i % 10 ? KP_OK : KP_TIMEOUT, i * MS_NS);
    kpi_metrics_each(&metrics, keep_row, &rows);
    assert_int_equal(rows.n, 1);
    assert_int_equal(rows.last.struct_size, sizeof rows.last);
    assert_int_equal(rows.last.op, KP_OP_WRAP);
    assert_string_equal(rows.last.vault, "prod");
    assert_int_equal(rows.last.submitted, 1000);
    assert_int_equal(rows.last.refused, 2);
    assert_int_equal(rows.last.retries, 3);
    assert_int_equal(rows.last.coalesced, 4);
    assert_int_equal(rows.last.completed[KP_OK], 900);
    assert_int_equal(rows.last.completed[KP_TIMEOUT], 100);
    assert_int_equal(rows.last.sum_ns, 500500 * MS_NS);
    assert_in_range(rows.last.p50_ns, 500 * MS_NS, 508 * MS_NS);
    assert_in_range(rows.last.p90_ns, 900 * MS_NS, 915 * MS_NS);
    assert_in_range(rows.last.p99_ns, 990 * MS_NS, 1000 * MS_NS);
    assert_in_range(rows.last.p999_ns, 999 * MS_NS, 1000 * MS_NS);
    assert_int_equal(rows.last.max_ns, 1000 * MS_NS);
    kpi_metrics_remove_vault(&metrics, vault);
}

/* ---- The format ---- */

static size_t span_of(const char *at, const char *accept)
{
    size_t n = strspn(at, accept);

    assert_true(n > 0);
    return n;
}

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz_"

/* {name="value",...} with the escapes the format knows; returns what follows. */
static const char *check_labels(const char *at)
{
    do {
        at++;
        at += span_of(at, NAME_CHARS);
        assert_memory_equal(at, "=\"", 2);
        for (at += 2; *at != '"'; at++) {
            assert_true(*at && *at != '\n');
            if (*at == '\\')
                assert_non_null(strchr("\\\"n", *++at));
        }
        at++;
    } while (*at == ',');
    assert_int_equal(*at, '}');
    return at + 1;
}

/* One sample: name, labels, one space, a number. */
static void check_sample(const char *line, const char *family)
{
    const char *at = line + span_of(line, NAME_CHARS);
    char *end;

    assert_memory_equal(line, family, strlen(family));
    if (*at == '{')
        at = check_labels(at);
    assert_int_equal(*at, ' ');
    (void)strtod(at + 1, &end);
    assert_true(end > at + 1 && *end == '\n');
}

static const char *next_line(const char *at)
{
    return strchr(at, '\n') + 1;
}

/* Exposition format 0.0.4: HELP and TYPE head each family once, and its samples follow. */
static void text_keeps_the_exposition_format(void **state)
{
    struct kpi_vault_metrics *odd = add("o\"d\\d\n");
    struct kpi_vault_metrics *vault = add("v");
    char family[128] = "";
    const char *printed;

    (void)state;
    for (uint32_t op = 1; op <= KP_OP_MAX; op++) {
        for (uint32_t status = 0; status < KP_STATUS_COUNT; status++)
            kpi_metrics_completed(op % 2 ? odd : vault, op, (kp_status)status, op * MS_NS);
        vault->ops[op].submitted = op;
    }
    printed = print();
    for (const char *at = printed; *at; at = next_line(at)) {
        if (strncmp(at, "# HELP ", 7) == 0) {
            assert_int_equal(sscanf(at, "# HELP %127s ", family), 1);
            at = next_line(at);
            assert_int_equal(strncmp(at, "# TYPE ", 7), 0);
            assert_int_equal(strncmp(at + 7, family, strlen(family)), 0);
        } else {
            check_sample(at, family);
        }
    }
    kpi_metrics_remove_vault(&metrics, odd);
    kpi_metrics_remove_vault(&metrics, vault);
}

static void text_beyond_the_limit_is_usage(void **state)
{
    (void)state;
    kp_buf_clear(&text);
    kp_buf_init(&text, "test", 100);
    assert_int_equal(kpi_metrics_prometheus(&metrics, &text), KP_USAGE);
}

/* ---- Memory ---- */

static const char *failing_site;

static void *failing_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    return strcmp(site, failing_site) == 0 ? NULL : calloc(1, n);
}

static void heap_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static int restore_heap(void **state)
{
    kpb_mem_use(NULL);
    return close_metrics(state);
}

static void fail_at(const char *site)
{
    struct kpb_mem_hooks hooks = kpb_mem_defaults();

    failing_site = site;
    hooks.alloc = failing_alloc;
    hooks.free = heap_free;
    kpb_mem_use(&hooks);
}

static void vault_without_memory_is_null(void **state)
{
    (void)state;
    fail_at("metrics.vault");
    assert_null(kpi_metrics_add_vault(&metrics, "v"));
    fail_at("metrics.name");
    assert_null(kpi_metrics_add_vault(&metrics, "v"));
    assert_null(strstr(print(), "{vault"));
}

static void completion_without_memory_is_still_counted(void **state)
{
    struct kpi_vault_metrics *vault = add("v");

    (void)state;
    fail_at("metrics.histogram");
    kpi_metrics_completed(vault, KP_OP_WRAP, KP_OK, 1);
    assert_non_null(strstr(print(), "{vault=\"v\",op=\"wrap\",status=\"ok\"} 1\n"));
    assert_null(strstr(print(), "_seconds_count"));
    kpi_metrics_remove_vault(&metrics, vault);
}

/* ---- Threads ---- */

static struct kpi_vault_metrics *shared;

static void *complete_many(void *arg)
{
    for (uint64_t i = 0; i < N_ROUNDS; i++)
        kpi_metrics_completed(shared, KP_OP_WRAP, KP_OK, i * 1000);
    return arg;
}

static void threads_count_every_completion_while_one_prints(void **state)
{
    pthread_t threads[N_THREADS];
    char line[128];

    (void)state;
    shared = add("v");
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, complete_many, NULL), 0);
    for (int i = 0; i < 20; i++) {
        const char *last = print();
        unsigned long long below = 0;

        while ((last = strstr(last, "_bucket{"))) {
            unsigned long long n = strtoull(strchr(last, '}') + 1, NULL, 10);

            assert_true(n >= below);
            below = n;
            last++;
        }
    }
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    snprintf(line, sizeof line, "keyprovider_operation_seconds_count{vault=\"v\",op=\"wrap\"} %d",
             N_THREADS * N_ROUNDS);
    assert_true(has_line(print(), line));
    kpi_metrics_remove_vault(&metrics, shared);
}

#define OPENED(test) cmocka_unit_test_setup_teardown(test, open_metrics, close_metrics)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPENED(text_without_vaults_has_heads_and_the_process),
        OPENED(counters_come_out_by_vault_operation_and_status),
        OPENED(phases_come_out_as_a_histogram_each),
        OPENED(latencies_come_out_as_a_cumulative_histogram),
        OPENED(labels_are_escaped),
        OPENED(vaults_of_one_name_share_their_counters),
        OPENED(each_reads_operations_that_were_asked_for),
        OPENED(text_keeps_the_exposition_format),
        OPENED(text_beyond_the_limit_is_usage),
        cmocka_unit_test_setup_teardown(vault_without_memory_is_null, open_metrics, restore_heap),
        cmocka_unit_test_setup_teardown(completion_without_memory_is_still_counted, open_metrics,
                                        restore_heap),
        OPENED(threads_count_every_completion_while_one_prints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
