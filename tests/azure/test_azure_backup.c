/*
 * The largest backup a vault gives: a key of 500 versions, through the plugin as it is installed,
 * backed up, gone for good, and restored with each of its versions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <keyprovider/keyprovider.h>

#include "base/span.h"
#include "support/live_azure.h"

#define KEY "many"
#define VERSIONS 500u /* Key Vault: as many as a backup may have */
#define VAULT_VERSION_LEN 9000u
#define VERSION_ROOM (KP_KEY_VERSION_MAX_LEN + 1)

static struct live_azure live;
static char versions[VERSIONS][VERSION_ROOM];

static int begin(void **state)
{
    (void)state;
    live_azure_begin(&live);
    return 0;
}

static int end(void **state)
{
    (void)state;
    live_azure_end(&live);
    return 0;
}

static void keep_version(const struct kp_reply *reply, char *out)
{
    assert_in_range(reply->version.len, 1, KP_KEY_VERSION_MAX_LEN);
    memcpy(out, reply->version.ptr, reply->version.len);
    out[reply->version.len] = '\0';
}

static void make_versions(void)
{
    struct kp_key_params params;
    struct kp_request request = live_azure_request(KP_OP_CREATE, KEY);
    struct kp_result result;
    kp_key_params_init(&params);
    params.kty = KP_KTY_EC;
    params.curve = KP_CURVE_P256;
    request.params = &params;
    for (size_t i = 0; i < VERSIONS; i++) {
        live_azure_expect(&live, LIVE_VAULT, &request, KP_OK, &result);
        keep_version(&result.reply, versions[i]);
        kp_result_clear(&result);
    }
}

static void expect_ok(uint32_t op)
{
    struct kp_request request = live_azure_request(op, KEY);
    struct kp_result result;
    live_azure_expect(&live, LIVE_VAULT, &request, KP_OK, &result);
    kp_result_clear(&result);
}

static void sign(size_t i, kp_span digest, struct kp_result *ret)
{
    struct kp_request request = live_azure_request(KP_OP_SIGN, KEY);
    request.alg = KP_ALG_ES256;
    request.version = kpb_span_str(versions[i]);
    request.value = digest;
    live_azure_expect(&live, LIVE_VAULT, &request, KP_OK, ret);
}

static void expect_verified(size_t i, kp_span digest, kp_span signature)
{
    struct kp_request request = live_azure_request(KP_OP_VERIFY, KEY);
    struct kp_result result;
    request.alg = KP_ALG_ES256;
    request.version = kpb_span_str(versions[i]);
    request.value = digest;
    request.signature = signature;
    live_azure_expect(&live, LIVE_VAULT, &request, KP_OK, &result);
    assert_true(result.reply.flags & KP_REPLY_VERIFIED);
    kp_result_clear(&result);
}

static void backup_of_five_hundred_versions_brings_all_back(void **state)
{
    static const size_t SOME[] = {0, VERSIONS / 2, VERSIONS - 1};
    uint8_t digest[32] = {1};
    struct kp_request restore = live_azure_request(KP_OP_RESTORE, "");
    struct kp_result signatures[3], blob, restored;
    (void)state;
    make_versions();
    for (size_t i = 0; i < 3; i++)
        sign(SOME[i], kpb_span(digest, sizeof digest), &signatures[i]);
    struct kp_request backup = live_azure_request(KP_OP_BACKUP, KEY);
    live_azure_expect(&live, LIVE_VAULT, &backup, KP_OK, &blob);
    /* The emulator's is as long as the service's: the answer is this and a third. */
    assert_in_range(blob.reply.value.len, VERSIONS * VAULT_VERSION_LEN / 4 * 3, KP_BACKUP_MAX_LEN);
    expect_ok(KP_OP_DELETE);
    expect_ok(KP_OP_PURGE);
    restore.value = blob.reply.value;
    live_azure_expect(&live, LIVE_VAULT, &restore, KP_OK, &restored);
    assert_true(kpb_span_eq(restored.reply.version, kpb_span_str(versions[VERSIONS - 1])));
    for (size_t i = 0; i < 3; i++) {
        expect_verified(SOME[i], kpb_span(digest, sizeof digest), signatures[i].reply.value);
        kp_result_clear(&signatures[i]);
    }
    kp_result_clear(&restored);
    kp_result_clear(&blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backup_of_five_hundred_versions_brings_all_back),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
