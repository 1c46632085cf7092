/* The scanner for replies that hold secrets, checked against Jansson where both must agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/span.h"
#include "plugins/azure-rest/json_scan.h"

static struct azr_json parsed(const char *text)
{
    struct azr_json value;
    if (!azr_json_parse(kpb_span_str(text), &value))
        fail_msg("'%s' was refused", text);
    return value;
}

/* Well and badly formed, judged by two readers. */
static const char *const judged[] = {
    "{}",
    "[]",
    " { } ",
    "[1,2]",
    "[1,]",
    "[,1]",
    "{,}",
    "{\"a\":1}",
    "{\"a\":1,}",
    "{\"a\" 1}",
    "{\"a\":}",
    "{a:1}",
    "{'a':1}",
    "\"\"",
    "\"a",
    "\"\\",
    "\"\\u12\"",
    "\"\\u00e4\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\ude00\"",
    "\"\\ud83d\\u0041\"",
    "\"\\x\"",
    "\"\x01\"",
    "\"\xff\"",
    "\"\xc3\xa4\"",
    "\"\xc3\"",
    "0",
    "-0",
    "01",
    "-",
    "1.",
    "1.5",
    ".5",
    "1e5",
    "1e",
    "1e+",
    "1E-2",
    "+1",
    "true",
    "tru",
    "truex",
    "false",
    "null",
    "nul",
    "",
    " ",
    "1 2",
    "[1 2]",
    "{\"a\":1 \"b\":2}",
    "[[[]]]",
    "[[]",
    "]",
    "}",
    "[}",
    "{]",
    "{\"a\":[1,{\"b\":[]}],\"c\":{}}",
    "\t\r\n1\n",
    "\"\x7f\"",
    "\xef\xbb\xbf{}",
    "{}x",
    "[\"a\",\"b\"]",
    "{\"a\":\"b\",\"a\":\"c\"}",
    "NaN",
    "Infinity",
    "/**/1",
    "[1]//",
};

static void texts_are_judged_as_jansson_judges_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof judged / sizeof judged[0]; i++) {
        struct azr_json value;
        json_error_t error;
        json_t *other = json_loads(judged[i], JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        bool ours = azr_json_parse(kpb_span_str(judged[i]), &value);
        if (ours != (other != NULL))
            fail_msg("'%s': ours %d, Jansson %d", judged[i], ours, other != NULL);
        json_decref(other);
    }
}

static void depth_is_bounded(void **state)
{
    char text[2 * AZR_JSON_MAX_DEPTH + 3];
    struct azr_json value;
    (void)state;
    memset(text, '[', AZR_JSON_MAX_DEPTH);
    memset(text + AZR_JSON_MAX_DEPTH, ']', AZR_JSON_MAX_DEPTH);
    assert_true(azr_json_parse(kpb_span(text, 2 * (size_t)AZR_JSON_MAX_DEPTH), &value));
    memset(text, '[', AZR_JSON_MAX_DEPTH + 1);
    memset(text + AZR_JSON_MAX_DEPTH + 1, ']', AZR_JSON_MAX_DEPTH + 1);
    assert_false(azr_json_parse(kpb_span(text, 2 * (size_t)AZR_JSON_MAX_DEPTH + 2), &value));
}

static void members_are_found_at_their_own_level_only(void **state)
{
    struct azr_json v =
        parsed("{ \"x\" : {\"a\":1, \"b\":[\"a\"]} , \"s\":\"\\\"a\\\":9\",\"a\": 2 }");
    int64_t number = 0;
    (void)state;
    assert_true(azr_json_integer(azr_json_member(v, "a"), &number));
    assert_int_equal(number, 2);
    assert_true(azr_json_integer(azr_json_member(azr_json_member(v, "x"), "a"), &number));
    assert_int_equal(number, 1);
    assert_int_equal(azr_json_member(v, "b").type, AZR_JSON_NONE);
    assert_int_equal(azr_json_member(parsed("[1]"), "a").type, AZR_JSON_NONE);
    assert_int_equal(azr_json_member(parsed("{}"), "a").type, AZR_JSON_NONE);
    assert_true(azr_json_integer(azr_json_member(parsed("{\"a\":1,\"a\":2}"), "a"), &number));
    assert_int_equal(number, 1);
    assert_int_equal(azr_json_member(parsed("{\"\\u0061\":1}"), "a").type, AZR_JSON_NONE);
}

static void elements_are_counted(void **state)
{
    struct azr_json v = parsed("[ 7, \"x\" , [1,2], null ]");
    (void)state;
    assert_int_equal(azr_json_element(v, 0).type, AZR_JSON_NUMBER);
    assert_int_equal(azr_json_element(v, 1).type, AZR_JSON_STRING);
    assert_int_equal(azr_json_element(v, 2).type, AZR_JSON_ARRAY);
    assert_int_equal(azr_json_element(v, 3).type, AZR_JSON_NULL);
    assert_int_equal(azr_json_element(v, 4).type, AZR_JSON_NONE);
    assert_int_equal(azr_json_element(parsed("[]"), 0).type, AZR_JSON_NONE);
    assert_int_equal(azr_json_element(parsed("{}"), 0).type, AZR_JSON_NONE);
    assert_true(azr_json_is_empty(parsed("{ }")) && azr_json_is_empty(parsed("[\n]")));
    assert_false(azr_json_is_empty(parsed("[0]")) || azr_json_is_empty(parsed("\"\"")));
}

static void strings_are_unescaped_as_jansson_does(void **state)
{
    static const char *const texts[] = {
        "\"plain\"",
        "\"\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"a\\u00e4\\u20ac\\ud83d\\ude00z\"",
        "\"\xe2\x82\xac\"",
    };
    kp_buf out;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_t *other = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        kp_buf_init_secret(&out, "test", 100);
        assert_int_equal(azr_json_string(parsed(texts[i]), &out), KP_OK);
        assert_true(kpb_span_eq_str(kp_buf_view(&out), json_string_value(other)));
        json_decref(other);
        kp_buf_clear(&out);
    }
    kp_buf_init(&out, "test", 3);
    assert_int_equal(azr_json_string(parsed("\"four\""), &out), KP_USAGE);
    assert_int_equal(azr_json_string(parsed("4"), &out), KP_PROTOCOL);
    kp_buf_clear(&out);
}

static void integers_saturate(void **state)
{
    static const struct {
        const char *text;
        bool is_one;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-1", true, -1},
        {"\"3599\"", true, 3599},
        {"\"-5\"", true, -5},
        {"3599.9", true, 3599},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"-99999999999999999999999", true, INT64_MIN},
        {"\"\"", false, 0},
        {"\"-\"", false, 0},
        {"\"12x\"", false, 0},
        {"\" 12\"", false, 0},
        {"\"1.\"", false, 0},
        {"1e9", false, 0},
        {"true", false, 0},
        {"null", false, 0},
        {"[1]", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t value = 0;
        bool ok = azr_json_integer(parsed(rows[i].text), &value);
        if (ok != rows[i].is_one || value != rows[i].value)
            fail_msg("%s gave %d, %lld", rows[i].text, ok, (long long)value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_judged_as_jansson_judges_them),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(members_are_found_at_their_own_level_only),
        cmocka_unit_test(elements_are_counted),
        cmocka_unit_test(strings_are_unescaped_as_jansson_does),
        cmocka_unit_test(integers_saturate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
