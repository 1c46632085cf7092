/*
 * The resolver over the client face: file vaults with real keys, the disaster of a lost vault, and
 * a scripted vault that fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <keyprovider/keyprovider.h>

#include "base/span.h"
#include "ekm/keys/resolve.h"
#include "plugins/file-test/file_test.h"
#include "support/client.h"
#include "support/memory_hooks.h"
#include "support/temp_dir.h"

#define SECRET_LEN 32

static char dir[TEMP_DIR_LEN];
static kp_provider *provider;
static kp_vault *vaults[2];
static char names[2][EKM_VAULT_MAX_LEN + 1];
static ekm_map *map;
static ekm_resolver *resolver;
static unsigned n_notes;

static void note(void *ctx, kp_status status, uint32_t code, const char *vault, const char *text)
{
    (void)ctx;
    (void)code;
    (void)vault;
    if (status == KP_OK && strstr(text, "has moved"))
        n_notes++;
}

static void open_keys(void)
{
    char path[TEMP_DIR_LEN + 16];
    (void)snprintf(path, sizeof path, "%s/keys.json", dir);
    assert_int_equal(ekm_map_open(path, &map, NULL), KP_OK);
    assert_int_equal(ekm_resolver_new(map, NULL, note, NULL, &resolver, NULL), KP_OK);
}

static void close_keys(void)
{
    ekm_resolver_free(resolver);
    ekm_map_close(map);
}

static void write_key(const char *path)
{
    static const char KEY[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(KEY, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static int begin(void **state)
{
    static kp_plugin_get_fn *const PLUGINS[] = {kp_file_test_plugin_get, NULL};
    static const char CONFIG[] =
        "{\"vaults\": {"
        "\"a\": {\"location\": \"file:%s/a\", \"settings\": {\"backup_key\": {\"file\": \"%s\"}}},"
        "\"b\": {\"location\": \"file:%s/b\", \"settings\": {\"backup_key\": {\"file\": "
        "\"%s\"}}}}}";
    char key[TEMP_DIR_LEN + 16];
    struct kp_options options;
    struct kp_error err;
    char config[1024];
    (void)state;
    temp_dir_make(dir);
    n_notes = 0;
    (void)snprintf(key, sizeof key, "%s/backup.key", dir);
    write_key(key);
    (void)snprintf(config, sizeof config, CONFIG, dir, key, dir, key);
    kp_options_init(&options);
    options.flags = KP_OPEN_NO_PLUGIN_FILES;
    options.static_plugins = PLUGINS;
    options.config_text = config;
    if (kp_provider_open(&options, &provider, &err) != KP_OK)
        fail_msg("%s", err.text);
    for (unsigned i = 0; i < 2; i++) {
        const struct kp_vault_options may = {.struct_size = sizeof may,
                                             .flags = KP_VAULT_MAY_CREATE};
        const char *name = i == 0 ? "a" : "b";
        if (kp_vault_acquire(provider, name, &may, &vaults[i], &err) != KP_OK)
            fail_msg("%s", err.text);
        (void)snprintf(names[i], sizeof names[i], "config:%s", name);
    }
    open_keys();
    return 0;
}

static int end(void **state)
{
    (void)state;
    close_keys();
    kp_vault_release(vaults[0]);
    kp_vault_release(vaults[1]);
    kp_provider_close_wait(provider, 5000, NULL);
    temp_dir_remove(dir);
    return 0;
}

static void call_ok(kp_vault *vault, const struct kp_request *request, struct kp_result *result)
{
    memset(result, 0, sizeof *result);
    result->struct_size = sizeof *result;
    if (kp_call(vault, request, result) != KP_OK)
        fail_msg("%s: %s", kp_op_text(request->op), result->error.text);
}

static void act(kp_vault *vault, uint32_t op, const char *name)
{
    struct kp_request request;
    struct kp_key_params params;
    struct kp_result result;
    kp_request_init(&request, op);
    kp_key_params_init(&params);
    params.kty = KP_KTY_RSA;
    params.bits = 2048;
    request.name = kpb_span_str(name);
    request.params = &params;
    call_ok(vault, &request, &result);
    kp_result_clear(&result);
}

/* The bytes of name move from vault 0 to vault 1, as after a disaster. */
static void restore_elsewhere(const char *name)
{
    struct kp_request request;
    struct kp_result blob;
    struct kp_result result;
    kp_request_init(&request, KP_OP_BACKUP);
    request.name = kpb_span_str(name);
    call_ok(vaults[0], &request, &blob);
    kp_request_init(&request, KP_OP_RESTORE);
    request.value = blob.reply.value;
    call_ok(vaults[1], &request, &result);
    kp_result_clear(&result);
    kp_result_clear(&blob);
}

/* What an application has of the vault: a secret, wrapped. */
struct sealed {
    kp_vault *vault;
    uint8_t wrapped[512];
    size_t len;
    char version[KP_KEY_VERSION_MAX_LEN + 1];
    unsigned n_tried;
};

static void seal(struct sealed *sealed, kp_vault *vault, const char *name)
{
    static const uint8_t SECRET[SECRET_LEN] = {7};
    struct kp_request request;
    struct kp_result result;
    memset(sealed, 0, sizeof *sealed);
    kp_request_init(&request, KP_OP_WRAP);
    request.name = kpb_span_str(name);
    request.alg = KP_ALG_RSA_OAEP_256;
    request.value = kpb_span(SECRET, sizeof SECRET);
    call_ok(vault, &request, &result);
    assert_true(result.reply.value.len <= sizeof sealed->wrapped);
    memcpy(sealed->wrapped, result.reply.value.ptr, result.reply.value.len);
    sealed->len = result.reply.value.len;
    memcpy(sealed->version, result.reply.version.ptr, result.reply.version.len);
    sealed->vault = vault;
    kp_result_clear(&result);
}

static kp_status unseal(void *ctx, kp_span name, kp_span version, uint32_t alg,
                        struct kp_error *reterr)
{
    struct sealed *sealed = ctx;
    struct kp_request request;
    struct kp_result result;
    sealed->n_tried++;
    kp_request_init(&request, KP_OP_UNWRAP);
    request.name = name;
    request.version = version;
    request.alg = alg;
    request.value = kpb_span(sealed->wrapped, sealed->len);
    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    const kp_status st = kp_call(sealed->vault, &request, &result);
    if (st == KP_OK)
        assert_true(result.reply.value.len == SECRET_LEN && result.reply.value.ptr[0] == 7);
    *reterr = result.error;
    kp_result_clear(&result);
    return st;
}

static struct ekm_query query_of(struct ekm_lookup_vault *lookup, unsigned i)
{
    struct ekm_query query = {.vault = names[i], .identity = i};
    lookup->vault = vaults[i];
    query.lookup = ekm_vault_lookup(lookup);
    query.deadline_ms = ekm_resolver_now_ms(resolver) + 30000;
    return query;
}

static void resolve_ok(unsigned i, const struct ekm_thumb *thumb, struct ekm_resolved *ret)
{
    struct ekm_lookup_vault lookup = {0};
    const struct ekm_query query = query_of(&lookup, i);
    struct kp_error err;
    if (ekm_resolve_thumb(resolver, &query, thumb, EKM_RESOLVE_WITH_KEY, ret, &err) != KP_OK)
        fail_msg("%s", err.text);
}

static void unwrap_ok(unsigned i, struct ekm_resolved *resolved, struct sealed *sealed)
{
    static const uint32_t ALGS[] = {KP_ALG_RSA_OAEP_256};
    struct ekm_lookup_vault lookup = {0};
    const struct ekm_query query = query_of(&lookup, i);
    struct kp_error err;
    sealed->vault = vaults[i];
    if (ekm_resolve_unwrap(resolver, &query, resolved, ALGS, 1, unseal, sealed, &err) != KP_OK)
        fail_msg("%s", err.text);
}

static void report_key(enum ekm_scheme scheme, const char *name, struct ekm_resolved *ret)
{
    struct ekm_lookup_vault lookup = {0};
    const struct ekm_query query = query_of(&lookup, 0);
    const kp_span none = {NULL, 0};
    struct kp_error err;
    if (ekm_resolve_name(resolver, &query, kpb_span_str(name), none, scheme, 1, ret, &err) != KP_OK)
        fail_msg("%s", err.text);
}

/* A node without a map finds what another node wrapped before two rotations. */
static void node_without_a_map_finds_an_old_version(void **state)
{
    struct ekm_resolved reported;
    struct ekm_resolved found;
    struct sealed sealed;
    (void)state;
    act(vaults[0], KP_OP_CREATE, "tde");
    act(vaults[0], KP_OP_CREATE, "other");
    report_key(EKM_SCHEME_PUBLIC_KEY, "tde", &reported);
    seal(&sealed, vaults[0], "tde");
    act(vaults[0], KP_OP_ROTATE, "tde");
    act(vaults[0], KP_OP_ROTATE, "tde");
    close_keys();
    char path[TEMP_DIR_LEN + 16];
    (void)snprintf(path, sizeof path, "%s/keys.json", dir);
    assert_int_equal(unlink(path), 0);
    open_keys();
    resolve_ok(0, &reported.record.thumb, &found);
    assert_int_equal(found.step, EKM_STEP_SCAN);
    assert_string_equal(found.record.version, sealed.version);
    unwrap_ok(0, &found, &sealed);
    assert_int_equal(sealed.n_tried, 1);
    resolve_ok(0, &reported.record.thumb, &found);
    assert_int_equal(found.step, EKM_STEP_MAP);
}

static void restore_into_another_vault_keeps_the_thumbprint(void **state)
{
    struct ekm_resolved reported;
    struct ekm_resolved found;
    struct sealed sealed;
    (void)state;
    act(vaults[0], KP_OP_CREATE, "tde");
    report_key(EKM_SCHEME_PUBLIC_KEY, "tde", &reported);
    seal(&sealed, vaults[0], "tde");
    act(vaults[0], KP_OP_ROTATE, "tde");
    restore_elsewhere("tde");
    resolve_ok(1, &reported.record.thumb, &found);
    assert_true(ekm_thumb_eq(&found.key.thumb, &reported.record.thumb));
    assert_string_equal(found.record.vault, names[1]);
    assert_int_equal(n_notes, 1);
    unwrap_ok(1, &found, &sealed);
    assert_int_equal(ekm_map_count(map), 1);
}

/* The same by name, as the old connectors have it: vault and map are lost. */
static void name_thumbprint_survives_a_lost_vault_and_a_lost_map(void **state)
{
    struct ekm_resolved found;
    struct ekm_thumb thumb;
    struct sealed sealed;
    (void)state;
    act(vaults[0], KP_OP_CREATE, "tde2016");
    seal(&sealed, vaults[0], "tde2016");
    act(vaults[0], KP_OP_ROTATE, "tde2016");
    act(vaults[0], KP_OP_ROTATE, "tde2016");
    restore_elsewhere("tde2016");
    assert_int_equal(ekm_thumb_of_name(kpb_span_str("tde2016"), &thumb, NULL), KP_OK);
    resolve_ok(1, &thumb, &found);
    assert_false(found.is_proven);
    unwrap_ok(1, &found, &sealed);
    assert_in_range(sealed.n_tried, 1, 3);
    assert_string_equal(found.record.version, sealed.version);
    sealed.n_tried = 0;
    resolve_ok(1, &thumb, &found);
    assert_true(found.is_proven);
    unwrap_ok(1, &found, &sealed);
    assert_int_equal(sealed.n_tried, 1);
}

/* ---- A vault that fails ---- */

static void failure_of_the_vault_keeps_its_class_and_number(void **state)
{
    static const struct {
        kp_status status;
        uint32_t code;
    } FAILURES[] = {{KP_AUTH, 3303}, {KP_FORBIDDEN, 3113}, {KP_THROTTLED, 3109}};
    const struct ekm_thumb thumb = {20, {0xff, 1, 2}};
    (void)state;
    for (size_t i = 0; i < sizeof FAILURES / sizeof FAILURES[0]; i++) {
        struct client client;
        struct ekm_lookup_vault lookup = {0};
        struct ekm_resolved found;
        struct kp_error err;
        ekm_map *own = NULL;
        ekm_resolver *over = NULL;
        script_begin();
        client_begin(&client, CLIENT_CONFIG(", \"defaults\": {\"retry\": {\"max_attempts\": 1}}"));
        lookup.vault = client_vault(&client, "script:a");
        script_usually(script_vault("a"), (struct script_act){.status = FAILURES[i].status,
                                                              .exposure = KP_ANSWERED_REFUSED,
                                                              .code = FAILURES[i].code});
        assert_int_equal(ekm_map_open(NULL, &own, NULL), KP_OK);
        assert_int_equal(ekm_resolver_new(own, NULL, NULL, NULL, &over, NULL), KP_OK);
        struct ekm_query query = {.vault = "script", .lookup = ekm_vault_lookup(&lookup)};
        query.deadline_ms = ekm_resolver_now_ms(over) + 30000;
        assert_int_equal(ekm_resolve_thumb(over, &query, &thumb, 0, &found, &err),
                         FAILURES[i].status);
        assert_int_equal(err.code, FAILURES[i].code);
        const uint32_t n = script_counts(script_vault("a")).n_submit;
        assert_int_equal(ekm_resolve_thumb(over, &query, &thumb, 0, &found, &err),
                         FAILURES[i].status);
        assert_int_equal(script_counts(script_vault("a")).n_submit, n); /* rests */
        ekm_resolver_free(over);
        ekm_map_close(own);
        kp_vault_release(lookup.vault);
        client_end(&client);
    }
}

/* The scripted vault's client wants to be the first to choose the allocator. */
static int choose_memory(void **state)
{
    (void)state;
    memory_hooks_install();
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(node_without_a_map_finds_an_old_version),
        TEST(restore_into_another_vault_keeps_the_thumbprint),
        TEST(name_thumbprint_survives_a_lost_vault_and_a_lost_map),
        cmocka_unit_test(failure_of_the_vault_keeps_its_class_and_number),
    };
    return cmocka_run_group_tests(tests, choose_memory, NULL);
}
