#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/file-test/rotate.h"
#include "support/file_vault.h"

#define DAY_S INT64_C(86400)

static struct file_vault vault;
static char dir[FV_PATH_LEN];

static int open_plain(void **state)
{
    (void)state;
    fv_make_temp(dir);
    fv_open_ok(&vault, dir, NULL);
    return 0;
}

static int close_plain(void **state)
{
    (void)state;
    fv_close(&vault);
    fv_remove_temp(dir);
    return 0;
}

static kp_status set_policy(const char *name, uint32_t action, uint32_t trigger,
                            const char *duration, const char *expiry)
{
    struct fake_result result;
    const struct kp_rotation_policy policy = {
        .struct_size = sizeof policy,
        .n_rules = 1,
        .rules = {{.action = action, .trigger = trigger, .duration = fv_span(duration)}},
        .expiry = fv_span(expiry)};
    struct kp_request request = fv_request(KP_OP_SET_ROTATION_POLICY, name, NULL);
    request.policy = &policy;
    kp_status st = fv_call(&vault, &request, &result);
    fake_result_clear(&result);
    return st;
}

static void current_version(const char *name, char out[33])
{
    fv_must(&vault, KP_OP_GET_KEY, name, out);
}

/* ---- Asked for ---- */

static void rotate_takes_over_all_but_the_key_itself(void **state)
{
    struct fake_result old, new;
    struct kp_tag tag = {fv_span("a"), fv_span("b")};
    struct kp_key_params params = fv_params(KP_KTY_EC, 0, KP_CURVE_P521);
    struct kp_request request = fv_request(KP_OP_CREATE, "app", NULL);
    (void)state;
    params.set = KP_SET_TAGS | KP_SET_KEY_OPS | KP_SET_NOT_BEFORE | KP_SET_EXPIRES;
    params.tags = &tag;
    params.n_tags = 1;
    params.key_ops = KP_KEY_OP_SIGN;
    params.not_before_unix_s = 1;
    params.expires_unix_s = 4102444800;
    request.params = &params;
    assert_int_equal(fv_call(&vault, &request, &old), KP_OK);
    assert_int_equal(fv_simple(&vault, KP_OP_ROTATE, "app", NULL, &new), KP_OK);
    const struct kp_key_info *a = old.reply.key, *b = new.reply.key;
    assert_false(kpb_span_eq(a->version, b->version));
    assert_false(kpb_span_eq(a->x, b->x));
    assert_int_equal(b->kty, KP_KTY_EC);
    assert_int_equal(b->curve, KP_CURVE_P521);
    assert_int_equal(b->bits, 521);
    assert_int_equal(b->key_ops, KP_KEY_OP_SIGN);
    assert_int_equal(b->n_tags, 1);
    assert_true(b->not_before_unix_s == KP_TIME_NONE);
    assert_true(b->expires_unix_s == KP_TIME_NONE); /* no policy, no expiry */
    fake_result_clear(&old);
    fake_result_clear(&new);
}

static void rotate_keeps_size_and_exponent_of_rsa(void **state)
{
    struct fake_result result;
    struct kp_key_params params = fv_params(KP_KTY_RSA, 2048, 0);
    struct kp_request request = fv_request(KP_OP_CREATE, "app", NULL);
    (void)state;
    params.public_exponent = 17;
    request.params = &params;
    assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
    fake_result_clear(&result);
    assert_int_equal(fv_simple(&vault, KP_OP_ROTATE, "app", NULL, &result), KP_OK);
    assert_int_equal(result.reply.key->bits, 2048);
    assert_int_equal(result.reply.key->e.len, 1);
    assert_int_equal(result.reply.key->e.ptr[0], 17);
    fake_result_clear(&result);
}

static void rotate_sets_the_expiry_of_the_policy(void **state)
{
    struct fake_result result;
    (void)state;
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    assert_int_equal(
        set_policy("app", KP_ROTATION_NOTIFY, KP_TRIGGER_BEFORE_EXPIRY, "P30D", "P90D"), KP_OK);
    assert_int_equal(fv_simple(&vault, KP_OP_ROTATE, "app", NULL, &result), KP_OK);
    assert_int_equal(result.reply.key->expires_unix_s, vault.host.now_unix_s + 90 * DAY_S);
    fake_result_clear(&result);
}

static void rotate_old_ciphertext_opens_with_its_own_version_only(void **state)
{
    char old[33], new[33];
    uint8_t ct[512];
    size_t len = sizeof ct;
    (void)state;
    fv_create(&vault, "app", KP_KTY_RSA, 2048, 0, NULL);
    fv_wrap(&vault, "app", NULL, KP_ALG_RSA_OAEP_256, 5, ct, &len, old);
    fv_must(&vault, KP_OP_ROTATE, "app", new);
    assert_int_equal(fv_unwrap(&vault, "app", old, KP_ALG_RSA_OAEP_256, 5, ct, len), KP_OK);
    assert_int_equal(fv_unwrap(&vault, "app", new, KP_ALG_RSA_OAEP_256, 5, ct, len), KP_INTEGRITY);
    assert_int_equal(fv_unwrap(&vault, "app", NULL, KP_ALG_RSA_OAEP_256, 5, ct, len), KP_INTEGRITY);
}

/* ---- Policies ---- */

static void policy_that_was_never_set_is_the_services_default(void **state)
{
    struct fake_result result;
    (void)state;
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_ROTATION_POLICY, "app", NULL, &result), KP_OK);
    assert_int_equal(result.reply.policy->n_rules, 1);
    assert_int_equal(result.reply.policy->rules[0].action, KP_ROTATION_NOTIFY);
    assert_true(fv_span_is(result.reply.policy->rules[0].duration, "P30D"));
    assert_true(result.reply.policy->created_unix_s == KP_TIME_NONE);
    fake_result_clear(&result);
    assert_int_equal(fv_status(&vault, KP_OP_GET_ROTATION_POLICY, "none", NULL), KP_NOT_FOUND);
}

static void policy_is_kept_and_given_back(void **state)
{
    struct fake_result result;
    int64_t created = vault.host.now_unix_s;
    (void)state;
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    assert_int_equal(set_policy("app", KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P60D", "P1Y"),
                     KP_OK);
    fake_host_advance_s(&vault.host, 10);
    assert_int_equal(set_policy("app", KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P90D", "P2Y"),
                     KP_OK);
    fv_must(&vault, KP_OP_ROTATE, "app", NULL);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_ROTATION_POLICY, "app", NULL, &result), KP_OK);
    assert_true(fv_span_is(result.reply.policy->rules[0].duration, "P90D"));
    assert_true(fv_span_is(result.reply.policy->expiry, "P2Y"));
    assert_int_equal(result.reply.policy->created_unix_s, created);
    assert_int_equal(result.reply.policy->updated_unix_s, created + 10);
    fake_result_clear(&result);
}

static void policy_that_is_none_changes_nothing(void **state)
{
    struct fake_result result;
    (void)state;
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    assert_int_equal(set_policy("app", KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P1D", NULL),
                     KP_USAGE);
    assert_int_equal(set_policy("none", KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P9D", NULL),
                     KP_NOT_FOUND);
    assert_int_equal(fv_status(&vault, KP_OP_SET_ROTATION_POLICY, "app", NULL), KP_USAGE);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_ROTATION_POLICY, "app", NULL, &result), KP_OK);
    assert_int_equal(result.reply.policy->rules[0].action, KP_ROTATION_NOTIFY);
    fake_result_clear(&result);
}

/* ---- Due ---- */

static void due_key_is_rotated_by_whoever_looks_or_uses_first(void **state)
{
    static const uint32_t OPS[] = {KP_OP_GET_KEY, KP_OP_LIST_VERSIONS, KP_OP_WRAP};
    (void)state;
    for (size_t i = 0; i < sizeof OPS / sizeof OPS[0]; i++) {
        char name[8], before[33], after[33], later[33];
        uint8_t ct[64], dek[32] = {0};
        size_t len = sizeof ct;
        struct fake_result result;
        (void)snprintf(name, sizeof name, "k%zu", i);
        fv_create(&vault, name, KP_KTY_OCT, 256, 0, NULL);
        assert_int_equal(
            set_policy(name, KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P30D", NULL), KP_OK);
        fv_wrap(&vault, name, NULL, KP_ALG_A256KW, 8, ct, &len, before); /* loads it */
        fake_host_advance_s(&vault.host, 30 * DAY_S - 1);
        current_version(name, after);
        assert_string_equal(before, after);
        fake_host_advance_s(&vault.host, 1);

        struct kp_request request = fv_request(OPS[i], name, NULL);
        request.alg = KP_ALG_A256KW;
        request.value = kpb_span(dek, sizeof dek);
        assert_int_equal(fake_host_run(&vault.host, &request, &result), KP_UNSUPPORTED);
        fake_result_clear(&result);
        assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
        if (OPS[i] == KP_OP_WRAP)
            assert_false(fv_span_is(result.reply.version, before));
        fake_result_clear(&result);
        current_version(name, after);
        assert_string_not_equal(before, after);
        current_version(name, later);
        assert_string_equal(after, later); /* once, not at every look */
        assert_int_equal(fv_unwrap(&vault, name, before, KP_ALG_A256KW, 8, ct, len), KP_OK);
    }
}

static void due_rotation_counted_back_from_expiry_repeats(void **state)
{
    char last[33], now[33];
    (void)state;
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    assert_int_equal(
        set_policy("app", KP_ROTATION_ROTATE, KP_TRIGGER_BEFORE_EXPIRY, "P10D", "P40D"), KP_OK);
    current_version("app", last);
    fake_host_advance_s(&vault.host, 400 * DAY_S);
    current_version("app", now);
    assert_string_equal(last, now); /* this version has no expiry */
    fv_must(&vault, KP_OP_ROTATE, "app", last);
    for (int i = 0; i < 3; i++) {
        fake_host_advance_s(&vault.host, 30 * DAY_S);
        current_version("app", now);
        assert_string_not_equal(last, now);
        memcpy(last, now, sizeof last);
    }
}

static void due_key_asked_for_by_version_is_left_alone(void **state)
{
    char before[33], after[33];
    uint8_t ct[64];
    size_t len = sizeof ct;
    struct fake_result result;
    (void)state;
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, before);
    assert_int_equal(set_policy("app", KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P30D", NULL),
                     KP_OK);
    fake_host_advance_s(&vault.host, 31 * DAY_S);
    fv_wrap(&vault, "app", before, KP_ALG_A256KW, 8, ct, &len, after);
    assert_string_equal(before, after);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "app", before, &result), KP_OK);
    fake_result_clear(&result);
    assert_int_equal(fv_simple(&vault, KP_OP_LIST_KEYS, NULL, NULL, &result), KP_OK);
    fake_result_clear(&result);
}

static void due_key_that_is_disabled_is_left_alone(void **state)
{
    char before[33], after[33];
    struct fake_result result;
    struct kp_key_params params = fv_params(0, 0, 0);
    struct kp_request request = fv_request(KP_OP_UPDATE, "app", NULL);
    (void)state;
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, before);
    assert_int_equal(set_policy("app", KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P30D", NULL),
                     KP_OK);
    params.set = KP_SET_ENABLED;
    request.params = &params;
    assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
    fake_result_clear(&result);
    fake_host_advance_s(&vault.host, 31 * DAY_S);
    current_version("app", after);
    assert_string_equal(before, after);
}

static void due_key_with_auto_rotate_off_is_left_alone(void **state)
{
    static const char *const OFF[][2] = {{"auto_rotate", "false"}, {NULL, NULL}};
    char before[33], after[33];
    (void)state;
    fv_close(&vault);
    fv_open_ok(&vault, dir, OFF);
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, before);
    assert_int_equal(set_policy("app", KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P30D", NULL),
                     KP_OK);
    fake_host_advance_s(&vault.host, 31 * DAY_S);
    current_version("app", after);
    assert_string_equal(before, after);
}

/* Somebody else has the lock: the operation goes on with the old version and the log says why. */
static void due_rotation_that_fails_fails_nothing_else(void **state)
{
    char before[33], after[33];
    uint8_t ct[64];
    size_t len = sizeof ct;
    ft_handle lock;
    const struct ft_vault *v = vault.host.vault;
    (void)state;
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, before);
    assert_int_equal(set_policy("app", KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P30D", NULL),
                     KP_OK);
    fake_host_advance_s(&vault.host, 31 * DAY_S);
    assert_int_equal(ft_store_try_lock(&v->store, &lock, NULL), KP_OK);
    size_t logs = vault.host.n_logs;
    fv_wrap(&vault, "app", NULL, KP_ALG_A256KW, 8, ct, &len, after);
    assert_string_equal(before, after);
    assert_int_equal(vault.host.n_logs, logs + 1);
    assert_non_null(strstr(vault.host.logs[logs], "due for rotation"));
    ft_store_unlock(&v->store, lock);

    len = sizeof ct;
    fv_wrap(&vault, "app", NULL, KP_ALG_A256KW, 8, ct, &len, after);
    assert_string_equal(before, after); /* not tried again at once */
    assert_int_equal(vault.host.n_logs, logs + 1);
    fake_host_advance_s(&vault.host, FT_ROTATE_RETRY_S);
    len = sizeof ct;
    fv_wrap(&vault, "app", NULL, KP_ALG_A256KW, 8, ct, &len, after);
    assert_string_not_equal(before, after);
}

int main(void)
{
#define VAULT_TEST(f) cmocka_unit_test_setup_teardown(f, open_plain, close_plain)
    const struct CMUnitTest tests[] = {
        VAULT_TEST(rotate_takes_over_all_but_the_key_itself),
        VAULT_TEST(rotate_keeps_size_and_exponent_of_rsa),
        VAULT_TEST(rotate_sets_the_expiry_of_the_policy),
        VAULT_TEST(rotate_old_ciphertext_opens_with_its_own_version_only),
        VAULT_TEST(policy_that_was_never_set_is_the_services_default),
        VAULT_TEST(policy_is_kept_and_given_back),
        VAULT_TEST(policy_that_is_none_changes_nothing),
        VAULT_TEST(due_key_is_rotated_by_whoever_looks_or_uses_first),
        VAULT_TEST(due_rotation_counted_back_from_expiry_repeats),
        VAULT_TEST(due_key_asked_for_by_version_is_left_alone),
        VAULT_TEST(due_key_that_is_disabled_is_left_alone),
        VAULT_TEST(due_key_with_auto_rotate_off_is_left_alone),
        VAULT_TEST(due_rotation_that_fails_fails_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
