#include "support/plugin_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/span.h"
#include "support/emulator.h"
#include "support/memory_hooks.h"

#define TIME_LIMIT_MS 60000u
#define CONFIG_MAX_LEN 8192u
#define NAME_LEN 32

static const char *const NAMES[SUITE_N_VAULTS] = {"file-test", "azure-keyvault", "managed-hsm"};

/* ---- Opening and closing ---- */

static void must(kp_status st, const struct kp_error *error)
{
    if (st != KP_OK)
        fail_msg("%s", error->text);
}

static void put(kp_buf *out, const char *fmt, const char *a, const char *b)
{
    assert_int_equal(kp_buf_append_fmt(out, fmt, a, b), KP_OK);
}

static void put_file_vault(kp_buf *out, const char *dir)
{
    put(out,
        "\"file-test\": {\"location\": \"file:%s/vault\", \"may_create\": true,"
        " \"settings\": {\"backup_key\": {\"file\": \"%s/backup.key\"}}},",
        dir, dir);
}

/* Vaults of test servers are reached by the port of their kind. */
static void put_azure(kp_buf *out, const char *plugin, const char *url, const char *resource)
{
    put(out, "\"%s\": {\"location\": \"localhost%s\",", plugin, strrchr(url, ':'));
    put(out,
        "\"plugin\": \"%s\", \"settings\": {\"poll_ms\": 50, \"partitions\": 0, \"authority\": "
        "\"%s\",",
        plugin, emulator_variable("KP_EMULATOR_LOGIN"));
    put(out, "\"custom_suffix\": \"%s\", \"custom_resource\": \"%s\",", "localhost", resource);
    put(out, "\"identity\": {\"client_id\": \"%s\", \"secret\": {\"env\": \"%s\"}}}}",
        emulator_variable("AZURE_CLIENT_ID"), "AZURE_CLIENT_SECRET");
}

static void put_config(kp_buf *out, const char *dir)
{
    put(out, "{\"http\": {\"proxy\": \"%s\", \"ca_file\": \"%s\"},", "none",
        emulator_variable("KP_EMULATOR_CA"));
    put(out, "\"provider\": {\"max_operations\": 1024}, \"vaults\": {%s%s", "", "");
    put_file_vault(out, dir);
    put_azure(out, NAMES[1], emulator_variable("KP_EMULATOR_VAULT"), "https://vault.azure.net");
    put(out, ",%s%s", "", "");
    put_azure(out, NAMES[2], emulator_variable("KP_EMULATOR_HSM"), "https://managedhsm.azure.net");
    put(out, "}}%s%s", "", "");
    assert_int_equal(kp_buf_append_byte(out, 0), KP_OK);
}

static void write_backup_key(const char *dir)
{
    char path[TEMP_DIR_LEN + 16];
    (void)snprintf(path, sizeof path, "%s/backup.key", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void note_caps(void *ctx, const struct kp_plugin *plugin, const char *origin)
{
    struct suite *suite = ctx;
    (void)origin;
    for (size_t i = 0; i < SUITE_N_VAULTS; i++) {
        if (strcmp(plugin->name, suite->vaults[i].plugin) == 0)
            suite->vaults[i].caps = plugin->caps;
    }
}

void suite_name(struct suite *suite)
{
    memset(suite, 0, sizeof *suite);
    for (size_t i = 0; i < SUITE_N_VAULTS; i++)
        suite->vaults[i].plugin = NAMES[i];
}

static void acquire(struct suite *suite)
{
    struct kp_error error;
    for (size_t i = 0; i < SUITE_N_VAULTS; i++) {
        struct suite_vault *vault = &suite->vaults[i];
        assert_non_null(vault->caps);
        must(kp_vault_acquire(suite->provider, vault->plugin, NULL, &vault->handle, &error),
             &error);
    }
}

void suite_begin(struct suite *suite)
{
    struct kp_options options;
    struct kp_error error;
    kp_buf config;
    memory_hooks_install();
    suite_name(suite);
    temp_dir_make(suite->dir);
    write_backup_key(suite->dir);
    kp_buf_init(&config, "test", CONFIG_MAX_LEN);
    put_config(&config, suite->dir);
    kp_options_init(&options);
    options.config_text = (const char *)config.ptr;
    options.plugin_dir = KP_TEST_BUILT_PLUGIN_DIR;
    must(kp_provider_open(&options, &suite->provider, &error), &error);
    kp_buf_clear(&config);
    kp_plugins_each(suite->provider, note_caps, suite);
    acquire(suite);
}

void suite_end(struct suite *suite)
{
    struct kp_close_report report;
    memset(&report, 0, sizeof report);
    for (size_t i = 0; i < SUITE_N_VAULTS; i++)
        kp_vault_release(suite->vaults[i].handle);
    kp_provider_close_wait(suite->provider, TIME_LIMIT_MS, &report);
    assert_string_equal(report.text, "");
    temp_dir_remove(suite->dir);
}

/* ---- Calls ---- */

kp_span suite_span(const char *text)
{
    return kpb_span_str(text);
}

struct kp_request suite_request(uint32_t op, const char *name)
{
    struct kp_request request;
    kp_request_init(&request, op);
    request.timeout_ms = TIME_LIMIT_MS;
    request.name = name ? suite_span(name) : kpb_span(NULL, 0);
    return request;
}

kp_status suite_call(struct suite_vault *vault, const struct kp_request *request,
                     struct kp_result *result)
{
    memset(result, 0, sizeof *result);
    return kp_call(vault->handle, request, result);
}

static bool is_offered(const struct suite_vault *vault, const struct kp_request *request)
{
    return (vault->caps->ops & KP_OP_BIT(request->op)) != 0 &&
           (request->alg == KP_ALG_NONE || (vault->caps->algs & KP_ALG_BIT(request->alg)) != 0);
}

bool suite_served(struct suite_vault *vault, const struct kp_request *request,
                  struct kp_result *result)
{
    kp_status st = suite_call(vault, request, result);
    if (st != KP_OK && st != KP_UNSUPPORTED)
        fail_msg("%s over %s: %s: %s", kp_op_text(request->op), vault->plugin, kp_status_text(st),
                 result->error.text);
    if ((st == KP_OK) != is_offered(vault, request))
        fail_msg("%s over %s: its capabilities say otherwise: %s", kp_op_text(request->op),
                 vault->plugin, result->error.text);
    return st == KP_OK;
}

void suite_must(struct suite_vault *vault, const struct kp_request *request,
                struct kp_result *result)
{
    if (!suite_served(vault, request, result))
        fail_msg("%s over %s: %s", kp_op_text(request->op), vault->plugin, result->error.text);
}

kp_status suite_status(struct suite_vault *vault, const struct kp_request *request)
{
    struct kp_result result;
    kp_status st = suite_call(vault, request, &result);
    kp_result_clear(&result);
    return st;
}

/* ---- Keys ---- */

void suite_create(struct suite_vault *vault, const char *name, uint32_t kty, uint32_t bits,
                  uint32_t curve)
{
    struct kp_result result;
    struct kp_key_params params;
    struct kp_request request = suite_request(KP_OP_CREATE, name);
    kp_key_params_init(&params);
    params.kty = kty;
    params.bits = bits;
    params.curve = curve;
    request.params = &params;
    suite_must(vault, &request, &result);
    kp_result_clear(&result);
}

const char *suite_key(struct suite_vault *vault, uint32_t kty, uint32_t bits, uint32_t curve)
{
    static char name[NAME_LEN];
    (void)snprintf(name, sizeof name, "shared-%s-%u", kp_kty_text(kty), bits + curve);
    struct kp_request request = suite_request(KP_OP_GET_KEY, name);
    kp_status st = suite_status(vault, &request);
    if (st == KP_NOT_FOUND)
        suite_create(vault, name, kty, bits, curve);
    else
        assert_int_equal(st, KP_OK);
    return name;
}

void suite_set_policy(struct suite_vault *vault, const char *name)
{
    struct kp_result result;
    struct kp_request request = suite_request(KP_OP_SET_ROTATION_POLICY, name);
    const struct kp_rotation_policy policy = {
        .struct_size = sizeof policy,
        .n_rules = 1,
        .rules = {{KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, suite_span("P90D")}},
        .expiry = suite_span("P2Y")};
    request.policy = &policy;
    suite_must(vault, &request, &result);
    kp_result_clear(&result);
}
