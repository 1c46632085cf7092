#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/route.h"
#include "tests/support/idle_plugin.h"

#define LEN(array) (sizeof(array) / sizeof(array)[0])

/* ---- Two plugins and a configuration ---- */

static const char *const file_schemes[] = {"file", "mem", NULL};
static const struct kp_caps file_caps = {.struct_size = sizeof file_caps, .schemes = file_schemes};
static const struct kp_plugin file_table = {.struct_size = sizeof file_table,
                                            .name = "file-test",
                                            .abi_minor = KP_ABI_MINOR,
                                            .caps = &file_caps,
                                            .open = idle_open,
                                            .submit = idle_submit,
                                            .close = idle_close};

static const char *const web_suffixes[] = {".vault.test", NULL};
static const struct kp_caps web_caps = {.struct_size = sizeof web_caps,
                                        .host_suffixes = web_suffixes};
static const struct kp_plugin web_table = {.struct_size = sizeof web_table,
                                           .name = "web",
                                           .abi_minor = KP_ABI_MINOR,
                                           .caps = &web_caps,
                                           .open = idle_open,
                                           .submit = idle_submit,
                                           .close = idle_close};

static const struct kp_plugin *get_file(uint32_t major, uint32_t minor)
{
    (void)major;
    (void)minor;
    return &file_table;
}

static const struct kp_plugin *get_web(uint32_t major, uint32_t minor)
{
    (void)major;
    (void)minor;
    return &web_table;
}

struct world {
    struct kpi_config config;
    struct kpi_plugins plugins;
    struct kp_error err;
};

static const char config_text[] =
    "{\"vaults\": {\"prod\": {\"location\": \"Keys.Vault.Test\"},"
    " \"dev\": {\"location\": \"file:/v/./dev/\"},"
    " \"emulator\": {\"plugin\": \"web\", \"location\": \"LocalHost:8443\"},"
    " \"named\": {\"plugin\": \"file-test\", \"location\": \"file:/v/named\"},"
    " \"odd.vault.test\": {\"location\": \"mem:x\"},"
    " \"lost\": {\"plugin\": \"gone\", \"location\": \"file:/v\"},"
    " \"astray\": {\"location\": \"ftp:/v\"}}}";

static int enter(void **state)
{
    static kp_plugin_get_fn *const gets[] = {get_file, get_web, NULL};
    const struct kpi_plugin_sources sources = {.static_plugins = gets, .no_files = true};
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    assert_int_equal(kpi_config_parse(kpb_span_str(config_text), &w->config, NULL), KP_OK);
    kpi_plugins_init(&w->plugins);
    assert_int_equal(kpi_plugins_load(&w->plugins, &sources, NULL), KP_OK);
    *state = w;
    return 0;
}

static int leave(void **state)
{
    struct world *w = *state;

    kpi_plugins_clear(&w->plugins);
    kpi_config_clear(&w->config);
    free(w);
    return 0;
}

static kp_status find(struct world *w, const char *text, struct kpi_route *route)
{
    kp_error_init(&w->err);
    return kpi_route_find(&w->config, &w->plugins, kpb_span_str(text), route, &w->err);
}

/* configured: whether the route leads through the configuration */
static void assert_route(struct world *w, const char *text, const char *plugin, const char *name,
                         const char *location, bool configured)
{
    struct kpi_route route = {NULL, NULL, NULL, NULL};

    if (find(w, text, &route) != KP_OK)
        fail_msg("%s: %s", text, w->err.text);
    assert_string_equal(route.plugin->table.name, plugin);
    assert_string_equal(route.name, name);
    assert_string_equal(route.location, location);
    assert_int_equal(route.configured != NULL, configured);
    if (route.configured)
        assert_string_equal(route.configured->name, name);
    kpi_route_clear(&route);
    assert_null(route.name);
    kpi_route_clear(&route);
}

static void assert_lost(struct world *w, const char *text, kp_status status, const char *sentence)
{
    struct kpi_route route = {NULL, NULL, NULL, NULL};

    assert_int_equal(find(w, text, &route), status);
    if (strcmp(w->err.text, sentence) != 0)
        fail_msg("%s\n  says:     %s\n  expected: %s", text, w->err.text, sentence);
    assert_null(route.name);
}

/* ---- By name ---- */

static void route_configured_name_leads_to_its_plugin(void **state)
{
    struct world *w = *state;

    assert_route(w, "prod", "web", "prod", "keys.vault.test", true);
    assert_route(w, "dev", "file-test", "dev", "/v/dev", true);
    assert_route(w, "named", "file-test", "named", "/v/named", true);
}

static void route_named_plugin_takes_any_location(void **state)
{
    assert_route(*state, "emulator", "web", "emulator", "LocalHost:8443", true);
}

static void route_configured_name_wins_over_a_host(void **state)
{
    assert_route(*state, "odd.vault.test", "file-test", "odd.vault.test", "x", true);
}

static void route_configured_vault_without_plugin_names_the_member(void **state)
{
    struct world *w = *state;

    assert_lost(w, "lost", KP_CONFIG,
                "vaults.lost.plugin: vault lost: its plugin is not there; "
                "known are: file-test, web");
    assert_lost(w, "astray", KP_CONFIG,
                "vaults.astray.location: vault ftp:/v: no plugin serves that scheme; "
                "known are: file:LOCATION, mem:LOCATION");
}

/* ---- By location ---- */

static void route_scheme_leads_to_its_plugin(void **state)
{
    struct world *w = *state;

    assert_route(w, "file:/a/b", "file-test", "file:/a/b", "/a/b", false);
    assert_route(w, "FILE:/a//b/", "file-test", "file:/a/b", "/a/b", false);
    assert_route(w, "file:///a/b", "file-test", "file:/a/b", "/a/b", false);
    assert_route(w, "file://localhost/a", "file-test", "file:/a", "/a", false);
    assert_route(w, "mem:Any ./Thing:1", "file-test", "mem:Any ./Thing:1", "Any ./Thing:1", false);
}

static void route_relative_path_starts_at_the_current_folder(void **state)
{
    struct world *w = *state;
    char here[400];
    char location[512];
    char name[520];

    assert_non_null(getcwd(here, sizeof here));
    snprintf(location, sizeof location, "%s/vault", here);
    snprintf(name, sizeof name, "file:%s", location);
    assert_route(w, "file:./vault", "file-test", name, location, false);
    assert_route(w, "file:vault", "file-test", name, location, false);
    assert_route(w, "file:.//./vault/", "file-test", name, location, false);
}

static void route_host_leads_to_the_plugin_of_its_suffix(void **state)
{
    struct world *w = *state;

    assert_route(w, "a.vault.test", "web", "a.vault.test", "a.vault.test", false);
    assert_route(w, "A.B.VAULT.test", "web", "a.b.vault.test", "a.b.vault.test", false);
}

static void route_to_nowhere_lists_what_is_known(void **state)
{
    struct world *w = *state;
    const char known[] = "known are: prod, dev, emulator, named, odd.vault.test, lost, astray";
    char sentence[512];

    assert_lost(w, "ftp:/x", KP_CONFIG,
                "vault ftp:/x: no plugin serves that scheme; "
                "known are: file:LOCATION, mem:LOCATION");
    snprintf(sentence, sizeof sentence,
             "vault a.vault.org: no plugin serves that host; %s, HOST.vault.test", known);
    assert_lost(w, "a.vault.org", KP_CONFIG, sentence);
    snprintf(sentence, sizeof sentence,
             "vault prud: no vault of that name is configured; %s, file:LOCATION, mem:LOCATION, "
             "HOST.vault.test",
             known);
    assert_lost(w, "prud", KP_CONFIG, sentence);
    snprintf(sentence, sizeof sentence,
             "vault ./vault: no vault of that name is configured, and a directory is "
             "file:DIRECTORY; %s, file:LOCATION, "
             "mem:LOCATION, HOST.vault.test",
             known);
    assert_lost(w, "./vault", KP_CONFIG, sentence);
}

static void route_drive_letter_is_no_scheme(void **state)
{
    struct world *w = *state;
    struct kpi_route route;

    assert_int_equal(find(w, "C:\\keys", &route), KP_CONFIG);
    assert_non_null(strstr(w->err.text, "no vault of that name"));
    assert_int_equal(find(w, "c:/keys", &route), KP_CONFIG);
    assert_non_null(strstr(w->err.text, "no vault of that name"));
    assert_int_equal(find(w, "ab:/keys", &route), KP_CONFIG);
    assert_non_null(strstr(w->err.text, "no plugin serves that scheme"));
}

static void route_malformed_location_is_refused(void **state)
{
    static const char *const no_hosts[] = {".vault.test", "a.vault.test.", "a.vault.test/keys"};
    struct world *w = *state;
    struct kpi_route route;

    assert_lost(w, "file:", KP_CONFIG,
                "nothing follows the colon; write SCHEME:LOCATION, such as file:./vault");
    assert_lost(w, "file://host/a", KP_CONFIG,
                "what stands between file:// and the next slash is another host; write file:PATH");
    for (size_t i = 0; i < LEN(no_hosts); i++) {
        assert_int_equal(find(w, no_hosts[i], &route), KP_CONFIG);
        assert_non_null(strstr(w->err.text, "no vault of that name"));
    }
}

static void route_impossible_text_is_usage(void **state)
{
    struct world *w = *state;
    char text[KP_VAULT_TEXT_MAX_LEN + 1];
    struct kpi_route route;

    assert_lost(w, "", KP_USAGE, "the name of the vault is empty");
    memset(text, 'x', sizeof text);
    assert_int_equal(
        kpi_route_find(&w->config, &w->plugins, kpb_span(text, sizeof text), &route, &w->err),
        KP_USAGE);
    assert_int_equal(
        kpi_route_find(&w->config, &w->plugins, kpb_span("file:a\0b", 8), &route, &w->err),
        KP_USAGE);
}

static void route_long_list_of_names_is_cut(void **state)
{
    struct world *w = *state;
    struct kpi_config config;
    struct kpi_route route;
    char text[4096] = "{\"vaults\": {";

    for (int i = 0; i < 40; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "%s\"vault-number-%02d\": {\"location\": \"file:v\"}", i ? ", " : "", i);
    snprintf(text + strlen(text), sizeof text - strlen(text), "}}");
    assert_int_equal(kpi_config_parse(kpb_span_str(text), &config, &w->err), KP_OK);
    assert_int_equal(kpi_route_find(&config, &w->plugins, kpb_span_str("none"), &route, &w->err),
                     KP_CONFIG);
    assert_non_null(strstr(w->err.text, "vault-number-08, ..."));
    kpi_config_clear(&config);
}

static void route_without_plugins_knows_none(void **state)
{
    struct world *w = *state;
    struct kpi_plugins none;
    struct kpi_route route;

    kpi_plugins_init(&none);
    assert_int_equal(kpi_route_find(&w->config, &none, kpb_span_str("file:x"), &route, &w->err),
                     KP_CONFIG);
    assert_string_equal(w->err.text, "vault file:x: no plugin serves that scheme; known are: none; "
                                     "see whether plugin_dir leads to the plugins");
}

/* ---- Memory ---- */

static size_t countdown;
static size_t n_held;

static void *failing_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    (void)site;
    if (countdown-- == 0)
        return NULL;
    n_held++;
    return calloc(1, n);
}

static void counting_free(void *ctx, void *p)
{
    (void)ctx;
    n_held--;
    free(p);
}

static void find_with_each_allocation_failing(struct world *w, const char *text, kp_status last)
{
    struct kpb_mem_hooks hooks = {NULL, failing_alloc, counting_free, NULL, NULL};
    kp_status st = KP_NO_MEMORY;

    kpb_mem_use(&hooks);
    for (size_t n = 0; st == KP_NO_MEMORY && n < 20; n++) {
        struct kpi_route route = {NULL, NULL, NULL, NULL};

        countdown = n;
        st = find(w, text, &route);
        kpi_route_clear(&route);
        assert_int_equal(n_held, 0);
    }
    kpb_mem_use(NULL);
    assert_int_equal(st, last);
}

static void route_each_allocation_failing_is_no_memory_and_leaks_nothing(void **state)
{
    struct world *w = *state;

    find_with_each_allocation_failing(w, "file:./x", KP_OK);
    find_with_each_allocation_failing(w, "a.vault.test", KP_OK);
    find_with_each_allocation_failing(w, "prod", KP_OK);
    find_with_each_allocation_failing(w, "none", KP_CONFIG);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
    const struct CMUnitTest tests[] = {
        TEST(route_configured_name_leads_to_its_plugin),
        TEST(route_named_plugin_takes_any_location),
        TEST(route_configured_name_wins_over_a_host),
        TEST(route_configured_vault_without_plugin_names_the_member),
        TEST(route_scheme_leads_to_its_plugin),
        TEST(route_relative_path_starts_at_the_current_folder),
        TEST(route_host_leads_to_the_plugin_of_its_suffix),
        TEST(route_to_nowhere_lists_what_is_known),
        TEST(route_drive_letter_is_no_scheme),
        TEST(route_malformed_location_is_refused),
        TEST(route_impossible_text_is_usage),
        TEST(route_long_list_of_names_is_cut),
        TEST(route_without_plugins_knows_none),
        TEST(route_each_allocation_failing_is_no_memory_and_leaks_nothing),
    };
#undef TEST

    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
