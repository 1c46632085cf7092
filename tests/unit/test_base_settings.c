/* base/settings: a plugin's settings, each value and each mistake. */
#include "base/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

struct values {
    kp_span text;
    kp_span absent;
    int64_t number;
    bool flag;
};

#define SETTING_MAP(XX)                                                                            \
    XX(text, KP_SETTING_TEXT, 0, "text", "plain", 0, 0, "")                                        \
    XX(absent, KP_SETTING_SECRET, 0, "absent", NULL, 0, 0, "")                                     \
    XX(number, KP_SETTING_INTEGER, 0, "deep.number", "7", 1, INT64_MAX, "")                        \
    XX(flag, KP_SETTING_BOOLEAN, 0, "flag", "false", 0, 0, "")

SETTING_MAP(KPB_SETTING_SPEC)

static const struct kp_setting_spec *const SPECS[] = {SETTING_MAP(KPB_SETTING_REF) NULL};

static const size_t OFFSETS[] = {
#define XX(member, type, flags, name, fallback, min, max, doc) offsetof(struct values, member),
    SETTING_MAP(XX)
#undef XX
};

static struct values values;
static struct kp_error err;

static kp_status read_all(const struct kp_setting *settings, uint32_t n_settings)
{
    const struct kpb_settings_table table = {SPECS, OFFSETS, sizeof values};
    const struct kp_vault_settings in = {
        .struct_size = sizeof in, .settings = settings, .n_settings = n_settings};
    memset(&values, 0xAA, sizeof values);
    return kpb_settings_read(&table, &in, &values, &err);
}

static kp_status read_one(const char *name, const char *value)
{
    const struct kp_setting setting = {kpb_span_str(name), kpb_span_str(value)};
    return read_all(&setting, 1);
}

static void assert_refused(const char *name, const char *value, const char *sentence)
{
    assert_int_equal(read_one(name, value), KP_CONFIG);
    assert_string_equal(err.text, sentence);
}

static void what_is_not_given_is_the_fallback_or_zero(void **state)
{
    (void)state;
    assert_int_equal(read_all(NULL, 0), KP_OK);
    assert_true(kpb_span_eq_str(values.text, "plain"));
    assert_int_equal(values.absent.len, 0);
    assert_null(values.absent.ptr);
    assert_int_equal(values.number, 7);
    assert_false(values.flag);
}

static void each_value_reaches_its_member_and_the_last_counts(void **state)
{
    (void)state;
    const struct kp_setting settings[] = {
        {kpb_span_str("text"), kpb_span_str("first")},
        {kpb_span_str("flag"), kpb_span_str("true")},
        {kpb_span_str("absent"), kpb_span_str("here")},
        {kpb_span_str("deep.number"), kpb_span_str("9223372036854775807")},
        {kpb_span_str("text"), kpb_span_str("last")},
    };
    assert_int_equal(read_all(settings, 5), KP_OK);
    assert_true(kpb_span_eq_str(values.text, "last"));
    assert_true(kpb_span_eq_str(values.absent, "here"));
    assert_true(values.number == INT64_MAX);
    assert_true(values.flag);
}

static void numbers_are_digits_within_bounds(void **state)
{
    (void)state;
    static const char *const WRONG[] = {
        "", "0", "-1", "+1", " 1", "1 ", "0x1", "9223372036854775808", "92233720368547758070",
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++)
        assert_refused("deep.number", WRONG[i],
                       "setting deep.number must be a number from 1 to 9223372036854775807");
    assert_int_equal(read_one("deep.number", "0000000000000000001"), KP_OK);
    assert_int_equal(values.number, 1);
}

static void booleans_are_words(void **state)
{
    (void)state;
    assert_refused("flag", "yes", "setting flag must be true or false");
    assert_refused("flag", "", "setting flag must be true or false");
    assert_refused("flag", "True", "setting flag must be true or false");
}

static void unknown_names_are_named_and_long_ones_cut(void **state)
{
    (void)state;
    char name[101];
    memset(name, 'n', 100);
    name[100] = '\0';
    assert_refused("number", "1", "the plugin has no setting 'number'");
    assert_refused(name, "1",
                   "the plugin has no setting "
                   "'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_is_the_fallback_or_zero),
        cmocka_unit_test(each_value_reaches_its_member_and_the_last_counts),
        cmocka_unit_test(numbers_are_digits_within_bounds),
        cmocka_unit_test(booleans_are_words),
        cmocka_unit_test(unknown_names_are_named_and_long_ones_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
