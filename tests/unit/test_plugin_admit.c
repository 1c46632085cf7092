/*
 * The door for plugins with tables made up here. What is offered lies in memory of exactly the size
 * it states, so that an address sanitizer sees every byte read beyond.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/plugin_defaults.h"
#include "core/plugin_load.h"
#include "tests/support/idle_plugin.h"

#define LEN(array) (sizeof(array) / sizeof(array)[0])

/* ---- A good plugin ---- */

static void some_cancel(void *vault, kp_op_id op, void *state)
{
    (void)vault;
    (void)op;
    (void)state;
}

static kp_status some_run(void *vault, const struct kp_request *request, kp_answer_fn *answer,
                          void *answer_ctx, struct kp_error *reterr)
{
    (void)vault;
    (void)request;
    (void)answer;
    (void)answer_ctx;
    (void)reterr;
    return KP_OK;
}

static const char *const schemes[] = {"file", "a+b.c-2", NULL};
static const char *const suffixes[] = {".vault.test", ".eu.vault.test", NULL};
static const struct kp_setting_spec mode = {
    .struct_size = sizeof mode, .type = KP_SETTING_TEXT, .name = "mode", .doc = "how"};
static const struct kp_setting_spec *const settings[] = {&mode, NULL};

static struct kp_caps good_caps(void)
{
    struct kp_caps caps = {.struct_size = sizeof caps,
                           .ops = KP_OP_BIT(KP_OP_WRAP) | KP_OP_BIT(KP_OP_UNWRAP),
                           .run_ops = KP_OP_BIT(KP_OP_WRAP),
                           .algs = KP_ALG_BIT(KP_ALG_RSA_OAEP),
                           .schemes = schemes,
                           .host_suffixes = suffixes,
                           .settings = settings};

    return caps;
}

static struct kp_plugin good_table(const struct kp_caps *caps)
{
    struct kp_plugin table = {.struct_size = sizeof table,
                              .abi_major = KP_ABI_MAJOR,
                              .abi_minor = KP_ABI_MINOR,
                              .name = "good",
                              .version = "1",
                              .doc = "a plugin",
                              .caps = caps,
                              .open = idle_open,
                              .submit = idle_submit,
                              .cancel = some_cancel,
                              .close = idle_close,
                              .run = some_run};

    return table;
}

/* Copy in memory of exactly n bytes, the rest of which beyond len is 0xee. */
static void *exactly(const void *from, size_t len, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);

    assert_non_null(copy);
    memset(copy, 0xee, n);
    memcpy(copy, from, len < n ? len : n);
    return copy;
}

static kp_status knock(const struct kp_plugin *table, struct kpi_plugin **ret, struct kp_error *err)
{
    *ret = NULL;
    kp_error_init(err);
    return kpi_plugin_admit(table, "/p/x.so", ret, err);
}

static void assert_refused(const struct kp_plugin *table, const char *sentence)
{
    struct kpi_plugin *plugin;
    struct kp_error err;

    assert_int_equal(knock(table, &plugin, &err), KP_CONFIG);
    assert_null(plugin);
    if (strcmp(err.text, sentence) != 0)
        fail_msg("says:     %s\nexpected: %s", err.text, sentence);
}

/* ---- Tables ---- */

static void table_good_is_copied_whole(void **state)
{
    struct kp_caps caps = good_caps();
    struct kp_plugin table = good_table(&caps);
    struct kpi_plugin *plugin;
    struct kp_error err;

    (void)state;
    assert_int_equal(knock(&table, &plugin, &err), KP_OK);
    assert_string_equal(plugin->origin, "/p/x.so");
    assert_string_equal(plugin->table.name, "good");
    assert_ptr_equal(plugin->table.open, idle_open);
    assert_ptr_equal(plugin->table.run, some_run);
    assert_ptr_equal(plugin->table.caps, &plugin->caps);
    assert_int_equal(plugin->caps.ops, caps.ops);
    assert_int_equal(plugin->caps.run_ops, caps.run_ops);
    assert_string_equal(plugin->caps.schemes[1], "a+b.c-2");
    assert_string_equal(plugin->caps.settings[0]->doc, "how");
    assert_null(plugin->caps.settings[1]);
    kpi_plugin_free(plugin);
}

static void table_missing_optional_slots_get_defaults(void **state)
{
    struct kp_caps caps = {.struct_size = sizeof caps, .ops = 2, .run_ops = 2};
    struct kp_plugin table = good_table(&caps);
    struct kpi_plugin *plugin;
    struct kp_error err;

    (void)state;
    table.version = table.doc = NULL;
    table.cancel = NULL;
    table.run = NULL;
    assert_int_equal(knock(&table, &plugin, &err), KP_OK);
    assert_string_equal(plugin->table.version, "");
    assert_string_equal(plugin->table.doc, "");
    plugin->table.cancel(NULL, 1, NULL);
    plugin->table.done(NULL, 1, NULL);
    assert_int_equal(plugin->table.run(NULL, NULL, NULL, NULL, NULL), KP_UNSUPPORTED);
    assert_int_equal(plugin->table.reload(NULL, NULL, &err), KP_UNSUPPORTED);
    assert_int_equal(plugin->caps.run_ops, 0);
    assert_null(plugin->caps.schemes[0]);
    assert_null(plugin->caps.host_suffixes[0]);
    assert_null(plugin->caps.settings[0]);
    kpi_plugin_free(plugin);
}

/* Each size a table can state, with memory for not one byte more. */
static void table_of_each_size_is_admitted_or_truncated(void **state)
{
    struct kp_caps caps = good_caps();
    struct kp_plugin table = good_table(&caps);
    size_t enough = offsetof(struct kp_plugin, close) + sizeof(void *);

    (void)state;
    for (uint32_t size = 4; size <= sizeof table + 64; size++) {
        struct kp_plugin *offered = exactly(&table, sizeof table, size);
        struct kpi_plugin *plugin;
        struct kp_error err;
        kp_status st;

        offered->struct_size = size;
        st = knock(offered, &plugin, &err);
        assert_int_equal(st, size < enough ? KP_CONFIG : KP_OK);
        assert_int_equal(strstr(err.text, "truncated") != NULL, size < enough);
        if (st == KP_OK && size < offsetof(struct kp_plugin, run) + sizeof(void *))
            assert_ptr_equal(plugin->table.run, kpi_default_run);
        if (st == KP_OK && size < sizeof table)
            assert_ptr_equal(plugin->table.reload, kpi_default_reload);
        kpi_plugin_free(plugin);
        free(offered);
    }
}

static void table_truncated_names_the_slot_and_versions(void **state)
{
    struct kp_caps caps = good_caps();
    struct kp_plugin table = good_table(&caps);

    (void)state;
    table.struct_size = offsetof(struct kp_plugin, submit) + 1;
    assert_refused(&table, "/p/x.so: its table is truncated before slot submit "
                           "(plugin ABI 0.2, host ABI 0.2)");
    table.struct_size = 7;
    assert_refused(&table, "/p/x.so: its table is truncated: 7 bytes do not even hold its version "
                           "(host ABI 0.2)");
    table.struct_size = 8;
    assert_refused(&table, "/p/x.so: its table is truncated before slot name "
                           "(plugin ABI 0.2, host ABI 0.2)");
}

static void table_of_another_major_names_both_versions(void **state)
{
    struct kp_caps caps = good_caps();
    struct kp_plugin table = good_table(&caps);

    (void)state;
    table.abi_major = 3;
    table.abi_minor = 4;
    table.struct_size = 8; /* all that is known of another major */
    assert_refused(&table, "/p/x.so: plugin ABI 3.4 and host ABI 0.2 do not go together; "
                           "the first numbers must be the same");
}

static void table_null_is_refused(void **state)
{
    (void)state;
    assert_refused(NULL, "/p/x.so: it has no table for host ABI 0.2");
}

static void table_without_mandatory_slot_names_it(void **state)
{
    static const struct {
        const char *slot;
        size_t offset;
    } slots[] = {{"name", offsetof(struct kp_plugin, name)},
                 {"caps", offsetof(struct kp_plugin, caps)},
                 {"open", offsetof(struct kp_plugin, open)},
                 {"submit", offsetof(struct kp_plugin, submit)},
                 {"close", offsetof(struct kp_plugin, close)}};
    struct kp_caps caps = good_caps();
    char sentence[128];

    (void)state;
    for (size_t i = 0; i < LEN(slots); i++) {
        struct kp_plugin table = good_table(&caps);

        memset((char *)&table + slots[i].offset, 0, sizeof(void *));
        snprintf(sentence, sizeof sentence,
                 "/p/x.so: its table lacks slot %s (plugin ABI 0.2, host ABI 0.2)", slots[i].slot);
        assert_refused(&table, sentence);
    }
}

static void table_name_outside_the_alphabet_is_refused(void **state)
{
    static const char *const names[] = {
        "",    "Good", "a_b",
        "a b", "a/b",  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbc"};
    struct kp_caps caps = good_caps();
    struct kp_plugin table = good_table(&caps);

    (void)state;
    for (size_t i = 0; i < LEN(names); i++) {
        table.name = names[i];
        assert_refused(&table, "/p/x.so: its name is not made of 1 to 64 small letters, digits and "
                               "hyphens");
    }
}

/* ---- Capabilities ---- */

static void caps_of_each_size_are_admitted_or_truncated(void **state)
{
    struct kp_caps caps = good_caps();
    size_t enough = offsetof(struct kp_caps, run_ops) + sizeof(uint64_t);

    (void)state;
    for (uint32_t size = 4; size <= sizeof caps + 64; size++) {
        struct kp_caps *offered = exactly(&caps, sizeof caps, size);
        struct kp_plugin table = good_table(offered);
        struct kpi_plugin *plugin;
        struct kp_error err;

        offered->struct_size = size;
        assert_int_equal(knock(&table, &plugin, &err), size < enough ? KP_CONFIG : KP_OK);
        if (plugin && size < sizeof caps)
            assert_null(plugin->caps.settings[0]);
        kpi_plugin_free(plugin);
        free(offered);
    }
}

static void caps_run_of_unserved_operation_is_refused(void **state)
{
    struct kp_caps caps = good_caps();
    struct kp_plugin table = good_table(&caps);

    (void)state;
    caps.run_ops |= KP_OP_BIT(KP_OP_SIGN);
    assert_refused(&table, "/p/x.so: its table promises run for operations it does not serve in "
                           "slot caps (plugin ABI 0.2, host ABI 0.2)");
}

static void caps_unknown_bits_are_dropped(void **state)
{
    struct kp_caps caps = good_caps();
    struct kp_plugin table = good_table(&caps);
    struct kpi_plugin *plugin;
    struct kp_error err;

    (void)state;
    caps.ops = caps.run_ops = caps.algs = UINT64_MAX;
    assert_int_equal(knock(&table, &plugin, &err), KP_OK);
    assert_true(plugin->caps.ops & KP_OP_BIT(KP_OP_MAX));
    assert_true(plugin->caps.ops & KP_OP_BIT(1));
    assert_false(plugin->caps.ops & KP_OP_BIT(KP_OP_MAX + 1));
    assert_false(plugin->caps.ops & KP_OP_BIT(KP_OP_NONE));
    assert_int_equal(plugin->caps.run_ops, plugin->caps.ops);
    assert_true(plugin->caps.algs & KP_ALG_BIT(KP_ALG_MAX));
    assert_false(plugin->caps.algs & KP_ALG_BIT(KP_ALG_MAX + 1));
    kpi_plugin_free(plugin);
}

static void caps_bad_scheme_or_suffix_is_refused(void **state)
{
    static const char *const bad_schemes[] = {"c", "", "File", "2a", "a:", "a/b"};
    static const char *const bad_suffixes[] = {"", ".", "vault.test", ".Vault.test", ".a/b"};
    const char *list[] = {"ok-scheme", NULL, NULL};
    struct kp_caps caps = good_caps();
    struct kp_plugin table = good_table(&caps);
    char sentence[128];

    (void)state;
    caps.schemes = list;
    for (size_t i = 0; i < LEN(bad_schemes); i++) {
        list[1] = bad_schemes[i];
        snprintf(
            sentence, sizeof sentence,
            "/p/x.so: a scheme is a small letter and then at least one more, digit, +, . or -, "
            "unlike %s",
            bad_schemes[i]);
        assert_refused(&table, sentence);
    }
    caps.schemes = NULL;
    caps.host_suffixes = list;
    list[0] = ".ok";
    for (size_t i = 0; i < LEN(bad_suffixes); i++) {
        list[1] = bad_suffixes[i];
        snprintf(sentence, sizeof sentence,
                 "/p/x.so: a host suffix begins with a dot and is in small letters, unlike %s",
                 bad_suffixes[i]);
        assert_refused(&table, sentence);
    }
}

static void caps_list_without_end_is_refused(void **state)
{
    static const char *list[KPI_PLUGIN_LIST_MAX + 1];
    static const struct kp_setting_spec *specs[KPI_PLUGIN_LIST_MAX + 1];
    struct kp_caps caps = good_caps();
    struct kp_plugin table = good_table(&caps);

    (void)state;
    for (size_t i = 0; i < LEN(list); i++) {
        list[i] = "file";
        specs[i] = &mode;
    }
    caps.schemes = list;
    assert_refused(&table, "/p/x.so: its list of schemes has no end");
    caps.schemes = NULL;
    caps.settings = specs;
    assert_refused(&table, "/p/x.so: its list of settings has no end");
}

static void caps_setting_of_each_size_is_admitted_or_truncated(void **state)
{
    size_t enough = offsetof(struct kp_setting_spec, name) + sizeof(char *);

    (void)state;
    for (uint32_t size = 4; size <= sizeof mode + 16; size++) {
        struct kp_setting_spec *offered = exactly(&mode, sizeof mode, size);
        const struct kp_setting_spec *const list[] = {offered, NULL};
        struct kp_caps caps = good_caps();
        struct kp_plugin table = good_table(&caps);
        struct kpi_plugin *plugin;
        struct kp_error err;

        caps.settings = list;
        offered->struct_size = size;
        assert_int_equal(knock(&table, &plugin, &err), size < enough ? KP_CONFIG : KP_OK);
        assert_int_equal(strstr(err.text, "truncated") != NULL, size < enough);
        if (plugin)
            assert_non_null(plugin->caps.settings[0]->doc);
        kpi_plugin_free(plugin);
        free(offered);
    }
}

static void caps_bad_setting_is_refused(void **state)
{
    static const char *const names[] = {NULL, "", "A", "a-b", ".a", "a.", "a..b"};
    struct kp_setting_spec spec = mode;
    const struct kp_setting_spec *const list[] = {&spec, NULL};
    struct kp_caps caps = good_caps();
    struct kp_plugin table = good_table(&caps);

    (void)state;
    caps.settings = list;
    for (size_t i = 0; i < LEN(names); i++) {
        spec.name = names[i];
        assert_refused(&table, "/p/x.so: the name of a setting is not made of small letters, "
                               "digits, underscores and single dots");
    }
    spec.name = "deep.mode_2";
    spec.type = 5;
    assert_refused(&table, "/p/x.so: this host does not know the type of setting deep.mode_2");
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

static void table_each_allocation_failing_is_no_memory_and_leaks_nothing(void **state)
{
    struct kpb_mem_hooks hooks = {NULL, failing_alloc, counting_free, NULL, NULL};
    struct kp_caps caps = good_caps();
    struct kp_plugin table = good_table(&caps);
    struct kpi_plugin *plugin = NULL;
    struct kp_error err;
    kp_status st = KP_NO_MEMORY;

    (void)state;
    kpb_mem_use(&hooks);
    for (size_t n = 0; st != KP_OK && n < 20; n++) {
        countdown = n;
        st = knock(&table, &plugin, &err);
        assert_true(st == KP_OK || (st == KP_NO_MEMORY && n_held == 0));
    }
    kpi_plugin_free(plugin);
    assert_int_equal(st, KP_OK);
    assert_int_equal(n_held, 0);
    kpb_mem_use(NULL);
}

/* ---- The registry ---- */

static struct kp_caps one_caps;
static struct kp_plugin one_table;
static struct kp_caps two_caps;
static struct kp_plugin two_table;

static const struct kp_plugin *get_one(uint32_t major, uint32_t minor)
{
    assert_int_equal(major, KP_ABI_MAJOR);
    assert_int_equal(minor, KP_ABI_MINOR);
    return &one_table;
}

static const struct kp_plugin *get_two(uint32_t major, uint32_t minor)
{
    (void)major;
    (void)minor;
    return &two_table;
}

static void fill_tables(void)
{
    static const char *const longer[] = {".deep.eu.vault.test", ".other.test", NULL};

    one_caps = good_caps();
    one_table = good_table(&one_caps);
    one_table.name = "one";
    two_caps = good_caps();
    two_caps.schemes = NULL;
    two_caps.host_suffixes = longer;
    two_table = good_table(&two_caps);
    two_table.name = "two";
}

static const char *name_of(const struct kpi_plugin *plugin)
{
    return plugin ? plugin->table.name : "none";
}

static void registry_finds_by_name_scheme_and_longest_suffix(void **state)
{
    static kp_plugin_get_fn *const gets[] = {get_one, get_two, NULL};
    const struct kpi_plugin_sources sources = {.static_plugins = gets, .no_files = true};
    struct kpi_plugins p;
    struct kp_error err;

    (void)state;
    fill_tables();
    kpi_plugins_init(&p);
    assert_int_equal(kpi_plugins_load(&p, &sources, &err), KP_OK);
    assert_int_equal(p.n_items, 2);
    assert_string_equal(p.items[0]->origin, "static");
#define FOUND(how, text) name_of(kpi_plugins_##how(&p, kpb_span_str(text)))
    assert_string_equal(FOUND(find, "two"), "two");
    assert_string_equal(FOUND(find, "tw"), "none");
    assert_string_equal(FOUND(for_scheme, "file"), "one");
    assert_string_equal(FOUND(for_scheme, "FILE"), "one");
    assert_string_equal(FOUND(for_scheme, "fil"), "none");
    assert_string_equal(FOUND(for_host, "a.vault.test"), "one");
    assert_string_equal(FOUND(for_host, "A.Vault.Test"), "one");
    assert_string_equal(FOUND(for_host, "a.eu.vault.test"), "one");
    assert_string_equal(FOUND(for_host, "a.deep.eu.vault.test"), "two");
    assert_string_equal(FOUND(for_host, ".vault.test"), "none");
    assert_string_equal(FOUND(for_host, "avault.test"), "none");
    assert_string_equal(FOUND(for_host, "a.vault.test.org"), "none");
#undef FOUND
    kpi_plugins_clear(&p);
}

static void registry_refuses_the_second_of_one_name(void **state)
{
    static kp_plugin_get_fn *const gets[] = {get_one, get_one, NULL};
    const struct kpi_plugin_sources sources = {.static_plugins = gets, .no_files = true};
    struct kpi_plugins p;
    struct kp_error err;

    (void)state;
    fill_tables();
    kpi_plugins_init(&p);
    assert_int_equal(kpi_plugins_load(&p, &sources, &err), KP_CONFIG);
    assert_string_equal(err.text, "static: a plugin named one is there already, from static");
    kpi_plugins_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_good_is_copied_whole),
        cmocka_unit_test(table_missing_optional_slots_get_defaults),
        cmocka_unit_test(table_of_each_size_is_admitted_or_truncated),
        cmocka_unit_test(table_truncated_names_the_slot_and_versions),
        cmocka_unit_test(table_of_another_major_names_both_versions),
        cmocka_unit_test(table_null_is_refused),
        cmocka_unit_test(table_without_mandatory_slot_names_it),
        cmocka_unit_test(table_name_outside_the_alphabet_is_refused),
        cmocka_unit_test(caps_of_each_size_are_admitted_or_truncated),
        cmocka_unit_test(caps_run_of_unserved_operation_is_refused),
        cmocka_unit_test(caps_unknown_bits_are_dropped),
        cmocka_unit_test(caps_bad_scheme_or_suffix_is_refused),
        cmocka_unit_test(caps_list_without_end_is_refused),
        cmocka_unit_test(caps_setting_of_each_size_is_admitted_or_truncated),
        cmocka_unit_test(caps_bad_setting_is_refused),
        cmocka_unit_test(table_each_allocation_failing_is_no_memory_and_leaks_nothing),
        cmocka_unit_test(registry_finds_by_name_scheme_and_longest_suffix),
        cmocka_unit_test(registry_refuses_the_second_of_one_name),
    };

    return cmocka_run_group_tests_name("plugin_admit", tests, NULL, NULL);
}
