/*
 * Identities whose proof changes on disk while the provider runs: a client secret that a reload
 * reads again, and the file of a workload identity, which is read for each token.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <keyprovider/keyprovider.h>

#include "support/live_azure.h"

#define TEXT_ROOM 1024u
#define TRIES_MAX 12000 /* a minute and more */
#define AUDIENCE "api://AzureADTokenExchange"

static struct live_azure live;

static int begin(void **state)
{
    struct kp_key_params params;
    struct kp_request request = live_azure_request(KP_OP_CREATE, "app");
    struct kp_result result;
    (void)state;
    live_azure_begin(&live);
    kp_key_params_init(&params);
    params.kty = KP_KTY_EC;
    params.curve = KP_CURVE_P256;
    request.params = &params;
    live_azure_expect(&live, LIVE_VAULT, &request, KP_OK, &result);
    kp_result_clear(&result);
    return 0;
}

static int end(void **state)
{
    (void)state;
    live_azure_end(&live);
    return 0;
}

/* Reads the key. */
static kp_status read_key(kp_vault *vault, struct kp_error *reterr)
{
    const struct kp_request request = live_azure_request(KP_OP_GET_KEY, "app");
    struct kp_result result;
    memset(&result, 0, sizeof result);
    const kp_status st = kp_call(vault, &request, &result);
    *reterr = result.error;
    kp_result_clear(&result);
    return st;
}

static void expect(kp_vault *vault, kp_status status, uint32_t code)
{
    struct kp_error err;
    const kp_status st = read_key(vault, &err);
    if (st != status)
        fail_msg("%s instead of %s: %s", kp_status_text(st), kp_status_text(status), err.text);
    if (status != KP_OK)
        assert_int_equal(err.code, code);
}

/* The same once it has come to that: a vault gets its new settings a moment after a reload. */
static void expect_soon(kp_vault *vault, kp_status status, uint32_t code)
{
    const struct timespec pause = {0, 5000000};
    struct kp_error err;
    for (int i = 0; i < TRIES_MAX && read_key(vault, &err) != status; i++)
        (void)nanosleep(&pause, NULL);
    expect(vault, status, code);
}

/* ---- A client secret ---- */

static void secret_that_changed_on_disk_is_used_after_a_reload(void **state)
{
    kp_vault *vault = live.vaults[LIVE_VAULT];
    (void)state;
    expect(vault, KP_OK, 0);
    live_azure_write(&live, "secret", "not-the-secret-any-more");
    expect(vault, KP_OK, 0); /* the token in use is good, and the file is not looked at */
    live_azure_reload(&live);
    expect_soon(vault, KP_AUTH, KP_CODE_ErrorGetTokenBadCredentials);
    live_azure_write(&live, "secret", live.emulator.secret);
    live_azure_reload(&live);
    expect_soon(vault, KP_OK, 0);
}

/* ---- Workload identity ---- */

static void write_proof(const char *subject)
{
    char claims[TEXT_ROOM];
    (void)snprintf(claims, sizeof claims, "{\"sub\":\"%s\",\"aud\":\"" AUDIENCE "\"}", subject);
    char *token = live_azure_attest(&live, claims);
    live_azure_write(&live, "federated", token);
    free(token);
}

/* Past the life of every token, and of every proof. */
static void let_tokens_expire(void)
{
    assert_true(live_emulator_tell(&live.emulator, "POST", "/clock", "{\"advance_s\":100000}"));
}

static void file_of_a_workload_identity_is_read_for_each_token(void **state)
{
    char identity[TEXT_ROOM];
    kp_vault *vault = NULL;
    (void)state;
    (void)snprintf(identity, sizeof identity,
                   "{\"kind\":\"workload\",\"tenant\":\"%s\",\"client_id\":\"%s\","
                   "\"token_file\":\"%s/federated\"}",
                   live.emulator.tenant, live.emulator.client_id, live.folder);
    write_proof("workload");
    live_azure_add(&live, "workload", identity, &vault);
    expect(vault, KP_OK, 0);
    let_tokens_expire();
    expect(vault, KP_AUTH, KP_CODE_ErrorGetTokenBadCredentials); /* the proof is over, too */
    write_proof("somebody-else");
    expect(vault, KP_AUTH, KP_CODE_ErrorGetTokenBadCredentials);
    write_proof("workload");
    expect(vault, KP_OK, 0);
    kp_vault_release(vault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_that_changed_on_disk_is_used_after_a_reload),
        cmocka_unit_test(file_of_a_workload_identity_is_read_for_each_token),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
