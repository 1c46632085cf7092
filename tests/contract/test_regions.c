/*
 * A Managed HSM in two regions under one name, as kp-emulator plays it: one region is cut off, and
 * what was written in one reaches the other late. The test says where the name leads; the emulator
 * moves its clock when it is told to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <keyprovider/keyprovider.h>

#include "base/buf.h"
#include "base/span.h"
#include "core/resolve.h"
#include "support/client.h"
#include "support/emulator.h"

#define TIME_LIMIT_MS 60000u
#define DELAY_S 300
#define CONFIG_MAX_LEN 4096u
#define ANSWER_MAX_LEN 4096u
#define HOST "emulatedhsm.managedhsm.localhost"
#define VERSION_LEN 32u

static const uint8_t DIGEST[32] = "thirty-two bytes of any digest.";

/* ---- Where the name leads ---- */

enum { FIRST = 1, SECOND = 2 };

static _Atomic uint32_t name_leads_to;

static kp_status resolve(void *ctx, const char *host, struct kpi_addresses *ret,
                         struct kp_error *reterr)
{
    const uint32_t where = strcmp(host, HOST) == 0 ? name_leads_to : FIRST;
    (void)ctx;
    (void)reterr;
    ret->n = 0;
    if (where & FIRST)
        (void)snprintf(ret->at[ret->n++], KPI_ADDRESS_TEXT_LEN, "127.0.0.1");
    if (where & SECOND)
        (void)snprintf(ret->at[ret->n++], KPI_ADDRESS_TEXT_LEN, "127.0.0.2");
    return KP_OK;
}

/* ---- The regions ---- */

static void tell_region(unsigned number, const char *state)
{
    char body[64];
    (void)snprintf(body, sizeof body, "{\"region\": %u, \"state\": \"%s\"}", number, state);
    emulator_tell("regions", body, NULL);
}

static void tell_delay(int seconds)
{
    char body[64];
    (void)snprintf(body, sizeof body, "{\"delay_s\": %d}", seconds);
    emulator_tell("regions", body, NULL);
}

static void let_writes_arrive(void)
{
    char body[64];
    (void)snprintf(body, sizeof body, "{\"advance_s\": %d}", DELAY_S + 1);
    emulator_tell("clock", body, NULL);
}

/* Requests that a region has been asked since the start. */
static unsigned long asked(unsigned number)
{
    kp_buf answer;
    kp_buf_init(&answer, "test", ANSWER_MAX_LEN);
    emulator_tell("regions", NULL, &answer);
    assert_int_equal(kp_buf_append_byte(&answer, 0), KP_OK);
    const char *at = (const char *)answer.ptr;
    for (unsigned i = 0; at && i <= number; i++)
        at = strstr(at + 1, "\"requests\":");
    const unsigned long n = at ? strtoul(at + sizeof "\"requests\":" - 1, NULL, 10) : 0;
    if (!at)
        fail_msg("no such region in %s", (const char *)answer.ptr);
    kp_buf_clear(&answer);
    return n;
}

/* Also what it did not find counts. */
static void wait_asked(unsigned number, unsigned long n)
{
    const uint64_t end = uv_hrtime() + LATCH_DEADLINE_S * LATCH_NS_PER_S;
    while (asked(number) < n) {
        assert_true(uv_hrtime() < end);
        uv_sleep(1);
    }
}

/* The first region fails: who looks its name up is led to the second. */
static void lose_the_first(void)
{
    name_leads_to = SECOND;
    tell_region(0, "cut");
}

/* ---- A provider for each test: nothing of it is remembered ---- */

static kp_provider *provider;
static kp_vault *vault;

static void put_config(kp_buf *out)
{
    assert_int_equal(
        kp_buf_append_fmt(
            out,
            "{\"http\": {\"proxy\": \"none\", \"ca_file\": \"%s\"}, \"provider\": "
            "{\"max_operations\": 1024}, \"vaults\": {\"hsm\": {\"location\": \"" HOST ":%u\","
            "\"plugin\": \"managed-hsm\", \"retry\": {\"base_ms\": 20, \"max_attempts\": 100,"
            "\"budget_burst\": 1000}, \"settings\": " /* the look-up may take its time */
            "{\"poll_ms\": 50, \"custom_suffix\": \"managedhsm.localhost\","
            "\"custom_resource\": \"https://managedhsm.azure.net\", \"authority\": \"%s\","
            "\"identity\": {\"client_id\": \"%s\", \"secret\": {\"env\": "
            "\"AZURE_CLIENT_SECRET\"}}}}}}",
            emulator_variable("KP_EMULATOR_CA"), emulator_port("KP_EMULATOR_HSM"),
            emulator_variable("KP_EMULATOR_LOGIN"), emulator_variable("AZURE_CLIENT_ID")),
        KP_OK);
    assert_int_equal(kp_buf_append_byte(out, 0), KP_OK);
}

static void must(kp_status st, const struct kp_error *error)
{
    if (st != KP_OK)
        fail_msg("%s", error->text);
}

static int begin(void **state)
{
    struct kp_options options;
    struct kp_error error;
    kp_buf config;
    (void)state;
    name_leads_to = FIRST;
    tell_region(0, "open");
    tell_region(1, "open");
    tell_delay(0);
    kpi_resolver_use(resolve, NULL);
    kp_buf_init(&config, "test", CONFIG_MAX_LEN);
    put_config(&config);
    kp_options_init(&options);
    options.config_text = (const char *)config.ptr;
    options.plugin_dir = KP_TEST_BUILT_PLUGIN_DIR;
    must(kp_provider_open(&options, &provider, &error), &error);
    must(kp_vault_acquire(provider, "hsm", NULL, &vault, &error), &error);
    kp_buf_clear(&config);
    return 0;
}

static int end(void **state)
{
    struct kp_close_report report;
    (void)state;
    memset(&report, 0, sizeof report);
    kp_vault_release(vault);
    kp_provider_close_wait(provider, TIME_LIMIT_MS, &report);
    kpi_resolver_use(NULL, NULL);
    assert_string_equal(report.text, "");
    return 0;
}

/* ---- Calls ---- */

static struct kp_request request_of(uint32_t op, const char *name)
{
    struct kp_request request;
    kp_request_init(&request, op);
    request.timeout_ms = TIME_LIMIT_MS;
    request.name = kpb_span_str(name);
    return request;
}

static struct kp_request sign_of(const char *name, const char *version)
{
    struct kp_request request = request_of(KP_OP_SIGN, name);
    request.version = kpb_span_str(version);
    request.alg = KP_ALG_ES256;
    request.value = kpb_span(DIGEST, sizeof DIGEST);
    return request;
}

/* Makes the call, which must do what it says; version (VERSION_LEN + 1, may be NULL) did it. */
static void call(const struct kp_request *request, char *ret_version)
{
    struct kp_result result = {0};
    kp_status st = kp_call(vault, request, &result);
    must(st, &result.error);
    if (ret_version)
        (void)snprintf(ret_version, VERSION_LEN + 1, "%.*s", (int)result.reply.version.len,
                       (const char *)result.reply.version.ptr);
    kp_result_clear(&result);
}

static kp_status status_of(const struct kp_request *request)
{
    struct kp_result result = {0};
    kp_status st = kp_call(vault, request, &result);
    kp_result_clear(&result);
    return st;
}

static void create(const char *name)
{
    struct kp_key_params params;
    struct kp_request request = request_of(KP_OP_CREATE, name);
    kp_key_params_init(&params);
    params.kty = KP_KTY_EC_HSM;
    params.curve = KP_CURVE_P256;
    request.params = &params;
    call(&request, NULL);
}

static void rotate(const char *name, char *ret_version)
{
    const struct kp_rotation_policy policy = {
        .struct_size = sizeof policy,
        .n_rules = 1,
        .rules = {{KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, kpb_span_str("P90D")}}};
    struct kp_request request = request_of(KP_OP_SET_ROTATION_POLICY, name);
    request.policy = &policy;
    call(&request, NULL);
    request = request_of(KP_OP_ROTATE, name);
    call(&request, ret_version);
}

/* ---- One region is cut off ---- */

static void region_that_is_cut_off_is_left_for_the_next_address(void **state)
{
    (void)state;
    name_leads_to = FIRST | SECOND;
    create("both");
    const unsigned long before = asked(1);
    tell_region(0, "cut");
    struct kp_request request = sign_of("both", "");
    call(&request, NULL);
    assert_true(asked(1) > before);
}

static void name_is_followed_to_the_other_region(void **state)
{
    (void)state;
    create("moved");
    const unsigned long before = asked(1);
    lose_the_first();
    struct kp_request request = sign_of("moved", "");
    call(&request, NULL);
    assert_true(asked(1) > before);
}

static void region_that_comes_back_is_used_again(void **state)
{
    (void)state;
    create("back");
    lose_the_first();
    struct kp_request request = sign_of("back", "");
    call(&request, NULL);
    tell_region(0, "open");
    name_leads_to = FIRST;
    tell_region(1, "cut");
    const unsigned long before = asked(0);
    call(&request, NULL);
    assert_true(asked(0) > before);
}

/* ---- Writes arrive late ---- */

/* Waits while the second region does not know; the answer comes once it does. */
static void expect_to_wait(const struct kp_request *request)
{
    struct outcome outcome;
    const unsigned long before = asked(1);
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, request);
    wait_asked(1, before + 3);
    assert_false(outcome_is_there(&outcome));
    let_writes_arrive();
    if (outcome_wait(&outcome) != KP_OK)
        fail_msg("%s", outcome.result.error.text);
    outcome_clear(&outcome);
}

static void key_just_made_is_waited_for(void **state)
{
    (void)state;
    tell_delay(DELAY_S);
    create("late");
    lose_the_first();
    struct kp_request request = request_of(KP_OP_GET_KEY, "late");
    expect_to_wait(&request);
}

static void use_of_a_key_just_made_waits_too(void **state)
{
    (void)state;
    tell_delay(DELAY_S);
    create("late-use");
    lose_the_first();
    struct kp_request request = sign_of("late-use", "");
    expect_to_wait(&request);
}

static void version_just_made_is_waited_for_and_the_old_one_serves(void **state)
{
    char made[VERSION_LEN + 1];
    char used[VERSION_LEN + 1];
    (void)state;
    create("late-version");
    tell_delay(DELAY_S);
    let_writes_arrive();
    rotate("late-version", made);
    lose_the_first();
    struct kp_request request = sign_of("late-version", "");
    call(&request, used);
    assert_string_not_equal(made, used); /* and the reply says so */
    request = sign_of("late-version", made);
    expect_to_wait(&request);
    request = sign_of("late-version", "");
    call(&request, used);
    assert_string_equal(made, used);
}

static void key_of_nobody_is_not_waited_for(void **state)
{
    (void)state;
    create("somebody");
    const unsigned long before = asked(0);
    struct kp_request request = request_of(KP_OP_GET_KEY, "nobody");
    assert_int_equal(status_of(&request), KP_NOT_FOUND);
    assert_int_equal(asked(0), before + 1);
}

static void key_that_we_deleted_is_not_waited_for(void **state)
{
    (void)state;
    create("deleted");
    struct kp_request request = request_of(KP_OP_DELETE, "deleted");
    call(&request, NULL);
    const unsigned long before = asked(0);
    request = request_of(KP_OP_GET_KEY, "deleted");
    assert_int_equal(status_of(&request), KP_NOT_FOUND);
    assert_int_equal(asked(0), before + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(int argc, char **argv)
{
    static const char *const options[] = {"--region", "127.0.0.2", NULL};
    const struct CMUnitTest tests[] = {
        TEST(region_that_is_cut_off_is_left_for_the_next_address),
        TEST(name_is_followed_to_the_other_region),
        TEST(region_that_comes_back_is_used_again),
        TEST(key_just_made_is_waited_for),
        TEST(use_of_a_key_just_made_waits_too),
        TEST(version_just_made_is_waited_for_and_the_old_one_serves),
        TEST(key_of_nobody_is_not_waited_for),
        TEST(key_that_we_deleted_is_not_waited_for),
    };
    (void)argc;
    emulator_enter(argv, options);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
