/*
 * Memory that runs out under the Azure plugins: every allocation from open to close fails in turn.
 * The answer is no_memory or, where a lucky second way exists, success; nothing leaks, nothing is
 * left under way, and the next call works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/span.h"
#include "plugins/azure-keyvault/azure_keyvault.h"
#include "support/fake_azure.h"

#define KEY                                                                                        \
    "\"key\":{\"kid\":\"" FAKE_KID                                                                 \
    "\",\"kty\":\"RSA\",\"key_ops\":[\"wrapKey\"],\"n\":\"sKD9\",\"e\":\"AQAB\"},"                 \
    "\"attributes\":{\"enabled\":true,\"created\":1735689600},\"tags\":{\"a\":\"b\"}"

static const char deleted_bundle[] =
    "{\"recoveryId\":\"https://" FAKE_VAULT_HOST "/deletedkeys/app\",\"deletedDate\":1735689700,"
    "\"scheduledPurgeDate\":1736294500," KEY "}";
static const char page[] =
    "{\"value\":[{\"kid\":\"https://" FAKE_VAULT_HOST
    "/keys/app\",\"attributes\":{\"enabled\":true}}],"
    "\"nextLink\":\"https://" FAKE_VAULT_HOST ":443/keys?api-version=7.6&$skiptoken=x\"}";

/* ---- Allocation that fails once ---- */

static unsigned fail_at; /* 0: never */
static unsigned n_allocs;
static const char *failed_site;
static bool has_failed;
static long n_live;

static void *failing_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    if (fail_at != 0 && ++n_allocs == fail_at) {
        failed_site = site;
        has_failed = true;
        return NULL;
    }
    n_live++;
    return calloc(1, n);
}

static void counted_free(void *ctx, void *p)
{
    (void)ctx;
    n_live -= p != NULL;
    free(p);
}

static void counted_secret_free(void *ctx, void *p, size_t n)
{
    if (p)
        memset(p, 0, n);
    counted_free(ctx, p);
}

static int use_failing_memory(void **state)
{
    static const struct kpb_mem_hooks hooks = {NULL, failing_alloc, counted_free, failing_alloc,
                                               counted_secret_free};
    (void)state;
    kpb_mem_use(&hooks);
    return 0;
}

static void arm(unsigned at)
{
    fail_at = at;
    n_allocs = 0;
    failed_site = NULL;
}

/* ---- The story ---- */

static void expect(kp_status st, const char *what)
{
    bool is_allowed = st == KP_OK || (failed_site && st == KP_NO_MEMORY);
    if (!is_allowed)
        fail_msg("%s: %s after %s", what, kp_status_text(st),
                 failed_site ? failed_site : "no failure");
}

static void call(struct fake_azure *azure, struct kp_request *request)
{
    struct fake_result result;
    kp_status st = fake_host_call(&azure->host, request, &result);
    expect(st, kp_op_text(request->op));
    fake_result_clear(&result);
}

static void wrap_and_more(struct fake_azure *azure)
{
    struct kp_request request;
    fake_azure_wrap(&request);
    azure->key_body = fake_wrap_body;
    call(azure, &request);
    request.op = KP_OP_DELETE;
    azure->key_body = deleted_bundle;
    call(azure, &request);
    request.op = KP_OP_LIST_KEYS;
    azure->key_body = page;
    call(azure, &request);
    azure->key_body = fake_wrap_body;
}

static void one_life(struct fake_azure *azure)
{
    kp_status st = fake_azure_open(azure, fake_secret_settings);
    expect(st, "open");
    if (st != KP_OK)
        return;
    wrap_and_more(azure);
    expect(fake_azure_reload(azure, fake_secret_settings), "reload");
    (void)snprintf(azure->bearer, sizeof azure->bearer, "refused"); /* a 401 on the way */
    wrap_and_more(azure);
    arm(0);
    wrap_and_more(azure);
}

static void every_allocation_may_fail(void **state)
{
    static struct fake_azure azure;
    unsigned n = 0;
    (void)state;
    do {
        fake_azure_init(&azure, kp_azure_keyvault_plugin_get(KP_ABI_MAJOR, KP_ABI_MINOR));
        has_failed = false;
        arm(++n);
        one_life(&azure);
        arm(0);
        fake_azure_clear(&azure);
        assert_int_equal(n_live, 0);
    } while (has_failed && n < 2000);
    assert_in_range(n, 20, 1999);
}

static void steady_path_allocates_nothing(void **state)
{
    static struct fake_azure azure;
    struct kp_request request;
    (void)state;
    arm(0);
    fake_azure_init(&azure, kp_azure_keyvault_plugin_get(KP_ABI_MAJOR, KP_ABI_MINOR));
    assert_int_equal(fake_azure_open(&azure, fake_secret_settings), KP_OK);
    fake_azure_wrap(&request);
    call(&azure, &request);
    arm(1); /* the first allocation from here on fails */
    for (int i = 0; i < 3; i++)
        call(&azure, &request);
    assert_int_equal(n_allocs, 0);
    arm(0);
    fake_azure_clear(&azure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(steady_path_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, use_failing_memory, NULL);
}
