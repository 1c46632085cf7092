#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/file-test/keyfile.h"
#include "plugins/file-test/policy.h"

#define DAY_S INT64_C(86400)
#define NOW_UNIX_S INT64_C(1767225600) /* 1 January 2026 */

static struct kp_rotation_policy one_rule(uint32_t action, uint32_t trigger, const char *duration,
                                          const char *expiry)
{
    const struct kp_rotation_policy policy = {
        .struct_size = sizeof policy,
        .n_rules = 1,
        .rules = {{.action = action, .trigger = trigger, .duration = kpb_span_str(duration)}},
        .expiry = kpb_span_str(expiry)};
    return policy;
}

static kp_status check(uint32_t action, uint32_t trigger, const char *duration, const char *expiry)
{
    struct kp_error err;
    const struct kp_rotation_policy policy = one_rule(action, trigger, duration, expiry);
    kp_error_init(&err);
    kp_status st = ft_policy_check(&policy, &err);
    assert_int_equal(st != KP_OK, err.text[0] != '\0');
    return st;
}

static void policy_check_limits_of_the_service_hold(void **state)
{
    (void)state;
    assert_int_equal(check(KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P7D", NULL), KP_OK);
    assert_int_equal(check(KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P6D", NULL), KP_USAGE);
    assert_int_equal(check(KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P1W", NULL), KP_OK);
    assert_int_equal(check(KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P90D", "P2Y"), KP_OK);
    assert_int_equal(check(KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P90D", "P90D"), KP_USAGE);
    assert_int_equal(check(KP_ROTATION_ROTATE, KP_TRIGGER_BEFORE_EXPIRY, "P30D", NULL), KP_USAGE);
    assert_int_equal(check(KP_ROTATION_ROTATE, KP_TRIGGER_BEFORE_EXPIRY, "P30D", "P90D"), KP_OK);
    assert_int_equal(check(KP_ROTATION_ROTATE, KP_TRIGGER_BEFORE_EXPIRY, "P90D", "P90D"), KP_USAGE);
    assert_int_equal(check(KP_ROTATION_NOTIFY, KP_TRIGGER_BEFORE_EXPIRY, "P30D", NULL), KP_OK);
    assert_int_equal(check(KP_ROTATION_NOTIFY, KP_TRIGGER_BEFORE_EXPIRY, "P30D", "P27D"), KP_USAGE);
    assert_int_equal(check(KP_ROTATION_NOTIFY, KP_TRIGGER_BEFORE_EXPIRY, "P30D", "P28D"), KP_OK);
}

static void policy_check_nonsense_is_refused(void **state)
{
    (void)state;
    assert_int_equal(check(0, KP_TRIGGER_AFTER_CREATE, "P30D", NULL), KP_USAGE);
    assert_int_equal(check(3, KP_TRIGGER_AFTER_CREATE, "P30D", NULL), KP_USAGE);
    assert_int_equal(check(KP_ROTATION_ROTATE, 0, "P30D", NULL), KP_USAGE);
    assert_int_equal(check(KP_ROTATION_ROTATE, 3, "P30D", NULL), KP_USAGE);
    assert_int_equal(check(KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "", NULL), KP_USAGE);
    assert_int_equal(check(KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "30D", NULL), KP_USAGE);
    assert_int_equal(check(KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "PT30H", NULL), KP_USAGE);
    assert_int_equal(check(KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P30D", "x"), KP_USAGE);
}

static void policy_check_an_action_comes_once(void **state)
{
    struct kp_rotation_policy policy =
        one_rule(KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P30D", NULL);
    (void)state;
    policy.rules[1] = policy.rules[0];
    policy.n_rules = 2;
    assert_int_equal(ft_policy_check(&policy, NULL), KP_USAGE);
    policy.rules[1].action = KP_ROTATION_NOTIFY;
    assert_int_equal(ft_policy_check(&policy, NULL), KP_OK);
    policy.n_rules = KP_ROTATION_ACTIONS_MAX + 1;
    assert_int_equal(ft_policy_check(&policy, NULL), KP_USAGE);
}

static void policy_check_empty_means_no_rotation(void **state)
{
    const struct kp_rotation_policy policy = {.struct_size = sizeof policy};
    const struct ft_version version = {.created_unix_s = NOW_UNIX_S,
                                       .expires_unix_s = KP_TIME_NONE};
    (void)state;
    assert_int_equal(ft_policy_check(&policy, NULL), KP_OK);
    assert_true(ft_policy_rotate_unix_s(&policy, &version) == INT64_MAX);
    assert_true(ft_policy_rotate_unix_s(NULL, &version) == INT64_MAX);
    assert_true(ft_policy_expires_unix_s(NULL, NOW_UNIX_S) == KP_TIME_NONE);
}

static void policy_rotate_counts_from_creation_or_expiry(void **state)
{
    struct ft_version version = {.created_unix_s = NOW_UNIX_S, .expires_unix_s = KP_TIME_NONE};
    struct kp_rotation_policy policy =
        one_rule(KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P30D", NULL);
    (void)state;
    assert_true(ft_policy_rotate_unix_s(&policy, &version) == NOW_UNIX_S + 30 * DAY_S);
    policy = one_rule(KP_ROTATION_ROTATE, KP_TRIGGER_BEFORE_EXPIRY, "P10D", "P90D");
    assert_true(ft_policy_rotate_unix_s(&policy, &version) == INT64_MAX);
    version.expires_unix_s = NOW_UNIX_S + 90 * DAY_S;
    assert_true(ft_policy_rotate_unix_s(&policy, &version) == NOW_UNIX_S + 80 * DAY_S);
    policy.rules[0].action = KP_ROTATION_NOTIFY;
    assert_true(ft_policy_rotate_unix_s(&policy, &version) == INT64_MAX);
}

static void policy_expiry_follows_the_calendar(void **state)
{
    const struct kp_rotation_policy policy =
        one_rule(KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, "P30D", "P2Y");
    (void)state;
    assert_true(ft_policy_expires_unix_s(&policy, NOW_UNIX_S) == INT64_C(1830297600));
}

static void policy_texts_go_both_ways(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 2; i++) {
        kp_span action = kpb_span_str(ft_policy_action_text(i));
        kp_span trigger = kpb_span_str(ft_policy_trigger_text(i));
        assert_int_equal(ft_policy_action_from_text(action), i);
        assert_int_equal(ft_policy_trigger_from_text(trigger), i);
    }
    assert_string_equal(ft_policy_action_text(0), "?");
    assert_string_equal(ft_policy_trigger_text(9), "?");
    assert_int_equal(ft_policy_action_from_text(kpb_span_str("?")), 0);
    assert_int_equal(ft_policy_trigger_from_text(kpb_span_str("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_check_limits_of_the_service_hold),
        cmocka_unit_test(policy_check_nonsense_is_refused),
        cmocka_unit_test(policy_check_an_action_comes_once),
        cmocka_unit_test(policy_check_empty_means_no_rotation),
        cmocka_unit_test(policy_rotate_counts_from_creation_or_expiry),
        cmocka_unit_test(policy_expiry_follows_the_calendar),
        cmocka_unit_test(policy_texts_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
