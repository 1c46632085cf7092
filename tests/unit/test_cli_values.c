/* cli/values: numbers, time spans, moments, suggestions. */
#include "cli/values.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void u32_in_range_is_read(void **state)
{
    uint32_t n = 0;
    (void)state;
    assert_true(cli_parse_u32("0", 0, 10, &n));
    assert_int_equal(n, 0);
    assert_true(cli_parse_u32("4294967295", 0, UINT32_MAX, &n));
    assert_int_equal(n, UINT32_MAX);
}

static void u32_anything_else_is_refused(void **state)
{
    static const char *const bad[] = {
        "", " 1", "1 ", "-1", "+1", "0x1", "11", "4294967296", "99999999999999999999999", "1.0"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t n = 7;
        assert_false(cli_parse_u32(bad[i], 0, 10, &n));
        assert_int_equal(n, 7);
    }
    uint32_t n = 0;
    assert_false(cli_parse_u32("0", 1, 10, &n));
}

static void timeout_units_become_milliseconds(void **state)
{
    uint32_t ms = 0;
    (void)state;
    assert_true(cli_parse_timeout("500ms", &ms));
    assert_int_equal(ms, 500);
    assert_true(cli_parse_timeout("30s", &ms));
    assert_int_equal(ms, 30000);
    assert_true(cli_parse_timeout("30", &ms));
    assert_int_equal(ms, 30000);
    assert_true(cli_parse_timeout("2m", &ms));
    assert_int_equal(ms, 120000);
    assert_true(cli_parse_timeout("24h", &ms));
    assert_int_equal(ms, 86400000);
}

static void timeout_anything_else_is_refused(void **state)
{
    static const char *const bad[] = {"",   "0",    "0s", "s",     "-1s", "1.5s",
                                      "1d", "30 s", "S",  "1001h", "25h", "86400001ms"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t ms = 0;
        assert_false(cli_parse_timeout(bad[i], &ms));
    }
}

static void time_forms_are_read(void **state)
{
    int64_t t = 0;
    (void)state;
    assert_true(cli_parse_time("1970-01-01", &t));
    assert_int_equal(t, 0);
    assert_true(cli_parse_time("2000-02-29T12:34:56Z", &t));
    assert_int_equal(t, 951827696);
    assert_true(cli_parse_time("2038-01-19T03:14:08Z", &t));
    assert_int_equal(t, INT64_C(2147483648));
    assert_true(cli_parse_time("1700000000", &t));
    assert_int_equal(t, 1700000000);
    assert_true(cli_parse_time("none", &t));
    assert_true(t == KP_TIME_NONE);
}

static void time_anything_else_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-13-01",
                                      "2026-02-29",
                                      "2026-04-31",
                                      "2026-1-1",
                                      "tomorrow",
                                      "-1",
                                      "2026-01-01T00:00:00",
                                      "2026-01-01 00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:60:00Z",
                                      "2026-01-01x",
                                      "0000-01-01",
                                      "2100-02-29",
                                      "2026-01-01T00:00:00Zx"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t t = 0;
        const bool is_year = i == 1; /* digits alone are seconds */
        assert_int_equal(cli_parse_time(bad[i], &t), is_year);
    }
}

static void time_text_is_read_back(void **state)
{
    static const int64_t moments[] = {
        0, -1, 951827696, 1709164800, INT64_C(253402300799), INT64_C(-62135596800)};
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        char text[CLI_TIME_TEXT_LEN];
        int64_t t = 0;
        cli_format_time(moments[i], text);
        assert_true(cli_parse_time(text, &t));
        assert_true(t == moments[i]);
    }
}

static void time_out_of_calendar_is_a_number(void **state)
{
    char text[CLI_TIME_TEXT_LEN];
    (void)state;
    cli_format_time(INT64_MAX, text);
    assert_string_equal(text, "@9223372036854775807");
    cli_format_time(KP_TIME_NONE, text);
    assert_string_equal(text, "@-9223372036854775808");
}

static void nearest_word_is_suggested(void **state)
{
    static const char *const names[] = {"wrap", "unwrap", "key create", "verify"};
    (void)state;
    assert_string_equal(cli_nearest("warp", names, 4), "wrap");
    assert_string_equal(cli_nearest("unwarp", names, 4), "unwrap");
    assert_string_equal(cli_nearest("key craete", names, 4), "key create");
    assert_string_equal(cli_nearest("verfiy", names, 4), "verify");
}

static void nearest_far_word_is_not(void **state)
{
    static const char *const names[] = {"wrap", "in"};
    (void)state;
    assert_null(cli_nearest("delete", names, 2));
    assert_null(cli_nearest("x", names, 2));
    assert_null(cli_nearest("", names, 2));
    assert_null(cli_nearest("a word that is much longer than any command", names, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u32_in_range_is_read),
        cmocka_unit_test(u32_anything_else_is_refused),
        cmocka_unit_test(timeout_units_become_milliseconds),
        cmocka_unit_test(timeout_anything_else_is_refused),
        cmocka_unit_test(time_forms_are_read),
        cmocka_unit_test(time_anything_else_is_refused),
        cmocka_unit_test(time_text_is_read_back),
        cmocka_unit_test(time_out_of_calendar_is_a_number),
        cmocka_unit_test(nearest_word_is_suggested),
        cmocka_unit_test(nearest_far_word_is_not),
    };
    return cmocka_run_group_tests_name("cli_values", tests, NULL, NULL);
}
