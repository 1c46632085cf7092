#include "support/rights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <windows.h>

#include "base/win_access.h"

/* A file or a folder. */
static HANDLE open_any(const char *path, DWORD access)
{
    HANDLE handle =
        CreateFileA(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                    OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    assert_ptr_not_equal(handle, INVALID_HANDLE_VALUE);
    return handle;
}

static void set(const char *path, void *descriptor)
{
    const SECURITY_INFORMATION what =
        DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    HANDLE handle = open_any(path, READ_CONTROL | WRITE_DAC);
    assert_non_null(descriptor);
    assert_true(SetKernelObjectSecurity(handle, what, descriptor));
    assert_true(CloseHandle(handle));
    kpb_win_access_free(descriptor);
}

/* The account keeps its rights; everybody else gets them too. */
void rights_give(const char *path)
{
    set(path, kpb_win_access_from(L"D:P(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)"));
}

void rights_take(const char *path)
{
    set(path, kpb_win_access_private());
}

void rights_expect_private(const char *path)
{
    HANDLE handle = open_any(path, READ_CONTROL);
    assert_true(kpb_win_is_private(handle));
    assert_true(CloseHandle(handle));
}
