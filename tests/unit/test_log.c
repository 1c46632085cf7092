/* core/log: lines, levels, the bound on lines per second. */
#include "core/log.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/span.h"
#include "base/utf8.h"
#include "core/log_line.h"

#define N_THREADS 4
#define N_ROUNDS 500

/* 2026-02-03T04:05:06.789Z */
#define SOME_TIME_MS INT64_C(1770091506789)

/* A sink that keeps the last lines, and a clock that a test moves. */
static struct {
    struct kpi_log log;
    struct kpi_clock clock;
    uint64_t now_ns;
    int64_t unix_ms;
    size_t n_lines;
    char lines[8][KPI_LOG_LINE_LEN];
} t;

static uint64_t fake_now_ns(void *ctx)
{
    (void)ctx;
    return t.now_ns;
}

static int64_t fake_unix_ms(void *ctx)
{
    (void)ctx;
    return t.unix_ms;
}

static void keep_line(void *ctx, const char *line, size_t len)
{
    assert_ptr_equal(ctx, &t);
    assert_int_equal(strlen(line), len);
    assert_true(len < KPI_LOG_LINE_LEN);
    memcpy(t.lines[t.n_lines++ % 8], line, len + 1);
}

static void open_log(bool json, uint32_t lines_per_second)
{
    memset(&t, 0, sizeof t);
    t.clock = (struct kpi_clock){fake_now_ns, fake_unix_ms, NULL};
    t.now_ns = 5 * UINT64_C(1000000000);
    t.unix_ms = SOME_TIME_MS;
    assert_int_equal(kpi_log_init(&t.log, keep_line, &t, json, lines_per_second, &t.clock), KP_OK);
}

static int close_log(void **state)
{
    (void)state;
    kpi_log_clear(&t.log);
    return 0;
}

static const char *last_line(void)
{
    return t.n_lines ? t.lines[(t.n_lines - 1) % 8] : "(none)";
}

static void write_fields(const struct kpi_log_field *fields, size_t n)
{
    kpi_log_write(&t.log, KPI_LOG_PIPELINE, KP_LOG_WARN, "retry", fields, n);
}

static void write_text(const char *bytes, size_t len)
{
    const struct kpi_log_field field = kpi_field_span("v", kpb_span(bytes, len));

    write_fields(&field, 1);
}

static void write_short(uint32_t level)
{
    kpi_log_write(&t.log, KPI_LOG_PROVIDER, level, "said", NULL, 0);
}

/* ---- Lines ---- */

static void text_line_has_every_part(void **state)
{
    const struct kpi_log_field fields[] = {
        kpi_field_str("vault", "file:./vault"),
        kpi_field_u64("attempt", UINT64_MAX),
        kpi_field_bool("last", true),
        kpi_field_bool("first", false),
        kpi_field_str("cause", "HTTP 503"),
        kpi_field_str("empty", ""),
        kpi_field_str("null", NULL),
    };

    (void)state;
    open_log(false, 100);
    write_fields(fields, 7);
    assert_string_equal(last_line(),
                        "2026-02-03T04:05:06.789Z warn pipeline retry vault=file:./vault "
                        "attempt=18446744073709551615 last=true first=false cause=\"HTTP 503\" "
                        "empty=\"\" null=\"\"");
}

static void json_line_has_every_part(void **state)
{
    const struct kpi_log_field fields[] = {
        kpi_field_str("vault", "prod"),
        kpi_field_u64("attempt", 2),
        kpi_field_bool("last", true),
    };

    (void)state;
    open_log(true, 100);
    write_fields(fields, 3);
    assert_string_equal(last_line(),
                        "{\"time\":\"2026-02-03T04:05:06.789Z\",\"level\":\"warn\","
                        "\"module\":\"pipeline\",\"event\":\"retry\",\"vault\":\"prod\","
                        "\"attempt\":2,\"last\":true}");
    write_fields(NULL, 0);
    assert_string_equal(last_line(), "{\"time\":\"2026-02-03T04:05:06.789Z\",\"level\":\"warn\","
                                     "\"module\":\"pipeline\",\"event\":\"retry\"}");
}

static void time_before_1970_has_its_milliseconds(void **state)
{
    (void)state;
    open_log(false, 100);
    t.unix_ms = -1;
    write_short(KP_LOG_INFO);
    assert_string_equal(last_line(), "1969-12-31T23:59:59.999Z info provider said");
}

static void text_that_could_mislead_is_quoted_and_escaped(void **state)
{
    static const struct {
        const char *value;
        size_t len;
        const char *shown;
    } rows[] = {
        {"a b", 3, "\"a b\""},
        {"a=b", 3, "\"a=b\""},
        {"say \"hi\"", 8, "\"say \\\"hi\\\"\""},
        {"back\\slash", 10, "\"back\\\\slash\""},
        {"two\nlines", 9, "\"two\\nlines\""},
        {"\r\t\0", 3, "\"\\u000d\\u0009\\u0000\""},
        {"\x1b[31m", 5, "\"\\u001b[31m\""},
        {"\x7f", 1, "\"\\u007f\""},
        {"\xc2\x9b\x33", 3, "\"\\u009b3\""}, /* a C1 control, the 8-bit form of ESC [ */
        {"\xc2\xa0", 2, "\"\xc2\xa0\""},
        {"gr\xc3\xbcn", 5, "\"gr\xc3\xbcn\""},
        {"\xff", 1, "\"\xef\xbf\xbd\""},
        {"a\xe2\x82", 3, "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
    };

    (void)state;
    open_log(false, 1000);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_text(rows[i].value, rows[i].len);
        assert_string_equal(strstr(last_line(), " v=") + 3, rows[i].shown);
    }
}

static void event_from_a_plugin_cannot_forge_a_line(void **state)
{
    (void)state;
    open_log(false, 100);
    kpi_log_write(&t.log, KPI_LOG_PLUGIN, KP_LOG_INFO, "x\n2026 error", NULL, 0);
    assert_string_equal(last_line(), "2026-02-03T04:05:06.789Z info plugin \"x\\n2026 error\"");
}

/* Every byte and every pair of bytes makes well-formed JSON without a control character in it. */
static void json_is_well_formed_whatever_the_bytes(void **state)
{
    (void)state;
    open_log(true, 1000000);
    for (unsigned i = 0; i < 65536; i += i < 256 || (i & 0xff) >= 0x7f ? 1 : 5) {
        const char bytes[3] = {(char)(i & 0xff), (char)(i >> 8), 'z'};
        json_t *json;

        write_text(bytes, sizeof bytes);
        json = json_loads(last_line(), JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        assert_non_null(json);
        json_decref(json);
        assert_true(kpb_utf8_is_valid(kpb_span_str(last_line())));
        for (const char *at = last_line(); *at; at++)
            assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
    }
}

/* Lets the line end at every possible place, within characters and escapes too. */
static void long_json_is_cut_and_stays_well_formed(void **state)
{
    static const char *const fillers[] = {"x", "\xe2\x82\xac", "\x1b", "\""};
    char value[2 * KPI_LOG_LINE_LEN];

    (void)state;
    open_log(true, 1000000);
    for (size_t lead = 0; lead < 16; lead++) {
        for (size_t k = 0; k < sizeof fillers / sizeof fillers[0]; k++) {
            size_t n = lead;
            json_t *json;

            memset(value, 'l', lead);
            while (n + 4 < sizeof value) {
                memcpy(value + n, fillers[k], strlen(fillers[k]));
                n += strlen(fillers[k]);
            }
            write_fields((const struct kpi_log_field[]){kpi_field_span("v", kpb_span(value, n)),
                                                        kpi_field_u64("n", 1)},
                         2);
            json = json_loads(last_line(), 0, NULL);
            assert_non_null(json);
            assert_true(json_is_true(json_object_get(json, "truncated")));
            assert_true(json_string_length(json_object_get(json, "v")) > 100);
            assert_null(json_object_get(json, "n"));
            json_decref(json);
        }
    }
}

/* Fills the line to each length there is, to the last byte too, with more fields to come. */
static void value_of_any_length_leaves_the_line_within_its_room(void **state)
{
    char value[KPI_LOG_LINE_LEN];

    (void)state;
    memset(value, '=', sizeof value); /* quoted in both forms */
    for (int json = 0; json < 2; json++) {
        open_log(json, 1000000);
        for (size_t n = 0; n <= sizeof value; n++) {
            write_fields((const struct kpi_log_field[]){kpi_field_span("v", kpb_span(value, n)),
                                                        kpi_field_u64("n", 1),
                                                        kpi_field_span("w", kpb_span(value, 300))},
                         3);
            assert_true(strlen(last_line()) < KPI_LOG_LINE_LEN); /* as keep_line has seen */
        }
        if (!json)
            kpi_log_clear(&t.log);
    }
}

static void fields_beyond_the_line_are_left_out_whole(void **state)
{
    static const char lead[] = "llllllllllllllllllllllllllllll";
    struct kpi_log_field fields[200];

    (void)state;
    for (size_t i = 0; i < 200; i++)
        fields[i] = kpi_field_u64("number", 1234567890123);
    open_log(true, 100);
    for (size_t len = 1; len < 30; len++) {
        json_t *json;

        fields[0] = kpi_field_span("lead", kpb_span(lead, len));
        write_fields(fields, 200);
        json = json_loads(last_line(), 0, NULL);
        assert_non_null(json);
        assert_true(json_is_true(json_object_get(json, "truncated")));
        assert_int_equal(json_integer_value(json_object_get(json, "number")), 1234567890123);
        json_decref(json);
    }
    kpi_log_clear(&t.log);
    open_log(false, 100);
    write_fields(fields, 200);
    assert_non_null(strstr(last_line(), " number=1234567890123 truncated=true"));
}

/* ---- Levels ---- */

static void levels_decide_per_module(void **state)
{
    (void)state;
    open_log(false, 100);
    assert_true(kpi_log_wants(&t.log, KPI_LOG_VAULT, KP_LOG_INFO));
    assert_false(kpi_log_wants(&t.log, KPI_LOG_VAULT, KP_LOG_DEBUG));
    assert_int_equal(kpi_log_set_levels(&t.log, "warn,pipeline=trace,breaker=off", NULL), KP_OK);
    assert_true(kpi_log_wants(&t.log, KPI_LOG_VAULT, KP_LOG_WARN));
    assert_false(kpi_log_wants(&t.log, KPI_LOG_VAULT, KP_LOG_INFO));
    assert_true(kpi_log_wants(&t.log, KPI_LOG_PIPELINE, KP_LOG_TRACE));
    assert_false(kpi_log_wants(&t.log, KPI_LOG_BREAKER, KP_LOG_ERROR));
    assert_false(kpi_log_wants(&t.log, KPI_LOG_PIPELINE, 0));
    write_short(KP_LOG_INFO);
    assert_int_equal(t.n_lines, 0);
    write_short(KP_LOG_ERROR);
    assert_int_equal(t.n_lines, 1);
}

static void levels_malformed_are_refused_and_change_nothing(void **state)
{
    static const char *const bad[] = {
        "loud",        "info,",     ",info",         "info,,warn",           "pipeline",
        "=info",       "pipeline=", "pipeline=loud", "pipe=debug",           "info,warn",
        "debug, info", "INFO",      "info\n",        "vault=warn,vault=info"};
    struct kp_error err;

    (void)state;
    open_log(false, 100);
    assert_int_equal(kpi_log_set_levels(&t.log, "debug", NULL), KP_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (kpi_log_set_levels(&t.log, bad[i], &err) != KP_CONFIG)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(err.status, KP_CONFIG);
        assert_true(kpi_log_wants(&t.log, KPI_LOG_PIPELINE, KP_LOG_DEBUG));
    }
}

static void levels_order_of_parts_does_not_matter(void **state)
{
    uint32_t a[KPI_LOG_MODULES];
    uint32_t b[KPI_LOG_MODULES];

    (void)state;
    open_log(false, 100);
    assert_int_equal(kpi_log_levels_parse("warn,pipeline=debug", a, NULL), KP_OK);
    assert_int_equal(kpi_log_levels_parse("pipeline=debug,warn", b, NULL), KP_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(a[KPI_LOG_PIPELINE], KP_LOG_DEBUG);
    assert_int_equal(a[KPI_LOG_VAULT], KP_LOG_WARN);
    assert_int_equal(kpi_log_levels_parse("", a, NULL), KP_OK);
    assert_int_equal(a[KPI_LOG_VAULT], KP_LOG_INFO);
}

static void level_names_round_trip(void **state)
{
    (void)state;
    open_log(false, 100);
    for (uint32_t level = 0; level <= KP_LOG_TRACE; level++)
        assert_int_equal(kpi_log_level_from_text(kpb_span_str(kpi_log_level_text(level))), level);
    assert_int_equal(kpi_log_level_from_text(kpb_span_str("?")), -1);
    assert_string_equal(kpi_log_level_text(99), "?");
}

static void log_without_a_sink_wants_nothing(void **state)
{
    (void)state;
    open_log(false, 100);
    t.log.sink = NULL;
    assert_false(kpi_log_wants(&t.log, KPI_LOG_VAULT, KP_LOG_ERROR));
    write_short(KP_LOG_ERROR);
}

/* ---- Rate ---- */

static void rate_bounds_a_second_and_reports_the_rest(void **state)
{
    (void)state;
    open_log(false, 3);
    for (int i = 0; i < 10; i++)
        write_short(KP_LOG_INFO);
    assert_int_equal(t.n_lines, 3);
    t.now_ns += 999999999;
    write_short(KP_LOG_INFO);
    assert_int_equal(t.n_lines, 3);
    t.now_ns += 1;
    write_short(KP_LOG_INFO);
    assert_int_equal(t.n_lines, 5);
    assert_string_equal(t.lines[3], "2026-02-03T04:05:06.789Z warn provider suppressed lines=8");
    assert_string_equal(t.lines[4], "2026-02-03T04:05:06.789Z info provider said");
    t.now_ns += 1000000000;
    write_short(KP_LOG_INFO);
    assert_int_equal(t.n_lines, 6);
}

static void rate_is_not_spent_by_lines_nobody_wants(void **state)
{
    (void)state;
    open_log(false, 2);
    for (int i = 0; i < 10; i++)
        write_short(KP_LOG_DEBUG);
    write_short(KP_LOG_INFO);
    write_short(KP_LOG_INFO);
    assert_int_equal(t.n_lines, 2);
}

static void clear_reports_what_was_left_out(void **state)
{
    (void)state;
    open_log(false, 1);
    write_short(KP_LOG_INFO);
    write_short(KP_LOG_INFO);
    assert_int_equal(t.n_lines, 1);
    kpi_log_clear(&t.log);
    assert_int_equal(t.n_lines, 2);
    assert_string_equal(last_line(), "2026-02-03T04:05:06.789Z warn provider suppressed lines=1");
}

/* ---- Threads ---- */

static size_t n_counted; /* not atomic: the log calls its sink one at a time */

static void count_line(void *ctx, const char *line, size_t len)
{
    (void)ctx;
    (void)line;
    n_counted += len > 0;
}

static void *log_many(void *arg)
{
    for (int i = 0; i < N_ROUNDS; i++) {
        if (i % 100 == 0)
            assert_int_equal(kpi_log_set_levels(&t.log, "info,vault=debug", NULL), KP_OK);
        kpi_log_write(&t.log, KPI_LOG_VAULT, KP_LOG_INFO, "said", NULL, 0);
    }
    return arg;
}

static void threads_write_one_line_at_a_time(void **state)
{
    pthread_t threads[N_THREADS];

    (void)state;
    n_counted = 0;
    open_log(false, 1000000);
    t.log.sink = count_line;
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, NULL), 0);
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(n_counted, N_THREADS * N_ROUNDS);
}

#define CLOSED(test) cmocka_unit_test_teardown(test, close_log)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOSED(text_line_has_every_part),
        CLOSED(json_line_has_every_part),
        CLOSED(time_before_1970_has_its_milliseconds),
        CLOSED(text_that_could_mislead_is_quoted_and_escaped),
        CLOSED(event_from_a_plugin_cannot_forge_a_line),
        CLOSED(json_is_well_formed_whatever_the_bytes),
        CLOSED(long_json_is_cut_and_stays_well_formed),
        CLOSED(value_of_any_length_leaves_the_line_within_its_room),
        CLOSED(fields_beyond_the_line_are_left_out_whole),
        CLOSED(levels_decide_per_module),
        CLOSED(levels_malformed_are_refused_and_change_nothing),
        CLOSED(levels_order_of_parts_does_not_matter),
        CLOSED(level_names_round_trip),
        CLOSED(log_without_a_sink_wants_nothing),
        CLOSED(rate_bounds_a_second_and_reports_the_rest),
        CLOSED(rate_is_not_spent_by_lines_nobody_wants),
        cmocka_unit_test(clear_reports_what_was_left_out),
        CLOSED(threads_write_one_line_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
