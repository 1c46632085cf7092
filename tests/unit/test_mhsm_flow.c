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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
