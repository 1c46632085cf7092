/* cli/out and cli/fault: text, JSON, errors and exit codes. */
#include "cli/fault.h"
#include "cli/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

static void assert_out(struct cli_out *o, const char *want)
{
    assert_int_equal(o->st, KP_OK);
    assert_int_equal(kp_buf_append_byte(&o->buf, 0), KP_OK);
    assert_string_equal((const char *)o->buf.ptr, want);
    cli_out_clear(o);
}

static void json_commas_come_by_themselves(void **state)
{
    struct cli_out o;
    (void)state;
    cli_out_init(&o);
    cli_json_begin(&o, '{');
    cli_json_member_text(&o, "a", "x:");
    cli_json_member_int(&o, "b", -5);
    cli_json_name(&o, "c");
    cli_json_begin(&o, '[');
    cli_json_int(&o, 1);
    cli_json_bool(&o, true);
    cli_json_begin(&o, '{');
    cli_json_end(&o, '}');
    cli_json_begin(&o, '[');
    cli_json_end(&o, ']');
    cli_json_end(&o, ']');
    cli_json_member_bytes(&o, "d", kpb_span("\xff\xfe", 2));
    cli_json_member_bytes(&o, "e", kpb_span(NULL, 0));
    cli_json_end(&o, '}');
    assert_out(&o, "{\"a\":\"x:\",\"b\":-5,\"c\":[1,true,{},[]],\"d\":\"__4\",\"e\":\"\"}");
}

static void json_text_is_escaped(void **state)
{
    struct cli_out o;
    (void)state;
    cli_out_init(&o);
    cli_json_str(&o, kpb_span_str("a\"b\\c\n\x01\x7f\xc3\xa4\xff"));
    assert_out(&o, "\"a\\\"b\\\\c\\u000a\\u0001\\u007f\xc3\xa4\\ufffd\"");
}

static void safe_text_cannot_steer_a_terminal(void **state)
{
    struct cli_out o;
    (void)state;
    cli_out_init(&o);
    cli_out_safe(&o, kpb_span_str("a\x1b[2J\r\n\xc2\x9b"
                                  "b\xff\xc3\xa4"));
    assert_out(&o, "a?[2J???b?\xc3\xa4");
}

static void padding_counts_from_the_line(void **state)
{
    struct cli_out o;
    (void)state;
    cli_out_init(&o);
    cli_out_text(&o, "first\nab");
    cli_out_pad(&o, 4);
    cli_out_text(&o, "c");
    cli_out_pad(&o, 2); /* already past: one space */
    cli_out_time(&o, 0);
    assert_out(&o, "first\nab  c 1970-01-01T00:00:00Z");
}

static void secret_output_takes_numbers_and_bytes(void **state)
{
    struct cli_out o;
    (void)state;
    cli_out_init_secret(&o);
    cli_json_begin(&o, '{');
    cli_json_member_int(&o, "len", 3);
    cli_json_member_bytes(&o, "value", kpb_span("abc", 3));
    cli_json_end(&o, '}');
    assert_true(o.buf.secret);
    assert_out(&o, "{\"len\":3,\"value\":\"YWJj\"}");
}

static void first_failure_sticks(void **state)
{
    struct cli_out o;
    (void)state;
    cli_out_init(&o);
    o.buf.limit = 2;
    cli_out_text(&o, "abc");
    assert_int_equal(o.st, KP_USAGE);
    cli_out_text(&o, "a");
    assert_int_equal(o.buf.len, 0);
    cli_out_clear(&o);
}

/* ---- Failures ---- */

static void exit_codes_are_the_documented_ones(void **state)
{
    struct cli_fault f = {.io = false};
    (void)state;
    assert_int_equal(cli_exit_of_status(KP_OK), 0);
    assert_int_equal(cli_exit_of_status(KP_USAGE), 2);
    assert_int_equal(cli_exit_of_status(KP_CONFIG), 12);
    assert_int_equal(cli_exit_of_status(KP_NOT_FOUND), 15);
    assert_int_equal(cli_exit_of_status(KP_INTERNAL), 26);
    assert_int_equal(cli_exit_of(KP_AUTH, &f), 13);
    f.io = true;
    assert_int_equal(cli_exit_of(KP_USAGE, &f), 3);
    assert_int_equal(cli_exit_of(KP_OK, &f), 0);
}

static void read_report(char *to, size_t len, const char *where, kp_status status,
                        const struct cli_fault *f, bool json)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    cli_report(file, where, status, f, json);
    rewind(file);
    const size_t n = fread(to, 1, len - 1, file);
    to[n] = '\0';
    (void)fclose(file);
}

static void report_is_one_line_with_its_class(void **state)
{
    struct cli_fault f = {.io = false};
    char text[1024];
    (void)state;
    (void)kpb_fail(&f.error, KP_NOT_FOUND, "there is no key 'a\nb'");
    read_report(text, sizeof text, "wrap", KP_NOT_FOUND, &f, false);
    assert_string_equal(text, "kp: wrap: there is no key 'a?b' [not_found]\n");
}

static void report_of_a_refusal_has_advice_where_a_service_answered(void **state)
{
    static const uint32_t codes[] = {3108, 3110, 3113};
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct cli_fault f = {.io = false};
        char text[1024];
        (void)kpb_fail_code(&f.error, KP_AUTH, codes[i], "no");
        read_report(text, sizeof text, "wrap", KP_AUTH, &f, false);
        assert_null(strstr(text, "advice"));
        f.error.http_status = 401;
        read_report(text, sizeof text, "wrap", KP_AUTH, &f, false);
        assert_non_null(strstr(text, "kp: advice: "));
    }
}

static void report_of_a_code_has_its_advice(void **state)
{
    struct cli_fault f = {.io = false};
    const struct kp_code_info *info = kp_code_find(2051);
    char text[1024];
    char want[1024];
    (void)state;
    assert_non_null(info);
    (void)kpb_fail_code(&f.error, KP_NO_MEMORY, 2051, "no room");
    read_report(text, sizeof text, "wrap", KP_NO_MEMORY, &f, false);
    (void)snprintf(want, sizeof want, "kp: wrap: no room [no_memory, code 2051]\nkp: advice: %s\n",
                   info->advice);
    assert_string_equal(text, want);
}

static void report_of_what_may_be_done_says_so(void **state)
{
    struct cli_fault f = {.maybe_done = true};
    char text[1024];
    (void)state;
    (void)kpb_fail(&f.error, KP_TRANSIENT, "the connection ended");
    read_report(text, sizeof text, "key rotate", KP_TRANSIENT, &f, false);
    assert_string_equal(text, "kp: key rotate: the connection ended [transient]\n"
                              "kp: it may have been done all the same: see 'kp key versions KEY' "
                              "before you repeat it\n");
    read_report(text, sizeof text, "key rotate", KP_TRANSIENT, &f, true);
    assert_non_null(strstr(text, "\"maybe_done\":true,\"exit\":18"));
}

static void report_of_wrong_usage_names_the_help(void **state)
{
    struct cli_fault f = {.io = false};
    char text[1024];
    (void)state;
    (void)kpb_fail(&f.error, KP_USAGE, "KEY is missing");
    read_report(text, sizeof text, "wrap", KP_USAGE, &f, false);
    assert_string_equal(text, "kp: wrap: KEY is missing [usage]\nkp: see 'kp help wrap'\n");
    read_report(text, sizeof text, NULL, KP_USAGE, &f, false);
    assert_string_equal(text, "kp: KEY is missing [usage]\nkp: see 'kp help'\n");
}

static void report_of_a_file_is_io(void **state)
{
    struct cli_fault f = {.io = false};
    char text[1024];
    (void)state;
    assert_int_not_equal(cli_fail_io(&f, "cannot read %s", "dek"), KP_OK);
    read_report(text, sizeof text, "wrap", KP_USAGE, &f, false);
    assert_string_equal(text, "kp: wrap: cannot read dek [io]\n");
}

static void report_as_json_is_one_object(void **state)
{
    struct cli_fault f = {.io = false};
    char text[1024];
    (void)state;
    (void)kpb_fail(&f.error, KP_THROTTLED, "later");
    f.error.retry_after_ms = 1500;
    read_report(text, sizeof text, "wrap", KP_THROTTLED, &f, true);
    assert_string_equal(text, "{\"error\":{\"command\":\"wrap\",\"class\":\"throttled\",\"text\":"
                              "\"later\",\"retry_after_ms\":1500,\"exit\":17}}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_commas_come_by_themselves),
        cmocka_unit_test(json_text_is_escaped),
        cmocka_unit_test(safe_text_cannot_steer_a_terminal),
        cmocka_unit_test(padding_counts_from_the_line),
        cmocka_unit_test(secret_output_takes_numbers_and_bytes),
        cmocka_unit_test(first_failure_sticks),
        cmocka_unit_test(exit_codes_are_the_documented_ones),
        cmocka_unit_test(report_is_one_line_with_its_class),
        cmocka_unit_test(report_of_a_code_has_its_advice),
        cmocka_unit_test(report_of_a_refusal_has_advice_where_a_service_answered),
        cmocka_unit_test(report_of_what_may_be_done_says_so),
        cmocka_unit_test(report_of_wrong_usage_names_the_help),
        cmocka_unit_test(report_of_a_file_is_io),
        cmocka_unit_test(report_as_json_is_one_object),
    };
    return cmocka_run_group_tests_name("cli_out", tests, NULL, NULL);
}
