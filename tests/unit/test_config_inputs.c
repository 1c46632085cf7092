#include "core/config.h"
#include "support/env.h"
#include "support/rights.h"
#include "support/temp_file.h"
#include "tests/unit/config_samples.h"

/* ---- Secrets ---- */

static kp_status fetch(enum kpi_secret_kind kind, const char *source, kp_buf *out,
                       struct kp_error *err)
{
    struct kpi_secret_ref ref = {.kind = kind, .source = (char *)(uintptr_t)source};

    return kpi_secret_fetch(&ref, out, err);
}

static void assert_fetched(enum kpi_secret_kind kind, const char *source, const char *expected)
{
    struct kp_error err;
    kp_buf out;

    kp_buf_init_secret(&out, "test", KPI_SECRET_MAX_LEN);
    assert_int_equal(kp_buf_append_str(&out, "what was there"), KP_OK);
    kp_error_init(&err);
    if (fetch(kind, source, &out, &err) != KP_OK)
        fail_msg("%s", err.text);
    assert_true(kpb_span_eq_str(kp_buf_view(&out), expected));
    kp_buf_clear(&out);
}

/* Whether text names source, with the slashes of either system. */
static bool names(const char *text, const char *source)
{
    char plain[KP_ERROR_TEXT_LEN];

    (void)snprintf(plain, sizeof plain, "%s", text);
    for (char *c = plain; *c; c++)
        *c = *c == '\\' ? '/' : *c;
    return strstr(plain, source) != NULL;
}

static void assert_not_fetched(enum kpi_secret_kind kind, const char *source, const char *says)
{
    struct kp_error err;
    kp_buf out;

    kp_buf_init_secret(&out, "test", 10);
    assert_int_equal(fetch(kind, source, &out, &err), KP_CONFIG);
    if (!strstr(err.text, says) || !names(err.text, source))
        fail_msg("%s", err.text);
    assert_null(strstr(err.text, "hunter"));
    kp_buf_clear(&out);
}

static void secret_from_file_loses_one_line_end(void **state)
{
    static const char *const texts[][2] = {
        {"hunter2", "hunter2"},       {"hunter2\n", "hunter2"},   {"hunter2\r\n", "hunter2"},
        {"hunter2\n\n", "hunter2\n"}, {"hunter2\r", "hunter2\r"}, {" hunter 2 ", " hunter 2 "},
    };

    (void)state;
    for (size_t i = 0; i < LEN(texts); i++) {
        const char *path = temp_file_make(texts[i][0]);

        assert_fetched(KPI_SECRET_FILE, path, texts[i][1]);
        temp_file_remove(path);
    }
}

static void secret_file_missing_empty_long_or_untrusted_is_config(void **state)
{
    const char *path = temp_file_make("\n");

    (void)state;
    assert_not_fetched(KPI_SECRET_FILE, path, "is empty");
    assert_int_equal(remove(path), 0);
    assert_not_fetched(KPI_SECRET_FILE, path, "does not exist");
    temp_file_remove(path);
    path = temp_file_make("hunter2 is too long");
    assert_not_fetched(KPI_SECRET_FILE, path, "more than 10 bytes");
    rights_give(path);
    assert_not_fetched(KPI_SECRET_FILE, path, RIGHTS_REFUSED);
    temp_file_remove(path);
}

#if defined(_WIN32) /* the C library takes a variable away that is set to nothing */
#define EMPTY "is not set"
#else
#define EMPTY "is empty"
#endif

static void secret_from_environment_is_read_when_used(void **state)
{
    (void)state;
    env_set("KP_TEST_SECRET", "hunter1");
    assert_fetched(KPI_SECRET_ENV, "KP_TEST_SECRET", "hunter1");
    env_set("KP_TEST_SECRET", "hunter2\n");
    assert_fetched(KPI_SECRET_ENV, "KP_TEST_SECRET", "hunter2\n");
    env_set("KP_TEST_SECRET", "hunter2 is too long");
    assert_not_fetched(KPI_SECRET_ENV, "KP_TEST_SECRET", "more than 10 bytes");
    env_set("KP_TEST_SECRET", "");
    assert_not_fetched(KPI_SECRET_ENV, "KP_TEST_SECRET", EMPTY);
    env_set("KP_TEST_SECRET", NULL);
    assert_not_fetched(KPI_SECRET_ENV, "KP_TEST_SECRET", "is not set");
}

static void secret_of_no_source_is_empty(void **state)
{
    (void)state;
    assert_fetched(KPI_SECRET_NONE, NULL, "");
}

/* ---- Settings ---- */
static void settings_absent_become_fallbacks(void **state)
{
    const struct kpi_vault_config *v;
    struct kpi_config c;
    struct kp_error err;

    (void)state;
    assert_int_equal(check_settings("", &c, &err), KP_OK);
    v = &c.vaults[0];
    assert_true(v->settings_checked);
    assert_int_equal(v->n_settings, 1);
    assert_string_equal(v->settings[0].name, "mode");
    assert_string_equal(v->settings[0].text, "fast");
    assert_true(v->settings[0].reloadable);
    kpi_config_clear(&c);
}

static void settings_given_come_in_the_plugins_order(void **state)
{
    static const char given[] =
        "\"passphrase\": {\"env\": \"KP_P\"}, \"fault\": {\"offline\": true,"
        " \"rate\": -5}, \"mode\": \"slow\"";
    const struct kpi_vault_config *v;
    struct kpi_config c;
    struct kp_error err;

    (void)state;
    assert_int_equal(check_settings(given, &c, &err), KP_OK);
    v = &c.vaults[0];
    assert_int_equal(v->n_settings, 4);
    assert_string_equal(v->settings[0].text, "slow");
    assert_string_equal(v->settings[1].name, "fault.rate");
    assert_string_equal(v->settings[1].text, "-5");
    assert_string_equal(v->settings[2].text, "true");
    assert_int_equal(v->settings[3].type, KP_SETTING_SECRET);
    assert_null(v->settings[3].text);
    assert_int_equal(v->settings[3].secret.kind, KPI_SECRET_ENV);
    assert_string_equal(v->settings[3].secret.source, "KP_P");
    assert_int_equal(kpi_config_check_settings(&c.vaults[0], &caps, &err), KP_OK);
    assert_int_equal(v->n_settings, 4);
    kpi_config_clear(&c);
}

static void settings_refused_say_what_and_where_and_stay(void **state)
{
    static const struct refused texts[] = {
        {"\"mod\": \"x\"", "mod: the plugin has no such setting; is mode meant?"},
        {"\"passfrase\": {\"env\": \"X\"}",
         "passfrase.env: the plugin has no such setting; is passphrase.env meant?"},
        {"\"zzz\": 1", "zzz: the plugin has no such setting"},
        {"\"mode\": 1", "mode: expected text"},
        {"\"fault\": {\"rate\": \"1\"}", "fault.rate: expected a whole number"},
        {"\"fault\": {\"rate\": 101}", "fault.rate: 101 is above 100"},
        {"\"fault\": {\"rate\": -6}", "fault.rate: -6 is below -5"},
        {"\"fault\": {\"offline\": 1}", "fault.offline: expected true or false"},
        {"\"fault\": 1", "fault: the plugin has no such setting"},
        {"\"passphrase\": \"hunter2\"", "passphrase: a secret never stands here; "
                                        "give {\"file\": PATH} or {\"env\": NAME}"},
        {"\"passphrase\": {\"inline\": \"hunter2\"}",
         "passphrase.inline: the plugin has no such setting; is passphrase.file meant?"},
        {"\"passphrase\": {\"file\": \"a\", \"env\": \"b\"}",
         "passphrase: expected exactly one of file, env and dpapi"},
        {"\"passphrase\": {\"env\": \"a\", \"dpapi\": \"b\"}",
         "passphrase: expected exactly one of file, env and dpapi"},
#if !defined(_WIN32)
        {"\"passphrase\": {\"dpapi\": \"b\"}",
         "passphrase.dpapi: DPAPI is a part of Windows; give {\"file\": PATH} or {\"env\": NAME}"},
#endif
        {"\"passphrase\": {\"dpapi\": 1}", "passphrase.dpapi: expected text"},
        {"\"passphrase\": {\"file\": 1}", "passphrase.file: expected text"},
        {"\"mode\": {\"file\": \"a\"}", "mode.file: the plugin has no such setting"},
    };
    char sentence[256];

    (void)state;
    for (size_t i = 0; i < LEN(texts); i++) {
        struct kpi_config c;
        struct kp_error err;

        assert_int_equal(check_settings(texts[i].text, &c, &err), KP_CONFIG);
        snprintf(sentence, sizeof sentence, "vaults.v.settings.%s", texts[i].sentence);
        assert_string_equal(err.text, sentence);
        assert_false(c.vaults[0].settings_checked);
        assert_true(c.vaults[0].n_settings > 0);
        kpi_config_clear(&c);
    }
}

static void inputs_hold_every_setting_with_its_secret(void **state)
{
    struct kpi_vault_inputs in;
    struct kpi_config c;
    struct kp_error err;

    (void)state;
    env_set("KP_TEST_SECRET", "hunter2");
    assert_int_equal(check_settings("\"passphrase\": {\"env\": \"KP_TEST_SECRET\"}", &c, &err),
                     KP_OK);
    c.vaults[0].may_create = true;
    assert_int_equal(kpi_vault_inputs_fetch(&c.vaults[0], &in, &err), KP_OK);
    assert_true(kpb_span_eq_str(in.view.name, "v"));
    assert_true(kpb_span_eq_str(in.view.location, "file:v"));
    assert_int_equal(in.view.flags, KP_VAULT_MAY_CREATE);
    assert_int_equal(in.view.secret.len, 0);
    assert_int_equal(in.view.n_settings, 2);
    assert_true(kpb_span_eq_str(in.view.settings[0].value, "fast"));
    assert_true(kpb_span_eq_str(in.view.settings[1].name, "passphrase"));
    assert_true(kpb_span_eq_str(in.view.settings[1].value, "hunter2"));
    kpi_vault_inputs_clear(&in);
    env_set("KP_TEST_SECRET", NULL);
    assert_int_equal(kpi_vault_inputs_fetch(&c.vaults[0], &in, &err), KP_CONFIG);
    assert_string_equal(err.text, "vaults.v.settings.passphrase: the environment variable "
                                  "KP_TEST_SECRET of the secret is not set");
    kpi_config_clear(&c);
}

/* A vault with the setting "library", a file the plugin will trust, and what its inputs come to. */
static kp_status fetch_library(const char *path, struct kp_error *err)
{
    static const struct kp_setting_spec library = {.struct_size = sizeof library,
                                                   .type = KP_SETTING_TEXT,
                                                   .flags = KP_SETTING_TRUSTED_FILE,
                                                   .name = "library"};
    static const struct kp_setting_spec *const list[] = {&library, NULL};
    struct kp_caps with_library = caps;
    struct kpi_vault_inputs in;
    struct kpi_config c;
    char text[512];

    with_library.settings = list;
    snprintf(text, sizeof text,
             "{\"vaults\": {\"v\": {\"location\": \"file:v\", "
             "\"settings\": {\"library\": \"%s\"}}}}",
             path);
    parse_ok(text, &c);
    assert_int_equal(kpi_config_check_settings(&c.vaults[0], &with_library, err), KP_OK);
    kp_status st = kpi_vault_inputs_fetch(&c.vaults[0], &in, err);
    if (st == KP_OK) {
        assert_true(kpb_span_eq_str(in.view.settings[0].value, path));
        kpi_vault_inputs_clear(&in);
    }
    kpi_config_clear(&c);
    return st;
}

static void inputs_hold_no_file_that_others_could_have_written(void **state)
{
    const char *path = temp_file_make("any library");
    struct kp_error err;

    (void)state;
    assert_int_equal(fetch_library(path, &err), KP_OK);
    rights_give(path);
    assert_int_equal(fetch_library(path, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "vaults.v.settings.library: "));
    assert_non_null(strstr(err.text, RIGHTS_REFUSED));
    assert_int_equal(remove(path), 0);
    assert_int_equal(fetch_library(path, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "does not exist"));
    temp_file_remove(path);
}

static void inputs_of_missing_secret_name_it(void **state)
{
    struct kpi_vault_inputs in;
    struct kpi_config c;
    struct kp_error err;

    (void)state;
    parse_ok(full_text, &c);
    assert_int_equal(kpi_vault_inputs_fetch(&c.vaults[0], &in, &err), KP_CONFIG);
    assert_string_equal(err.text, "vaults.prod.secret: the environment variable KP_TEST_SECRET of "
                                  "the secret is not set");
    kpi_config_clear(&c);
}

static void adhoc_vault_has_the_defaults(void **state)
{
    struct kpi_vault_config v;
    struct kpi_config c;
    struct kp_error err;

    (void)state;
    parse_ok("{\"defaults\": {\"timeout_ms\": 7}}", &c);
    assert_int_equal(kpi_vault_config_init(&v, &c, kpb_span_str("file:x"), kpb_span_str("/x")),
                     KP_OK);
    assert_int_equal(kpi_config_check_settings(&v, &caps, &err), KP_OK);
    assert_string_equal(v.name, "file:x");
    assert_string_equal(v.location, "/x");
    assert_int_equal(v.limits.timeout_ms, 7);
    assert_int_equal(v.n_settings, 1);
    kpi_vault_config_clear(&v);
    kpi_config_clear(&c);
}

static void load_file_reads_it_and_names_it_in_refusals(void **state)
{
    struct kp_options options = {.config_path = temp_file_make("{\"provider\": {\"loops\": 3}}")};
    struct kpi_config c;
    struct kp_error err;
    char sentence[200];

    (void)state;
    assert_int_equal(kpi_config_load(&options, &c, &err), KP_OK);
    assert_int_equal(c.provider.loops, 3);
    assert_string_equal(c.path, options.config_path);
    kpi_config_clear(&c);
    temp_file_remove(options.config_path);
    options.config_path = temp_file_make("{\"provider\": {\"loops\": 0}}");
    assert_int_equal(kpi_config_load(&options, &c, &err), KP_CONFIG);
    snprintf(sentence, sizeof sentence, "%s: provider.loops: 0 is below 1", options.config_path);
    assert_string_equal(err.text, sentence);
    temp_file_remove(options.config_path);
}

static void load_missing_or_untrusted_file_is_config(void **state)
{
    struct kp_options options = {.config_path = temp_file_make("{}")};
    struct kpi_config c;
    struct kp_error err;

    (void)state;
    rights_give(options.config_path);
    assert_int_equal(kpi_config_load(&options, &c, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, RIGHTS_REFUSED));
    assert_int_equal(remove(options.config_path), 0);
    assert_int_equal(kpi_config_load(&options, &c, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "there is no such file"));
    temp_file_remove(options.config_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_from_file_loses_one_line_end),
        cmocka_unit_test(secret_file_missing_empty_long_or_untrusted_is_config),
        cmocka_unit_test(secret_from_environment_is_read_when_used),
        cmocka_unit_test(secret_of_no_source_is_empty),
        cmocka_unit_test(settings_absent_become_fallbacks),
        cmocka_unit_test(settings_given_come_in_the_plugins_order),
        cmocka_unit_test(settings_refused_say_what_and_where_and_stay),
        cmocka_unit_test(inputs_hold_every_setting_with_its_secret),
        cmocka_unit_test(inputs_hold_no_file_that_others_could_have_written),
        cmocka_unit_test(inputs_of_missing_secret_name_it),
        cmocka_unit_test(adhoc_vault_has_the_defaults),
        cmocka_unit_test(load_file_reads_it_and_names_it_in_refusals),
        cmocka_unit_test(load_missing_or_untrusted_file_is_config),
    };

    return cmocka_run_group_tests_name("config_inputs", tests, NULL, NULL);
}
