/* Admission by documented rates: ten seconds of work at once, then one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plugins/azure-rest/pace.h"

#define S UINT64_C(1000000000)

static const struct azr_rate rates[] = {
    {KP_OP_BIT(KP_OP_CREATE), 0, 1},
    {KP_OP_BIT(KP_OP_SIGN), KP_ALG_BIT(KP_ALG_ES256), 330},
    {KP_OP_BIT(KP_OP_SIGN), KP_ALG_BIT(KP_ALG_ES384), 160},
    {0, 0, 0},
};

static void first_row_that_fits_counts(void **state)
{
    (void)state;
    assert_int_equal(azr_rate_of(rates, KP_OP_CREATE, KP_ALG_NONE), 1);
    assert_int_equal(azr_rate_of(rates, KP_OP_SIGN, KP_ALG_ES256), 330);
    assert_int_equal(azr_rate_of(rates, KP_OP_SIGN, KP_ALG_ES384), 160);
    assert_int_equal(azr_rate_of(rates, KP_OP_SIGN, KP_ALG_HS256), 0);
    assert_int_equal(azr_rate_of(rates, KP_OP_GET_KEY, KP_ALG_NONE), 0);
    assert_int_equal(azr_rate_of(NULL, KP_OP_CREATE, KP_ALG_NONE), 0);
}

static void take_at_once(struct azr_pace *pace, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(azr_pace_take(pace, 1, 7 * S), 0);
}

static void ten_seconds_of_work_go_at_once_then_each_waits_longer(void **state)
{
    struct azr_pace pace = {0};
    (void)state;
    take_at_once(&pace, 11);
    assert_int_equal(azr_pace_take(&pace, 1, 7 * S), S);
    assert_int_equal(azr_pace_take(&pace, 1, 7 * S), 2 * S);
}

static void time_that_passes_makes_room(void **state)
{
    struct azr_pace pace = {0};
    (void)state;
    take_at_once(&pace, 11);
    assert_int_equal(azr_pace_take(&pace, 1, 8 * S), 0);
    assert_int_equal(azr_pace_take(&pace, 1, 8 * S), S);
}

static void long_rest_saves_no_more_than_ten_seconds(void **state)
{
    struct azr_pace pace = {0};
    (void)state;
    assert_int_equal(azr_pace_take(&pace, 1, 0), 0);
    take_at_once(&pace, 11);
    assert_int_equal(azr_pace_take(&pace, 1, 7 * S), S);
}

static void what_is_given_back_is_free_again(void **state)
{
    struct azr_pace pace = {0};
    (void)state;
    take_at_once(&pace, 11);
    assert_int_equal(azr_pace_take(&pace, 1, 7 * S), S);
    azr_pace_give_back(&pace, 1);
    assert_int_equal(azr_pace_take(&pace, 1, 7 * S), S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_row_that_fits_counts),
        cmocka_unit_test(ten_seconds_of_work_go_at_once_then_each_waits_longer),
        cmocka_unit_test(time_that_passes_makes_room),
        cmocka_unit_test(long_rest_saves_no_more_than_ten_seconds),
        cmocka_unit_test(what_is_given_back_is_free_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
