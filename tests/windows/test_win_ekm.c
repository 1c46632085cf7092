/* The Windows twins of ekm/: paths of file vaults, the configuration's path, age, the log file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <windows.h>

#include <aclapi.h>

#include "base/span.h"
#include "base/win_access.h"
#include "ekm/environment.h"
#include "support/failing_heap.h"
#include "tests/windows/set_access.h"

static char path[MAX_PATH];

static int begin(void **state)
{
    char folder[MAX_PATH];

    (void)state;
    return GetTempPathA(MAX_PATH, folder) == 0 || GetTempFileNameA(folder, "kp", 0, path) == 0 ||
           !DeleteFileA(path);
}

static int end(void **state)
{
    (void)state;
    (void)DeleteFileA(path);
    return 0;
}

static void folder_of_this_machine_is_told_from_others(void **state)
{
    static const struct {
        const char *text;
        enum ekm_path_kind want;
    } rows[] = {
        {"C:/keys", EKM_PATH_WHOLE},
        {"c:\\keys\\a.b", EKM_PATH_WHOLE},
        {"C:\\comx", EKM_PATH_WHOLE},
        {"C:\\", EKM_PATH_PARTIAL},
        {"C:keys", EKM_PATH_PARTIAL},
        {"keys", EKM_PATH_PARTIAL},
        {"\\keys", EKM_PATH_PARTIAL},
        {"C:\\a\\..\\b", EKM_PATH_PARTIAL},
        {"", EKM_PATH_PARTIAL},
        {"\\\\server\\share", EKM_PATH_ELSEWHERE},
        {"//server/share", EKM_PATH_ELSEWHERE},
        {"\\\\?\\C:\\keys", EKM_PATH_ELSEWHERE},
        {"C:\\a\\NUL", EKM_PATH_ELSEWHERE},
        {"C:\\nul.txt\\a", EKM_PATH_ELSEWHERE},
        {"C:/COM1", EKM_PATH_ELSEWHERE},
        {"C:\\a:stream", EKM_PATH_ELSEWHERE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (ekm_platform_path_kind(kpb_span_str(rows[i].text)) != rows[i].want)
            fail_msg("%s", rows[i].text);
    }
}

static void named_configuration_goes_first(void **state)
{
    char found[EKM_PATH_MAX_LEN + 1];

    (void)state;
    assert_true(SetEnvironmentVariableW(L"KP_EKM_CONFIG", L"C:\\\u00e4.json"));
    assert_true(ekm_platform_config_path(found));
    assert_string_equal(found, "C:\\\xc3\xa4.json");
    assert_true(SetEnvironmentVariableW(L"KP_EKM_CONFIG", NULL));
    if (ekm_platform_config_path(found))
        assert_non_null(strstr(found, "\\keyprovider\\keyprovider.json"));
}

/* Memory that is out, or a name that is none, does not lead to another file. */
static void named_configuration_is_never_passed_by(void **state)
{
    static wchar_t too_long[EKM_PATH_MAX_LEN + 2];
    char found[EKM_PATH_MAX_LEN + 1];

    (void)state;
    for (size_t i = 0; i + 1 < sizeof too_long / sizeof *too_long; i++)
        too_long[i] = L'x';
    assert_true(SetEnvironmentVariableW(L"KP_EKM_CONFIG", too_long));
    assert_true(ekm_platform_config_path(found));
    assert_string_equal(found, "<KP_EKM_CONFIG: too long>");
    assert_true(SetEnvironmentVariableW(L"KP_EKM_CONFIG", L"C:\\a.json"));
    failing_heap_use(1);
    assert_true(ekm_platform_config_path(found));
    failing_heap_drop();
    assert_string_equal(found, "C:\\a.json");
    assert_true(SetEnvironmentVariableW(L"KP_EKM_CONFIG", NULL));
}

static void age_grows(void **state)
{
    uint64_t first = ekm_platform_age_ms(NULL);
    uint64_t later;

    (void)state;
    assert_true(first < 3600u * 1000u);
    do {
        later = ekm_platform_age_ms(NULL);
    } while (later == first);
    assert_true(later > first);
}

static void event_is_handed_over(void **state)
{
    (void)state;
    ekm_platform_event(NULL, 0, "a line of a test");
    ekm_platform_event(NULL, 1, "a line of a test, \xc3\xa4");
    ekm_platform_event(NULL, 1, "\xff is no text");
}

static void lines_are_appended(void **state)
{
    struct ekm_log_file *log = NULL;
    char text[32] = "";
    FILE *file;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ekm_log_file_open(path, &log, NULL), KP_OK);
        ekm_log_file_write(log, "a line", 6);
        ekm_log_file_close(log);
    }
    file = fopen(path, "rb");
    assert_non_null(file);
    (void)fread(text, 1, sizeof text - 1, file);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, "a line\na line\n");
}

/* Most lines are about errors, and memory is one of them. */
static void line_is_written_though_memory_is_out(void **state)
{
    struct ekm_log_file *log = NULL;
    char text[32] = "";
    FILE *file;

    (void)state;
    assert_int_equal(ekm_log_file_open(path, &log, NULL), KP_OK);
    failing_heap_use(1);
    ekm_log_file_write(log, "a line", 6);
    failing_heap_drop();
    ekm_log_file_close(log);
    file = fopen(path, "rb");
    assert_non_null(file);
    (void)fread(text, 1, sizeof text - 1, file);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, "a line\n");
}

static void log_that_everybody_could_write_is_refused(void **state)
{
    void *access = kpb_win_access_from(L"D:P(A;;FA;;;BA)(A;;FA;;;WD)");
    HANDLE file = CreateFileA(path, GENERIC_WRITE | WRITE_DAC, FILE_SHARE_READ | FILE_SHARE_WRITE,
                              NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    struct ekm_log_file *log = NULL;
    struct kp_error err;

    (void)state;
    assert_ptr_not_equal(file, INVALID_HANDLE_VALUE);
    win_set_access(file, SE_FILE_OBJECT, access);
    kpb_win_access_free(access);
    assert_true(CloseHandle(file));
    assert_int_equal(ekm_log_file_open(path, &log, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "can be written by"));
}

/* Whoever can write the folder can put a link to somewhere else in its place. */
static void log_in_a_folder_of_everybody_is_refused(void **state)
{
    void *access = kpb_win_access_from(L"D:P(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)");
    char inside[MAX_PATH + 8];
    struct ekm_log_file *log = NULL;
    struct kp_error err;
    HANDLE folder;

    (void)state;
    assert_true(CreateDirectoryA(path, NULL));
    folder = CreateFileA(path, READ_CONTROL | WRITE_DAC, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                         OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    assert_ptr_not_equal(folder, INVALID_HANDLE_VALUE);
    win_set_access(folder, SE_FILE_OBJECT, access);
    kpb_win_access_free(access);
    assert_true(CloseHandle(folder));
    (void)snprintf(inside, sizeof inside, "%s\\log", path);
    assert_int_equal(ekm_log_file_open(inside, &log, &err), KP_CONFIG);
    assert_int_equal(strncmp(err.text, "ekm.log_file: ", 14), 0);
    assert_non_null(strstr(err.text, "can be written by"));
    assert_int_equal(GetFileAttributesA(inside), INVALID_FILE_ATTRIBUTES);
    assert_true(RemoveDirectoryA(path));
}

static void what_is_no_file_is_refused(void **state)
{
    struct ekm_log_file *log = NULL;
    struct kp_error err;

    (void)state;
    assert_int_equal(ekm_log_file_open("NUL", &log, &err), KP_CONFIG);
    assert_int_equal(ekm_log_file_open("C:\\no such folder\\log", &log, &err), KP_CONFIG);
    assert_int_equal(ekm_log_file_open(NULL, &log, NULL), KP_OK);
    ekm_log_file_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folder_of_this_machine_is_told_from_others),
        cmocka_unit_test(named_configuration_goes_first),
        cmocka_unit_test(named_configuration_is_never_passed_by),
        cmocka_unit_test(age_grows),
        cmocka_unit_test(event_is_handed_over),
        cmocka_unit_test_setup_teardown(lines_are_appended, begin, end),
        cmocka_unit_test_setup_teardown(line_is_written_though_memory_is_out, begin, end),
        cmocka_unit_test_setup_teardown(log_that_everybody_could_write_is_refused, begin, end),
        cmocka_unit_test(log_in_a_folder_of_everybody_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
