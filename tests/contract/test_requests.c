/* Malformed requests: each its own status and one sentence that names the member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <keyprovider/keyprovider.h>

#include "support/client.h"

static struct client client;
static struct script_vault *script;
static kp_vault *vault;
static struct kp_key_params params;
static struct kp_rotation_policy policy;
static struct kp_tag tags[KP_TAGS_MAX + 1];
static uint8_t big[KP_PAYLOAD_MAX_LEN + 1];

static int begin(void **state)
{
    (void)state;
    script_begin();
    client_begin(&client, NULL);
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    return 0;
}

static int end(void **state)
{
    (void)state;
    client_wait_idle(vault);
    kp_vault_release(vault);
    client_end(&client);
    return 0;
}

static kp_span span_of(const char *text)
{
    return (kp_span){(const uint8_t *)text, strlen(text)};
}

static kp_span without_memory(size_t len)
{
    return (kp_span){NULL, len};
}

/* ---- One request, both ways ---- */

static void never_completed(void *ctx, kp_op_id id, struct kp_result *result)
{
    (void)ctx;
    (void)id;
    (void)result;
    script_broken("a refused request was completed");
}

static void expect_refused(const struct kp_request *request, kp_status status, const char *names)
{
    struct kp_error error;
    struct kp_result result;
    uint32_t n_submit = script_counts(script).n_submit;
    kp_op_id id = 0;
    kp_error_init(&error);
    kp_status st = kp_submit(vault, request, never_completed, NULL, &id, &error);
    if (st != status || !strstr(error.text, names))
        fail_msg("expected %s naming '%s', got %s: %s", kp_status_text(status), names,
                 kp_status_text(st), error.text);
    assert_int_equal(error.status, status);
    assert_int_equal(error.exposure, KP_NOT_SENT);
    assert_int_equal(id, 0);
    assert_int_equal(kp_call(vault, request, &result), status);
    assert_int_equal(result.status, status);
    assert_string_equal(result.error.text, error.text);
    kp_result_clear(&result);
    assert_int_equal(kp_submit(vault, request, never_completed, NULL, NULL, NULL), status);
    assert_int_equal(script_counts(script).n_submit, n_submit); /* the plugin hears nothing of it */
}

static struct kp_request with_params(uint32_t op)
{
    struct kp_request request = client_request(op);
    kp_key_params_init(&params);
    params.kty = KP_KTY_RSA;
    params.bits = 2048;
    request.params = &params;
    return request;
}

static struct kp_request with_policy(void)
{
    struct kp_request request = client_request(KP_OP_SET_ROTATION_POLICY);
    memset(&policy, 0, sizeof policy);
    policy.struct_size = sizeof policy;
    policy.n_rules = 1;
    policy.rules[0] = (struct kp_rotation_rule){.action = KP_ROTATION_ROTATE,
                                                .trigger = KP_TRIGGER_AFTER_CREATE,
                                                .duration = span_of("P90D")};
    request.policy = &policy;
    return request;
}

/* ---- The call itself ---- */

static void calls_without_their_arguments_are_usage(void **state)
{
    struct kp_request request = client_wrap();
    struct kp_result result;
    struct kp_error error;
    kp_vault *got = NULL;
    (void)state;
    assert_int_equal(kp_submit(NULL, &request, never_completed, NULL, NULL, &error), KP_USAGE);
    assert_int_equal(kp_submit(vault, &request, NULL, NULL, NULL, &error), KP_USAGE);
    assert_int_equal(kp_call(NULL, &request, &result), KP_USAGE);
    assert_int_equal(kp_call(vault, &request, NULL), KP_USAGE);
    assert_int_equal(kp_vault_acquire(NULL, "script:a", NULL, &got, &error), KP_USAGE);
    assert_int_equal(kp_vault_acquire(client.provider, NULL, NULL, &got, &error), KP_USAGE);
    assert_int_equal(kp_vault_acquire(client.provider, "script:a", NULL, NULL, &error), KP_USAGE);
    assert_int_equal(kp_vault_acquire(client.provider, "", NULL, &got, &error), KP_USAGE);
    const struct kp_vault_options unset = {0};
    assert_int_equal(kp_vault_acquire(client.provider, "script:a", &unset, &got, &error), KP_USAGE);
    assert_int_equal(kp_vault_acquire(client.provider, "nobody", NULL, &got, &error), KP_CONFIG);
    assert_non_null(strstr(error.text, "nobody"));
    assert_null(got);
    assert_int_equal(kp_provider_open(NULL, NULL, &error), KP_USAGE);
    assert_int_equal(kp_provider_reload(NULL, &error), KP_USAGE);
    assert_int_equal(kp_provider_reload(client.provider, &error), KP_USAGE);
    assert_int_equal(kp_metrics_text(NULL, NULL, NULL), KP_USAGE);
    kp_result_clear(NULL);
}

static void credential_without_memory_is_usage(void **state)
{
    struct kp_vault_options options = {.struct_size = sizeof options};
    struct kp_error error;
    kp_vault *got = NULL;
    (void)state;
    options.secret = without_memory(5);
    assert_int_equal(kp_vault_acquire(client.provider, "script:a", &options, &got, &error),
                     KP_USAGE);
    options.secret = (kp_span){big, sizeof big};
    assert_int_equal(kp_vault_acquire(client.provider, "script:a", &options, &got, &error),
                     KP_USAGE);
    options.secret = without_memory(0);
    options.identity = without_memory(5);
    assert_int_equal(kp_vault_acquire(client.provider, "script:a", &options, &got, &error),
                     KP_USAGE);
    options.identity = (kp_span){big, KP_VAULT_TEXT_MAX_LEN + 1};
    assert_int_equal(kp_vault_acquire(client.provider, "script:a", &options, &got, &error),
                     KP_USAGE);
    assert_null(got);
}

static void request_without_its_size_is_usage(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    request.struct_size = 0;
    expect_refused(&request, KP_USAGE, "struct_size");
    request.struct_size = 8;
    expect_refused(&request, KP_USAGE, "struct_size");
    expect_refused(NULL, KP_USAGE, "request is NULL");
}

/* Nothing is read beyond the size a caller states: what it does not have is as if empty. */
static void request_of_an_older_caller_lacks_what_came_later(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    request.aad = without_memory(99);
    request.params = (const struct kp_key_params *)(uintptr_t)1;
    request.struct_size = offsetof(struct kp_request, aad);
    assert_int_equal(client_do(vault, &request), KP_OK);
}

static void request_of_a_newer_caller_is_read_as_far_as_known(void **state)
{
    struct {
        struct kp_request request;
        uint64_t newer[4];
    } grown = {.request = client_wrap()};
    (void)state;
    grown.request.struct_size = sizeof grown;
    memset(grown.newer, 0xff, sizeof grown.newer);
    assert_int_equal(client_do(vault, &grown.request), KP_OK);
}

static void unknown_operation_is_usage(void **state)
{
    static const uint32_t none[] = {0, KP_OP_MAX + 1, 63, 64, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct kp_request request = client_wrap();
        request.op = none[i];
        expect_refused(&request, KP_USAGE, "is no operation");
    }
}

/* ---- Spans ---- */

static const struct {
    const char *member;
    size_t at;
} SPANS[] = {{"name", offsetof(struct kp_request, name)},
             {"version", offsetof(struct kp_request, version)},
             {"value", offsetof(struct kp_request, value)},
             {"iv", offsetof(struct kp_request, iv)},
             {"aad", offsetof(struct kp_request, aad)},
             {"tag", offsetof(struct kp_request, tag)},
             {"signature", offsetof(struct kp_request, signature)},
             {"page_token", offsetof(struct kp_request, page_token)},
             {"nonce", offsetof(struct kp_request, nonce)},
             {"enc", offsetof(struct kp_request, enc)}};

static void spans_without_memory_or_too_long_name_the_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SPANS / sizeof SPANS[0]; i++) {
        struct kp_request request = client_wrap();
        kp_span *span = (kp_span *)(void *)((char *)&request + SPANS[i].at);
        char names[64];
        *span = without_memory(7);
        (void)snprintf(names, sizeof names, "wrap: %s is NULL", SPANS[i].member);
        expect_refused(&request, KP_USAGE, names);
        *span = without_memory(SIZE_MAX);
        expect_refused(&request, KP_USAGE, names);
        *span = (kp_span){big, sizeof big};
        (void)snprintf(names, sizeof names, "wrap: %s has %zu bytes", SPANS[i].member, sizeof big);
        expect_refused(&request, KP_USAGE, names);
        *span = (kp_span){big, SIZE_MAX};
        expect_refused(&request, KP_USAGE, SPANS[i].member);
    }
}

static void largest_payload_goes_through_and_one_more_does_not(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    memset(big, 'b', sizeof big);
    request.value = (kp_span){big, KP_PAYLOAD_MAX_LEN};
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    assert_int_equal(outcome.result.reply.value.len, KP_PAYLOAD_MAX_LEN);
    assert_memory_equal(outcome.result.reply.value.ptr, big, KP_PAYLOAD_MAX_LEN);
    outcome_clear(&outcome);
}

static void plugins_own_payload_limit_holds(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    kp_vault_release(vault);
    client_end(&client);
    script_begin();
    script_caps()->max_payload_len = 16;
    client_begin(&client, NULL);
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    request.value = span_of("0123456789abcdefX");
    expect_refused(&request, KP_USAGE, "value has 17 bytes, more than 16");
    request.value = span_of("0123456789abcdef");
    assert_int_equal(client_do(vault, &request), KP_OK);
}

static void backup_may_be_longer_than_a_payload(void **state)
{
    static uint8_t blob[KP_BACKUP_MAX_LEN + 1];
    struct kp_request request = client_request(KP_OP_RESTORE);
    (void)state;
    request.value = (kp_span){blob, KP_BACKUP_MAX_LEN};
    assert_int_equal(client_do(vault, &request), KP_OK);
    request.value.len++;
    expect_refused(&request, KP_USAGE, "value has 9437185 bytes, more than 9437184");
    request = client_wrap();
    request.value = (kp_span){blob, KP_PAYLOAD_MAX_LEN + 1};
    expect_refused(&request, KP_USAGE, "value has 1048577 bytes, more than 1048576");
}

/* ---- Names and versions ---- */

static void bad_key_names_are_usage(void **state)
{
    char long_name[KP_KEY_NAME_MAX_LEN + 2];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    const char *const names[] = {"", "a/b", "a b", "ä", "a_b", "../k", "a\n", long_name};
    (void)state;
    for (uint32_t op = 1; op <= KP_OP_MAX; op++) {
        struct kp_request request = client_request(op);
        if (!(kp_op_traits(op) & KP_TRAIT_NEEDS_KEY))
            continue;
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            request.name = span_of(names[i]);
            expect_refused(&request, KP_USAGE, "name");
        }
        request.name = (kp_span){(const uint8_t *)"a\0b", 3};
        expect_refused(&request, KP_USAGE, "name");
    }
}

static void bad_versions_are_usage(void **state)
{
    char long_version[KP_KEY_VERSION_MAX_LEN + 2];
    memset(long_version, '1', sizeof long_version - 1);
    long_version[sizeof long_version - 1] = '\0';
    const char *const versions[] = {"1/2", "1 ", "..", "ü", long_version};
    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        struct kp_request request = client_wrap();
        request.version = span_of(versions[i]);
        expect_refused(&request, KP_USAGE, "version");
    }
}

static void undoing_without_a_version_is_usage(void **state)
{
    static const uint32_t undo[] = {KP_OP_UNWRAP, KP_OP_DECRYPT};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct kp_request request = client_request(undo[i]);
        request.version = span_of("");
        expect_refused(&request, KP_USAGE, "version is empty");
    }
}

/* ---- Payloads ---- */

static void unknown_algorithm_is_usage(void **state)
{
    static const uint32_t none[] = {0, KP_ALG_MAX + 1, 64, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct kp_request request = client_wrap();
        request.alg = none[i];
        expect_refused(&request, KP_USAGE, "is no algorithm");
    }
}

static void empty_payload_is_usage(void **state)
{
    static const uint32_t uses[] = {KP_OP_ENCRYPT, KP_OP_DECRYPT, KP_OP_WRAP,
                                    KP_OP_UNWRAP,  KP_OP_SIGN,    KP_OP_VERIFY};
    (void)state;
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        struct kp_request request = client_request(uses[i]);
        request.value = span_of("");
        expect_refused(&request, KP_USAGE, "value is empty");
    }
    struct kp_request verify = client_request(KP_OP_VERIFY);
    verify.signature = span_of("");
    expect_refused(&verify, KP_USAGE, "signature is empty");
    struct kp_request restore = client_request(KP_OP_RESTORE);
    restore.value = span_of("");
    expect_refused(&restore, KP_USAGE, "backup blob, is empty");
}

static void what_the_plugin_does_not_offer_is_unsupported(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    kp_vault_release(vault);
    client_end(&client);
    script_begin();
    script_caps()->ops &= ~KP_OP_BIT(KP_OP_SIGN);
    script_caps()->algs &= ~KP_ALG_BIT(KP_ALG_RSA1_5);
    script_caps()->ktys &= ~(1u << KP_KTY_EC);
    script_caps()->curves &= ~(1u << KP_CURVE_P521);
    script_caps()->rsa_bits_max = 3072;
    client_begin(&client, NULL);
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    request.alg = KP_ALG_RSA1_5;
    expect_refused(&request, KP_UNSUPPORTED, "RSA1_5");
    request = client_request(KP_OP_SIGN);
    expect_refused(&request, KP_UNSUPPORTED, "sign");
    request = with_params(KP_OP_CREATE);
    params.kty = KP_KTY_EC;
    params.curve = KP_CURVE_P256;
    expect_refused(&request, KP_UNSUPPORTED, "EC");
    params.kty = KP_KTY_EC_HSM;
    params.curve = KP_CURVE_P521;
    expect_refused(&request, KP_UNSUPPORTED, "P-521");
    params.kty = KP_KTY_RSA;
    params.bits = 4096;
    expect_refused(&request, KP_UNSUPPORTED, "4096");
    params.bits = 1024;
    expect_refused(&request, KP_USAGE, "1024");
    params.kty = KP_KTY_OCT;
    expect_refused(&request, KP_USAGE, "1024");
    params.bits = 192;
    assert_int_equal(client_do(vault, &request), KP_OK);
    request = with_params(KP_OP_IMPORT);
    params.bits = 1024; /* the material says how large it is */
    assert_int_equal(client_do(vault, &request), KP_OK);
}

/* ---- Numbers ---- */

static void numbers_out_of_range_are_usage(void **state)
{
    struct kp_request request = client_request(KP_OP_RANDOM);
    (void)state;
    request.count = 0;
    expect_refused(&request, KP_USAGE, "count 0");
    request.count = KP_RANDOM_MAX_LEN + 1;
    expect_refused(&request, KP_USAGE, "count 129");
    request = client_request(KP_OP_LIST_KEYS);
    request.page_size = KP_PAGE_MAX + 1;
    expect_refused(&request, KP_USAGE, "page_size 26");
}

/* ---- Parameters ---- */

static const uint32_t PARAM_OPS[] = {KP_OP_CREATE, KP_OP_IMPORT, KP_OP_IMPORT_BYOK, KP_OP_UPDATE};
#define N_PARAM_OPS (sizeof PARAM_OPS / sizeof PARAM_OPS[0])

static void missing_parameters_are_usage(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PARAM_OPS; i++) {
        struct kp_request request = with_params(PARAM_OPS[i]);
        params.struct_size = 4;
        expect_refused(&request, KP_USAGE, "params");
        request.params = NULL;
        expect_refused(&request, KP_USAGE, "params");
    }
}

static void bad_tags_are_usage(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PARAM_OPS; i++) {
        struct kp_request request = with_params(PARAM_OPS[i]);
        for (size_t t = 0; t <= KP_TAGS_MAX; t++)
            tags[t] = (struct kp_tag){span_of("name"), span_of("value")};
        params.tags = tags;
        params.n_tags = KP_TAGS_MAX + 1;
        expect_refused(&request, KP_USAGE, "16 tags");
        params.n_tags = UINT32_MAX;
        expect_refused(&request, KP_USAGE, "tags");
        params.n_tags = 2;
        tags[1].name = span_of("");
        expect_refused(&request, KP_USAGE, "tag 1");
        tags[1].name = without_memory(3);
        expect_refused(&request, KP_USAGE, "tag 1");
        tags[1].name = (kp_span){big, KP_TAG_MAX_LEN + 1};
        expect_refused(&request, KP_USAGE, "tag 1");
        tags[1] = (struct kp_tag){span_of("name"), {big, KP_TAG_MAX_LEN + 1}};
        expect_refused(&request, KP_USAGE, "tag 1");
        tags[1].value = without_memory(1);
        expect_refused(&request, KP_USAGE, "tag 1");
        params.tags = NULL;
        expect_refused(&request, KP_USAGE, "tags");
    }
}

static const struct {
    const char *member;
    size_t at;
} MATERIAL[] = {{"release_policy", offsetof(struct kp_key_params, release_policy)},
                {"n", offsetof(struct kp_key_params, n)},
                {"e", offsetof(struct kp_key_params, e)},
                {"d", offsetof(struct kp_key_params, d)},
                {"p", offsetof(struct kp_key_params, p)},
                {"q", offsetof(struct kp_key_params, q)},
                {"dp", offsetof(struct kp_key_params, dp)},
                {"dq", offsetof(struct kp_key_params, dq)},
                {"qi", offsetof(struct kp_key_params, qi)},
                {"x", offsetof(struct kp_key_params, x)},
                {"y", offsetof(struct kp_key_params, y)},
                {"k", offsetof(struct kp_key_params, k)},
                {"key_hsm", offsetof(struct kp_key_params, key_hsm)}};

static void key_material_without_memory_or_too_long_names_the_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof MATERIAL / sizeof MATERIAL[0]; i++) {
        struct kp_request request = with_params(KP_OP_IMPORT);
        kp_span *span = (kp_span *)(void *)((char *)&params + MATERIAL[i].at);
        char names[64];
        *span = without_memory(32);
        (void)snprintf(names, sizeof names, "import: %s is NULL", MATERIAL[i].member);
        expect_refused(&request, KP_USAGE, names);
        *span = (kp_span){big, sizeof big};
        (void)snprintf(names, sizeof names, "import: %s has", MATERIAL[i].member);
        expect_refused(&request, KP_USAGE, names);
    }
}

static void unknown_key_types_and_curves_are_usage(void **state)
{
    static const uint32_t none[] = {0, 7, 31, 32, UINT32_MAX};
    static const uint32_t makes[] = {KP_OP_CREATE, KP_OP_IMPORT};
    (void)state;
    for (size_t m = 0; m < 2; m++)
        for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
            struct kp_request request = with_params(makes[m]);
            params.kty = none[i];
            expect_refused(&request, KP_USAGE, "kty");
            params.kty = KP_KTY_EC;
            params.curve = none[i];
            expect_refused(&request, KP_USAGE, "curve");
        }
}

/* Members an operation does not use are not looked at: not even their memory. */
static void parameters_nobody_asked_for_are_not_looked_at(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    request.params = (const struct kp_key_params *)(uintptr_t)1;
    request.policy = (const struct kp_rotation_policy *)(uintptr_t)1;
    assert_int_equal(client_do(vault, &request), KP_OK);
}

/* ---- Rotation policies ---- */

static void bad_policies_are_usage(void **state)
{
    static const char *const durations[] = {"", "90", "P", "P90", "90D", "PxD", "P-1D", "P1D "};
    struct kp_request request = with_policy();
    (void)state;
    request.policy = NULL;
    expect_refused(&request, KP_USAGE, "policy");
    request = with_policy();
    policy.struct_size = 4;
    expect_refused(&request, KP_USAGE, "policy");
    request = with_policy();
    policy.n_rules = KP_ROTATION_ACTIONS_MAX + 1;
    expect_refused(&request, KP_USAGE, "5 rules");
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        request = with_policy();
        policy.rules[0].duration = span_of(durations[i]);
        expect_refused(&request, KP_USAGE, "rule 0");
        request = with_policy();
        policy.expiry = span_of(durations[i]);
        if (durations[i][0] != '\0')
            expect_refused(&request, KP_USAGE, "expiry");
    }
    request = with_policy();
    policy.rules[0].duration = without_memory(4);
    expect_refused(&request, KP_USAGE, "rule 0");
    request = with_policy();
    policy.expiry = without_memory(4);
    expect_refused(&request, KP_USAGE, "expiry");
    request = with_policy();
    policy.rules[0].action = 3;
    expect_refused(&request, KP_USAGE, "rule 0: action 3");
    request = with_policy();
    policy.rules[0].trigger = 0;
    expect_refused(&request, KP_USAGE, "rule 0: trigger 0");
}

/* ---- And the well-formed ones ---- */

static void well_formed_request_of_each_operation_goes_through(void **state)
{
    (void)state;
    for (uint32_t op = 1; op <= KP_OP_MAX; op++) {
        struct kp_request request = client_request(op);
        if (op == KP_OP_SET_ROTATION_POLICY)
            request = with_policy();
        assert_int_equal(client_do(vault, &request), KP_OK);
    }
    assert_int_equal(script_counts(script).n_submit, KP_OP_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(calls_without_their_arguments_are_usage),
        TEST(credential_without_memory_is_usage),
        TEST(request_without_its_size_is_usage),
        TEST(request_of_an_older_caller_lacks_what_came_later),
        TEST(request_of_a_newer_caller_is_read_as_far_as_known),
        TEST(unknown_operation_is_usage),
        TEST(spans_without_memory_or_too_long_name_the_member),
        TEST(largest_payload_goes_through_and_one_more_does_not),
        TEST(plugins_own_payload_limit_holds),
        TEST(backup_may_be_longer_than_a_payload),
        TEST(bad_key_names_are_usage),
        TEST(bad_versions_are_usage),
        TEST(undoing_without_a_version_is_usage),
        TEST(unknown_algorithm_is_usage),
        TEST(empty_payload_is_usage),
        TEST(what_the_plugin_does_not_offer_is_unsupported),
        TEST(numbers_out_of_range_are_usage),
        TEST(missing_parameters_are_usage),
        TEST(bad_tags_are_usage),
        TEST(key_material_without_memory_or_too_long_names_the_member),
        TEST(unknown_key_types_and_curves_are_usage),
        TEST(parameters_nobody_asked_for_are_not_looked_at),
        TEST(bad_policies_are_usage),
        TEST(well_formed_request_of_each_operation_goes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
