/*
 * The schema and the program must agree: what the program accepts and writes is valid, what it
 * refuses for its shape is not. The validator below knows just the words the schema uses, and fails
 * on any other.
 */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/span.h"
#include "core/config.h"
#include "core/schema.h"
#include "tests/support/idle_plugin.h"

#define LEN(array) (sizeof(array) / sizeof(array)[0])

/* ---- A validator ---- */

static bool is_valid(const json_t *root, json_t *schema, json_t *value);

static bool matches(const char *pattern, const char *text)
{
    regex_t regex;
    bool found;

    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static bool has_type(const char *type, const json_t *value)
{
    if (strcmp(type, "object") == 0)
        return json_is_object(value);
    if (strcmp(type, "array") == 0)
        return json_is_array(value);
    if (strcmp(type, "string") == 0)
        return json_is_string(value);
    if (strcmp(type, "integer") == 0)
        return json_is_integer(value);
    if (strcmp(type, "boolean") == 0)
        return json_is_boolean(value);
    fail_msg("unknown type %s", type);
    return false;
}

static size_t count_valid(const json_t *root, json_t *schemas, json_t *value)
{
    json_t *schema;
    size_t n = 0;
    size_t i;

    json_array_foreach(schemas, i, schema) {
        n += is_valid(root, schema, value);
    }
    return n;
}

static bool has_properties(const json_t *root, json_t *schema, json_t *value)
{
    json_t *properties = json_object_get(schema, "properties");
    json_t *others = json_object_get(schema, "additionalProperties");
    json_t *names = json_object_get(schema, "propertyNames");
    const char *key;
    json_t *member;

    json_object_foreach(value, key, member) {
        json_t *own = json_object_get(properties, key);
        json_t *rule = own ? own : others;

        if (rule && !is_valid(root, rule, member))
            return false;
        if (names && !matches(json_string_value(json_object_get(names, "pattern")), key))
            return false;
    }
    return true;
}

static bool has_required(json_t *names, const json_t *value)
{
    json_t *name;
    size_t i;

    json_array_foreach(names, i, name) {
        if (json_is_object(value) && !json_object_get(value, json_string_value(name)))
            return false;
    }
    return true;
}

static bool has_items(const json_t *root, json_t *rule, json_t *value)
{
    json_t *item;
    size_t i;

    json_array_foreach(value, i, item) {
        if (!is_valid(root, rule, item))
            return false;
    }
    return true;
}

static bool is_among(json_t *words, const json_t *value)
{
    json_t *word;
    size_t i;

    json_array_foreach(words, i, word) {
        if (json_equal(word, value))
            return true;
    }
    return false;
}

static bool keeps_if(const json_t *root, json_t *schema, json_t *value)
{
    json_t *then = json_object_get(schema, "then");

    return !is_valid(root, json_object_get(schema, "if"), value) || is_valid(root, then, value);
}

static bool keeps_ref(const json_t *root, const char *ref, json_t *value)
{
    json_t *target;

    assert_true(strncmp(ref, "#/$defs/", 8) == 0);
    target = json_object_get(json_object_get(root, "$defs"), ref + 8);
    assert_non_null(target);
    return is_valid(root, target, value);
}

static bool is_comment(const char *word)
{
    static const char *const words[] = {"$schema", "$defs",        "title",
                                        "default", "description",  "additionalProperties",
                                        "then",    "propertyNames"};

    for (size_t i = 0; i < LEN(words); i++) {
        if (strcmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

static bool keeps_word(const json_t *root, json_t *schema, const char *word, json_t *rule,
                       json_t *value)
{
#define WORD(name) (strcmp(word, name) == 0)
    if (WORD("type"))
        return has_type(json_string_value(rule), value);
    if (WORD("minimum"))
        return !json_is_integer(value) || json_integer_value(value) >= json_integer_value(rule);
    if (WORD("maximum"))
        return !json_is_integer(value) || json_integer_value(value) <= json_integer_value(rule);
    if (WORD("minLength"))
        return !json_is_string(value) ||
               (json_int_t)json_string_length(value) >= json_integer_value(rule);
    if (WORD("maxLength"))
        return !json_is_string(value) ||
               (json_int_t)json_string_length(value) <= json_integer_value(rule);
    if (WORD("pattern"))
        return !json_is_string(value) || matches(json_string_value(rule), json_string_value(value));
    if (WORD("enum"))
        return is_among(rule, value);
    if (WORD("const"))
        return json_equal(rule, value);
    if (WORD("properties"))
        return has_properties(root, schema, value);
    if (WORD("required"))
        return has_required(rule, value);
    if (WORD("maxItems"))
        return !json_is_array(value) ||
               (json_int_t)json_array_size(value) <= json_integer_value(rule);
    if (WORD("items"))
        return has_items(root, rule, value);
    if (WORD("oneOf"))
        return count_valid(root, rule, value) == 1;
    if (WORD("anyOf"))
        return count_valid(root, rule, value) > 0;
    if (WORD("allOf"))
        return count_valid(root, rule, value) == json_array_size(rule);
    if (WORD("not"))
        return !is_valid(root, rule, value);
    if (WORD("if"))
        return keeps_if(root, schema, value);
    if (WORD("$ref"))
        return keeps_ref(root, json_string_value(rule), value);
#undef WORD
    if (!is_comment(word))
        fail_msg("the validator does not know %s", word);
    return true;
}

static bool is_valid(const json_t *root, json_t *schema, json_t *value)
{
    const char *word;
    json_t *rule;

    assert_non_null(schema);
    if (json_is_boolean(schema))
        return json_is_true(schema);
    if (!json_object_get(schema, "properties") && !has_properties(root, schema, value))
        return false; /* the words beside properties count without it too */
    json_object_foreach(schema, word, rule) {
        if (!keeps_word(root, schema, word, rule, value))
            return false;
    }
    return true;
}

/* ---- Helpers ---- */

struct gathered {
    size_t len;
    char text[131072];
};

static void gather(void *ctx, kp_span piece)
{
    struct gathered *g = ctx;

    assert_true(g->len + piece.len < sizeof g->text);
    memcpy(g->text + g->len, piece.ptr, piece.len);
    g->len += piece.len;
    g->text[g->len] = '\0';
}

static json_t *load_json(const char *text)
{
    json_error_t err;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &err);

    if (!root)
        fail_msg("%s in %s", err.text, text);
    return root;
}

static json_t *load_schema(const struct kpi_plugins *plugins)
{
    static struct gathered g;

    g.len = 0;
    assert_int_equal(kpi_schema_write(plugins, gather, &g), KP_OK);
    return load_json(g.text);
}

static bool schema_accepts(json_t *schema, const char *text)
{
    json_t *value = load_json(text);
    bool valid = is_valid(schema, schema, value);

    json_decref(value);
    return valid;
}

static bool program_accepts(const char *text)
{
    struct kpi_config config;
    kp_status st = kpi_config_parse(kpb_span_str(text), &config, NULL);

    if (st == KP_OK)
        kpi_config_clear(&config);
    return st == KP_OK;
}

/* ---- Without plugins ---- */

static const char *const good_texts[] = {
    "{}",
    "{\"provider\": {\"loops\": 64, \"workers\": 0}, \"log\": {\"format\": \"json\"}}",
    "{\"defaults\": {\"retry\": {\"max_attempts\": 1}, \"local_public_ops\": true}}",
    "{\"plugins\": [{\"path\": \"/a.so\"}, {\"name\": \"b\", \"sha256\": "
    "\"00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\"}]}",
    "{\"vaults\": {\"A-1_b.c\": {\"location\": \"file:v\", \"secret\": {\"env\": \"_A1\"},"
    " \"plugin\": \"file-test\", \"identity\": \"i\", \"may_create\": true,"
    " \"settings\": {\"any\": {\"thing\": 1}}, \"breaker\": {\"failures\": 3}}}}",
    "{\"vaults\": {\"v\": {\"location\": \"file:v\","
    " \"secret\": {\"file\": \"/s\", \"present\": false}}}}",
};

static const char *const bad_texts[] = {
    "{\"provider\": {\"loops\": 65}}",
    "{\"provider\": {\"loops\": 0}}",
    "{\"provider\": {\"loops\": \"1\"}}",
    "{\"provider\": {\"loop\": 1}}",
    "{\"provider\": 1}",
    "{\"nothing\": 1}",
    "{\"log\": {\"format\": \"xml\"}}",
    "{\"log\": {\"levels\": \"\"}}",
    "{\"defaults\": {\"local_public_ops\": 1}}",
    "{\"defaults\": {\"location\": \"file:v\"}}",
    "{\"allow_inline_secrets\": \"yes\"}",
    "{\"plugins\": {}}",
    "{\"plugins\": [{}]}",
    "{\"plugins\": [{\"path\": \"a\", \"name\": \"b\"}]}",
    "{\"plugins\": [{\"path\": \"a\", \"sha256\": \"00\"}]}",
    "{\"vaults\": []}",
    "{\"vaults\": {\"v\": {}}}",
    "{\"vaults\": {\"a/b\": {\"location\": \"file:v\"}}}",
    "{\"vaults\": {\"v\": {\"location\": \"\"}}}",
    "{\"vaults\": {\"v\": {\"location\": \"f\", \"retry\": {\"base_ms\": 70000}}}}",
    "{\"vaults\": {\"v\": {\"location\": \"f\", \"secret\": \"s\"}}}",
    "{\"vaults\": {\"v\": {\"location\": \"f\", \"secret\": {}}}}",
    "{\"vaults\": {\"v\": {\"location\": \"f\", \"secret\": {\"env\": \"A B\"}}}}",
    "{\"vaults\": {\"v\": {\"location\": \"f\", \"secret\": {\"env\": \"A\", \"file\": \"b\"}}}}",
    "{\"vaults\": {\"v\": {\"location\": \"f\", \"secret\": {\"fil\": \"b\"}}}}",
    "{\"vaults\": {\"v\": {\"location\": \"f\", \"settings\": []}}}",
};

static void schema_and_program_accept_the_same(void **state)
{
    json_t *schema = load_schema(NULL);

    (void)state;
    for (size_t i = 0; i < LEN(good_texts); i++) {
        if (!program_accepts(good_texts[i]) || !schema_accepts(schema, good_texts[i]))
            fail_msg("refused: %s", good_texts[i]);
    }
    for (size_t i = 0; i < LEN(bad_texts); i++) {
        if (program_accepts(bad_texts[i]) || schema_accepts(schema, bad_texts[i]))
            fail_msg("accepted: %s", bad_texts[i]);
    }
    json_decref(schema);
}

static void schema_accepts_every_effective_configuration(void **state)
{
    static struct gathered g;
    json_t *schema = load_schema(NULL);

    (void)state;
    for (size_t i = 0; i < LEN(good_texts); i++) {
        struct kpi_config config;

        assert_int_equal(kpi_config_parse(kpb_span_str(good_texts[i]), &config, NULL), KP_OK);
        g.len = 0;
        assert_int_equal(kpi_config_write_effective(&config, gather, &g), KP_OK);
        if (!schema_accepts(schema, g.text))
            fail_msg("refused: %s", g.text);
        kpi_config_clear(&config);
    }
    json_decref(schema);
}

/* The defaults that the schema tells, put together, are what an empty configuration means. */
static void compare_defaults(json_t *schema, json_t *effective)
{
    const char *key;
    json_t *member;

    json_object_foreach(json_object_get(schema, "properties"), key, member) {
        json_t *fallback = json_object_get(member, "default");
        json_t *value = json_object_get(effective, key);

        if (fallback && !json_equal(fallback, value))
            fail_msg("the default of %s is another", key);
        if (value && json_object_get(member, "properties"))
            compare_defaults(member, value);
    }
}

static void schema_defaults_are_the_effective_ones(void **state)
{
    static struct gathered g;
    json_t *schema = load_schema(NULL);
    struct kpi_config config;
    json_t *effective;

    (void)state;
    kpi_config_init(&config);
    g.len = 0;
    assert_int_equal(kpi_config_write_effective(&config, gather, &g), KP_OK);
    effective = load_json(g.text);
    assert_non_null(json_object_get(json_object_get(effective, "provider"), "loops"));
    compare_defaults(schema, effective);
    json_decref(effective);
    json_decref(schema);
}

static void schema_names_its_dialect_and_describes_members(void **state)
{
    json_t *schema = load_schema(NULL);
    json_t *vault = json_object_get(json_object_get(schema, "$defs"), "vault");
    json_t *timeout = json_object_get(json_object_get(vault, "properties"), "timeout_ms");

    (void)state;
    assert_string_equal(json_string_value(json_object_get(schema, "$schema")),
                        "https://json-schema.org/draft/2020-12/schema");
    assert_string_equal(json_string_value(json_object_get(timeout, "description")),
                        "deadline of an operation whose caller gives none; ms");
    assert_null(json_object_get(vault, "allOf"));
    json_decref(schema);
}

/* ---- With plugins ---- */

static const struct kp_setting_spec rate = {.struct_size = sizeof rate,
                                            .type = KP_SETTING_INTEGER,
                                            .name = "fault.rate",
                                            .fallback = "0",
                                            .doc = "how often",
                                            .max = 100};
static const struct kp_setting_spec offline = {.struct_size = sizeof offline,
                                               .type = KP_SETTING_BOOLEAN,
                                               .name = "fault.offline",
                                               .fallback = "false"};
static const struct kp_setting_spec passphrase = {
    .struct_size = sizeof passphrase, .type = KP_SETTING_SECRET, .name = "passphrase"};
static const struct kp_setting_spec label = {
    .struct_size = sizeof label, .type = KP_SETTING_TEXT, .name = "label", .fallback = "none"};
static const struct kp_setting_spec *const specs[] = {&rate, &offline, &passphrase, &label, NULL};
static const char *const schemes[] = {"file", NULL};
static const struct kp_caps caps = {
    .struct_size = sizeof caps, .schemes = schemes, .settings = specs};
static const struct kp_plugin table = {.struct_size = sizeof table,
                                       .abi_minor = KP_ABI_MINOR,
                                       .name = "file-test",
                                       .caps = &caps,
                                       .open = idle_open,
                                       .submit = idle_submit,
                                       .close = idle_close};

static const struct kp_plugin *get_table(uint32_t major, uint32_t minor)
{
    (void)major;
    (void)minor;
    return &table;
}

static void load_plugin(struct kpi_plugins *plugins)
{
    static kp_plugin_get_fn *const gets[] = {get_table, NULL};
    const struct kpi_plugin_sources sources = {.static_plugins = gets, .no_files = true};

    kpi_plugins_init(plugins);
    assert_int_equal(kpi_plugins_load(plugins, &sources, NULL), KP_OK);
}

/* The program's verdict on settings comes with the plugin; vault "v" is the file-test plugin's. */
static bool program_accepts_settings(const char *text, const struct kpi_plugins *plugins)
{
    struct kpi_config config;
    kp_status st;

    assert_int_equal(kpi_config_parse(kpb_span_str(text), &config, NULL), KP_OK);
    st = kpi_config_check_settings(&config.vaults[0], &plugins->items[0]->caps, NULL);
    kpi_config_clear(&config);
    return st == KP_OK;
}

static void assert_settings(json_t *schema, const struct kpi_plugins *plugins, const char *settings,
                            bool expected)
{
    static const char *const formats[] = {
        "{\"vaults\": {\"v\": {\"location\": \"file:v\", \"settings\": {%s}}}}",
        "{\"vaults\": {\"v\": {\"location\": \"x\", \"plugin\": \"file-test\","
        " \"settings\": {%s}}}}",
    };
    char text[512];

    for (size_t i = 0; i < LEN(formats); i++) {
        snprintf(text, sizeof text, formats[i], settings);
        if (schema_accepts(schema, text) != expected ||
            program_accepts_settings(text, plugins) != expected)
            fail_msg("not %s: %s", expected ? "accepted" : "refused", text);
    }
}

static void schema_with_plugins_knows_their_settings(void **state)
{
    struct kpi_plugins plugins;
    json_t *schema;

    (void)state;
    load_plugin(&plugins);
    schema = load_schema(&plugins);
    assert_settings(schema, &plugins, "", true);
    assert_settings(schema, &plugins, "\"fault\": {\"rate\": 100, \"offline\": true}", true);
    assert_settings(schema, &plugins, "\"passphrase\": {\"env\": \"A\"}, \"label\": \"x\"", true);
    assert_settings(schema, &plugins, "\"fault\": {\"rate\": 101}", false);
    assert_settings(schema, &plugins, "\"fault\": {\"rat\": 1}", false);
    assert_settings(schema, &plugins, "\"fault\": {\"offline\": 1}", false);
    assert_settings(schema, &plugins, "\"label\": 1", false);
    assert_settings(schema, &plugins, "\"passphrase\": \"p\"", false);
    assert_settings(schema, &plugins, "\"passphrase\": {\"inline\": \"p\"}", false);
    assert_settings(schema, &plugins, "\"other\": 1", false);
    json_decref(schema);
    kpi_plugins_clear(&plugins);
}

static void schema_with_plugins_leaves_other_vaults_alone(void **state)
{
    struct kpi_plugins plugins;
    json_t *schema;

    (void)state;
    load_plugin(&plugins);
    schema = load_schema(&plugins);
    assert_true(schema_accepts(schema, "{\"vaults\": {\"v\": {\"location\": \"file:v\","
                                       " \"plugin\": \"other\", \"settings\": {\"x\": 1}}}}"));
    assert_true(schema_accepts(schema, "{\"vaults\": {\"v\": {\"location\": \"a.vault.test\","
                                       " \"settings\": {\"x\": 1}}}}"));
    json_decref(schema);
    kpi_plugins_clear(&plugins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_and_program_accept_the_same),
        cmocka_unit_test(schema_accepts_every_effective_configuration),
        cmocka_unit_test(schema_defaults_are_the_effective_ones),
        cmocka_unit_test(schema_names_its_dialect_and_describes_members),
        cmocka_unit_test(schema_with_plugins_knows_their_settings),
        cmocka_unit_test(schema_with_plugins_leaves_other_vaults_alone),
    };

    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
