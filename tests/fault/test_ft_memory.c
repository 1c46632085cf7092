/*
 * Memory that runs out: every allocation of every operation fails in turn, ours and the JSON
 * library's. The answer is no_memory, nothing leaks, nothing is lost, and the next call works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"
#include "base/span.h"
#include "plugins/file-test/vault.h"
#include "support/file_vault.h"
#include "support/mem_fs.h"

static const char *const WITH_BACKUP_KEY[][2] = {
    {"backup_key", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
    {NULL, NULL}};
static const char *const SETTINGS[][2] = {
    {"backup_key", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
    {"passphrase", "correct horse"},
    {"scrypt_log2_n", "10"},
    {NULL, NULL}};

/* ---- Allocation that fails once ---- */

static unsigned fail_at; /* 0: never */
static unsigned n_allocs;
static const char *failed_site;

static bool should_fail(const char *site)
{
    if (fail_at == 0 || ++n_allocs != fail_at)
        return false;
    failed_site = site;
    return true;
}

static void *failing_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    return should_fail(site) ? NULL : calloc(1, n);
}

static void plain_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static void wiping_free(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 0, n);
    free(p);
}

static void *failing_json_malloc(size_t n)
{
    return should_fail("jansson") ? NULL : malloc(n);
}

static void arm(unsigned at)
{
    fail_at = at;
    n_allocs = 0;
    failed_site = NULL;
}

static int use_failing_memory(void **state)
{
    static const struct kpb_mem_hooks hooks = {NULL, failing_alloc, plain_free, failing_alloc,
                                               wiping_free};
    (void)state;
    kpb_mem_use(&hooks);
    json_set_alloc_funcs(failing_json_malloc, free);
    return 0;
}

static int use_plain_memory(void **state)
{
    (void)state;
    kpb_mem_use(NULL);
    json_set_alloc_funcs(malloc, free);
    return 0;
}

/* The JSON library reports some of its failures to allocate as mistakes of syntax. */
static bool is_expected(kp_status st)
{
    if (!failed_site)
        return st == KP_OK;
    if (strcmp(failed_site, "jansson") != 0)
        return st == KP_NO_MEMORY;
    return st == KP_NO_MEMORY || st == KP_INTEGRITY || st == KP_INTERNAL;
}

/* ---- A vault to work on ---- */

static struct mem_fs mem;
static struct file_vault vault;
static struct fake_result blob;
static char version[33];
static uint8_t wrapped[64];
static size_t wrapped_len;

static void open_scene(void)
{
    arm(0);
    mem_fs_init(&mem);
    mem.is_recording = false;
    assert_int_equal(fv_open(&vault, &mem.fs, MEM_FS_PATH, KP_VAULT_MAY_CREATE, WITH_BACKUP_KEY),
                     KP_OK);
    fv_create(&vault, "away", KP_KTY_OCT, 256, 0, NULL);
    assert_int_equal(fv_simple(&vault, KP_OP_BACKUP, "away", NULL, &blob), KP_OK);
    fv_must(&vault, KP_OP_DELETE, "away", NULL);
    fv_must(&vault, KP_OP_PURGE, "away", NULL);
    fv_create(&vault, "gone", KP_KTY_OCT, 256, 0, NULL);
    fv_must(&vault, KP_OP_DELETE, "gone", NULL);
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    wrapped_len = sizeof wrapped;
    fv_wrap(&vault, "app", NULL, KP_ALG_A256KW, 7, wrapped, &wrapped_len, version);
}

static void close_scene(void)
{
    arm(0);
    fake_result_clear(&blob);
    fv_close(&vault);
    mem_fs_clear(&mem);
}

struct action {
    uint32_t op;
    const char *name;
};

static const struct action ACTIONS[] = {
    {KP_OP_CREATE, "new"},
    {KP_OP_CREATE, "app"},
    {KP_OP_IMPORT, "new"},
    {KP_OP_ROTATE, "app"},
    {KP_OP_UPDATE, "app"},
    {KP_OP_DELETE, "app"},
    {KP_OP_RECOVER, "gone"},
    {KP_OP_PURGE, "gone"},
    {KP_OP_BACKUP, "app"},
    {KP_OP_RESTORE, NULL},
    {KP_OP_SET_ROTATION_POLICY, "app"},
    {KP_OP_GET_ROTATION_POLICY, "app"},
    {KP_OP_GET_KEY, "app"},
    {KP_OP_GET_DELETED, "gone"},
    {KP_OP_LIST_KEYS, NULL},
    {KP_OP_LIST_DELETED, NULL},
    {KP_OP_LIST_VERSIONS, "app"},
    {KP_OP_WRAP, "app"},
    {KP_OP_RANDOM, NULL},
};

static kp_status act(const struct action *action, struct fake_result *result)
{
    static const uint8_t SECRET[32] = {1};
    struct kp_tag tag = {fv_span("a"), fv_span("b")};
    struct kp_key_params params = fv_params(KP_KTY_OCT, 256, 0);
    const struct kp_rotation_policy policy = {.struct_size = sizeof policy,
                                              .n_rules = 1,
                                              .rules = {{.action = KP_ROTATION_ROTATE,
                                                         .trigger = KP_TRIGGER_AFTER_CREATE,
                                                         .duration = fv_span("P90D")}},
                                              .expiry = fv_span("P1Y")};
    struct kp_request request = fv_request(action->op, action->name, NULL);
    params.set = KP_SET_TAGS;
    params.tags = &tag;
    params.n_tags = 1;
    if (action->op == KP_OP_IMPORT)
        params.k = kpb_span(SECRET, sizeof SECRET);
    request.params = &params;
    request.policy = &policy;
    request.alg = KP_ALG_A256KW;
    request.count = 32;
    request.value = action->op == KP_OP_RESTORE ? blob.reply.value : kpb_span(SECRET, 32);
    return fv_call(&vault, &request, result);
}

static bool fail_once(const struct action *action, unsigned at)
{
    struct fake_result result;
    open_scene();
    if (action->op == KP_OP_WRAP)
        fv_must(&vault, KP_OP_ROTATE, "app", NULL); /* so that it has to be loaded */
    arm(at);
    kp_status st = act(action, &result);
    bool did_fail = failed_site != NULL;
    if (!is_expected(st))
        fail_msg("%s: allocation %u at %s gives %s: %s", kp_op_text(action->op), at,
                 did_fail ? failed_site : "none", kp_status_text(st), result.error.text);
    fake_result_clear(&result);
    arm(0);
    if (did_fail) {
        kp_status again = act(action, &result);
        /* It may have been done: the answer is made before the save, but not the sentence of it. */
        assert_int_equal(again, KP_OK);
        fake_result_clear(&result);
    }
    if (action->op != KP_OP_DELETE)
        assert_int_equal(fv_unwrap(&vault, "app", version, KP_ALG_A256KW, 7, wrapped, wrapped_len),
                         KP_OK);
    close_scene();
    return did_fail;
}

static void memory_that_runs_out_anywhere_is_no_memory(void **state)
{
    unsigned n = 0;
    (void)state;
    for (size_t i = 0; i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        for (unsigned at = 1; fail_once(&ACTIONS[i], at); at++)
            n++;
    }
    print_message("%u failures\n", n);
    assert_true(n > 300);
}

static void memory_that_runs_out_while_opening_is_no_memory(void **state)
{
    bool more = true;
    (void)state;
    for (unsigned at = 1; more; at++) {
        arm(0);
        mem_fs_init(&mem);
        arm(at);
        kp_status st = fv_open(&vault, &mem.fs, MEM_FS_PATH, KP_VAULT_MAY_CREATE, SETTINGS);
        more = failed_site != NULL;
        assert_true(is_expected(st));
        fv_close(&vault);
        arm(at); /* and of the vault as it is now */
        st = fv_open(&vault, &mem.fs, MEM_FS_PATH, KP_VAULT_MAY_CREATE, SETTINGS);
        assert_true(is_expected(st));
        more = more || failed_site;
        fv_close(&vault);
        arm(0);
        assert_int_equal(fv_open(&vault, &mem.fs, MEM_FS_PATH, KP_VAULT_MAY_CREATE, SETTINGS),
                         KP_OK);
        fv_close(&vault);
        mem_fs_clear(&mem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_runs_out_anywhere_is_no_memory),
        cmocka_unit_test(memory_that_runs_out_while_opening_is_no_memory),
    };
    return cmocka_run_group_tests(tests, use_failing_memory, use_plain_memory);
}
