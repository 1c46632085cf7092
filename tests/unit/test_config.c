
#include "base/mem.h"
#include "core/config_fields.h"
#include "tests/unit/config_samples.h"

static void assert_refused(const char *text, const char *sentence)
{
    struct kpi_config config;
    struct kp_error err;

    if (parse(text, &config, &err) != KP_CONFIG)
        fail_msg("accepted: %s", text);
    if (strcmp(err.text, sentence) != 0)
        fail_msg("%s\n  says:     %s\n  expected: %s", text, err.text, sentence);
}

/* ---- Defaults and the whole ---- */

static void parse_empty_object_gives_every_default(void **state)
{
    struct kpi_config config;
    struct kpi_config defaults;

    (void)state;
    parse_ok("{}", &config);
    kpi_config_init(&defaults);
    assert_memory_equal(&config, &defaults, sizeof config);
    assert_int_equal(config.defaults.timeout_ms, 30000);
    assert_int_equal(config.ekm.limits.timeout_ms, 30000);
    assert_int_equal(config.defaults.retry_max_attempts, 5);
    assert_int_equal(config.defaults.local_public_ops, 0);
    assert_int_equal(config.provider.loops, 1);
    assert_int_equal(config.provider.log_lines_per_second, 1000);
    kpi_config_clear(&config);
}

static void limits_default_lies_within_its_range(void **state)
{
    (void)state;
#define XX(member, path, fallback, min, max, unit, reloadable, doc)                                \
    assert_in_range(fallback, min, max);                                                           \
    assert_true(KPI_UNIT_##unit != KPI_UNIT_BOOLEAN || ((min) == 0 && (max) == 1));                \
    assert_true(sizeof(doc) > 10);
    KPI_VAULT_LIMIT_MAP(XX)
    KPI_PROVIDER_LIMIT_MAP(XX)
#undef XX
}

static void parse_full_text_fills_provider_and_plugins(void **state)
{
    struct kpi_config c;

    (void)state;
    parse_ok(full_text, &c);
    assert_int_equal(c.provider.loops, 2);
    assert_int_equal(c.provider.max_vaults, 5);
    assert_int_equal(c.provider.secret_arena_kib, 128);
    assert_int_equal(c.provider.log_lines_per_second, 7);
    assert_string_equal(c.log_levels, "warn,pipeline=debug");
    assert_true(c.log_json);
    assert_string_equal(c.plugin_dir, "/opt/plugins");
    assert_int_equal(c.n_plugins, 2);
    assert_string_equal(c.plugins[0].path, "/opt/one.so");
    assert_false(c.plugins[0].file.is_set);
    assert_false(c.plugins[0].signer.is_set);
    assert_string_equal(c.plugins[1].name, "two");
    assert_true(c.plugins[1].file.is_set);
    assert_int_equal(c.plugins[1].file.sha256[1], 0x11);
    assert_int_equal(c.plugins[1].file.sha256[31], 0xff);
    assert_true(c.plugins[1].signer.is_set);
    assert_int_equal(c.plugins[1].signer.sha256[0], 0xff);
    assert_int_equal(c.plugins[1].signer.sha256[31], 0);
    kpi_config_clear(&c);
}

static void parse_full_text_fills_vaults_over_defaults(void **state)
{
    const struct kpi_vault_config *prod;
    const struct kpi_vault_config *dev;
    struct kpi_config c;

    (void)state;
    parse_ok(full_text, &c);
    prod = kpi_config_find_vault(&c, kpb_span_str("prod"));
    dev = kpi_config_find_vault(&c, kpb_span_str("dev"));
    assert_null(kpi_config_find_vault(&c, kpb_span_str("pro")));
    assert_string_equal(prod->location, "my.vault.azure.net");
    assert_string_equal(prod->plugin, "");
    assert_string_equal(prod->identity, "client");
    assert_int_equal(prod->secret.kind, KPI_SECRET_ENV);
    assert_string_equal(prod->secret.source, "KP_TEST_SECRET");
    assert_int_equal(prod->limits.timeout_ms, 1000);
    assert_int_equal(prod->limits.retry_max_attempts, 3);
    assert_int_equal(prod->limits.retry_base_ms, 50);
    assert_int_equal(prod->limits.local_public_ops, 1);
    assert_false(prod->may_create);
    assert_true(dev->may_create);
    assert_string_equal(dev->plugin, "file-test");
    assert_int_equal(dev->limits.timeout_ms, 2000);
    assert_int_equal(dev->limits.retry_base_ms, 100);
    kpi_config_clear(&c);
}

static void parse_settings_flattens_nested_objects(void **state)
{
    const struct kpi_vault_config *dev;
    struct kpi_config c;

    (void)state;
    parse_ok(full_text, &c);
    dev = kpi_config_find_vault(&c, kpb_span_str("dev"));
    assert_int_equal(dev->n_settings, 3);
    assert_string_equal(dev->settings[0].name, "text");
    assert_string_equal(dev->settings[0].text, "t");
    assert_int_equal(dev->settings[0].type, KP_SETTING_TEXT);
    assert_string_equal(dev->settings[1].name, "deep.n");
    assert_string_equal(dev->settings[1].text, "-3");
    assert_int_equal(dev->settings[1].type, KP_SETTING_INTEGER);
    assert_string_equal(dev->settings[2].name, "deep.b");
    assert_string_equal(dev->settings[2].text, "false");
    assert_int_equal(dev->settings[2].type, KP_SETTING_BOOLEAN);
    kpi_config_clear(&c);
}

static void parse_vaults_before_defaults_still_builds_on_them(void **state)
{
    struct kpi_config c;

    (void)state;
    parse_ok("{\"vaults\": {\"v\": {\"location\": \"file:v\", \"secret\": {\"inline\": \"s\"}}},"
             " \"defaults\": {\"timeout_ms\": 7}, \"allow_inline_secrets\": true}",
             &c);
    assert_int_equal(c.vaults[0].limits.timeout_ms, 7);
    assert_int_equal(c.vaults[0].secret.kind, KPI_SECRET_INLINE);
    kpi_config_clear(&c);
}

/* Every limit of every scope, at its bounds and one beyond. */
static void try_limit(const char *format, const char *member, const struct kpi_field *f)
{
    char text[512];
    char sentence[256];
    struct kpi_config c;

    snprintf(text, sizeof text, format, (long long)f->max);
    parse_ok(text, &c);
    kpi_config_clear(&c);
    snprintf(text, sizeof text, format, (long long)f->max + 1);
    snprintf(sentence, sizeof sentence, "%s: %lld is above %u", member, (long long)f->max + 1,
             f->max);
    assert_refused(text, sentence);
    snprintf(text, sizeof text, format, (long long)f->min - 1);
    snprintf(sentence, sizeof sentence, "%s: %lld is below %u", member, (long long)f->min - 1,
             f->min);
    assert_refused(text, sentence);
}

/* {"a": {"b": %lld}} for a.b */
static void nest(const char *path, char *out, size_t cap)
{
    size_t n_open = 1;

    snprintf(out, cap, "{\"");
    for (; *path; path++) {
        size_t len = strlen(out);

        if (*path == '.') {
            n_open++;
            snprintf(out + len, cap - len, "\": {\"");
        } else {
            snprintf(out + len, cap - len, "%c", *path);
        }
    }
    snprintf(out + strlen(out), cap - strlen(out), "\": %%lld");
    while (n_open--)
        snprintf(out + strlen(out), cap - strlen(out), "}");
}

static void parse_every_limit_out_of_range_is_refused_with_its_path(void **state)
{
    char format[256];

    (void)state;
    for (size_t i = 0; i < kpi_config_fields.n; i++) {
        const struct kpi_field *f = &kpi_config_fields.at[i];

        if (f->kind != KPI_FIELD_LIMIT || f->unit == KPI_UNIT_BOOLEAN)
            continue;
        /* these two may not pass their caps */
        if (strstr(f->path, "base_ms") || strstr(f->path, "breaker.open_ms"))
            continue;
        nest(f->path, format, sizeof format);
        try_limit(format, f->path, f);
    }
}

static void parse_refused_text_says_what_and_where(void **state)
{
    static const struct refused texts[] = {
        {"", "line 1, column 0: the text ends too early"},
        {"[]", "the configuration is not an object"},
        {"{\n  \"log\": }", "line 2, column 10: this is not JSON"},
        {"{} {}", "line 1, column 4: something follows the end of the object"},
        {"{\"log\": {}, \"log\": {}}",
         "line 1, column 17: a member of that name stands there already"},
        {"{\"plugin_dir\": \"a\\u0000b\"}", "line 1, column 25: a NUL is not allowed"},
        {"{\"plugin_dir\": \"\xff\"}", "line 1, column 16: this is not UTF-8"},
        {"{\"provider\": {\"loops\": 99999999999999999999}}",
         "line 1, column 43: the number is too large"},
        {"{\"provider\": 1}", "provider: expected an object, found a whole number"},
        {"{\"provider\": {\"loops\": \"2\"}}",
         "provider.loops: expected a whole number, found text"},
        {"{\"provider\": {\"loops\": 2.0}}",
         "provider.loops: expected a whole number, found a fraction"},
        {"{\"defaults\": {\"local_public_ops\": 1}}",
         "defaults.local_public_ops: expected true or false, found a whole number"},
        {"{\"log\": {\"format\": \"xml\"}}", "log.format: expected \"text\" or \"json\""},
        {"{\"log\": {\"format\": null}}", "log.format: expected text, found null"},
        {"{\"log\": {\"levels\": \"info,pipeline=loud\"}}",
         "log.levels: log levels: \"pipeline=loud\" is neither a level nor MODULE=LEVEL, or stands "
         "there twice; levels are off, error, warn, info, debug, trace"},
        {"{\"plugin_dir\": \"\"}", "plugin_dir: the text is empty"},
        {"{\"plugin_dir\": []}", "plugin_dir: expected text, found a list"},
        {"{\"allow_inline_secrets\": 1}",
         "allow_inline_secrets: expected true or false, found a whole number"},
        {"{\"vaults\": []}", "vaults: expected an object, found a list"},
        {"{\"defaults\": {\"retry\": {\"base_ms\": 200, \"cap_ms\": 100}}}",
         "defaults.retry.base_ms: 200 is above cap_ms, 100"},
        {"{\"ekm\": {\"allow\": \"config:v\"}}", "ekm.allow: expected a list, found text"},
        {"{\"ekm\": {\"allow\": [1]}}", "ekm.allow[0]: expected text, found a whole number"},
        {"{\"ekm\": {\"allow\": [\"\"]}}", "ekm.allow[0]: the text is empty"},
        {"{\"ekm\": {\"alow\": []}}", "ekm.alow: there is no such member; is allow meant?"},
        {"{\"ekm\": {\"thumbprint\": \"hash\"}}",
         "ekm.thumbprint: expected \"public-key\" or \"name\""},
        {"{\"ekm\": {\"wrap_algorithm\": \"RSA1_5\"}}",
         "ekm.wrap_algorithm: expected RSA-OAEP-256 or RSA-OAEP"},
        {"{\"ekm\": {\"decrypt_algorithms\": [\"RSA-OAEP\", \"A256KW\"]}}",
         "ekm.decrypt_algorithms[1]: expected RSA-OAEP-256, RSA-OAEP or RSA1_5"},
        {"{\"vaults\": {\"v\": {}}}", "vaults.v: location is missing"},
        {"{\"vaults\": {\"v\": 1}}", "vaults.v: expected an object, found a whole number"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(texts); i++)
        assert_refused(texts[i].text, texts[i].sentence);
}

static void plugins_refused_say_what_and_where(void **state)
{
    static const struct refused texts[] = {
        {"{\"plugins\": {}}", "plugins: expected a list, found an object"},
        {"{\"plugins\": [1]}", "plugins[0]: expected an object, found a whole number"},
        {"{\"plugins\": [{\"path\": \"a\"}, {}]}",
         "plugins[1]: expected exactly one of path and name"},
        {"{\"plugins\": [{\"path\": \"a\", \"name\": \"b\"}]}",
         "plugins[0]: expected exactly one of path and name"},
        {"{\"plugins\": [{\"name\": \"../b\"}]}", "plugins[0]: a name is not a path"},
        {"{\"plugins\": [{\"name\": \"..\\\\b\"}]}", "plugins[0]: a name is not a path"},
        {"{\"plugins\": [{\"name\": \"b:c\"}]}", "plugins[0]: a name is not a path"},
        {"{\"plugins\": [{\"name\": \"b\", \"signer_sha256\": "
         "\"00112233445566778899aabbccddeeff00112233\"}]}",
         "plugins[0].signer_sha256: expected the 64 hex digits of a SHA-256"},
        {"{\"plugins\": [{\"name\": \"b\", \"sha256\": \"12\"}]}",
         "plugins[0].sha256: expected the 64 hex digits of a SHA-256"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(texts); i++)
        assert_refused(texts[i].text, texts[i].sentence);
}

/* Wraps members of one vault. */
static void parse_ekm_fills_lists_and_switches(void **state)
{
    struct kpi_config c;

    (void)state;
    parse_ok(full_text, &c);
    assert_int_equal(c.ekm.allow.n, 2);
    assert_string_equal(c.ekm.allow.at[0], "config:prod");
    assert_string_equal(c.ekm.allow.at[1], "file:/keys");
    assert_int_equal(c.ekm.decrypt_algorithms.n, 2);
    assert_true(c.ekm.name_thumbprints);
    assert_int_equal(c.ekm.limits.drop_keys, 1);
    assert_int_equal(c.ekm.limits.create_keys, 1);
    assert_int_equal(c.ekm.limits.unwrap_cache_ms, 9);
    assert_string_equal(c.vaults[0].access_secret.source, "/access");
    kpi_config_clear(&c);
}

static void assert_vault_refused(const char *members, const char *sentence)
{
    char text[1024];

    snprintf(text, sizeof text, "{\"vaults\": {\"prod\": {\"location\": \"file:v\", %s}}}",
             members);
    assert_refused(text, sentence);
}

static void parse_refused_vault_says_what_and_where(void **state)
{
    static const struct refused members[] = {
        {"\"retry\": {\"base_ms\": 70000}", "vaults.prod.retry.base_ms: 70000 is above 60000"},
        {"\"retry\": {\"base_ms\": 0}", "vaults.prod.retry.base_ms: 0 is below 1"},
        {"\"retry\": {\"base_ms\": 200, \"cap_ms\": 100}",
         "vaults.prod.retry.base_ms: 200 is above cap_ms, 100"},
        {"\"breaker\": {\"open_ms\": 60001}",
         "vaults.prod.breaker.open_ms: 60001 is above open_max_ms, 60000"},
        {"\"retry\": 5", "vaults.prod.retry: expected an object, found a whole number"},
        {"\"retry\": {\"base_m\": 5}",
         "vaults.prod.retry.base_m: there is no such member; is base_ms meant?"},
        {"\"retyr\": {\"base_ms\": 5}",
         "vaults.prod.retyr: there is no such member; is retry meant?"},
        {"\"retry.base_ms\": 5", "vaults.prod.retry.base_ms: there is no such member"},
        {"\"sekret\": {}", "vaults.prod.sekret: there is no such member; is secret meant?"},
        {"\"zzz\": 1", "vaults.prod.zzz: there is no such member"},
        {"\"\": 1", "vaults.prod.: there is no such member"},
        {"\"secret\": \"hunter2\"",
         "vaults.prod.secret: expected {\"file\": PATH} or {\"env\": NAME}, found text"},
        {"\"secret\": {}", "vaults.prod.secret: expected exactly one of file, env and dpapi"},
        {"\"secret\": {\"file\": \"a\", \"env\": \"B\"}",
         "vaults.prod.secret: expected exactly one of file, env and dpapi"},
        {"\"secret\": {\"present\": true}",
         "vaults.prod.secret: expected exactly one of file, env and dpapi"},
        {"\"secret\": {\"flie\": \"a\"}",
         "vaults.prod.secret.flie: there is no such member; is file meant?"},
        {"\"secret\": {\"files\": \"a\"}",
         "vaults.prod.secret.files: there is no such member; is file meant?"},
        {"\"secret\": {\"file\": 1}",
         "vaults.prod.secret.file: expected text, found a whole number"},
        {"\"secret\": {\"file\": \"\"}", "vaults.prod.secret.file: expected 1 to 4096 bytes"},
        {"\"secret\": {\"env\": \"1A\"}",
         "vaults.prod.secret.env: this is no name of an environment variable"},
        {"\"secret\": {\"env\": \"A=B\"}",
         "vaults.prod.secret.env: this is no name of an environment variable"},
        {"\"secret\": {\"inline\": \"hunter2\"}",
         "vaults.prod.secret.inline: secrets do not stand here unless allow_inline_secrets is "
         "true; give {\"file\": PATH} or {\"env\": NAME}"},
        {"\"settings\": 1", "vaults.prod.settings: expected an object, found a whole number"},
        {"\"settings\": {\"a\": [1]}",
         "vaults.prod.settings.a: expected text, a whole number, true or false, found a list"},
        {"\"settings\": {\"a\": {\"b\": 1.5}}",
         "vaults.prod.settings.a.b: expected text, a whole number, true or false, found a "
         "fraction"},
        {"\"settings\": {\"a.b\": 1}",
         "vaults.prod.settings.a.b: a name has letters and no dot; write nested objects instead"},
        {"\"settings\": {\"\": 1}",
         "vaults.prod.settings.: a name has letters and no dot; write nested objects instead"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(members); i++)
        assert_vault_refused(members[i].text, members[i].sentence);
}

static void parse_vault_name_outside_the_alphabet_is_refused(void **state)
{
    static const char *const names[] = {"", "-a", ".a", "a/b", "a:b", "a b", "\\u00e4"};
    char text[256];
    struct kpi_config c;
    struct kp_error err;

    (void)state;
    for (size_t i = 0; i < LEN(names); i++) {
        snprintf(text, sizeof text, "{\"vaults\": {\"%s\": {\"location\": \"file:v\"}}}", names[i]);
        assert_int_equal(parse(text, &c, &err), KP_CONFIG);
        assert_non_null(strstr(err.text, "a vault's name has"));
    }
    snprintf(text, sizeof text, "{\"vaults\": {\"%0127d\": {\"location\": \"file:v\"}}}", 1);
    parse_ok(text, &c);
    kpi_config_clear(&c);
    snprintf(text, sizeof text, "{\"vaults\": {\"%0128d\": {\"location\": \"file:v\"}}}", 1);
    assert_int_equal(parse(text, &c, &err), KP_CONFIG);
}

static void parse_name_longer_than_the_path_is_refused(void **state)
{
    char text[2100];
    struct kpi_config c;
    struct kp_error err;

    (void)state;
    snprintf(text, sizeof text, "{\"%02000d\": {\"x\": {}}}", 1);
    assert_int_equal(parse(text, &c, &err), KP_CONFIG);
    snprintf(text, sizeof text,
             "{\"vaults\": {\"v\": {\"location\": \"f\", \"settings\": {\"%0128d\": 1}}}}", 1);
    assert_int_equal(parse(text, &c, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "127 bytes"));
}

static void parse_deeper_than_the_bound_is_refused(void **state)
{
    char text[128];
    struct kpi_config c;
    struct kp_error err;

    (void)state;
    memset(text, '[', sizeof text);
    memcpy(text, "{\"a\": ", 6);
    text[6 + KPI_CONFIG_MAX_DEPTH - 1] = '\0';
    assert_int_equal(parse(text, &c, &err), KP_CONFIG);
    assert_null(strstr(err.text, "deep"));
    text[6 + KPI_CONFIG_MAX_DEPTH - 1] = '[';
    text[6 + KPI_CONFIG_MAX_DEPTH] = '\0';
    assert_refused(text, "objects and lists stand more than 32 deep");
    /* brackets in texts do not count, nor does the quote behind a backslash end one */
    assert_refused("{\"a\": \"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}",
                   "a: there is no such member");
}

static void parse_longer_than_the_bound_is_refused(void **state)
{
    size_t len = KPI_CONFIG_MAX_LEN + 1;
    char *text = malloc(len);
    struct kpi_config c;
    struct kp_error err;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', len);
    memcpy(text, "{}", 2);
    assert_int_equal(kpi_config_parse(kpb_span(text, len), &c, &err), KP_CONFIG);
    assert_string_equal(err.text, "the configuration has more than 1048576 bytes");
    assert_int_equal(kpi_config_parse(kpb_span(text, len - 1), &c, &err), KP_OK);
    kpi_config_clear(&c);
    free(text);
}

static void parse_refused_text_never_quotes_its_values(void **state)
{
    static const char *const texts[] = {
        "{\"vaults\": {\"v\": {\"secret\": {\"inline\": \"hunter2\"}}}}",
        "{\"vaults\": {\"v\": {\"secret\": {\"inline\": \"hunter2\" \"x\": 1}}}}",
        "{\"vaults\": {\"v\": {\"secret\": \"hunter2\"}}}",
        "{\"vaults\": {\"v\": {\"settings\": {\"p\": [\"hunter2\"]}}}}",
        "{\"log\": {\"format\": \"hunter2\"}}",
        "{\"log\": {\"lines_per_second\": \"hunter2\"}}",
        "{\"log\": \"hunter2",
    };
    struct kpi_config c;
    struct kp_error err;

    (void)state;
    for (size_t i = 0; i < LEN(texts); i++) {
        assert_int_equal(parse(texts[i], &c, &err), KP_CONFIG);
        assert_null(strstr(err.text, "hunter2"));
    }
}

/* ---- Memory ---- */

/* Fails the n-th allocation and counts what is held. */
struct failing {
    size_t countdown;
    size_t n_held;
};

static void *failing_alloc(void *ctx, const char *site, size_t n)
{
    struct failing *f = ctx;

    assert_non_null(site);
    if (f->countdown-- == 0)
        return NULL;
    f->n_held++;
    return calloc(1, n);
}

static void failing_free(void *ctx, void *p)
{
    ((struct failing *)ctx)->n_held--;
    free(p);
}

static void failing_secret_free(void *ctx, void *p, size_t n)
{
    (void)n;
    failing_free(ctx, p);
}

static kp_status everything(void)
{
    struct kpi_vault_config copy;
    struct kpi_config c;
    struct kp_error err;
    kp_status st = parse("{\"allow_inline_secrets\": true, \"plugins\": [{\"path\": \"x\"}],"
                         " \"vaults\": {\"v\": {\"location\": \"file:v\","
                         "  \"secret\": {\"inline\": \"s\"}, \"settings\": {\"a\": \"b\"}}}}",
                         &c, &err);

    if (st != KP_OK)
        return st;
    st = kpi_vault_config_copy(&c.vaults[0], &copy);
    if (st == KP_OK)
        kpi_vault_config_clear(&copy);
    kpi_config_clear(&c);
    return st;
}

static void parse_each_allocation_failing_is_no_memory_and_leaks_nothing(void **state)
{
    struct failing f = {.countdown = 0};
    struct kpb_mem_hooks hooks = {&f, failing_alloc, failing_free, failing_alloc,
                                  failing_secret_free};
    kp_status st = KP_NO_MEMORY;
    size_t n;

    (void)state;
    kpb_mem_use(&hooks);
    for (n = 0; st != KP_OK && n < 1000; n++) {
        f.countdown = n;
        st = everything();
        assert_true(st == KP_OK || st == KP_NO_MEMORY);
        assert_int_equal(f.n_held, 0);
    }
    kpb_mem_use(NULL);
    assert_in_range(n, 10, 100);
}

/* ---- Loading ---- */

static void load_without_source_gives_defaults(void **state)
{
    struct kpi_config c;

    (void)state;
    assert_int_equal(kpi_config_load(NULL, &c, NULL), KP_OK);
    assert_int_equal(c.n_vaults, 0);
    assert_null(c.path);
    kpi_config_clear(&c);
}

static void load_both_sources_is_usage(void **state)
{
    struct kp_options options = {.config_path = "/x", .config_text = "{}"};
    struct kpi_config c;
    struct kp_error err;

    (void)state;
    assert_int_equal(kpi_config_load(&options, &c, &err), KP_USAGE);
}

/* What nothing here could open is refused when it is read, not when it is used. */
static void secret_sealed_by_dpapi_is_for_windows_alone(void **state)
{
    static const char text[] = "{\"vaults\": {\"v\": {\"location\": \"file:v\", "
                               "\"access_secret\": {\"dpapi\": \"C:\\\\s\"}}}}";
    struct kpi_config c;

    (void)state;
#if defined(_WIN32)
    parse_ok(text, &c);
    assert_int_equal(c.vaults[0].access_secret.kind, KPI_SECRET_DPAPI);
    assert_string_equal(c.vaults[0].access_secret.source, "C:\\s");
    kpi_config_clear(&c);
#else
    struct kp_error err;

    assert_int_equal(parse(text, &c, &err), KP_CONFIG);
    assert_string_equal(err.text, "vaults.v.access_secret.dpapi: DPAPI is a part of Windows; give "
                                  "{\"file\": PATH} or {\"env\": NAME}");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_sealed_by_dpapi_is_for_windows_alone),
        cmocka_unit_test(parse_empty_object_gives_every_default),
        cmocka_unit_test(limits_default_lies_within_its_range),
        cmocka_unit_test(parse_full_text_fills_provider_and_plugins),
        cmocka_unit_test(parse_full_text_fills_vaults_over_defaults),
        cmocka_unit_test(parse_settings_flattens_nested_objects),
        cmocka_unit_test(parse_vaults_before_defaults_still_builds_on_them),
        cmocka_unit_test(parse_every_limit_out_of_range_is_refused_with_its_path),
        cmocka_unit_test(parse_refused_text_says_what_and_where),
        cmocka_unit_test(plugins_refused_say_what_and_where),
        cmocka_unit_test(parse_ekm_fills_lists_and_switches),
        cmocka_unit_test(parse_refused_vault_says_what_and_where),
        cmocka_unit_test(parse_vault_name_outside_the_alphabet_is_refused),
        cmocka_unit_test(parse_name_longer_than_the_path_is_refused),
        cmocka_unit_test(parse_deeper_than_the_bound_is_refused),
        cmocka_unit_test(parse_longer_than_the_bound_is_refused),
        cmocka_unit_test(parse_refused_text_never_quotes_its_values),
        cmocka_unit_test(parse_each_allocation_failing_is_no_memory_and_leaks_nothing),
        cmocka_unit_test(load_without_source_gives_defaults),
        cmocka_unit_test(load_both_sources_is_usage),
    };

    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
