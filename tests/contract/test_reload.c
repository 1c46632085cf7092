/* A reload and the settings of plugins: what may change does, what may not is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <keyprovider/keyprovider.h>

#include "support/client.h"
#include "support/temp_dir.h"

#define SETTINGS_LEN 128

static struct client client;
static struct script_vault *script;
static kp_vault *vault;
static char dir[TEMP_DIR_LEN];
static char config[TEMP_DIR_LEN + 16];
static struct latch reloaded;
static char told[SETTINGS_LEN]; /* what reload was given: NAME=VALUE; ... */

static const struct kp_setting_spec pause = {.struct_size = sizeof pause,
                                             .type = KP_SETTING_INTEGER,
                                             .flags = KP_SETTING_RELOADABLE,
                                             .name = "pause",
                                             .fallback = "1",
                                             .doc = "May change.",
                                             .max = 9};
static const struct kp_setting_spec realm = {.struct_size = sizeof realm,
                                             .type = KP_SETTING_TEXT,
                                             .name = "realm",
                                             .fallback = "here",
                                             .doc = "May not."};
static const struct kp_setting_spec pin = {
    .struct_size = sizeof pin, .type = KP_SETTING_SECRET, .name = "pin", .doc = "May not either."};
static const struct kp_setting_spec *const settings[] = {&pause, &realm, &pin, NULL};

static void write_file(const char *name, const char *text)
{
    char path[TEMP_DIR_LEN + 16];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void configure(const char *members)
{
    char text[512];
    snprintf(text, sizeof text,
             CLIENT_CONFIG(", \"vaults\": {\"a\": {\"location\": \"script:a\", \"settings\": "
                           "{\"pin\": {\"file\": \"%s/pin\"}%s}}}"),
             dir, members);
    write_file("kp.json", text);
}

static kp_status note_reload(void *instance, const struct kp_vault_settings *given,
                             struct kp_error *reterr)
{
    size_t len = 0;
    (void)instance;
    (void)reterr;
    for (uint32_t i = 0; i < given->n_settings && len < sizeof told; i++) {
        const struct kp_setting *s = &given->settings[i];
        len += (size_t)snprintf(told + len, sizeof told - len, "%.*s=%.*s; ", (int)s->name.len,
                                (const char *)s->name.ptr, (int)s->value.len,
                                (const char *)s->value.ptr);
    }
    latch_hit(&reloaded);
    return KP_OK;
}

static int begin(void **state)
{
    struct kp_options options;
    struct kp_error error;
    struct kp_request request = client_wrap();
    (void)state;
    temp_dir_make(dir);
    snprintf(config, sizeof config, "%s/kp.json", dir);
    write_file("pin", "1234");
    configure("");
    latch_init(&reloaded);
    script_begin();
    script_caps()->settings = settings;
    script_table()->reload = note_reload;
    client_options(&options, NULL);
    options.config_text = NULL;
    options.config_path = config;
    assert_int_equal(client_open(&client, &options, true, &error), KP_OK);
    script = script_vault("a");
    vault = client_vault(&client, "a");
    assert_int_equal(client_do(vault, &request), KP_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    kp_vault_release(vault);
    client_end(&client);
    latch_clear(&reloaded);
    temp_dir_remove(dir);
    return 0;
}

static void expect_reload(const char *expected)
{
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = kp_provider_reload(client.provider, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(st, KP_OK);
    latch_wait(&reloaded, 1);
    assert_string_equal(told, expected);
}

static void expect_refusal(const char *sentence)
{
    struct kp_error error;
    kp_error_init(&error);
    assert_int_equal(kp_provider_reload(client.provider, &error), KP_CONFIG);
    assert_non_null(strstr(error.text, sentence));
}

static void reload_without_a_change_is_accepted(void **state)
{
    (void)state;
    expect_reload("pause=1; realm=here; pin=1234; ");
}

static void reload_of_a_reloadable_setting_reaches_the_plugin(void **state)
{
    (void)state;
    configure(", \"pause\": 7");
    expect_reload("pause=7; realm=here; pin=1234; ");
}

static void reload_that_spells_out_a_default_is_accepted(void **state)
{
    (void)state;
    configure(", \"realm\": \"here\"");
    expect_reload("pause=1; realm=here; pin=1234; ");
}

static void reload_of_another_setting_is_refused(void **state)
{
    (void)state;
    configure(", \"realm\": \"there\"");
    expect_refusal("vaults.a.settings cannot change while running");
}

static void reload_with_a_bad_value_says_what_is_bad(void **state)
{
    (void)state;
    configure(", \"pause\": 10");
    expect_refusal("vaults.a.settings.pause: 10 is above 9");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reload_without_a_change_is_accepted),
        TEST(reload_of_a_reloadable_setting_reaches_the_plugin),
        TEST(reload_that_spells_out_a_default_is_accepted),
        TEST(reload_of_another_setting_is_refused),
        TEST(reload_with_a_bad_value_says_what_is_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
