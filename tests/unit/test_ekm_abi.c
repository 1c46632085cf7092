#include "ekm/abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {
#define XX(number, name, parameters) #name,
    KP_EKM_EXPORT_MAP(XX)
#undef XX
};

static const int numbers[] = {
#define XX(number, name, parameters) number,
    KP_EKM_EXPORT_MAP(XX)
#undef XX
};

/* Message 33085 tells the missing one by its number, so the order is part of the interface. */
static void exports_are_numbered_in_order(void **state)
{
    (void)state;
    assert_int_equal(sizeof names / sizeof names[0], KP_EKM_N_EXPORTS);
    for (int i = 0; i < KP_EKM_N_EXPORTS; i++)
        assert_int_equal(numbers[i], i + 1);
    assert_string_equal(names[0], "InitializeProvider");
    assert_string_equal(names[12], "GetKeyInfoByName");
    assert_string_equal(names[16], "Decrypt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exports_are_numbered_in_order),
    };

    return cmocka_run_group_tests_name("ekm_abi", tests, NULL, NULL);
}
