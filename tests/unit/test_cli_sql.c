/* cli/sql_script: what a credential of SQL Server says for each kind of vault, and quoting. */
#include "cli/sql_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

static void assert_vault(const char *vault, bool is_managed, const char *identity,
                         enum sql_secret secret)
{
    struct sql_plan plan = {0};
    struct kp_error err;
    kp_error_init(&err);
    assert_int_equal(sql_plan_set_vault(&plan, kpb_span_str(vault), is_managed, &err), KP_OK);
    assert_string_equal(plan.identity, identity);
    assert_int_equal(plan.secret, secret);
}

static void assert_refused(const char *vault, bool is_managed, kp_status want, const char *text)
{
    struct sql_plan plan = {0};
    struct kp_error err;
    kp_error_init(&err);
    assert_int_equal(sql_plan_set_vault(&plan, kpb_span_str(vault), is_managed, &err), want);
    assert_non_null(strstr(err.text, text));
}

static void vault_of_each_kind_has_its_identity(void **state)
{
    (void)state;
    assert_vault("contoso.vault.azure.net", false, "contoso", SQL_SECRET_CLIENT);
    assert_vault("contoso.vault.azure.net", true, "contoso", SQL_SECRET_MANAGED);
    assert_vault("contoso.vault.azure.cn", false, "contoso.vault.azure.cn", SQL_SECRET_CLIENT);
    assert_vault("h.managedhsm.azure.net", true, "h.managedhsm.azure.net", SQL_SECRET_MANAGED);
    assert_vault("payroll", false, "config:payroll", SQL_SECRET_ACCESS);
    assert_vault("file:/var/lib/keys", false, "file:/var/lib/keys", SQL_SECRET_NONE);
    assert_vault("file:C:\\keys", false, "file:C:\\keys", SQL_SECRET_NONE);
    assert_vault("file:C:/keys.d", false, "file:C:/keys.d", SQL_SECRET_NONE);
}

static void vault_that_no_credential_names_is_refused(void **state)
{
    (void)state;
    assert_refused("", false, KP_USAGE, "no name");
    assert_refused("a\nGO\n", false, KP_USAGE, "no name");
    assert_refused("file:./vault", false, KP_USAGE, "whole path");
    assert_refused("file://server/share", false, KP_USAGE, "whole path");
    assert_refused("file:C:keys", false, KP_USAGE, "whole path");
    assert_refused("localhost.test:8443", false, KP_UNSUPPORTED, "port");
    assert_refused("scheme:place", false, KP_UNSUPPORTED, "file:DIR");
    assert_refused("payroll", true, KP_USAGE, "host");
    assert_refused("file:/var/lib/keys", true, KP_USAGE, "host");
}

static void vault_too_long_is_refused(void **state)
{
    char text[SQL_IDENTITY_MAX_LEN + 2];
    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_refused(text, false, KP_USAGE, "longer");
}

static void name_is_bounded_in_characters(void **state)
{
    char text[2 * SQL_NAME_MAX_LEN + 3];
    (void)state;
    assert_true(sql_is_name("CONTOSO\\dba"));
    assert_false(sql_is_name(""));
    assert_false(sql_is_name("a\tb"));
    assert_false(sql_is_name("\xff"));
    for (size_t i = 0; i < SQL_NAME_MAX_LEN; i++)
        memcpy(text + 2 * i, "\xc3\xa4", 2);
    text[2 * SQL_NAME_MAX_LEN] = '\0';
    assert_true(sql_is_name(text));
    memcpy(text + 2 * SQL_NAME_MAX_LEN, "a", 2);
    assert_false(sql_is_name(text));
}

/* What the script says, borrowed from out. */
static const char *written(const struct sql_plan *plan, struct cli_out *out)
{
    cli_out_init(out);
    sql_script_write(plan, out);
    assert_int_equal(out->st, KP_OK);
    assert_int_equal(kp_buf_append_byte(&out->buf, '\0'), KP_OK);
    return (const char *)out->buf.ptr;
}

static void marks_of_quoting_are_doubled(void **state)
{
    struct sql_plan plan = {.identity = "config:o'neil",
                            .secret = SQL_SECRET_ACCESS,
                            .key = kpb_span_str("tde"),
                            .version = kpb_span_str("0123456789abcdef"),
                            .library = "C:\\it's\\a.dll",
                            .login = "DOM\\a]b",
                            .database = "x];DROP DATABASE y"};
    struct cli_out out;
    const char *text = written(&plan, &out);
    (void)state;
    assert_non_null(strstr(text, "IDENTITY = N'config:o''neil'"));
    assert_non_null(strstr(text, "FROM FILE = N'C:\\it''s\\a.dll';"));
    assert_non_null(
        strstr(text, "ALTER LOGIN [DOM\\a]]b] ADD CREDENTIAL [kp_tde_01234567_admin];"));
    assert_non_null(strstr(text, "USE [x]];DROP DATABASE y];"));
    assert_non_null(strstr(text, "PROVIDER_KEY_NAME = N'tde/0123456789abcdef'"));
    cli_out_clear(&out);
}

static void rotation_leaves_the_provider_alone(void **state)
{
    struct sql_plan plan = {.identity = "contoso",
                            .secret = SQL_SECRET_CLIENT,
                            .key = kpb_span_str("tde"),
                            .library = "a.dll",
                            .login = "sa",
                            .database = "sales",
                            .is_rotation = true};
    struct cli_out out;
    const char *text = written(&plan, &out);
    (void)state;
    assert_null(strstr(text, "CREATE CRYPTOGRAPHIC PROVIDER"));
    assert_null(strstr(text, "CREATE DATABASE ENCRYPTION KEY"));
    assert_null(strstr(text, "SET ENCRYPTION ON"));
    assert_non_null(strstr(text, "ALTER DATABASE ENCRYPTION KEY"));
    cli_out_clear(&out);
}

static void names_of_a_long_key_stay_within_the_server_s_bound(void **state)
{
    char key[KP_KEY_NAME_MAX_LEN];
    struct sql_plan plan = {.identity = "contoso",
                            .secret = SQL_SECRET_MANAGED,
                            .version = kpb_span_str("0123456789abcdef"),
                            .library = "a.dll",
                            .login = "sa"};
    struct cli_out out;
    (void)state;
    memset(key, 'k', sizeof key);
    plan.key = kpb_span(key, sizeof key);
    for (const char *at = written(&plan, &out); (at = strchr(at, '[')) != NULL; at++)
        assert_true(strcspn(at, "]") - 1 <= SQL_NAME_MAX_LEN);
    cli_out_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vault_of_each_kind_has_its_identity),
        cmocka_unit_test(vault_that_no_credential_names_is_refused),
        cmocka_unit_test(vault_too_long_is_refused),
        cmocka_unit_test(name_is_bounded_in_characters),
        cmocka_unit_test(marks_of_quoting_are_doubled),
        cmocka_unit_test(rotation_leaves_the_provider_alone),
        cmocka_unit_test(names_of_a_long_key_stay_within_the_server_s_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
