/* A changed configuration while running: taken over as a whole, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "core/provider.h"
#include "core/vault.h"
#include "support/client.h"
#include "support/temp_dir.h"

static struct client client;
static struct script_vault *script;
static kp_vault *vault;
static char folder[TEMP_DIR_LEN];
static char path[128];

static void write_config(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

#define PROVIDER "\"provider\": {\"max_operations\": 64}"
#define VAULT_A(members)                                                                           \
    "{" PROVIDER ", \"vaults\": {\"a\": {\"location\": \"script:a\"" members "}}}"

static void open_with(const char *text)
{
    struct kp_options options;
    struct kp_error error;
    write_config(text);
    client_options(&options, NULL);
    options.config_text = NULL;
    options.config_path = path;
    kp_error_init(&error);
    kp_status st = client_open(&client, &options, true, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(st, KP_OK);
}

static int begin(void **state)
{
    (void)state;
    temp_dir_make(folder);
    (void)snprintf(path, sizeof path, "%s/config.json", folder);
    script_begin();
    open_with(VAULT_A(", \"max_in_flight\": 2, \"max_queued\": 1, \"timeout_ms\": 1000"));
    script = script_vault("a");
    vault = client_vault(&client, "a");
    return 0;
}

static int end(void **state)
{
    (void)state;
    kp_vault_release(vault);
    client_end(&client);
    temp_dir_remove(folder);
    return 0;
}

static void reload_with(const char *text, kp_status expected, const char *names)
{
    struct kp_error error;
    kp_error_init(&error);
    write_config(text);
    kp_status st = kp_provider_reload(client.provider, &error);
    if (st != expected || !strstr(error.text, names))
        fail_msg("expected %s naming '%s', got %s: %s", kp_status_text(expected), names,
                 kp_status_text(st), error.text);
}

static void hold_n(struct outcome *outcomes, unsigned n)
{
    struct kp_request request = client_wrap();
    request.timeout_ms = 60000;
    for (unsigned i = 0; i < n; i++) {
        outcome_init(&outcomes[i]);
        outcome_submit(&outcomes[i], vault, &request);
    }
}

static kp_status try_one(void)
{
    struct kp_request request = client_wrap();
    struct outcome never;
    outcome_init(&never);
    kp_status st = kp_submit(vault, &request, outcome_done, &never, &never.id, NULL);
    if (st == KP_OK)
        (void)outcome_wait(&never);
    kp_result_clear(&never.result);
    latch_clear(&never.latch);
    return st;
}

/* ---- New limits ---- */

static void new_limits_hold_at_once(void **state)
{
    struct outcome outcomes[6];
    (void)state;
    script_usually(script, (struct script_act){.how = SCRIPT_HELD});
    hold_n(outcomes, 3);
    SCRIPT_WAIT(script, n_held, 2);
    assert_int_equal(try_one(), KP_THROTTLED);
    reload_with(VAULT_A(", \"max_in_flight\": 4, \"max_queued\": 2"), KP_OK, "");
    hold_n(outcomes + 3, 3);
    SCRIPT_WAIT(script, n_held, 4);
    assert_int_equal(try_one(), KP_THROTTLED);
    reload_with(VAULT_A(", \"max_in_flight\": 1, \"max_queued\": 0"), KP_OK, "");
    assert_int_equal(try_one(), KP_THROTTLED);
    for (unsigned i = 0; i < 6; i++) { /* what was let in stays in */
        SCRIPT_WAIT(script, n_held, 1);
        assert_int_equal(script_finish(script_held(script), KP_OK), KP_OK);
    }
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(outcome_wait(&outcomes[i]), KP_OK);
        outcome_clear(&outcomes[i]);
    }
}

static void new_deadline_is_for_new_operations(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome older;
    struct outcome newer;
    (void)state;
    script_usually(script, (struct script_act){.how = SCRIPT_HELD});
    outcome_init(&older);
    outcome_submit(&older, vault, &request);
    reload_with(VAULT_A(", \"timeout_ms\": 5000"), KP_OK, "");
    outcome_init(&newer);
    outcome_submit(&newer, vault, &request);
    SCRIPT_WAIT(script, n_held, 2);
    client_move(&client, 1000);
    assert_int_equal(outcome_wait(&older), KP_TIMEOUT);
    assert_false(outcome_is_there(&newer));
    client_move(&client, 4000);
    assert_int_equal(outcome_wait(&newer), KP_TIMEOUT);
    outcome_clear(&older);
    outcome_clear(&newer);
}

static void vault_not_configured_follows_the_defaults(void **state)
{
    kp_vault *other = client_vault(&client, "script:b");
    (void)state;
    assert_int_equal(kpi_vault_limits_of(other)->max_queued, 4096);
    reload_with("{" PROVIDER ", \"defaults\": {\"max_queued\": 7}, \"vaults\": {\"a\": "
                "{\"location\": \"script:a\", \"max_queued\": 9}}}",
                KP_OK, "");
    assert_int_equal(kpi_vault_limits_of(other)->max_queued, 7);
    assert_int_equal(kpi_vault_limits_of(vault)->max_queued, 9);
    kp_vault_release(other);
}

static void vault_no_longer_configured_keeps_what_it_has(void **state)
{
    struct kp_request request = client_wrap();
    kp_vault *again = NULL;
    (void)state;
    assert_int_equal(client_do(vault, &request), KP_OK);
    reload_with("{" PROVIDER "}", KP_OK, "");
    assert_int_equal(kpi_vault_limits_of(vault)->max_queued, 1);
    assert_int_equal(client_do(vault, &request), KP_OK);
    assert_int_equal(kp_vault_acquire(client.provider, "a", NULL, &again, NULL), KP_CONFIG);
}

static void vault_configured_anew_can_be_acquired(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    reload_with("{" PROVIDER ", \"vaults\": {\"a\": {\"location\": \"script:a\"}, \"b\": "
                "{\"location\": \"script:b\"}}}",
                KP_OK, "");
    kp_vault *added = client_vault(&client, "b");
    assert_int_equal(client_do(added, &request), KP_OK);
    kp_vault_release(added);
}

/* ---- Refused ---- */

static void refused_reload_changes_nothing(void **state)
{
    static const struct {
        const char *text;
        const char *names;
    } bad[] = {
        {"{", "config.json"},
        {VAULT_A(", \"max_queued\": \"many\""), "vaults.a.max_queued"},
        {VAULT_A(", \"max_queud\": 3"), "max_queud"},
        {VAULT_A(", \"max_queued\": 5, \"timeout_ms\": 0"), "vaults.a.timeout_ms"},
        {"{" PROVIDER ", \"vaults\": {\"a\": {\"location\": \"nobody:x\"}}}", "nobody"},
        {"{\"provider\": {\"max_operations\": 128}}", "provider.max_operations"},
    };
    struct kp_request request = client_wrap();
    (void)state;
    assert_int_equal(client_do(vault, &request), KP_OK);
    const struct kpi_config *before = kpi_provider_config(client.provider);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        reload_with(bad[i].text, KP_CONFIG, bad[i].names);
        assert_ptr_equal(kpi_provider_config(client.provider), before);
        assert_int_equal(kpi_vault_limits_of(vault)->max_queued, 1);
        assert_int_equal(kpi_vault_limits_of(vault)->timeout_ms, 1000);
    }
    assert_int_equal(script_counts(script).n_reload, 0);
    assert_int_equal(client_do(vault, &request), KP_OK);
}

static void missing_file_is_refused(void **state)
{
    struct kp_error error;
    (void)state;
    assert_int_equal(remove(path), 0);
    assert_int_equal(kp_provider_reload(client.provider, &error), KP_CONFIG);
    assert_non_null(strstr(error.text, path));
    assert_int_equal(kpi_vault_limits_of(vault)->max_queued, 1);
    write_config("{}"); /* for end */
}

/* ---- The plugin's settings ---- */

static void plugin_of_an_open_vault_hears_of_it(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    assert_int_equal(client_do(vault, &request), KP_OK);
    reload_with(VAULT_A(""), KP_OK, "");
    SCRIPT_WAIT(script, n_reload, 1);
}

static void plugin_without_reload_is_left_alone(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    kp_vault_release(vault);
    kp_provider_close_wait(client.provider, 10000, NULL);
    script_table()->reload = NULL;
    open_with(VAULT_A(""));
    vault = client_vault(&client, "a");
    assert_int_equal(client_do(vault, &request), KP_OK);
    reload_with(VAULT_A(", \"max_queued\": 3"), KP_OK, "");
    assert_int_equal(client_do(vault, &request), KP_OK);
    assert_int_equal(kpi_vault_limits_of(vault)->max_queued, 3);
}

static struct latch told;
static char told_identity[16];
static char told_secret[16];

static void copy_span(char out[16], kp_span text)
{
    assert_true(text.len < 16);
    if (text.len > 0)
        memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

static kp_status note_credential(void *instance, const struct kp_vault_settings *settings,
                                 struct kp_error *reterr)
{
    (void)instance;
    (void)reterr;
    copy_span(told_identity, settings->identity);
    copy_span(told_secret, settings->secret);
    latch_hit(&told);
    return KP_OK;
}

#define THEIRS                                                                                     \
    ", \"identity\": \"them\", \"secret\": {\"inline\": \"theirs\"}}}, \"allow_inline_secrets\": " \
    "true"
#define VAULT_OF_THEIRS(members)                                                                   \
    "{" PROVIDER ", \"vaults\": {\"a\": {\"location\": \"script:a\"" members THEIRS "}"

/* Reloads the configuration under a vault acquired with mine: what its plugin is told then. */
static void expect_told(const struct kp_vault_options *mine, const char *identity,
                        const char *secret)
{
    struct kp_request request = client_wrap();
    kp_vault_release(vault);
    kp_provider_close_wait(client.provider, 10000, NULL);
    script_table()->reload = note_credential;
    open_with(VAULT_OF_THEIRS(""));
    assert_int_equal(kp_vault_acquire(client.provider, "a", mine, &vault, NULL), KP_OK);
    assert_int_equal(client_do(vault, &request), KP_OK);
    latch_init(&told);
    reload_with(VAULT_OF_THEIRS(", \"max_queued\": 3"), KP_OK, "");
    latch_wait(&told, 1);
    assert_string_equal(told_identity, identity);
    assert_string_equal(told_secret, secret);
    latch_clear(&told);
}

static void credential_of_whoever_acquired_the_vault_stays(void **state)
{
    struct kp_vault_options mine = {.struct_size = sizeof mine};
    (void)state;
    expect_told(NULL, "them", "theirs");
    mine.identity = (kp_span){(const uint8_t *)"me", 2};
    expect_told(&mine, "me", ""); /* and not what belongs to another identity */
    mine.secret = (kp_span){(const uint8_t *)"mine", 4};
    expect_told(&mine, "me", "mine");
}

/* ---- Meanwhile ---- */

static _Atomic bool stop;

static void keep_wrapping(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        struct kp_request request = client_wrap();
        request.flags = KP_REQ_WAIT_FOR_ROOM;
        assert_int_equal(client_do(vault, &request), KP_OK);
    }
}

static void ignore_info(void *ctx, const struct kp_vault_info *info)
{
    *(size_t *)ctx += strlen(info->location) + strlen(info->name);
}

static void keep_looking(void *arg)
{
    size_t n = 0;
    (void)arg;
    while (!atomic_load(&stop))
        kp_vaults_each(client.provider, ignore_info, &n);
}

static void reload_under_load_disturbs_nobody(void **state)
{
    uv_thread_t threads[3];
    (void)state;
    atomic_store(&stop, false);
    assert_int_equal(uv_thread_create(&threads[0], keep_wrapping, NULL), 0);
    assert_int_equal(uv_thread_create(&threads[1], keep_wrapping, NULL), 0);
    assert_int_equal(uv_thread_create(&threads[2], keep_looking, NULL), 0);
    for (int i = 0; i < 60; i++)
        reload_with(i % 2 ? VAULT_A(", \"max_in_flight\": 1") : VAULT_A(", \"max_in_flight\": 5"),
                    KP_OK, "");
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++)
        uv_thread_join(&threads[i]);
}

static void close_right_after_a_reload_is_quiet(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(client_do(vault, &request), KP_OK);
        reload_with(VAULT_A(""), KP_OK, "");
        kp_vault_release(vault);
        struct kp_close_report report = client_close(&client, 10000);
        assert_string_equal(report.text, "");
        assert_int_equal(report.abandoned, 0);
        open_with(VAULT_A(""));
        vault = client_vault(&client, "a");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(new_limits_hold_at_once),
        TEST(new_deadline_is_for_new_operations),
        TEST(vault_not_configured_follows_the_defaults),
        TEST(vault_no_longer_configured_keeps_what_it_has),
        TEST(vault_configured_anew_can_be_acquired),
        TEST(refused_reload_changes_nothing),
        TEST(missing_file_is_refused),
        TEST(plugin_of_an_open_vault_hears_of_it),
        TEST(credential_of_whoever_acquired_the_vault_stays),
        TEST(plugin_without_reload_is_left_alone),
        TEST(reload_under_load_disturbs_nobody),
        TEST(close_right_after_a_reload_is_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
