#include "support/live_azure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define CONFIG_ROOM 8192u
#define IDENTITY_ROOM 1024u
#define PATH_ROOM 512u
#define ANSWER_ROOM 16384u
#define CLOSE_MS 60000u

static const char *const NAMES[LIVE_N_VAULTS] = {"vault", "hsm"};

void live_azure_write(const struct live_azure *live, const char *name, const char *text)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "%s/%s", live->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int write_vault(const struct live_azure *live, enum live_place place, const char *name,
                       const char *identity, char *out, size_t room)
{
    const struct live_emulator *e = &live->emulator;
    const char *service = place == LIVE_HSM ? "managedhsm" : "vault";
    const unsigned port = e->ports[place == LIVE_HSM ? EMULATOR_HSM : EMULATOR_VAULT];
    return snprintf(out, room,
                    "\"%s\":{\"location\":\"localhost:%u\",\"plugin\":\"%s\",\"settings\":{"
                    "\"custom_suffix\":\"localhost\",\"poll_ms\":50,"
                    "\"custom_resource\":\"https://%s.azure.net\","
                    "\"authority\":\"https://localhost:%u\",\"identity\":%s}}",
                    name, port, place == LIVE_HSM ? "managed-hsm" : "azure-keyvault", service,
                    (unsigned)e->ports[EMULATOR_LOGIN], identity);
}

/* With one more vault, unless its name is NULL. */
static void write_config(const struct live_azure *live, const char *more, const char *identity)
{
    char text[CONFIG_ROOM];
    char secret[IDENTITY_ROOM];
    const struct live_emulator *e = &live->emulator;
    (void)snprintf(secret, sizeof secret,
                   "{\"tenant\":\"%s\",\"client_id\":\"%s\",\"secret\":{\"file\":\"%s/secret\"}}",
                   e->tenant, e->client_id, live->folder);
    int n = snprintf(text, sizeof text, "{\"http\":{\"ca_file\":\"%s/state/ca.pem\"},\"vaults\":{",
                     live->folder);
    for (enum live_place i = LIVE_VAULT; i < LIVE_N_VAULTS; i++) {
        n += write_vault(live, i, NAMES[i], secret, text + n, sizeof text - (size_t)n);
        if (i == LIVE_VAULT || more)
            n += snprintf(text + n, sizeof text - (size_t)n, ",");
    }
    if (more)
        n += write_vault(live, LIVE_VAULT, more, identity, text + n, sizeof text - (size_t)n);
    (void)snprintf(text + n, sizeof text - (size_t)n, "}}");
    live_azure_write(live, "kp.json", text);
}

static void open_provider(struct live_azure *live)
{
    char config[PATH_ROOM];
    struct kp_options options;
    struct kp_error err;
    kp_error_init(&err);
    (void)snprintf(config, sizeof config, "%s/kp.json", live->folder);
    kp_options_init(&options);
    options.config_path = config;
    options.plugin_dir = getenv("KP_PLUGIN_DIR");
    if (kp_provider_open(&options, &live->provider, &err) != KP_OK)
        fail_msg("no provider: %s", err.text);
    for (size_t i = 0; i < LIVE_N_VAULTS; i++) {
        if (kp_vault_acquire(live->provider, NAMES[i], NULL, &live->vaults[i], &err) != KP_OK)
            fail_msg("no vault: %s", err.text);
    }
}

void live_azure_begin(struct live_azure *live)
{
    char program[PATH_ROOM];
    const char *bin = getenv("KP_BIN");
    memset(live, 0, sizeof *live);
    assert_non_null(bin);
    (void)snprintf(program, sizeof program, "%s/kp-emulator", bin);
    temp_dir_make(live->folder);
    if (!live_emulator_open(&live->emulator, program, live->folder)) {
        live_emulator_print_log(&live->emulator);
        fail_msg("no emulator");
    }
    live_azure_write(live, "secret", live->emulator.secret);
    write_config(live, NULL, NULL);
    open_provider(live);
}

void live_azure_end(struct live_azure *live)
{
    struct kp_close_report report;
    memset(&report, 0, sizeof report);
    report.struct_size = sizeof report;
    for (size_t i = 0; i < LIVE_N_VAULTS; i++)
        kp_vault_release(live->vaults[i]);
    kp_provider_close_wait(live->provider, CLOSE_MS, &report);
    if (report.abandoned > 0)
        fail_msg("close: %s", report.text);
    if (!live_emulator_stop(&live->emulator)) {
        live_emulator_print_log(&live->emulator);
        fail_msg("the emulator did not end well");
    }
    temp_dir_remove(live->folder);
}

void live_azure_reload(const struct live_azure *live)
{
    struct kp_error err;
    kp_error_init(&err);
    if (kp_provider_reload(live->provider, &err) != KP_OK)
        fail_msg("reload: %s", err.text);
}

void live_azure_add(struct live_azure *live, const char *name, const char *identity, kp_vault **ret)
{
    struct kp_error err;
    kp_error_init(&err);
    write_config(live, name, identity);
    live_azure_reload(live);
    if (kp_vault_acquire(live->provider, name, NULL, ret, &err) != KP_OK)
        fail_msg("no vault: %s", err.text);
}

char *live_azure_attest(const struct live_azure *live, const char *claims)
{
    char body[ANSWER_ROOM];
    char answer[ANSWER_ROOM];
    (void)snprintf(body, sizeof body, "{\"claims\":%s}", claims);
    assert_true(
        live_emulator_ask(&live->emulator, "POST", "/attestation", body, answer, sizeof answer));
    json_t *reply = json_loads(answer, 0, NULL);
    char *token = strdup(json_string_value(json_object_get(reply, "token")));
    json_decref(reply);
    return token;
}

struct kp_request live_azure_request(uint32_t op, const char *name)
{
    struct kp_request request;
    kp_request_init(&request, op);
    request.name.ptr = (const uint8_t *)name;
    request.name.len = strlen(name);
    request.timeout_ms = LIVE_TIMEOUT_MS;
    return request;
}

void live_azure_expect(const struct live_azure *live, enum live_place place,
                       const struct kp_request *request, kp_status status, struct kp_result *ret)
{
    memset(ret, 0, sizeof *ret);
    if (kp_call(live->vaults[place], request, ret) != status)
        fail_msg("%s of %s: %s instead of %s, %s", kp_op_text(request->op), NAMES[place],
                 kp_status_text(ret->status), kp_status_text(status), ret->error.text);
}

#if defined(__SANITIZE_THREAD__)
/* The name is the sanitizer's. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);

/* As in wire.c: libcurl closes a socket that has not connected before it says that it needs no
 * watch, and our thread that tells the emulator something may get the number. */
const char *__tsan_default_suppressions(void)
{
    return "race:on_socket\n";
}
#endif
