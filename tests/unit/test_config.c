#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/config.h"
#include "core/config_fields.h"
#include "core/config_json.h"

#define LEN(array) (sizeof(array) / sizeof(array)[0])

/* ---- Helpers ---- */

static kp_status parse(const char *text, struct kpi_config *config, struct kp_error *err)
{
    kp_error_init(err);
    return kpi_config_parse(kpb_span_str(text), config, err);
}

static void parse_ok(const char *text, struct kpi_config *config)
{
    struct kp_error err;

    if (parse(text, config, &err) != KP_OK)
        fail_msg("%s: %s", text, err.text);
}

static void assert_refused(const char *text, const char *sentence)
{
    struct kpi_config config;
    struct kp_error err;

    if (parse(text, &config, &err) != KP_CONFIG)
        fail_msg("accepted: %s", text);
    if (strcmp(err.text, sentence) != 0)
        fail_msg("%s\n  says:     %s\n  expected: %s", text, err.text, sentence);
}

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

/* A private file below /tmp with this text; the caller unlinks it. */
static const char *make_file(const char *text)
{
    static char path[32];
    FILE *f;
    int fd;

    snprintf(path, sizeof path, "/tmp/kp-config-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    f = fdopen(fd, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return path;
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

static const char full_text[] =
    "{\"provider\": {\"loops\": 2, \"max_vaults\": 5, \"secret_arena_kib\": 128},"
    " \"log\": {\"levels\": \"warn,pipeline=debug\", \"format\": \"json\","
    "           \"lines_per_second\": 7},"
    " \"plugin_dir\": \"/opt/plugins\","
    " \"plugins\": [{\"path\": \"/opt/one.so\"}, {\"name\": \"two\", \"sha256\": "
    "\"00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\"}],"
    " \"defaults\": {\"timeout_ms\": 1000, \"retry\": {\"max_attempts\": 3}},"
    " \"vaults\": {"
    "   \"prod\": {\"location\": \"my.vault.azure.net\", \"identity\": \"client\","
    "              \"secret\": {\"env\": \"KP_TEST_SECRET\"},"
    "              \"retry\": {\"base_ms\": 50}, \"local_public_ops\": true},"
    "   \"dev\": {\"location\": \"file:./v\", \"plugin\": \"file-test\", \"may_create\": true,"
    "             \"timeout_ms\": 2000,"
    "             \"settings\": {\"text\": \"t\", \"deep\": {\"n\": -3, \"b\": false}}}}}";

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
    assert_false(c.plugins[0].pinned);
    assert_string_equal(c.plugins[1].name, "two");
    assert_true(c.plugins[1].pinned);
    assert_int_equal(c.plugins[1].sha256[1], 0x11);
    assert_int_equal(c.plugins[1].sha256[31], 0xff);
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

struct refused {
    const char *text;
    const char *sentence;
};

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
        {"{\"plugin_dir\": \"\"}", "plugin_dir: the text is empty"},
        {"{\"plugin_dir\": []}", "plugin_dir: expected text, found a list"},
        {"{\"allow_inline_secrets\": 1}",
         "allow_inline_secrets: expected true or false, found a whole number"},
        {"{\"vaults\": []}", "vaults: expected an object, found a list"},
        {"{\"plugins\": {}}", "plugins: expected a list, found an object"},
        {"{\"plugins\": [1]}", "plugins[0]: expected an object, found a whole number"},
        {"{\"plugins\": [{\"path\": \"a\"}, {}]}",
         "plugins[1]: expected exactly one of path and name"},
        {"{\"plugins\": [{\"path\": \"a\", \"name\": \"b\"}]}",
         "plugins[0]: expected exactly one of path and name"},
        {"{\"plugins\": [{\"name\": \"../b\"}]}", "plugins[0]: a name is not a path"},
        {"{\"plugins\": [{\"name\": \"b\", \"sha256\": \"12\"}]}",
         "plugins[0].sha256: expected the 64 hex digits of a SHA-256"},
        {"{\"defaults\": {\"retry\": {\"base_ms\": 200, \"cap_ms\": 100}}}",
         "defaults.retry.base_ms: 200 is above cap_ms, 100"},
        {"{\"vaults\": {\"v\": {}}}", "vaults.v: location is missing"},
        {"{\"vaults\": {\"v\": 1}}", "vaults.v: expected an object, found a whole number"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(texts); i++)
        assert_refused(texts[i].text, texts[i].sentence);
}

/* Wraps members of one vault. */
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
        {"\"secret\": {}", "vaults.prod.secret: expected exactly one of file and env"},
        {"\"secret\": {\"file\": \"a\", \"env\": \"B\"}",
         "vaults.prod.secret: expected exactly one of file and env"},
        {"\"secret\": {\"present\": true}",
         "vaults.prod.secret: expected exactly one of file and env"},
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

static void load_file_reads_it_and_names_it_in_refusals(void **state)
{
    struct kp_options options = {.config_path = make_file("{\"provider\": {\"loops\": 3}}")};
    struct kpi_config c;
    struct kp_error err;
    char sentence[200];

    (void)state;
    assert_int_equal(kpi_config_load(&options, &c, &err), KP_OK);
    assert_int_equal(c.provider.loops, 3);
    assert_string_equal(c.path, options.config_path);
    kpi_config_clear(&c);
    unlink(options.config_path);
    options.config_path = make_file("{\"provider\": {\"loops\": 0}}");
    assert_int_equal(kpi_config_load(&options, &c, &err), KP_CONFIG);
    snprintf(sentence, sizeof sentence, "%s: provider.loops: 0 is below 1", options.config_path);
    assert_string_equal(err.text, sentence);
    unlink(options.config_path);
}

static void load_missing_or_untrusted_file_is_config(void **state)
{
    struct kp_options options = {.config_path = make_file("{}")};
    struct kpi_config c;
    struct kp_error err;

    (void)state;
    assert_int_equal(chmod(options.config_path, 0666), 0);
    assert_int_equal(kpi_config_load(&options, &c, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "chmod go-w"));
    unlink(options.config_path);
    assert_int_equal(kpi_config_load(&options, &c, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "there is no such file"));
}

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

static void assert_not_fetched(enum kpi_secret_kind kind, const char *source, const char *says)
{
    struct kp_error err;
    kp_buf out;

    kp_buf_init_secret(&out, "test", 10);
    assert_int_equal(fetch(kind, source, &out, &err), KP_CONFIG);
    if (!strstr(err.text, says) || !strstr(err.text, source))
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
        const char *path = make_file(texts[i][0]);

        assert_fetched(KPI_SECRET_FILE, path, texts[i][1]);
        unlink(path);
    }
}

static void secret_file_missing_empty_long_or_untrusted_is_config(void **state)
{
    const char *path = make_file("\n");

    (void)state;
    assert_not_fetched(KPI_SECRET_FILE, path, "is empty");
    unlink(path);
    assert_not_fetched(KPI_SECRET_FILE, path, "does not exist");
    path = make_file("hunter2 is too long");
    assert_not_fetched(KPI_SECRET_FILE, path, "more than 10 bytes");
    assert_int_equal(chmod(path, 0602), 0);
    assert_not_fetched(KPI_SECRET_FILE, path, "chmod o-w");
    unlink(path);
}

static void secret_from_environment_is_read_when_used(void **state)
{
    (void)state;
    assert_int_equal(setenv("KP_TEST_SECRET", "hunter1", 1), 0);
    assert_fetched(KPI_SECRET_ENV, "KP_TEST_SECRET", "hunter1");
    assert_int_equal(setenv("KP_TEST_SECRET", "hunter2\n", 1), 0);
    assert_fetched(KPI_SECRET_ENV, "KP_TEST_SECRET", "hunter2\n");
    assert_int_equal(setenv("KP_TEST_SECRET", "hunter2 is too long", 1), 0);
    assert_not_fetched(KPI_SECRET_ENV, "KP_TEST_SECRET", "more than 10 bytes");
    assert_int_equal(setenv("KP_TEST_SECRET", "", 1), 0);
    assert_not_fetched(KPI_SECRET_ENV, "KP_TEST_SECRET", "is empty");
    assert_int_equal(unsetenv("KP_TEST_SECRET"), 0);
    assert_not_fetched(KPI_SECRET_ENV, "KP_TEST_SECRET", "is not set");
}

static void secret_of_no_source_is_empty(void **state)
{
    (void)state;
    assert_fetched(KPI_SECRET_NONE, NULL, "");
}

/* ---- Settings ---- */

static const struct kp_setting_spec spec_text = {.struct_size = sizeof spec_text,
                                                 .type = KP_SETTING_TEXT,
                                                 .flags = KP_SETTING_RELOADABLE,
                                                 .name = "mode",
                                                 .fallback = "fast"};
static const struct kp_setting_spec spec_number = {.struct_size = sizeof spec_number,
                                                   .type = KP_SETTING_INTEGER,
                                                   .name = "fault.rate",
                                                   .min = -5,
                                                   .max = 100};
static const struct kp_setting_spec spec_flag = {
    .struct_size = sizeof spec_flag, .type = KP_SETTING_BOOLEAN, .name = "fault.offline"};
static const struct kp_setting_spec spec_secret = {
    .struct_size = sizeof spec_secret, .type = KP_SETTING_SECRET, .name = "passphrase"};
static const struct kp_setting_spec *const specs[] = {&spec_text, &spec_number, &spec_flag,
                                                      &spec_secret, NULL};
static const struct kp_caps caps = {.struct_size = sizeof caps, .settings = specs};

static kp_status check_settings(const char *settings, struct kpi_config *c, struct kp_error *err)
{
    char text[512];

    snprintf(text, sizeof text,
             "{\"vaults\": {\"v\": {\"location\": \"file:v\", \"settings\": {%s}}}}", settings);
    parse_ok(text, c);
    kp_error_init(err);
    return kpi_config_check_settings(&c->vaults[0], &caps, err);
}

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
         "passphrase.inline: the plugin has no such setting"},
        {"\"passphrase\": {\"file\": \"a\", \"env\": \"b\"}",
         "passphrase: expected exactly one of file and env"},
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
    assert_int_equal(setenv("KP_TEST_SECRET", "hunter2", 1), 0);
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
    assert_int_equal(unsetenv("KP_TEST_SECRET"), 0);
    assert_int_equal(kpi_vault_inputs_fetch(&c.vaults[0], &in, &err), KP_CONFIG);
    assert_string_equal(err.text, "vaults.v.settings.passphrase: the environment variable "
                                  "KP_TEST_SECRET of the secret is not set");
    kpi_config_clear(&c);
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
    assert_int_equal(setenv("KP_TEST_SECRET", "hunter2", 1), 0);
    parse_ok("{\"vaults\": {\"v\": {\"location\": \"f:v\", \"secret\": {\"env\": "
             "\"KP_TEST_SECRET\"}}}}",
             &c);
    assert_null(strstr(effective(&c), "hunter2"));
    secret = json_object_get(effective_vault(&c, &root), "secret");
    assert_string_equal(json_string_value(json_object_get(secret, "env")), "KP_TEST_SECRET");
    assert_true(json_is_true(json_object_get(secret, "present")));
    json_decref(root);
    assert_int_equal(unsetenv("KP_TEST_SECRET"), 0);
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

/* ---- The page ---- */

static void add_row(kp_buf *out, const char *path, uint32_t fallback, uint32_t min, uint32_t max,
                    enum kpi_unit unit, bool reloadable, const char *doc)
{
    const char *after = reloadable ? "yes" : "no";

    if (unit == KPI_UNIT_BOOLEAN)
        assert_int_equal(kp_buf_append_fmt(out, "| `%s` | %s | true, false | | %s | %s |\n", path,
                                           fallback ? "true" : "false", after, doc),
                         KP_OK);
    else
        assert_int_equal(kp_buf_append_fmt(out, "| `%s` | %u | %u..%u | %s | %s | %s |\n", path,
                                           fallback, min, max, kpi_unit_text(unit), after, doc),
                         KP_OK);
}

static void start_table(kp_buf *out, const char *marker)
{
    assert_int_equal(kp_buf_append_fmt(out,
                                       "<!-- %s -->\n"
                                       "| Member | Default | Range | Unit | On reload | Meaning |\n"
                                       "|---|---|---|---|---|---|\n",
                                       marker),
                     KP_OK);
}

static char *read_page(void)
{
    FILE *f = fopen(KP_TEST_SRC_DIR "/docs/CONFIG.md", "r");
    char *page = calloc(1, 65536);

    assert_non_null(f);
    assert_non_null(page);
    assert_true(fread(page, 1, 65535, f) > 0);
    assert_int_equal(fclose(f), 0);
    return page;
}

static void assert_on_page(const char *page, kp_buf *table)
{
    assert_int_equal(kp_buf_append_str(table, "<!-- end -->\n"), KP_OK);
    assert_int_equal(kp_buf_append_byte(table, '\0'), KP_OK);
    if (!strstr(page, (const char *)table->ptr)) {
        printf("docs/CONFIG.md should have:\n%s", (const char *)table->ptr);
        fail();
    }
    kp_buf_reset(table);
}

static void page_has_the_tables_of_limits(void **state)
{
    char *page = read_page();
    kp_buf table;

    (void)state;
    kp_buf_init(&table, "test", 65536);
#define XX(member, path, fallback, min, max, unit, reloadable, doc)                                \
    add_row(&table, path, fallback, min, max, KPI_UNIT_##unit, reloadable, doc);
    start_table(&table, "limits of the provider");
    KPI_PROVIDER_LIMIT_MAP(XX)
    assert_on_page(page, &table);
    start_table(&table, "limits of a vault");
    KPI_VAULT_LIMIT_MAP(XX)
#undef XX
    assert_on_page(page, &table);
    kp_buf_clear(&table);
    free(page);
}

/* The first JSON example of the page is one a reader will copy. */
static void page_example_is_accepted(void **state)
{
    char *page = read_page();
    char *start = strstr(page, "```json\n");
    char *end = start ? strstr(start, "\n```\n") : NULL;
    struct kpi_config c;

    (void)state;
    assert_non_null(end);
    *end = '\0';
    parse_ok(start + strlen("```json\n"), &c);
    kpi_config_clear(&c);
    free(page);
}

static void page_names_every_other_member(void **state)
{
    static const struct kpi_fields *const tables[] = {&kpi_config_fields, &kpi_vault_fields,
                                                      &kpi_plugin_fields};
    char *page = read_page();
    char row[128];

    (void)state;
    for (size_t t = 0; t < LEN(tables); t++) {
        for (size_t i = 0; i < tables[t]->n; i++) {
            const struct kpi_field *f = &tables[t]->at[i];

            snprintf(row, sizeof row, "| `%s` |", f->path);
            if (f->kind != KPI_FIELD_LIMIT && !strstr(page, row))
                fail_msg("docs/CONFIG.md has no row for %s", f->path);
        }
    }
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_empty_object_gives_every_default),
        cmocka_unit_test(limits_default_lies_within_its_range),
        cmocka_unit_test(parse_full_text_fills_provider_and_plugins),
        cmocka_unit_test(parse_full_text_fills_vaults_over_defaults),
        cmocka_unit_test(parse_settings_flattens_nested_objects),
        cmocka_unit_test(parse_vaults_before_defaults_still_builds_on_them),
        cmocka_unit_test(parse_every_limit_out_of_range_is_refused_with_its_path),
        cmocka_unit_test(parse_refused_text_says_what_and_where),
        cmocka_unit_test(parse_refused_vault_says_what_and_where),
        cmocka_unit_test(parse_vault_name_outside_the_alphabet_is_refused),
        cmocka_unit_test(parse_name_longer_than_the_path_is_refused),
        cmocka_unit_test(parse_deeper_than_the_bound_is_refused),
        cmocka_unit_test(parse_longer_than_the_bound_is_refused),
        cmocka_unit_test(parse_refused_text_never_quotes_its_values),
        cmocka_unit_test(parse_each_allocation_failing_is_no_memory_and_leaks_nothing),
        cmocka_unit_test(load_without_source_gives_defaults),
        cmocka_unit_test(load_both_sources_is_usage),
        cmocka_unit_test(load_file_reads_it_and_names_it_in_refusals),
        cmocka_unit_test(load_missing_or_untrusted_file_is_config),
        cmocka_unit_test(secret_from_file_loses_one_line_end),
        cmocka_unit_test(secret_file_missing_empty_long_or_untrusted_is_config),
        cmocka_unit_test(secret_from_environment_is_read_when_used),
        cmocka_unit_test(secret_of_no_source_is_empty),
        cmocka_unit_test(settings_absent_become_fallbacks),
        cmocka_unit_test(settings_given_come_in_the_plugins_order),
        cmocka_unit_test(settings_refused_say_what_and_where_and_stay),
        cmocka_unit_test(inputs_hold_every_setting_with_its_secret),
        cmocka_unit_test(inputs_of_missing_secret_name_it),
        cmocka_unit_test(adhoc_vault_has_the_defaults),
        cmocka_unit_test(effective_configuration_reads_back_as_the_same),
        cmocka_unit_test(effective_secrets_show_source_and_presence_only),
        cmocka_unit_test(effective_inline_secret_is_not_shown),
        cmocka_unit_test(effective_settings_nobody_checked_are_not_shown),
        cmocka_unit_test(reload_of_what_can_change_is_allowed),
        cmocka_unit_test(reload_of_what_cannot_change_names_it),
        cmocka_unit_test(reload_of_reloadable_setting_is_allowed),
        cmocka_unit_test(page_has_the_tables_of_limits),
        cmocka_unit_test(page_example_is_accepted),
        cmocka_unit_test(page_names_every_other_member),
    };

    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
