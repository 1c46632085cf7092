#include <jansson.h>

#include "core/config.h"
#include "support/env.h"
#include "tests/unit/config_samples.h"

/* Text that a callback gathered. */
struct gathered {
    size_t len;
    char text[65536];
};

static void gather(void *ctx, kp_span piece)
{
    struct gathered *g = ctx;

    assert_true(g->len + piece.len < sizeof g->text);
    memcpy(g->text + g->len, piece.ptr, piece.len);
    g->len += piece.len;
    g->text[g->len] = '\0';
}

static const char *effective(const struct kpi_config *config)
{
    static struct gathered g;

    g.len = 0;
    assert_int_equal(kpi_config_write_effective(config, gather, &g), KP_OK);
    return g.text;
}

/* ---- Effective ---- */

static void effective_configuration_reads_back_as_the_same(void **state)
{
    struct kpi_config first;
    struct kpi_config second;
    char *text;

    (void)state;
    parse_ok(full_text, &first);
    assert_int_equal(kpi_config_check_settings(&first.vaults[0], &caps, NULL), KP_OK);
    text = strdup(effective(&first));
    assert_non_null(text);
    parse_ok(text, &second);
    assert_int_equal(kpi_config_check_settings(&second.vaults[0], &caps, NULL), KP_OK);
    assert_string_equal(effective(&second), text);
    free(text);
    kpi_config_clear(&first);
    kpi_config_clear(&second);
}

static json_t *effective_vault(const struct kpi_config *c, json_t **ret_root)
{
    *ret_root = json_loads(effective(c), 0, NULL);
    assert_non_null(*ret_root);
    return json_object_get(json_object_get(*ret_root, "vaults"), "v");
}

static void effective_secrets_show_source_and_presence_only(void **state)
{
    json_t *root;
    json_t *secret;
    struct kpi_config c;

    (void)state;
    env_set("KP_TEST_SECRET", "hunter2");
    parse_ok("{\"vaults\": {\"v\": {\"location\": \"f:v\", \"secret\": {\"env\": "
             "\"KP_TEST_SECRET\"}}}}",
             &c);
    assert_null(strstr(effective(&c), "hunter2"));
    secret = json_object_get(effective_vault(&c, &root), "secret");
    assert_string_equal(json_string_value(json_object_get(secret, "env")), "KP_TEST_SECRET");
    assert_true(json_is_true(json_object_get(secret, "present")));
    json_decref(root);
    env_set("KP_TEST_SECRET", NULL);
    secret = json_object_get(effective_vault(&c, &root), "secret");
    assert_true(json_is_false(json_object_get(secret, "present")));
    json_decref(root);
    kpi_config_clear(&c);
}

static void effective_inline_secret_is_not_shown(void **state)
{
    json_t *root;
    json_t *secret;
    struct kpi_config c;

    (void)state;
    parse_ok("{\"allow_inline_secrets\": true, \"vaults\": {\"v\": {\"location\": \"f:v\","
             " \"secret\": {\"inline\": \"hunter2\"}}}}",
             &c);
    assert_null(strstr(effective(&c), "hunter2"));
    secret = json_object_get(effective_vault(&c, &root), "secret");
    assert_true(json_is_null(json_object_get(secret, "inline")));
    assert_true(json_is_true(json_object_get(secret, "present")));
    json_decref(root);
    kpi_config_clear(&c);
}

static void section_is_the_effective_one(void **state)
{
    static struct gathered g;
    struct kpi_config c;
    json_t *root;

    (void)state;
    g.len = 0;
    parse_ok("{\"ekm\": {\"allow\": [\"config:a\"]}}", &c);
    assert_int_equal(kpi_config_write_section(&c, "ekm", gather, &g), KP_OK);
    root = json_loads(g.text, 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_array_get(json_object_get(root, "allow"), 0)),
                        "config:a");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(root, "decrypt_algorithms"), 0)),
        "RSA-OAEP-256");
    assert_int_equal(json_integer_value(json_object_get(root, "patience_ms")), 45000);
    assert_true(json_is_true(json_object_get(root, "report_3072_as_2048")));
    json_decref(root);
    assert_int_equal(kpi_config_write_section(&c, "ek", gather, &g), KP_USAGE);
    assert_int_equal(kpi_config_write_section(&c, "plugin_dir", gather, &g), KP_USAGE);
    kpi_config_clear(&c);
}

static void effective_settings_nobody_checked_are_not_shown(void **state)
{
    struct kpi_config c;

    (void)state;
    parse_ok("{\"vaults\": {\"v\": {\"location\": \"f:v\", \"settings\": {\"p\": \"hunter2\"}}}}",
             &c);
    assert_null(strstr(effective(&c), "hunter2"));
    assert_non_null(strstr(effective(&c), "\"p\": \"(not checked)\""));
    kpi_config_clear(&c);
}

/* ---- Reload ---- */

static kp_status try_reload(const char *before, const char *after, struct kp_error *err)
{
    struct kpi_config running;
    struct kpi_config next;
    kp_status st;

    parse_ok(before, &running);
    parse_ok(after, &next);
    kp_error_init(err);
    st = kpi_config_check_reload(&running, &next, err);
    kpi_config_clear(&running);
    kpi_config_clear(&next);
    return st;
}

#define ONE_VAULT(members) "{\"vaults\": {\"v\": {\"location\": \"file:v\"" members "}}}"

static void reload_of_what_can_change_is_allowed(void **state)
{
    static const char *const pairs[][2] = {
        {full_text, full_text},
        {"{}", "{\"log\": {\"levels\": \"debug\", \"lines_per_second\": 5}}"},
        {"{}", "{\"defaults\": {\"timeout_ms\": 5}}"},
        {"{}", ONE_VAULT("")},
        {ONE_VAULT(""), "{}"},
        {ONE_VAULT(""), ONE_VAULT(", \"retry\": {\"max_attempts\": 1}")},
    };
    struct kp_error err;

    (void)state;
    for (size_t i = 0; i < LEN(pairs); i++) {
        if (try_reload(pairs[i][0], pairs[i][1], &err) != KP_OK)
            fail_msg("%s", err.text);
    }
}

static void reload_of_what_cannot_change_names_it(void **state)
{
    static const char *const cases[][3] = {
        {"{}", "{\"provider\": {\"loops\": 2}}", "provider.loops"},
        {"{}", "{\"log\": {\"format\": \"json\"}}", "log.format"},
        {"{}", "{\"plugin_dir\": \"/x\"}", "plugin_dir"},
        {"{}", "{\"plugins\": [{\"path\": \"/x\"}]}", "plugins"},
        {"{\"plugins\": [{\"path\": \"/x\"}]}", "{\"plugins\": [{\"path\": \"/y\"}]}", "plugins"},
        {"{}", "{\"defaults\": {\"cache\": {\"entries\": 5}}}", "defaults.cache.entries"},
        {ONE_VAULT(""), "{\"vaults\": {\"v\": {\"location\": \"file:w\"}}}", "vaults.v.location"},
        {ONE_VAULT(""), ONE_VAULT(", \"may_create\": true"), "vaults.v.may_create"},
        {ONE_VAULT(""), ONE_VAULT(", \"secret\": {\"env\": \"A\"}"), "vaults.v.secret"},
        {ONE_VAULT(", \"secret\": {\"env\": \"B\"}"), ONE_VAULT(", \"secret\": {\"env\": \"A\"}"),
         "vaults.v.secret"},
        {ONE_VAULT(""), ONE_VAULT(", \"settings\": {\"a\": 1}"), "vaults.v.settings"},
        {ONE_VAULT(", \"settings\": {\"a\": 1}"), ONE_VAULT(""), "vaults.v.settings"},
        {ONE_VAULT(", \"settings\": {\"a\": 1}"), ONE_VAULT(", \"settings\": {\"a\": 2}"),
         "vaults.v.settings"},
    };
    struct kp_error err;
    char start[64];

    (void)state;
    for (size_t i = 0; i < LEN(cases); i++) {
        assert_int_equal(try_reload(cases[i][0], cases[i][1], &err), KP_CONFIG);
        snprintf(start, sizeof start, "%s cannot change", cases[i][2]);
        if (strncmp(err.text, start, strlen(start)) != 0)
            fail_msg("\"%s\" does not begin \"%s\"", err.text, start);
    }
}

static void reload_of_reloadable_setting_is_allowed(void **state)
{
    struct kpi_config running;
    struct kpi_config next;
    struct kp_error err;

    (void)state;
    assert_int_equal(check_settings("\"mode\": \"a\", \"fault\": {\"rate\": 1}", &running, &err),
                     KP_OK);
    assert_int_equal(check_settings("\"mode\": \"b\", \"fault\": {\"rate\": 1}", &next, &err),
                     KP_OK);
    assert_int_equal(kpi_config_check_reload(&running, &next, &err), KP_OK);
    kpi_config_clear(&next);
    assert_int_equal(check_settings("\"mode\": \"a\", \"fault\": {\"rate\": 2}", &next, &err),
                     KP_OK);
    assert_int_equal(kpi_config_check_reload(&running, &next, &err), KP_CONFIG);
    kpi_config_clear(&next);
    kpi_config_clear(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(effective_configuration_reads_back_as_the_same),
        cmocka_unit_test(effective_secrets_show_source_and_presence_only),
        cmocka_unit_test(effective_inline_secret_is_not_shown),
        cmocka_unit_test(section_is_the_effective_one),
        cmocka_unit_test(effective_settings_nobody_checked_are_not_shown),
        cmocka_unit_test(reload_of_what_can_change_is_allowed),
        cmocka_unit_test(reload_of_what_cannot_change_names_it),
        cmocka_unit_test(reload_of_reloadable_setting_is_allowed),
    };

    return cmocka_run_group_tests_name("config_effective", tests, NULL, NULL);
}
