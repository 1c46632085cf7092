/* base/errors: what ends up in struct kp_error. */
#include "base/errors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "base/utf8.h"

static void fail_fills_a_fresh_error(void **state)
{
    struct kp_error err;

    (void)state;
    memset(&err, 0xff, sizeof err);
    assert_int_equal(kpb_fail(&err, KP_CONFIG, "vaults.%s: %d is too large", "prod", 99),
                     KP_CONFIG);
    assert_int_equal(err.struct_size, sizeof err);
    assert_int_equal(err.status, KP_CONFIG);
    assert_int_equal(err.code, 0);
    assert_int_equal(err.http_status, 0);
    assert_int_equal(err.exposure, KP_NOT_SENT);
    assert_true(err.retry_after_ms == KP_NO_RETRY_HINT);
    assert_string_equal(err.request_id, "");
    assert_string_equal(err.text, "vaults.prod: 99 is too large");
}

static void fail_code_keeps_the_number(void **state)
{
    struct kp_error err;

    (void)state;
    assert_int_equal(kpb_fail_code(&err, KP_AUTH, KP_CODE_ErrorGetTokenBadCredentials, "refused"),
                     KP_AUTH);
    assert_int_equal(err.code, 3303);
    assert_int_equal(err.status, KP_AUTH);
}

static void fail_memory_names_the_site(void **state)
{
    struct kp_error err;

    (void)state;
    assert_int_equal(kpb_fail_memory(&err, "pipeline.table"), KP_NO_MEMORY);
    assert_int_equal(err.code, 2051);
    assert_non_null(strstr(err.text, "pipeline.table"));
}

static void fail_null_error_returns_status(void **state)
{
    (void)state;
    assert_int_equal(kpb_fail(NULL, KP_USAGE, "%s", "x"), KP_USAGE);
    assert_int_equal(kpb_fail_code(NULL, KP_VAULT, 3001, "x"), KP_VAULT);
    assert_int_equal(kpb_fail_memory(NULL, "x"), KP_NO_MEMORY);
    kpb_error_prefix(NULL, "x");
}

static void fail_long_text_is_cut(void **state)
{
    struct kp_error err;
    char text[2 * KP_ERROR_TEXT_LEN];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)kpb_fail(&err, KP_USAGE, "%s", text);
    assert_int_equal(strlen(err.text), KP_ERROR_TEXT_LEN - 1);
}

static void fail_cut_leaves_whole_characters(void **state)
{
    char text[KP_ERROR_TEXT_LEN + 8];
    struct kp_error err;

    (void)state;
    for (size_t lead = KP_ERROR_TEXT_LEN - 5; lead < KP_ERROR_TEXT_LEN; lead++) {
        memset(text, 'x', lead);
        memcpy(text + lead, "\xf0\x9f\x94\x91", 5);
        (void)kpb_fail(&err, KP_USAGE, "%s", text);
        assert_true(kpb_utf8_is_valid(kpb_span_str(err.text)));
        assert_int_equal(strlen(err.text), lead + 4 < KP_ERROR_TEXT_LEN ? lead + 4 : lead);
    }
}

static void fail_text_from_outside_is_cleaned(void **state)
{
    struct kp_error err;

    (void)state;
    (void)kpb_fail(&err, KP_CONFIG, "name '%s'", "a\nb\x1b[31m\x7f\xff gr\xc3\xbcn\xc3");
    assert_string_equal(err.text, "name 'a?b?[31m?? gr\xc3\xbcn?'");
    (void)kpb_fail(&err, KP_CONFIG, "name '%s'",
                   "a\xc2\x9b"
                   "31m\xc2\xa0");
    assert_string_equal(err.text, "name 'a??31m\xc2\xa0'"); /* CSI in one character */
}

static void prefix_keeps_class_and_code(void **state)
{
    struct kp_error err;

    (void)state;
    (void)kpb_fail_code(&err, KP_NOT_FOUND, 3112, "no such key");
    kpb_error_prefix(&err, "vault %s", "prod");
    kpb_error_prefix(&err, "wrap");
    assert_string_equal(err.text, "wrap: vault prod: no such key");
    assert_int_equal(err.status, KP_NOT_FOUND);
    assert_int_equal(err.code, 3112);
}

static void prefix_too_long_cuts_the_end(void **state)
{
    struct kp_error err;
    char long_prefix[2 * KP_ERROR_TEXT_LEN];

    (void)state;
    (void)kpb_fail(&err, KP_NOT_FOUND, "gone");
    for (int i = 0; i < 100; i++)
        kpb_error_prefix(&err, "again and again");
    assert_int_equal(strlen(err.text), KP_ERROR_TEXT_LEN - 1);
    memset(long_prefix, 'p', sizeof long_prefix - 1);
    long_prefix[sizeof long_prefix - 1] = '\0';
    kpb_error_prefix(&err, "%s", long_prefix);
    assert_int_equal(strlen(err.text), KP_ERROR_TEXT_LEN - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_fills_a_fresh_error),
        cmocka_unit_test(fail_code_keeps_the_number),
        cmocka_unit_test(fail_memory_names_the_site),
        cmocka_unit_test(fail_null_error_returns_status),
        cmocka_unit_test(fail_long_text_is_cut),
        cmocka_unit_test(fail_cut_leaves_whole_characters),
        cmocka_unit_test(fail_text_from_outside_is_cleaned),
        cmocka_unit_test(prefix_keeps_class_and_code),
        cmocka_unit_test(prefix_too_long_cuts_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
