#include "support/env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <windows.h>

/* The C library's copy, then the system's, which alone can hold an empty one. */
void env_set(const char *name, const char *value)
{
    assert_int_equal(_putenv_s(name, value ? value : ""), 0);
    if (value || GetEnvironmentVariableA(name, NULL, 0) > 0)
        assert_true(SetEnvironmentVariableA(name, value));
}
