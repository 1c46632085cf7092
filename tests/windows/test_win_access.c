/* base/win_access: who else could have written a file or a key. */
#include "base/win_access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <windows.h>

#include <aclapi.h>

#include "tests/windows/set_access.h"

#define KEY_PATH L"Software\\keyprovider-test-access"

static wchar_t path[MAX_PATH];

static int begin(void **state)
{
    wchar_t folder[MAX_PATH];

    (void)state;
    return GetTempPathW(MAX_PATH, folder) == 0 || GetTempFileNameW(folder, L"kp", 0, path) == 0 ||
           !DeleteFileW(path);
}

static int end(void **state)
{
    (void)state;
    (void)DeleteFileW(path);
    (void)RegDeleteKeyW(HKEY_CURRENT_USER, KEY_PATH);
    return 0;
}

static kp_status check_file(void *descriptor, struct kp_error *err)
{
    HANDLE file;
    kp_status st;

    assert_non_null(descriptor);
    file = CreateFileW(path, GENERIC_READ | GENERIC_WRITE | READ_CONTROL | WRITE_DAC, 0, NULL,
                       CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    assert_ptr_not_equal(file, INVALID_HANDLE_VALUE);
    win_set_access(file, SE_FILE_OBJECT, descriptor);
    st = kpb_win_check_file(file, "the file", err);
    assert_true(CloseHandle(file));
    kpb_win_access_free(descriptor);
    return st;
}

static void file_of_ours_alone_is_taken(void **state)
{
    struct kp_error err;

    (void)state;
    assert_int_equal(check_file(kpb_win_access_private(), &err), KP_OK);
}

static void file_that_everybody_could_write_is_refused(void **state)
{
    struct kp_error err;

    (void)state;
    assert_int_equal(check_file(kpb_win_access_from(L"D:P(A;;FA;;;BA)(A;;FA;;;WD)"), &err),
                     KP_CONFIG);
    assert_non_null(strstr(err.text, "the file can be written by"));
}

static void file_that_everybody_reads_is_taken(void **state)
{
    struct kp_error err;

    (void)state;
    assert_int_equal(check_file(kpb_win_access_from(L"D:P(A;;FA;;;BA)(A;;FR;;;WD)"), &err), KP_OK);
}

static kp_status check_key(const wchar_t *sddl, struct kp_error *err)
{
    void *descriptor = kpb_win_access_from(sddl);
    HKEY key = NULL;
    kp_status st;

    assert_non_null(descriptor);
    assert_int_equal(RegCreateKeyExW(HKEY_CURRENT_USER, KEY_PATH, 0, NULL, REG_OPTION_VOLATILE,
                                     KEY_ALL_ACCESS, NULL, &key, NULL),
                     ERROR_SUCCESS);
    win_set_access(key, SE_REGISTRY_KEY, descriptor);
    st = kpb_win_check_key(key, "the key", err);
    (void)RegCloseKey(key);
    assert_int_equal(RegDeleteKeyW(HKEY_CURRENT_USER, KEY_PATH), ERROR_SUCCESS);
    kpb_win_access_free(descriptor);
    return st;
}

/* S-1-5-80-1-2-3-4-5 stands for a service's account. */
static void key_is_refused_for_crowds_alone(void **state)
{
    struct kp_error err;

    (void)state;
    assert_int_equal(
        check_key(L"D:P(A;;KA;;;BA)(A;;KA;;;SY)(A;;KA;;;S-1-5-80-1-2-3-4-5)(A;;KR;;;BU)", &err),
        KP_OK);
    assert_int_equal(check_key(L"D:P(A;;KA;;;BA)(A;;KA;;;BU)", &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "the key can be written by"));
    assert_int_equal(check_key(L"D:P(A;;KA;;;BA)(A;;KW;;;WD)", &err), KP_CONFIG);
}

static void descriptor_from_no_text_is_none(void **state)
{
    (void)state;
    assert_null(kpb_win_access_from(L"no descriptor"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_of_ours_alone_is_taken),
        cmocka_unit_test(file_that_everybody_could_write_is_refused),
        cmocka_unit_test(file_that_everybody_reads_is_taken),
        cmocka_unit_test(key_is_refused_for_crowds_alone),
        cmocka_unit_test(descriptor_from_no_text_is_none),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
