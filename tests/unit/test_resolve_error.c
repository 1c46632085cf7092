/* What a look-up that found nothing means: a name that is not there is no fault of the network. */
#include "core/resolve_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

static struct kp_error err;

static void name_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    assert_int_equal(kpi_platform_resolve_fail(EAI_NONAME, "vault.test", &err), KP_NOT_FOUND);
    assert_string_equal(err.text, "the host name vault.test does not exist");
}

/* The C library's number for it, which its headers show to GNU programs only. */
static void name_without_addresses_is_not_found(void **state)
{
    (void)state;
#ifdef __linux__
    assert_int_equal(kpi_platform_resolve_fail(-5, "vault.test", &err), KP_NOT_FOUND);
#else
    skip();
#endif
}

static void name_server_that_does_not_answer_is_passing(void **state)
{
    (void)state;
    assert_int_equal(kpi_platform_resolve_fail(EAI_AGAIN, "vault.test", &err), KP_TRANSIENT);
    assert_non_null(strstr(err.text, "vault.test could not be looked up: "));
}

static void memory_is_named(void **state)
{
    (void)state;
    assert_int_equal(kpi_platform_resolve_fail(EAI_MEMORY, "vault.test", &err), KP_NO_MEMORY);
    assert_non_null(strstr(err.text, "resolver.getaddrinfo"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_that_is_not_there_is_not_found),
        cmocka_unit_test(name_without_addresses_is_not_found),
        cmocka_unit_test(name_server_that_does_not_answer_is_passing),
        cmocka_unit_test(memory_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
