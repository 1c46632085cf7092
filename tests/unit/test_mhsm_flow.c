/* What a Managed HSM does otherwise than a vault, seen through the plugin's table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/managed-hsm/managed_hsm.h"
#include "support/fake_azure.h"

#define HSM_HOST "pool.managedhsm.azure.net"
#define REGIONAL_HOST "pool.westeurope.managedhsm.azure.net"
#define KID "https://" HSM_HOST "/keys/app/" FAKE_VERSION
#define CHALLENGE                                                                                  \
    "Bearer authorization=\"https://login.microsoftonline.com/" FAKE_TENANT                        \
    "\", resource=\"https://managedhsm.azure.net\""

static const char oct_bundle[] =
    "{\"attributes\":{\"created\":1735689600,\"enabled\":true,\"exportable\":false},"
    "\"key\":{\"key_ops\":[\"wrapKey\",\"encrypt\",\"unwrapKey\",\"decrypt\"],\"kid\":\"" KID
    "\",\"kty\":\"oct-HSM\"}}";
static const char deleted_bundle[] =
    "{\"attributes\":{\"enabled\":true},\"deletedDate\":1735689700,\"key\":{\"kid\":\"" KID
    "\",\"kty\":\"oct-HSM\"},\"recoveryId\":\"https://" HSM_HOST "/deletedkeys/app\","
    "\"scheduledPurgeDate\":1736294500}";

static const struct kp_plugin *plugin(void)
{
    return kp_managed_hsm_plugin_get(KP_ABI_MAJOR, KP_ABI_MINOR);
}

static struct fake_azure *new_hsm(const char *host)
{
    static struct fake_azure azure;
    fake_azure_init(&azure, plugin());
    azure.vault_host = host;
    azure.challenge = CHALLENGE;
    assert_int_equal(fake_azure_open(&azure, fake_secret_settings), KP_OK);
    return &azure;
}

static struct kp_request request_of(uint32_t op)
{
    const struct kp_request request = {
        .struct_size = sizeof request, .op = op, .name = kpb_span_str("app")};
    return request;
}

static void token_is_for_the_hsm_audience(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    struct kp_request request = request_of(KP_OP_GET_KEY);
    struct fake_result result;
    (void)state;
    hsm->key_body = oct_bundle;
    assert_int_equal(fake_host_call(&hsm->host, &request, &result), KP_OK);
    assert_non_null(strstr(hsm->last_body[FAKE_TOKEN], "managedhsm.azure.net"));
    assert_int_equal(result.reply.key->kty, KP_KTY_OCT_HSM);
    assert_int_equal(result.reply.key->key_ops,
                     KP_KEY_OP_WRAP | KP_KEY_OP_UNWRAP | KP_KEY_OP_ENCRYPT | KP_KEY_OP_DECRYPT);
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

static void regional_host_is_served(void **state)
{
    struct fake_azure *hsm = new_hsm(REGIONAL_HOST);
    (void)state;
    fake_azure_clear(hsm);
}

static void vault_audience_is_refused(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    struct kp_request request = request_of(KP_OP_GET_KEY);
    struct fake_result result;
    (void)state;
    hsm->challenge = FAKE_CHALLENGE; /* resource of key vaults */
    assert_int_not_equal(fake_host_call(&hsm->host, &request, &result), KP_OK);
    assert_int_equal(hsm->n[FAKE_TOKEN], 0);
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

static void host_of_a_vault_is_refused(void **state)
{
    static struct fake_azure azure;
    (void)state;
    fake_azure_init(&azure, plugin());
    assert_int_equal(fake_azure_open(&azure, fake_secret_settings), KP_CONFIG);
    assert_non_null(strstr(azure.host.opened_error.text, "managed HSM"));
    fake_azure_clear(&azure);
}

static void random_bytes_come_from_the_hsm(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    struct kp_request request = request_of(KP_OP_RANDOM);
    struct fake_result result;
    (void)state;
    request.name.len = 0;
    request.count = 4;
    hsm->key_body = "{\"value\":\"AQIDBA\"}";
    assert_int_equal(fake_host_call(&hsm->host, &request, &result), KP_OK);
    assert_int_equal(result.reply.value.len, 4);
    assert_string_equal(hsm->last_url[FAKE_KEYS], "https://" HSM_HOST "/rng?api-version=7.6");
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

static void delete_shows_at_once_and_is_not_looked_for(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    struct kp_request request = request_of(KP_OP_DELETE);
    struct fake_result result;
    (void)state;
    hsm->key_body = deleted_bundle;
    assert_int_equal(fake_host_call(&hsm->host, &request, &result), KP_OK);
    assert_int_equal(hsm->n[FAKE_KEYS], 1);
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

static void next_page_gets_the_version_that_its_link_lacks(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    struct kp_request request = request_of(KP_OP_LIST_KEYS);
    struct fake_result first;
    struct fake_result second;
    (void)state;
    request.name.len = 0;
    hsm->key_body =
        "{\"value\":[],\"nextLink\":\"https://" HSM_HOST "/keys?$skiptoken=a&maxresults=25\"}";
    assert_int_equal(fake_host_call(&hsm->host, &request, &first), KP_OK);
    request.page_token = first.reply.next_page;
    hsm->key_body = "{\"value\":[]}"; /* the last page has no link at all */
    assert_int_equal(fake_host_call(&hsm->host, &request, &second), KP_OK);
    assert_int_equal(second.reply.next_page.len, 0);
    assert_non_null(strstr(hsm->last_url[FAKE_KEYS], "api-version=7.6"));
    fake_result_clear(&first);
    fake_result_clear(&second);
    fake_azure_clear(hsm);
}

static void verify_without_a_version_needs_one_request(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    static const uint8_t bytes[32] = {1};
    struct kp_request request = request_of(KP_OP_VERIFY);
    struct fake_result result;
    (void)state;
    request.alg = KP_ALG_HS256;
    request.value = kpb_span(bytes, 32);
    request.signature = kpb_span(bytes, 32);
    hsm->key_body = "{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"value\":false}";
    assert_int_equal(fake_host_call(&hsm->host, &request, &result), KP_OK);
    assert_int_equal(result.reply.flags, 0);
    assert_true(kpb_span_eq_str(result.reply.version, FAKE_VERSION));
    assert_int_equal(hsm->n[FAKE_KEYS], 1);
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

static void rotation_policy_that_notifies_is_refused_here(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    const struct kp_rotation_policy policy = {
        .struct_size = sizeof policy,
        .n_rules = 1,
        .rules = {{KP_ROTATION_NOTIFY, KP_TRIGGER_AFTER_CREATE, kpb_span_str("P90D")}}};
    struct kp_request request = request_of(KP_OP_SET_ROTATION_POLICY);
    struct fake_result result;
    (void)state;
    request.policy = &policy;
    assert_int_equal(fake_host_call(&hsm->host, &request, &result), KP_USAGE);
    assert_int_equal(hsm->host.n_http, 0);
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

static void denial_names_the_role_to_grant(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    struct kp_request request = request_of(KP_OP_GET_KEY);
    struct fake_result result;
    (void)state;
    hsm->key_status = 403;
    hsm->key_body = "{\"error\":{\"code\":\"AccessDenied\",\"message\":\"x (Activity ID: y)\"}}";
    assert_int_equal(fake_host_call(&hsm->host, &request, &result), KP_FORBIDDEN);
    if (!strstr(result.error.text, "Managed HSM Crypto"))
        fail_msg("%s", result.error.text);
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

/* ---- Two regions ---- */

static const char not_found[] = "{\"error\":{\"code\":\"KeyNotFound\",\"message\":\"x\"}}";

static void then_status(struct fake_azure *hsm, uint32_t http_status, const char *body)
{
    const struct fake_azure_step step = {
        .part = FAKE_KEYS, .http_status = http_status, .body = body};
    fake_azure_then(hsm, &step);
}

static void create_app(struct fake_azure *hsm)
{
    const struct kp_key_params params = {.struct_size = sizeof params, .kty = KP_KTY_OCT_HSM};
    struct kp_request request = request_of(KP_OP_CREATE);
    struct fake_result result;
    request.params = &params;
    then_status(hsm, 200, oct_bundle);
    assert_int_equal(fake_host_call(&hsm->host, &request, &result), KP_OK);
    fake_result_clear(&result);
    hsm->n[FAKE_KEYS] = 0;
}

static void get_app(struct fake_azure *hsm, const char *version, uint32_t time_ms,
                    struct fake_result *ret)
{
    struct kp_request request = request_of(KP_OP_GET_KEY);
    kp_op_id id;
    request.version = kpb_span_str(version);
    assert_int_equal(fake_host_submit(&hsm->host, &request, time_ms, ret, &id), KP_OK);
    fake_host_drain(&hsm->host);
}

static void address_is_used_for_as_long_as_the_service_says(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    (void)state;
    create_app(hsm);
    assert_int_equal(hsm->dns_lifetime_ms, 5000);
    fake_azure_clear(hsm);
}

static void key_just_made_is_asked_for_until_it_is_there(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    struct fake_result result;
    (void)state;
    create_app(hsm);
    then_status(hsm, 404, not_found);
    then_status(hsm, 404, not_found);
    then_status(hsm, 200, oct_bundle);
    get_app(hsm, FAKE_VERSION, 30000, &result);
    assert_int_equal(result.status, KP_OK);
    assert_int_equal(hsm->n[FAKE_KEYS], 3);
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

static void key_that_does_not_arrive_in_time_is_not_found_and_says_why(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    struct fake_result result;
    (void)state;
    create_app(hsm);
    hsm->key_status = 404;
    hsm->key_body = not_found;
    get_app(hsm, "", 5000, &result);
    assert_int_equal(result.status, KP_NOT_FOUND);
    assert_non_null(strstr(result.error.text, "not in this region yet"));
    assert_true(hsm->n[FAKE_KEYS] > 1);
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

static void expect_no_wait(struct fake_azure *hsm, const char *version)
{
    struct fake_result result;
    hsm->n[FAKE_KEYS] = 0;
    then_status(hsm, 404, not_found);
    get_app(hsm, version, 30000, &result);
    assert_int_equal(result.status, KP_NOT_FOUND);
    assert_int_equal(hsm->n[FAKE_KEYS], 1);
    fake_result_clear(&result);
}

static void other_version_is_not_waited_for(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    (void)state;
    create_app(hsm);
    expect_no_wait(hsm, "fedcba9876543210fedcba9876543210");
    fake_azure_clear(hsm);
}

static void key_made_long_ago_is_not_waited_for(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    (void)state;
    create_app(hsm);
    hsm->host.now_ns += UINT64_C(360000000000); /* as the setting write_spread_ms has it */
    expect_no_wait(hsm, "");
    fake_azure_clear(hsm);
}

static void without_a_second_region_nothing_is_waited_for(void **state)
{
    static const char *const settings[] = {"write_spread_ms",
                                           "0",
                                           "identity.kind",
                                           "client_secret",
                                           "identity.client_id",
                                           FAKE_CLIENT,
                                           "identity.secret",
                                           FAKE_SECRET,
                                           NULL};
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    (void)state;
    assert_int_equal(fake_azure_reload(hsm, settings), KP_OK);
    create_app(hsm);
    expect_no_wait(hsm, "");
    fake_azure_clear(hsm);
}

/* ---- Admission ---- */

#define AT_ONCE 31u /* ten seconds of three partitions that make a key in a second each */

static kp_status begin_create(struct fake_azure *hsm, uint32_t time_ms, struct fake_result *ret,
                              kp_op_id *ret_id)
{
    static const struct kp_key_params params = {.struct_size = sizeof params,
                                                .kty = KP_KTY_OCT_HSM};
    struct kp_request request = request_of(KP_OP_CREATE);
    request.params = &params;
    hsm->key_body = oct_bundle;
    return fake_host_submit(&hsm->host, &request, time_ms, ret, ret_id);
}

static void make_one(struct fake_azure *hsm, uint32_t time_ms)
{
    struct fake_result result;
    kp_op_id id;
    assert_int_equal(begin_create(hsm, time_ms, &result, &id), KP_OK);
    fake_host_drain(&hsm->host);
    assert_int_equal(result.status, KP_OK);
    fake_result_clear(&result);
}

static void make_all_that_go_at_once(struct fake_azure *hsm)
{
    const uint64_t before_ns = hsm->host.now_ns;
    for (unsigned i = 0; i < AT_ONCE; i++)
        make_one(hsm, 30000);
    assert_true(hsm->host.now_ns == before_ns);
    hsm->n[FAKE_KEYS] = 0;
}

static void creates_beyond_the_documented_rate_wait_their_turn(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    const uint64_t before_ns = hsm->host.now_ns;
    (void)state;
    make_all_that_go_at_once(hsm);
    make_one(hsm, 30000);
    assert_int_equal((hsm->host.now_ns - before_ns) / 1000000, 333); /* it moves to timers */
    fake_azure_clear(hsm);
}

static void create_whose_turn_comes_too_late_is_refused_at_once(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    struct fake_result result;
    kp_op_id id;
    (void)state;
    make_all_that_go_at_once(hsm);
    assert_int_equal(begin_create(hsm, 300, &result, &id), KP_THROTTLED);
    assert_int_equal(hsm->n[FAKE_KEYS], 0);
    make_one(hsm, 400); /* its place was given back */
    fake_azure_clear(hsm);
}

/* Keys are used while many are being made. */
static void use_does_not_wait_for_creates(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    const uint64_t before_ns = hsm->host.now_ns;
    struct fake_result result;
    (void)state;
    make_all_that_go_at_once(hsm);
    get_app(hsm, "", 30000, &result);
    assert_int_equal(result.status, KP_OK);
    assert_true(hsm->host.now_ns == before_ns);
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

static void cancel_before_its_turn_ends_and_nothing_was_sent(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    struct fake_result result;
    kp_op_id id;
    (void)state;
    make_all_that_go_at_once(hsm);
    assert_int_equal(begin_create(hsm, 30000, &result, &id), KP_OK);
    fake_host_cancel(&hsm->host, id);
    fake_host_drain(&hsm->host);
    assert_int_equal(result.status, KP_CANCELED);
    assert_int_equal(result.error.exposure, KP_NOT_SENT);
    assert_int_equal(hsm->n[FAKE_KEYS], 0);
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

/* ---- Rotation needs a policy ---- */

static const char policy_body[] =
    "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P90D\"},\"action\":{\"type\":"
    "\"rotate\"}}],\"attributes\":{}}";

static kp_status rotate_app(struct fake_azure *hsm, struct fake_result *ret)
{
    struct kp_request request = request_of(KP_OP_ROTATE);
    hsm->key_body = oct_bundle;
    return fake_host_call(&hsm->host, &request, ret);
}

static void rotate_without_a_policy_is_refused_before_the_call(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    struct fake_result result;
    (void)state;
    then_status(hsm, 200, "{\"lifetimeActions\":[],\"attributes\":{}}");
    assert_int_equal(rotate_app(hsm, &result), KP_USAGE);
    assert_non_null(strstr(result.error.text, "kp key policy app --rotate-after P90D"));
    assert_int_equal(hsm->n[FAKE_KEYS], 1);
    assert_string_equal(hsm->last_method, "GET");
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

static void expect_rotated(struct fake_azure *hsm, uint32_t http_status, const char *body)
{
    struct fake_result result;
    then_status(hsm, http_status, body);
    assert_int_equal(rotate_app(hsm, &result), KP_OK);
    assert_int_equal(hsm->n[FAKE_KEYS], 2);
    assert_string_equal(hsm->last_method, "POST");
    assert_true(kpb_span_eq_str(result.reply.key->version, FAKE_VERSION));
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

static void rotate_with_a_policy_is_sent(void **state)
{
    (void)state;
    expect_rotated(new_hsm(HSM_HOST), 200, policy_body);
}

static void rotate_of_who_may_not_see_the_policy_is_sent(void **state)
{
    (void)state;
    expect_rotated(new_hsm(HSM_HOST), 403, "{\"error\":{\"code\":\"AccessDenied\"}}");
}

/* Nothing of the rotation was sent, so that it may be tried again. */
static void connection_lost_while_asking_leaves_rotate_not_sent(void **state)
{
    struct fake_azure *hsm = new_hsm(HSM_HOST);
    struct fake_result result;
    const struct fake_azure_step lost = {
        .part = FAKE_KEYS, .status = KP_TRANSIENT, .code = 3107, .exposure = KP_MAYBE_SENT};
    (void)state;
    fake_azure_then(hsm, &lost);
    assert_int_equal(rotate_app(hsm, &result), KP_TRANSIENT);
    assert_int_equal(result.error.exposure, KP_NOT_SENT);
    fake_result_clear(&result);
    fake_azure_clear(hsm);
}

static void refusal_while_asking_leaves_rotate_not_sent(void **state)
{
    static const struct {
        uint32_t http_status;
        const char *body;
        kp_status status;
    } ROWS[] = {
        {503, "", KP_TRANSIENT},
        {429, "", KP_THROTTLED},
        {200, "<html>", KP_PROTOCOL},
        {200, "{\"lifetimeActions\":[]}", KP_USAGE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct fake_azure *hsm = new_hsm(HSM_HOST);
        struct fake_result result;
        then_status(hsm, ROWS[i].http_status, ROWS[i].body);
        assert_int_equal(rotate_app(hsm, &result), ROWS[i].status);
        assert_int_equal(result.error.exposure, KP_NOT_SENT);
        assert_int_equal(hsm->n[FAKE_KEYS], 1);
        fake_result_clear(&result);
        fake_azure_clear(hsm);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_is_for_the_hsm_audience),
        cmocka_unit_test(regional_host_is_served),
        cmocka_unit_test(vault_audience_is_refused),
        cmocka_unit_test(host_of_a_vault_is_refused),
        cmocka_unit_test(random_bytes_come_from_the_hsm),
        cmocka_unit_test(delete_shows_at_once_and_is_not_looked_for),
        cmocka_unit_test(next_page_gets_the_version_that_its_link_lacks),
        cmocka_unit_test(verify_without_a_version_needs_one_request),
        cmocka_unit_test(rotation_policy_that_notifies_is_refused_here),
        cmocka_unit_test(denial_names_the_role_to_grant),
        cmocka_unit_test(address_is_used_for_as_long_as_the_service_says),
        cmocka_unit_test(key_just_made_is_asked_for_until_it_is_there),
        cmocka_unit_test(key_that_does_not_arrive_in_time_is_not_found_and_says_why),
        cmocka_unit_test(other_version_is_not_waited_for),
        cmocka_unit_test(key_made_long_ago_is_not_waited_for),
        cmocka_unit_test(without_a_second_region_nothing_is_waited_for),
        cmocka_unit_test(creates_beyond_the_documented_rate_wait_their_turn),
        cmocka_unit_test(create_whose_turn_comes_too_late_is_refused_at_once),
        cmocka_unit_test(use_does_not_wait_for_creates),
        cmocka_unit_test(cancel_before_its_turn_ends_and_nothing_was_sent),
        cmocka_unit_test(rotate_without_a_policy_is_refused_before_the_call),
        cmocka_unit_test(rotate_with_a_policy_is_sent),
        cmocka_unit_test(rotate_of_who_may_not_see_the_policy_is_sent),
        cmocka_unit_test(connection_lost_while_asking_leaves_rotate_not_sent),
        cmocka_unit_test(refusal_while_asking_leaves_rotate_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
