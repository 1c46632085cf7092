/* One operation's way: cancelling at each state, closing, polling, waiting, throttling, trust. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/azure-keyvault/azure_keyvault.h"
#include "support/fake_azure.h"

#define NS_PER_S UINT64_C(1000000000)

#define KEY                                                                                        \
    "\"key\":{\"kid\":\"" FAKE_KID                                                                 \
    "\",\"kty\":\"RSA\",\"key_ops\":[\"wrapKey\"],\"n\":\"sKD9\",\"e\":\"AQAB\"},"                 \
    "\"attributes\":{\"enabled\":true,\"created\":1735689600,\"updated\":1735689600}"
static const char key_bundle[] = "{" KEY "}";
static const char deleted_bundle[] =
    "{\"recoveryId\":\"https://" FAKE_VAULT_HOST "/deletedkeys/app\",\"deletedDate\":1735689700,"
    "\"scheduledPurgeDate\":1736294500," KEY "}";
static const char deleted_for_good[] = "{" KEY "}";

static struct fake_azure *new_azure(void)
{
    static struct fake_azure azure;
    fake_azure_init(&azure, kp_azure_keyvault_plugin_get(KP_ABI_MAJOR, KP_ABI_MINOR));
    assert_int_equal(fake_azure_open(&azure, fake_secret_settings), KP_OK);
    return &azure;
}

static struct kp_request request_of(uint32_t op)
{
    const struct kp_request request = {
        .struct_size = sizeof request, .op = op, .name = kpb_span_str("app")};
    return request;
}

static kp_status call(struct fake_azure *azure, uint32_t op, struct fake_result *result)
{
    struct kp_request request = request_of(op);
    return fake_host_call(&azure->host, &request, result);
}

static void submit(struct fake_azure *azure, uint32_t op, uint32_t timeout_ms,
                   struct fake_result *result, kp_op_id *ret_id)
{
    struct kp_request request = request_of(op);
    if (op == KP_OP_WRAP)
        fake_azure_wrap(&request);
    assert_int_equal(fake_host_submit(&azure->host, &request, timeout_ms, result, ret_id), KP_OK);
}

static void then_status(struct fake_azure *azure, uint32_t http_status, const char *body)
{
    const struct fake_azure_step step = {
        .part = FAKE_KEYS, .http_status = http_status, .body = body};
    fake_azure_then(azure, &step);
}

static const char not_found[] = "{\"error\":{\"code\":\"KeyNotFound\",\"message\":\"x\"}}";
static const char being_deleted[] =
    "{\"error\":{\"code\":\"Conflict\",\"message\":\"x\",\"innererror\":{\"code\":"
    "\"ObjectIsBeingDeleted\"}}}";
static const char throttled[] = "{\"error\":{\"code\":\"Throttled\",\"message\":\"x\"}}";

/* ---- Cancelling ---- */

static void cancel_while_waiting_for_a_token_ends_at_once(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    kp_op_id id;
    (void)state;
    azure->is_holding_tokens = true;
    submit(azure, KP_OP_WRAP, 60000, &result, &id);
    fake_host_settle(&azure->host);
    fake_host_cancel(&azure->host, id);
    assert_true(fake_host_is_over(&azure->host, id));
    assert_int_equal(result.status, KP_CANCELED);
    assert_int_equal(result.error.exposure, KP_NOT_SENT);
    fake_result_clear(&result);
    fake_azure_clear(azure); /* closes with the fetch under way */
}

static void cancel_while_sending_cancels_the_request(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    kp_op_id id;
    (void)state;
    then_status(azure, 0, NULL);
    submit(azure, KP_OP_WRAP, 60000, &result, &id);
    fake_host_settle(&azure->host);
    assert_int_equal(azure->n[FAKE_KEYS], 1);
    fake_host_cancel(&azure->host, id);
    assert_int_equal(azure->host.n_http_canceled, 1);
    fake_host_settle(&azure->host);
    assert_int_equal(result.status, KP_CANCELED);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void cancel_while_pausing_hastens_the_timer(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    kp_op_id id;
    (void)state;
    then_status(azure, 200, deleted_bundle);
    then_status(azure, 404, not_found);
    submit(azure, KP_OP_DELETE, 60000, &result, &id);
    fake_host_settle(&azure->host);
    assert_int_equal(azure->n[FAKE_KEYS], 2);
    uint64_t before_ns = azure->host.now_ns;
    fake_host_cancel(&azure->host, id);
    fake_host_settle(&azure->host);
    assert_true(fake_host_is_over(&azure->host, id));
    assert_int_equal(result.status, KP_CANCELED);
    assert_int_equal(result.error.exposure, KP_ANSWERED);
    assert_true(azure->host.now_ns == before_ns);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

/* ---- Polling ---- */

static void delete_ends_when_the_deleted_key_shows(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    (void)state;
    then_status(azure, 200, deleted_bundle);
    then_status(azure, 404, not_found);
    then_status(azure, 503, "");
    then_status(azure, 200, deleted_bundle);
    uint64_t before_ns = azure->host.now_ns;
    assert_int_equal(call(azure, KP_OP_DELETE, &result), KP_OK);
    assert_int_equal(azure->n[FAKE_KEYS], 4);
    assert_int_equal((azure->host.now_ns - before_ns) / NS_PER_S, 4);
    assert_string_equal(azure->last_url[FAKE_KEYS],
                        "https://" FAKE_VAULT_HOST "/deletedkeys/app?api-version=7.6");
    assert_int_equal(result.reply.key->deleted_unix_s, 1735689700);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

/* Where a deleted key is looked for is our business, not the answer's. */
static void delete_looks_at_its_own_vault_whatever_the_answer_names(void **state)
{
    static const char *const ELSEWHERE[] = {"https://evil.example/deletedkeys/app",
                                            "https://" FAKE_VAULT_HOST "/deletedkeys/other",
                                            "http://169.254.169.254/metadata"};
    char body[512];
    (void)state;
    for (size_t i = 0; i < sizeof ELSEWHERE / sizeof ELSEWHERE[0]; i++) {
        struct fake_azure *azure = new_azure();
        struct fake_result result;
        (void)snprintf(body, sizeof body,
                       "{\"recoveryId\":\"%s\",\"deletedDate\":1735689700," KEY "}", ELSEWHERE[i]);
        then_status(azure, 200, body);
        then_status(azure, 200, deleted_bundle);
        assert_int_equal(call(azure, KP_OP_DELETE, &result), KP_OK);
        assert_int_equal(azure->n[FAKE_KEYS], 2);
        assert_int_equal(azure->n[FAKE_ELSEWHERE], 0);
        assert_string_equal(azure->last_url[FAKE_KEYS],
                            "https://" FAKE_VAULT_HOST "/deletedkeys/app?api-version=7.6");
        fake_result_clear(&result);
        fake_azure_clear(azure);
    }
}

static void delete_that_must_not_look_ends_at_once(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    (void)state;
    then_status(azure, 200, deleted_bundle);
    then_status(azure, 403, "{\"error\":{\"code\":\"Forbidden\",\"message\":\"x\"}}");
    assert_int_equal(call(azure, KP_OP_DELETE, &result), KP_OK);
    assert_int_equal(azure->n[FAKE_KEYS], 2);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void delete_without_soft_delete_is_not_looked_for(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    (void)state;
    then_status(azure, 200, deleted_for_good);
    assert_int_equal(call(azure, KP_OP_DELETE, &result), KP_OK);
    assert_int_equal(azure->n[FAKE_KEYS], 1);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void recover_ends_when_the_key_shows(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    (void)state;
    then_status(azure, 200, key_bundle);
    then_status(azure, 404, not_found);
    then_status(azure, 200, key_bundle);
    assert_int_equal(call(azure, KP_OP_RECOVER, &result), KP_OK);
    assert_int_equal(azure->n[FAKE_KEYS], 3);
    assert_string_equal(azure->last_url[FAKE_KEYS],
                        "https://" FAKE_VAULT_HOST "/keys/app?api-version=7.6");
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void looking_ends_before_the_deadline_and_is_not_repeated(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    kp_op_id id;
    (void)state;
    then_status(azure, 200, deleted_bundle);
    for (int i = 0; i < 5; i++)
        then_status(azure, 404, not_found);
    submit(azure, KP_OP_DELETE, 9000, &result, &id);
    fake_host_drain(&azure->host);
    assert_int_equal(result.status, KP_TIMEOUT); /* not a class that the core tries again */
    assert_int_equal(result.error.exposure, KP_ANSWERED);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void connection_lost_while_looking_is_looked_for_again(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    const struct fake_azure_step lost = {
        .part = FAKE_KEYS, .status = KP_TRANSIENT, .exposure = KP_NOT_SENT, .code = 3103};
    (void)state;
    then_status(azure, 200, deleted_bundle);
    fake_azure_then(azure, &lost);
    then_status(azure, 200, deleted_bundle);
    assert_int_equal(call(azure, KP_OP_DELETE, &result), KP_OK);
    assert_int_equal(azure->n[FAKE_KEYS], 3);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void create_waits_while_the_old_key_is_being_deleted(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    const struct kp_key_params params = {.struct_size = sizeof params, .kty = KP_KTY_RSA};
    struct kp_request request = request_of(KP_OP_CREATE);
    (void)state;
    request.params = &params;
    then_status(azure, 409, being_deleted);
    then_status(azure, 409, being_deleted);
    then_status(azure, 200, key_bundle);
    assert_int_equal(fake_host_call(&azure->host, &request, &result), KP_OK);
    assert_int_equal(azure->n[FAKE_KEYS], 3);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void create_that_waits_past_its_deadline_is_a_conflict(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    const struct kp_key_params params = {.struct_size = sizeof params, .kty = KP_KTY_RSA};
    struct kp_request request = request_of(KP_OP_CREATE);
    kp_op_id id;
    (void)state;
    request.params = &params;
    for (int i = 0; i < 3; i++)
        then_status(azure, 409, being_deleted);
    assert_int_equal(fake_host_submit(&azure->host, &request, 5000, &result, &id), KP_OK);
    fake_host_drain(&azure->host);
    assert_int_equal(result.status, KP_CONFLICT);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

/* In a vault, which answers a restore that meets a live key and one that meets a purge alike. */
static const char name_taken[] = "{\"error\":{\"code\":\"Conflict\",\"message\":\"x\"}}";

static void restore_waits_while_a_purge_spreads(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    struct kp_request request = request_of(KP_OP_RESTORE);
    (void)state;
    request.name.len = 0;
    request.value = kpb_span_str("blob");
    then_status(azure, 409, name_taken);
    then_status(azure, 409, name_taken);
    then_status(azure, 200, key_bundle);
    assert_int_equal(fake_host_call(&azure->host, &request, &result), KP_OK);
    assert_int_equal(azure->n[FAKE_KEYS], 3);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void restore_over_a_live_key_is_a_conflict_after_a_while(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    struct kp_request request = request_of(KP_OP_RESTORE);
    kp_op_id id;
    (void)state;
    request.name.len = 0;
    request.value = kpb_span_str("blob");
    for (int i = 0; i < 20; i++)
        then_status(azure, 409, name_taken);
    const uint64_t begin_ns = azure->host.now_ns;
    assert_int_equal(fake_host_submit(&azure->host, &request, 600000, &result, &id), KP_OK);
    while (!fake_host_is_over(&azure->host, id))
        assert_true(fake_host_step(&azure->host));
    assert_int_equal(result.status, KP_CONFLICT);
    assert_in_range(azure->host.now_ns - begin_ns, UINT64_C(14000000000), UINT64_C(18000000000));
    fake_result_clear(&result);
    azure->n_steps = 0;
    fake_azure_clear(azure);
}

/* ---- Lists, verify ---- */

static void list_follows_its_own_links_and_no_other(void **state)
{
    struct fake_azure *azure = new_azure();
    struct kp_request request = request_of(KP_OP_LIST_KEYS);
    struct fake_result first;
    struct fake_result second;
    (void)state;
    request.name.len = 0;
    then_status(azure, 200,
                "{\"value\":[],\"nextLink\":\"https://" FAKE_VAULT_HOST
                ":443/keys?api-version=7.6&$skiptoken=a&maxresults=25\"}");
    assert_int_equal(fake_host_call(&azure->host, &request, &first), KP_OK);
    assert_int_equal(first.reply.n_keys, 0);
    assert_true(first.reply.next_page.len > 0);
    request.page_token = first.reply.next_page;
    then_status(azure, 200,
                "{\"value\":[],\"nextLink\":\"https://" FAKE_VAULT_HOST
                ":443/keys?api-version=7.6&$skiptoken=a&maxresults=25\"}");
    assert_int_equal(fake_host_call(&azure->host, &request, &second), KP_PROTOCOL);
    assert_non_null(strstr(azure->last_url[FAKE_KEYS], "$skiptoken=a"));
    fake_result_clear(&second);
    then_status(azure, 200,
                "{\"value\":[],\"nextLink\":\"https://evil.example/keys?$skiptoken=b\"}");
    assert_int_equal(fake_host_call(&azure->host, &request, &second), KP_PROTOCOL);
    fake_result_clear(&second);
    fake_result_clear(&first);
    assert_int_equal(azure->n[FAKE_ELSEWHERE], 0);
    fake_azure_clear(azure);
}

static void verify_without_a_version_asks_for_the_current_one(void **state)
{
    struct fake_azure *azure = new_azure();
    static const uint8_t bytes[256] = {1};
    struct kp_request request = request_of(KP_OP_VERIFY);
    struct fake_result result;
    (void)state;
    request.alg = KP_ALG_RS256;
    request.value = kpb_span(bytes, 32);
    request.signature = kpb_span(bytes, 256);
    then_status(azure, 200, key_bundle);
    then_status(azure, 200, "{\"value\":true}");
    assert_int_equal(fake_host_call(&azure->host, &request, &result), KP_OK);
    assert_true(kpb_span_eq_str(result.reply.version, FAKE_VERSION));
    assert_int_equal(result.reply.flags, KP_REPLY_VERIFIED);
    assert_string_equal(azure->last_url[FAKE_KEYS],
                        "https://" FAKE_VAULT_HOST "/keys/app/" FAKE_VERSION
                        "/verify?api-version=7.6");
    assert_int_equal(azure->n[FAKE_KEYS], 2);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

/* ---- What the core decides on ---- */

static void throttling_passes_its_hint_on_and_is_not_repeated_here(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    const struct fake_azure_step busy = {.part = FAKE_KEYS,
                                         .http_status = 429,
                                         .body = throttled,
                                         .header = "Retry-After",
                                         .value = "7"};
    (void)state;
    fake_azure_then(azure, &busy);
    assert_int_equal(call(azure, KP_OP_GET_KEY, &result), KP_THROTTLED);
    assert_int_equal(result.error.code, KP_CODE_ErrorHttpResponseCodeThrottled);
    assert_int_equal(result.error.retry_after_ms, 7000);
    assert_int_equal(result.error.exposure, KP_ANSWERED_REFUSED);
    assert_int_equal(azure->n[FAKE_KEYS], 1);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void lost_connection_keeps_the_exposure_the_host_tells(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    const struct fake_azure_step lost = {
        .part = FAKE_KEYS, .status = KP_TRANSIENT, .exposure = KP_NOT_SENT, .code = 3103};
    (void)state;
    fake_azure_then(azure, &lost);
    assert_int_equal(call(azure, KP_OP_GET_KEY, &result), KP_TRANSIENT);
    assert_int_equal(result.error.exposure, KP_NOT_SENT);
    assert_int_equal(result.error.code, 3103);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void reply_without_a_version_is_refused(void **state)
{
    struct fake_azure *azure = new_azure();
    struct kp_request request;
    struct fake_result result;
    (void)state;
    then_status(azure, 200, "{\"value\":\"AQIDBA\"}");
    fake_azure_wrap(&request);
    assert_int_equal(fake_host_call(&azure->host, &request, &result), KP_PROTOCOL);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void reply_of_another_key_is_refused(void **state)
{
    struct fake_azure *azure = new_azure();
    struct kp_request request;
    struct fake_result result;
    (void)state;
    then_status(azure, 200,
                "{\"kid\":\"https://" FAKE_VAULT_HOST "/keys/other/" FAKE_VERSION
                "\",\"value\":\"AQIDBA\"}");
    fake_azure_wrap(&request);
    assert_int_not_equal(fake_host_call(&azure->host, &request, &result), KP_OK);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void host_that_takes_no_request_fails_the_operation(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    (void)state;
    azure->key_body = key_bundle;
    assert_int_equal(call(azure, KP_OP_GET_KEY, &result), KP_OK);
    fake_result_clear(&result);
    azure->host.refuse_http = true;
    assert_int_equal(call(azure, KP_OP_GET_KEY, &result), KP_THROTTLED);
    assert_int_equal(result.error.exposure, KP_NOT_SENT);
    fake_result_clear(&result);
    azure->host.refuse_http = false;
    fake_azure_clear(azure);
}

/* ---- Whom it trusts ---- */

static const char *const HOSTILE[] = {
    "Bearer authorization=\"https://login.evil.example/" FAKE_TENANT
    "\", resource=\"https://vault.azure.net\"",
    "Bearer authorization=\"https://login.microsoftonline.com/" FAKE_TENANT
    "\", resource=\"https://evil.example\"",
    "Bearer authorization=\"https://login.microsoftonline.us/" FAKE_TENANT
    "\", resource=\"https://vault.azure.net\"",
    "Bearer authorization=\"http://login.microsoftonline.com/" FAKE_TENANT
    "\", resource=\"https://vault.azure.net\"",
    "Bearer authorization=\"https://login.microsoftonline.com/common\", "
    "resource=\"https://vault.azure.net\"",
    "Bearer authorization=\"https://login.microsoftonline.com:8443/" FAKE_TENANT
    "\", resource=\"https://vault.azure.net\"",
    "Bearer resource=\"https://vault.azure.net\"",
    "Basic realm=\"x\"",
};

static void hostile_challenge_sees_no_token_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof HOSTILE / sizeof HOSTILE[0]; i++) {
        struct fake_azure *azure = new_azure();
        struct fake_result result;
        azure->challenge = HOSTILE[i];
        assert_int_not_equal(call(azure, KP_OP_GET_KEY, &result), KP_OK);
        assert_int_equal(azure->n[FAKE_PROBE], 1);
        assert_int_equal(azure->n[FAKE_TOKEN] + azure->n[FAKE_ELSEWHERE], 0);
        assert_int_equal(azure->n[FAKE_KEYS], 0);
        fake_result_clear(&result);
        fake_azure_clear(azure);
    }
}

static void hostile_challenge_later_sees_no_token_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof HOSTILE / sizeof HOSTILE[0]; i++) {
        struct fake_azure *azure = new_azure();
        struct fake_result result;
        const struct fake_azure_step refuse = {.part = FAKE_KEYS, .refuse_token = true};
        azure->key_body = key_bundle;
        assert_int_equal(call(azure, KP_OP_GET_KEY, &result), KP_OK);
        fake_result_clear(&result);
        azure->challenge = HOSTILE[i];
        fake_azure_then(azure, &refuse);
        assert_int_not_equal(call(azure, KP_OP_GET_KEY, &result), KP_OK);
        assert_int_equal(azure->n[FAKE_TOKEN], 1);
        assert_int_equal(azure->n[FAKE_ELSEWHERE], 0);
        fake_result_clear(&result);
        fake_azure_clear(azure);
    }
}

static void vault_that_asks_for_no_token_is_refused(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    const struct fake_azure_step open = {
        .part = FAKE_PROBE, .http_status = 200, .body = "{\"value\":[]}"};
    (void)state;
    fake_azure_then(azure, &open);
    assert_int_equal(call(azure, KP_OP_GET_KEY, &result), KP_PROTOCOL);
    assert_int_equal(azure->n[FAKE_TOKEN], 0);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

/* ---- Closing ---- */

static void close_with_a_fetch_under_way_is_quiet(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    kp_op_id id;
    (void)state;
    azure->is_holding_tokens = true;
    submit(azure, KP_OP_WRAP, 60000, &result, &id);
    fake_host_settle(&azure->host);
    fake_host_cancel(&azure->host, id);
    azure->host.plugin->close(azure->host.vault);
    assert_int_equal(azure->host.n_closed, 1); /* nothing left that must be waited for */
    fake_host_forget_vault(&azure->host);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancel_while_waiting_for_a_token_ends_at_once),
        cmocka_unit_test(cancel_while_sending_cancels_the_request),
        cmocka_unit_test(cancel_while_pausing_hastens_the_timer),
        cmocka_unit_test(delete_ends_when_the_deleted_key_shows),
        cmocka_unit_test(delete_looks_at_its_own_vault_whatever_the_answer_names),
        cmocka_unit_test(delete_that_must_not_look_ends_at_once),
        cmocka_unit_test(delete_without_soft_delete_is_not_looked_for),
        cmocka_unit_test(recover_ends_when_the_key_shows),
        cmocka_unit_test(looking_ends_before_the_deadline_and_is_not_repeated),
        cmocka_unit_test(connection_lost_while_looking_is_looked_for_again),
        cmocka_unit_test(create_waits_while_the_old_key_is_being_deleted),
        cmocka_unit_test(create_that_waits_past_its_deadline_is_a_conflict),
        cmocka_unit_test(restore_waits_while_a_purge_spreads),
        cmocka_unit_test(restore_over_a_live_key_is_a_conflict_after_a_while),
        cmocka_unit_test(list_follows_its_own_links_and_no_other),
        cmocka_unit_test(verify_without_a_version_asks_for_the_current_one),
        cmocka_unit_test(throttling_passes_its_hint_on_and_is_not_repeated_here),
        cmocka_unit_test(lost_connection_keeps_the_exposure_the_host_tells),
        cmocka_unit_test(reply_without_a_version_is_refused),
        cmocka_unit_test(reply_of_another_key_is_refused),
        cmocka_unit_test(host_that_takes_no_request_fails_the_operation),
        cmocka_unit_test(hostile_challenge_sees_no_token_request),
        cmocka_unit_test(hostile_challenge_later_sees_no_token_request),
        cmocka_unit_test(vault_that_asks_for_no_token_is_refused),
        cmocka_unit_test(close_with_a_fetch_under_way_is_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
