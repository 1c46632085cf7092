/* base/iso8601: durations and points in time, checked day by day against an independent count. */
#include "base/iso8601.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

static void assert_duration(const char *text, uint32_t months, uint32_t days)
{
    struct kpb_duration d = {77, 77};

    assert_int_equal(kpb_duration_parse(kpb_span_str(text), &d), KP_OK);
    assert_int_equal(d.months, months);
    assert_int_equal(d.days, days);
}

static int64_t at(const char *text)
{
    int64_t t = 0;

    assert_int_equal(kpb_time_parse(kpb_span_str(text), &t), KP_OK);
    return t;
}

static void assert_shift(const char *from, const char *duration, int sign, const char *to)
{
    char text[KPB_TIME_TEXT_LEN];
    struct kpb_duration d;

    assert_int_equal(kpb_duration_parse(kpb_span_str(duration), &d), KP_OK);
    kpb_time_format(kpb_duration_shift(at(from), d, sign), text);
    assert_string_equal(text, to);
}

static void duration_parse_reads_every_form(void **state)
{
    (void)state;
    assert_duration("P90D", 0, 90);
    assert_duration("P2Y", 24, 0);
    assert_duration("P18M", 18, 0);
    assert_duration("P1Y2M3D", 14, 3);
    assert_duration("P1Y3D", 12, 3);
    assert_duration("P2W", 0, 14);
    assert_duration("P0D", 0, 0);
    assert_duration("P007D", 0, 7);
    assert_duration("P4294967295D", 0, UINT32_MAX);
}

static void duration_parse_malformed_is_usage(void **state)
{
    static const char *const bad[] = {
        "",
        "P",
        "90D",
        "P90",
        "PD",
        "p90D",
        "P90d",
        "P-1D",
        "P1.5D",
        "PT1H",
        "P1DT1H",
        "P1D1M",
        "P1M1Y",
        "P1Y1Y",
        "P1W1D",
        "P1Y1W",
        "P1D ",
        " P1D",
        "P1S",
        "P4294967296D",
        "P357913942Y",
        "P613566757W",
        "P4294967295M1Y",
        "P357913941Y4M",
        "P99999999999999999999999D",
    };
    struct kpb_duration d = {5, 6};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(kpb_duration_parse(kpb_span_str(bad[i]), &d), KP_USAGE);
    assert_int_equal(kpb_duration_parse(kpb_span(NULL, 0), &d), KP_USAGE);
    assert_int_equal(kpb_duration_parse(kpb_span("P9\0D", 4), &d), KP_USAGE);
    assert_int_equal(d.months, 5);
    assert_int_equal(d.days, 6);
}

static void shift_days_crosses_months_and_leap_days(void **state)
{
    (void)state;
    assert_shift("2024-02-28T12:00:00Z", "P1D", 1, "2024-02-29T12:00:00Z");
    assert_shift("2023-02-28T12:00:00Z", "P1D", 1, "2023-03-01T12:00:00Z");
    assert_shift("2024-03-01T00:00:01Z", "P1D", -1, "2024-02-29T00:00:01Z");
    assert_shift("2024-01-01T00:00:00Z", "P1W", -1, "2023-12-25T00:00:00Z");
    assert_shift("1970-01-01T00:00:00Z", "P1D", -1, "1969-12-31T00:00:00Z");
}

static void shift_months_cuts_the_day(void **state)
{
    (void)state;
    assert_shift("2024-01-31T23:59:59Z", "P1M", 1, "2024-02-29T23:59:59Z");
    assert_shift("2023-01-31T23:59:59Z", "P1M", 1, "2023-02-28T23:59:59Z");
    assert_shift("2024-02-29T00:00:00Z", "P1Y", 1, "2025-02-28T00:00:00Z");
    assert_shift("2024-02-29T00:00:00Z", "P4Y", 1, "2028-02-29T00:00:00Z");
    assert_shift("2024-03-31T00:00:00Z", "P1M", -1, "2024-02-29T00:00:00Z");
    assert_shift("2024-05-31T00:00:00Z", "P18M", 1, "2025-11-30T00:00:00Z");
    assert_shift("2024-01-15T00:00:00Z", "P1M", -1, "2023-12-15T00:00:00Z");
    assert_shift("2024-12-15T00:00:00Z", "P1M", 1, "2025-01-15T00:00:00Z");
    assert_shift("1900-01-31T00:00:00Z", "P1M", 1, "1900-02-28T00:00:00Z");
    assert_shift("2000-01-31T00:00:00Z", "P1M", 1, "2000-02-29T00:00:00Z");
}

static void shift_months_come_before_days(void **state)
{
    (void)state;
    assert_shift("2024-01-31T00:00:00Z", "P1M1D", 1, "2024-03-01T00:00:00Z");
    assert_shift("2024-03-31T00:00:00Z", "P1M1D", -1, "2024-02-28T00:00:00Z");
}

static void shift_extremes_saturate(void **state)
{
    const struct kpb_duration most = {UINT32_MAX, UINT32_MAX};
    const struct kpb_duration a_day = {0, 1};

    (void)state;
    assert_true(kpb_duration_shift(INT64_MAX, most, 1) == INT64_MAX);
    assert_true(kpb_duration_shift(INT64_MIN + 1, most, -1) == INT64_MIN + 1);
    assert_true(kpb_duration_shift(INT64_MAX, a_day, 1) == INT64_MAX);
    assert_true(kpb_duration_shift(INT64_MIN + 1, a_day, -1) == INT64_MIN + 1);
    assert_true(kpb_duration_shift(KP_TIME_NONE, most, 1) == KP_TIME_NONE);
    assert_true(kpb_duration_shift(0, most, 1) > 0);
    assert_true(kpb_duration_shift(0, most, -1) < 0);
}

/* Walks 800 years day by day with the calendar rule written out, both directions of the maths. */
static void time_text_matches_a_day_by_day_count(void **state)
{
    static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t t = at("1600-01-01T00:00:00Z");
    char expected[64];
    char text[KPB_TIME_TEXT_LEN];

    (void)state;
    assert_true(t == INT64_C(-11676096000));
    for (int year = 1600; year < 2400; year++) {
        int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= lengths[month - 1] + (month == 2 ? leap : 0); day++) {
                snprintf(expected, sizeof expected, "%04d-%02d-%02dT00:00:00Z", year, month, day);
                kpb_time_format(t, text);
                assert_string_equal(text, expected);
                assert_true(at(expected) == t);
                t += 86400;
            }
        }
    }
    assert_true(t == INT64_C(13569465600));
}

static void time_format_saturates_at_four_digits(void **state)
{
    char text[KPB_TIME_TEXT_LEN];

    (void)state;
    kpb_time_format(1770091506, text);
    assert_string_equal(text, "2026-02-03T04:05:06Z");
    kpb_time_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59Z");
    kpb_time_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    kpb_time_format(KP_TIME_NONE, text);
    assert_string_equal(text, "0000-01-01T00:00:00Z");
}

static void time_parse_malformed_is_usage(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-02-03",
        "2026-02-03T04:05:06",
        "2026-02-03T04:05:06+",
        "2026-02-03 04:05:06Z",
        "2026-02-03T04:05:06z",
        "2026-02-03T04:05:6ZZ",
        "2026-02-03T04-05:06Z",
        "2026-02-03T04:05-06Z",
        "2026/02-03T04:05:06Z",
        "2026-02/03T04:05:06Z",
        "2026-00-03T04:05:06Z",
        "2026-13-03T04:05:06Z",
        "2026-02-00T04:05:06Z",
        "2026-02-29T04:05:06Z",
        "2026-04-31T04:05:06Z",
        "2026-02-03T24:05:06Z",
        "2026-02-03T04:60:06Z",
        "2026-02-03T04:05:60Z",
        "-026-02-03T04:05:06Z",
        "2026-02-03T04:05:06ZZ",
    };
    int64_t t = 42;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(kpb_time_parse(kpb_span_str(bad[i]), &t), KP_USAGE);
    assert_int_equal(t, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duration_parse_reads_every_form),
        cmocka_unit_test(duration_parse_malformed_is_usage),
        cmocka_unit_test(shift_days_crosses_months_and_leap_days),
        cmocka_unit_test(shift_months_cuts_the_day),
        cmocka_unit_test(shift_months_come_before_days),
        cmocka_unit_test(shift_extremes_saturate),
        cmocka_unit_test(time_text_matches_a_day_by_day_count),
        cmocka_unit_test(time_format_saturates_at_four_digits),
        cmocka_unit_test(time_parse_malformed_is_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
