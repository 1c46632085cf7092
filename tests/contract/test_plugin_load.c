/*
 * The door for plugins as files: every fixture knocks. The files are copied to a folder that only
 * this user can write, wherever the build lies.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/span.h"
#include "core/dl.h"
#include "core/plugin_load.h"
#include "core/trust.h"
#include "crypto/hash.h"
#include "support/temp_dir.h"

#define LEN(array) (sizeof(array) / sizeof(array)[0])

/* ---- A folder of plugins ---- */

struct place {
    char dir[TEMP_DIR_LEN];
    struct kp_error err;
};

static int enter(void **state)
{
    struct place *p = calloc(1, sizeof *p);

    assert_non_null(p);
    temp_dir_make(p->dir);
    *state = p;
    return 0;
}

static int leave(void **state)
{
    struct place *p = *state;

    temp_dir_remove(p->dir);
    free(p);
    return 0;
}

/* Path of a file in the place; the last three stay valid. */
static const char *at(struct place *p, const char *file)
{
    static char paths[3][256];
    static unsigned next;
    char *path = paths[next++ % 3];

    snprintf(path, sizeof paths[0], "%s/%s", p->dir, file);
    return path;
}

/* Reads a fixture; the caller frees it. */
static uint8_t *read_fixture(const char *name, size_t *ret_len)
{
    char path[512];
    uint8_t *bytes = malloc(4u * 1024 * 1024);
    FILE *f;

    snprintf(path, sizeof path, "%s/%s.so", KP_TEST_PLUGIN_DIR, name);
    f = fopen(path, "rb");
    if (!f || !bytes)
        fail_msg("there is no fixture %s", path);
    *ret_len = fread(bytes, 1, 4u * 1024 * 1024, f);
    assert_in_range(*ret_len, 1000, 4u * 1024 * 1024 - 1);
    assert_int_equal(fclose(f), 0);
    return bytes;
}

static const char *put(struct place *p, const char *fixture, const char *file)
{
    size_t len;
    uint8_t *bytes = read_fixture(fixture, &len);
    const char *path = at(p, file);
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0644), 0);
    free(bytes);
    return path;
}

static kp_status load(struct place *p, const char *path, struct kpi_plugin **ret)
{
    *ret = NULL;
    kp_error_init(&p->err);
    return kpi_plugin_load_file(path, NULL, ret, &p->err);
}

static void assert_says(const struct place *p, const char *part)
{
    if (!strstr(p->err.text, part))
        fail_msg("\"%s\" does not say \"%s\"", p->err.text, part);
}

static size_t count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(folder);
    while (readdir(folder))
        n++;
    assert_int_equal(closedir(folder), 0);
    return n;
}

/* ---- Good ones ---- */

static void file_good_minimal_is_loaded_with_defaults(void **state)
{
    struct place *p = *state;
    const char *path = put(p, "good-minimal", "m.so");
    struct kpi_plugin *plugin;

    assert_int_equal(load(p, path, &plugin), KP_OK);
    assert_string_equal(plugin->table.name, "good-minimal");
    assert_string_equal(plugin->origin, path);
    assert_int_equal(plugin->caps.ops, KP_OP_BIT(KP_OP_RANDOM));
    assert_int_equal(plugin->caps.run_ops, 0);
    plugin->table.cancel(NULL, 1, NULL);
    plugin->table.done(NULL, 1, NULL);
    assert_int_equal(plugin->table.reload(NULL, NULL, NULL), KP_UNSUPPORTED);
    kpi_plugin_free(plugin);
}

static void file_from_the_future_is_loaded_as_what_is_known(void **state)
{
    struct place *p = *state;
    struct kpi_plugin *plugin;

    assert_int_equal(load(p, put(p, "from-the-future", "f.so"), &plugin), KP_OK);
    assert_int_equal(plugin->table.struct_size, sizeof plugin->table);
    assert_int_equal(plugin->table.abi_minor, KP_ABI_MINOR + 98);
    assert_int_equal(plugin->caps.struct_size, sizeof plugin->caps);
    assert_int_equal(plugin->caps.ops, (KP_OP_BIT(KP_OP_MAX) << 1) - 2);
    assert_string_equal(plugin->caps.settings[0]->name, "mode");
    assert_null(plugin->caps.settings[1]);
    kpi_plugin_free(plugin);
}

static void host_opened(void *self, kp_status status, const struct kp_error *error)
{
    assert_int_equal(status, KP_OK);
    assert_null(error);
    ++*(int *)self;
}

static void host_closed(void *self)
{
    *(int *)self += 10;
}

/* Not only loaded: every slot is where this host calls it. */
static void file_frozen_0_1_is_loaded_and_its_slots_answer(void **state)
{
    struct place *p = *state;
    struct kpi_plugin *plugin;
    int calls = 0;
    struct kp_host host = {
        .struct_size = sizeof host, .self = &calls, .opened = host_opened, .closed = host_closed};
    void *vault = NULL;

    assert_int_equal(load(p, put(p, "frozen-v0-1", "f.so"), &plugin), KP_OK);
    assert_string_equal(plugin->table.version, "0.1");
    assert_string_equal(plugin->table.doc, "a plugin of ABI 0.1");
    assert_int_equal(plugin->caps.flags, KP_CAP_CANCEL);
    assert_int_equal(plugin->caps.run_ops, KP_OP_BIT(KP_OP_RANDOM));
    assert_int_equal(plugin->caps.rsa_bits_max, 4096);
    assert_int_equal(plugin->caps.max_in_flight, 7);
    assert_string_equal(plugin->caps.schemes[0], "frozen");
    assert_string_equal(plugin->caps.host_suffixes[0], ".frozen.test");
    assert_int_equal(plugin->caps.settings[0]->type, KP_SETTING_INTEGER);
    assert_int_equal(plugin->caps.settings[0]->flags, KP_SETTING_RELOADABLE);
    assert_string_equal(plugin->caps.settings[0]->fallback, "3");
    assert_int_equal(plugin->caps.settings[0]->max, 9);
    assert_int_equal(plugin->table.open(&host, NULL, &vault, NULL), KP_OK);
    assert_int_equal(plugin->table.submit(vault, 1, NULL, NULL, NULL), KP_UNSUPPORTED);
    plugin->table.cancel(vault, 1, NULL);
    plugin->table.done(vault, 1, NULL);
    assert_int_equal(plugin->table.run(vault, NULL, NULL, NULL, NULL), KP_UNSUPPORTED);
    assert_int_equal(plugin->table.reload(vault, NULL, NULL), KP_OK);
    plugin->table.close(vault);
    assert_int_equal(calls, 11);
    kpi_plugin_free(plugin);
}

/* ---- Bad ones ---- */

static void file_each_bad_fixture_is_refused_with_its_reason(void **state)
{
    static const char *const fixtures[][2] = {
        {"wrong-major", "plugin ABI 7.2 and host ABI 0.2 do not go together"},
        {"truncated", "is truncated before slot close (plugin ABI 0.2, host ABI 0.2)"},
        {"truncated-head", "4 bytes do not even hold its version"},
        {"missing-slot", "lacks slot submit (plugin ABI 0.2, host ABI 0.2)"},
        {"no-symbol", "it has no symbol kp_plugin_get"},
        {"null-table", "it has no table for host ABI 0.2"},
    };
    struct place *p = *state;
    struct kpi_plugin *plugin;

    for (size_t i = 0; i < LEN(fixtures); i++) {
        const char *path = put(p, fixtures[i][0], "bad.so");

        assert_int_equal(load(p, path, &plugin), KP_CONFIG);
        assert_null(plugin);
        assert_says(p, path);
        assert_says(p, fixtures[i][1]);
        assert_int_equal(unlink(path), 0); /* the next one is another file of this name */
    }
}

static void file_that_is_no_object_is_refused(void **state)
{
    struct place *p = *state;
    const char *path = put(p, "good-minimal", "x.so");
    struct kpi_plugin *plugin;

    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(load(p, path, &plugin), KP_CONFIG);
    assert_says(p, "cannot be loaded");
    assert_int_equal(load(p, at(p, "none.so"), &plugin), KP_NOT_FOUND);
}

static void file_others_can_write_is_refused_before_it_is_loaded(void **state)
{
    struct place *p = *state;
    const char *path = put(p, "no-symbol", "x.so");
    struct kpi_plugin *plugin;

    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(load(p, path, &plugin), KP_CONFIG);
    assert_says(p, "chmod go-w");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chmod(p->dir, 0777), 0);
    assert_int_equal(load(p, path, &plugin), KP_CONFIG);
    assert_says(p, "chmod go-w");
}

/* ---- The pin ---- */

static void pin_decides_on_the_content(void **state)
{
    struct place *p = *state;
    const char *path = put(p, "good-minimal", "m.so");
    struct kpi_plugin_config wanted = {.file.is_set = true};
    struct kpi_plugin *plugin = NULL;
    size_t len;
    uint8_t *bytes = read_fixture("good-minimal", &len);

    assert_int_equal(kpc_sha256(kpb_span(bytes, len), wanted.file.sha256, NULL), KP_OK);
    assert_int_equal(kpi_plugin_load_file(path, &wanted, &plugin, &p->err), KP_OK);
    kpi_plugin_free(plugin);
    wanted.file.sha256[31] ^= 1;
    assert_int_equal(kpi_plugin_load_file(path, &wanted, &plugin, &p->err), KP_CONFIG);
    assert_says(p, "SHA-256 is not the one the configuration pins");
    free(bytes);
}

/* ---- One process, many loads ---- */

static void file_loaded_twice_is_one_object_and_one_descriptor(void **state)
{
    struct place *p = *state;
    const char *path = put(p, "good-minimal", "m.so");
    struct kpi_plugin *first;
    struct kpi_plugin *second;
    size_t n_before;

    assert_int_equal(load(p, path, &first), KP_OK);
    n_before = count_descriptors();
    assert_int_equal(load(p, path, &second), KP_OK);
    assert_int_equal(count_descriptors(), n_before);
    assert_ptr_equal(first->table.open, second->table.open);
    kpi_plugin_free(first);
    kpi_plugin_free(second);
}

static void file_refused_leaves_no_descriptor_unless_mapped(void **state)
{
    struct place *p = *state;
    const char *path = put(p, "good-minimal", "x.so");
    struct kpi_plugin *plugin;
    struct kpi_plugin_config wanted = {.file.is_set = true};
    size_t n_before = count_descriptors();

    assert_int_equal(kpi_plugin_load_file(path, &wanted, &plugin, &p->err), KP_CONFIG);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(load(p, path, &plugin), KP_CONFIG);
    assert_int_equal(count_descriptors(), n_before);
}

/* The linker remembers names of descriptors: a number used again would give the old object. */
static void file_replaced_by_another_is_the_other(void **state)
{
    struct place *p = *state;
    const char *path = put(p, "good-minimal", "x.so");
    struct kpi_plugin *old;
    struct kpi_plugin *new;

    assert_int_equal(load(p, path, &old), KP_OK);
    assert_int_equal(rename(put(p, "frozen-v0-1", "y"), path), 0);
    assert_int_equal(load(p, path, &new), KP_OK);
    assert_string_equal(old->table.name, "good-minimal");
    assert_string_equal(new->table.name, "frozen-v0-1");
    kpi_plugin_free(old);
    kpi_plugin_free(new);
}

/* The file is swapped between the check and the loading. */
static void file_swapped_after_the_check_is_not_loaded(void **state)
{
    struct place *p = *state;
    const char *path = put(p, "good-minimal", "x.so");
    void *handle = NULL;
    int fd = -1;

    assert_int_equal(kpi_trust_open(path, KPI_TRUST_FILE, &fd, &p->err), KP_OK);
    assert_int_equal(rename(put(p, "no-symbol", "y"), path), 0);
    assert_int_equal(kpi_dl_open(fd, path, &handle, &p->err), KP_OK);
    assert_non_null(kpi_dl_find(handle, KPI_PLUGIN_SYMBOL));
}

static void file_changed_in_place_after_loading_is_refused(void **state)
{
    struct place *p = *state;
    const char *path = put(p, "good-minimal", "x.so");
    struct kpi_plugin *plugin;
    FILE *f;

    assert_int_equal(load(p, path, &plugin), KP_OK);
    kpi_plugin_free(plugin);
    f = fopen(path, "ab"); /* behind all that is mapped */
    assert_non_null(f);
    assert_int_equal(fputc(0, f), 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(load(p, path, &plugin), KP_CONFIG);
    assert_says(p, "was changed in place");
}

/* ---- Folders ---- */

static kp_status load_all(struct place *p, const char *text, bool dir_required,
                          struct kpi_plugins *plugins)
{
    struct kpi_config config;
    struct kpi_plugin_sources sources = {
        .config = &config, .dir = p->dir, .dir_required = dir_required};
    kp_status st;

    assert_int_equal(kpi_config_parse(kpb_span_str(text), &config, &p->err), KP_OK);
    kpi_plugins_init(plugins);
    st = kpi_plugins_load(plugins, &sources, &p->err);
    kpi_config_clear(&config);
    return st;
}

static void dir_loads_in_order_and_notes_what_it_refuses(void **state)
{
    struct place *p = *state;
    struct kpi_plugins plugins;

    put(p, "wrong-major", "b.so");
    put(p, "good-minimal", "c.so");
    put(p, "frozen-v0-1", "a.so");
    put(p, "good-minimal", "d.so");
    put(p, "null-table", "e.so.old");
    assert_int_equal(load_all(p, "{}", true, &plugins), KP_OK);
    assert_int_equal(plugins.n_items, 2);
    assert_string_equal(plugins.items[0]->table.name, "frozen-v0-1");
    assert_string_equal(plugins.items[1]->table.name, "good-minimal");
    assert_int_equal(plugins.n_refusals, 2);
    assert_string_equal(plugins.refusals[0].origin, at(p, "b.so"));
    assert_non_null(strstr(plugins.refusals[0].error.text, "do not go together"));
    assert_string_equal(plugins.refusals[1].origin, at(p, "d.so"));
    assert_non_null(strstr(plugins.refusals[1].error.text, "is there already, from"));
    kpi_plugins_clear(&plugins);
}

static void dir_missing_matters_only_where_required(void **state)
{
    struct place *p = *state;
    struct kpi_plugins plugins;

    assert_int_equal(rmdir(p->dir), 0);
    assert_int_equal(load_all(p, "{}", false, &plugins), KP_OK);
    assert_int_equal(plugins.n_refusals, 0);
    kpi_plugins_clear(&plugins);
    assert_int_equal(load_all(p, "{}", true, &plugins), KP_CONFIG);
    assert_says(p, "plugin_dir: ");
    kpi_plugins_clear(&plugins);
}

static void dir_others_can_write_is_refused_as_a_whole(void **state)
{
    struct place *p = *state;
    struct kpi_plugins plugins;

    put(p, "good-minimal", "c.so");
    assert_int_equal(chmod(p->dir, 0777), 0);
    assert_int_equal(load_all(p, "{}", false, &plugins), KP_OK);
    assert_int_equal(plugins.n_items, 0);
    assert_int_equal(plugins.n_refusals, 1);
    assert_string_equal(plugins.refusals[0].origin, p->dir);
    kpi_plugins_clear(&plugins);
    assert_int_equal(load_all(p, "{}", true, &plugins), KP_CONFIG);
    kpi_plugins_clear(&plugins);
}

static void wanted_plugins_come_first_and_once(void **state)
{
    struct place *p = *state;
    struct kpi_plugins plugins;
    char text[256];

    put(p, "frozen-v0-1", "a.so");
    put(p, "good-minimal", "z.so");
    snprintf(text, sizeof text, "{\"plugins\": [{\"name\": \"z\"}, {\"path\": \"%s\"}]}",
             at(p, "a.so"));
    assert_int_equal(load_all(p, text, false, &plugins), KP_OK);
    assert_int_equal(plugins.n_items, 2);
    assert_string_equal(plugins.items[0]->table.name, "good-minimal");
    assert_int_equal(plugins.n_refusals, 0);
    kpi_plugins_clear(&plugins);
}

static void wanted_plugin_refused_or_missing_is_an_error(void **state)
{
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    struct place *p = *state;
    struct kpi_plugins plugins;
    char text[256];

    put(p, "wrong-major", "b.so");
    put(p, "good-minimal", "c.so");
    assert_int_equal(
        load_all(p, "{\"plugins\": [{\"name\": \"c\"}, {\"name\": \"b\"}]}", false, &plugins),
        KP_CONFIG);
    assert_true(strncmp(p->err.text, "plugins[1]: ", 12) == 0);
    kpi_plugins_clear(&plugins);
    assert_int_equal(load_all(p, "{\"plugins\": [{\"name\": \"none\"}]}", false, &plugins),
                     KP_CONFIG);
    assert_int_equal(p->err.status, KP_CONFIG);
    assert_says(p, "none.so");
    kpi_plugins_clear(&plugins);
    snprintf(text, sizeof text, "{\"plugins\": [{\"name\": \"c\", \"sha256\": \"%s\"}]}", zeros);
    assert_int_equal(load_all(p, text, false, &plugins), KP_CONFIG);
    assert_says(p, "SHA-256");
    kpi_plugins_clear(&plugins);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
    const struct CMUnitTest tests[] = {
        TEST(file_good_minimal_is_loaded_with_defaults),
        TEST(file_from_the_future_is_loaded_as_what_is_known),
        TEST(file_frozen_0_1_is_loaded_and_its_slots_answer),
        TEST(file_each_bad_fixture_is_refused_with_its_reason),
        TEST(file_that_is_no_object_is_refused),
        TEST(file_others_can_write_is_refused_before_it_is_loaded),
        TEST(pin_decides_on_the_content),
        TEST(file_loaded_twice_is_one_object_and_one_descriptor),
        TEST(file_refused_leaves_no_descriptor_unless_mapped),
        TEST(file_replaced_by_another_is_the_other),
        TEST(file_swapped_after_the_check_is_not_loaded),
        TEST(file_changed_in_place_after_loading_is_refused),
        TEST(dir_loads_in_order_and_notes_what_it_refuses),
        TEST(dir_missing_matters_only_where_required),
        TEST(dir_others_can_write_is_refused_as_a_whole),
        TEST(wanted_plugins_come_first_and_once),
        TEST(wanted_plugin_refused_or_missing_is_an_error),
    };
#undef TEST

    return cmocka_run_group_tests_name("plugin_load", tests, NULL, NULL);
}
