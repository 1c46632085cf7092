#include "tests/windows/set_access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <windows.h>

#include <aclapi.h>

void win_set_access(void *handle, int kind, void *descriptor)
{
    PACL list = NULL;
    BOOL present = FALSE;
    BOOL defaulted = FALSE;

    assert_true(GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted));
    assert_true(present);
    assert_int_equal(
        SetSecurityInfo(handle, (SE_OBJECT_TYPE)kind,
                        DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, NULL, NULL,
                        list, NULL),
        ERROR_SUCCESS);
}
