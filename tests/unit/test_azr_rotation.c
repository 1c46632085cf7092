/* Rotation policies that a service would refuse, each with its sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/azure-rest/rotation.h"

static const struct azr_rotation_rules VAULT = {.noun = "key vault",
                                                .takes_notify = true,
                                                .max_rules = 2,
                                                .after_min_days = 7,
                                                .before_min_days = 7,
                                                .life_min_days = 7,
                                                .expiry_min_days = 28};
static const struct azr_rotation_rules HSM = {.noun = "managed HSM",
                                              .max_rules = 1,
                                              .after_min_days = 28,
                                              .life_min_days = 28,
                                              .expiry_min_days = 28};

#define ROTATE KP_ROTATION_ROTATE
#define NOTIFY KP_ROTATION_NOTIFY
#define AFTER KP_TRIGGER_AFTER_CREATE
#define BEFORE KP_TRIGGER_BEFORE_EXPIRY

static const struct {
    const struct azr_rotation_rules *rules;
    uint32_t action;
    uint32_t trigger;
    const char *duration;
    const char *expiry;
    const char *sentence; /* NULL: accepted */
} ROWS[] = {
    {&VAULT, ROTATE, AFTER, "P7D", NULL, NULL},
    {&VAULT, ROTATE, AFTER, "P1W", "P28D", NULL},
    {&VAULT, ROTATE, AFTER, "P6D", NULL, "7 days after"},
    {&VAULT, NOTIFY, BEFORE, "P30D", "P2Y", NULL},
    {&VAULT, NOTIFY, BEFORE, "P30D", NULL, "expiryTime"},
    {&VAULT, NOTIFY, BEFORE, "P6D", "P2Y", "7 days before"},
    {&VAULT, NOTIFY, BEFORE, "P25D", "P28D", "at most 21 days"},
    {&VAULT, ROTATE, AFTER, "P90D", "P27D", "28 days at least"},
    {&VAULT, ROTATE, AFTER, "ninety", NULL, "P90D"},
    {&VAULT, ROTATE, AFTER, "P90D", "PT1H", "P90D"},
    {&HSM, ROTATE, AFTER, "P28D", NULL, NULL},
    {&HSM, ROTATE, AFTER, "P27D", NULL, "28 days after"},
    {&HSM, NOTIFY, AFTER, "P90D", NULL, "does not notify"},
    {&HSM, ROTATE, BEFORE, "P30D", "P58D", NULL},
    {&HSM, ROTATE, BEFORE, "P31D", "P58D", "at most 30 days"},
    {&HSM, ROTATE, BEFORE, "P2Y", "P1Y", "28 days of its life"},
};

static void each_rule_has_its_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct kp_error error;
        const struct kp_rotation_policy policy = {
            .struct_size = sizeof policy,
            .n_rules = 1,
            .rules = {{ROWS[i].action, ROWS[i].trigger, kpb_span_str(ROWS[i].duration)}},
            .expiry = kpb_span_str(ROWS[i].expiry)};
        kp_error_init(&error);
        kp_status st = azr_rotation_check(ROWS[i].rules, &policy, &error);
        if (st != (ROWS[i].sentence ? KP_USAGE : KP_OK))
            fail_msg("row %zu: %s", i, error.text);
        if (ROWS[i].sentence && !strstr(error.text, ROWS[i].sentence))
            fail_msg("row %zu: %s", i, error.text);
    }
}

static void policy_without_rules_is_accepted(void **state)
{
    const struct kp_rotation_policy policy = {.struct_size = sizeof policy};
    (void)state;
    assert_int_equal(azr_rotation_check(&HSM, &policy, NULL), KP_OK);
    assert_int_equal(azr_rotation_check(&VAULT, &policy, NULL), KP_OK);
}

static void one_rule_too_many_is_refused(void **state)
{
    struct kp_error error;
    const struct kp_rotation_rule rule = {ROTATE, AFTER, kpb_span_str("P90D")};
    const struct kp_rotation_policy policy = {
        .struct_size = sizeof policy, .n_rules = 2, .rules = {rule, rule}};
    (void)state;
    kp_error_init(&error);
    assert_int_equal(azr_rotation_check(&HSM, &policy, &error), KP_USAGE);
    assert_non_null(strstr(error.text, "1 rules"));
    assert_int_equal(azr_rotation_check(&VAULT, &policy, &error), KP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_has_its_sentence),
        cmocka_unit_test(policy_without_rules_is_accepted),
        cmocka_unit_test(one_rule_too_many_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
