/* core/win_trust: which paths lead to a file that is trusted, and which name something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <windows.h>

#include "base/errors.h"
#include "core/trust.h"

static char folder[MAX_PATH]; /* with a backslash at its end */
static char path[MAX_PATH];

static int begin(void **state)
{
    (void)state;
    return GetTempPathA(MAX_PATH, folder) == 0 || GetTempFileNameA(folder, "kp", 0, path) == 0;
}

static int end(void **state)
{
    (void)state;
    (void)DeleteFileA(path);
    return 0;
}

static kp_status open_path(const char *text, struct kp_error *err)
{
    int fd = -1;
    kp_status st;

    kp_error_init(err);
    st = kpi_trust_open(text, KPI_TRUST_FILE, &fd, err);
    kpi_trust_close(fd);
    return st;
}

static void assert_refused(const char *text, const char *why)
{
    struct kp_error err;

    assert_int_equal(open_path(text, &err), KP_CONFIG);
    if (!strstr(err.text, why))
        fail_msg("%s: '%s' says nothing of '%s'", text, err.text, why);
}

/* Other spellings of one name are the file itself, and are judged as it. */
static void spelling_of_a_name_does_not_matter(void **state)
{
    char other[MAX_PATH + 8];
    struct kp_error err;

    (void)state;
    assert_int_equal(open_path(path, &err), KP_OK);
    (void)snprintf(other, sizeof other, "%s. .", path);
    assert_int_equal(open_path(other, &err), KP_OK);
    (void)snprintf(other, sizeof other, "%s", path);
    for (char *c = other; *c; c++)
        *c = *c == '\\' ? '/' : *c;
    assert_int_equal(open_path(other, &err), KP_OK);
    (void)CharUpperA(other);
    assert_int_equal(open_path(other, &err), KP_OK);
}

static void stream_of_a_file_is_refused(void **state)
{
    char stream[MAX_PATH + 16];

    (void)state;
    (void)snprintf(stream, sizeof stream, "%s:evil.dll", path);
    assert_refused(stream, "names a stream");
    (void)snprintf(stream, sizeof stream, "%s::$DATA", path);
    assert_refused(stream, "names a stream");
}

static void what_is_no_drive_of_ours_is_refused(void **state)
{
    static const char *const texts[] = {"\\\\server\\share\\a.dll",
                                        "//server/share/a.dll",
                                        "\\\\?\\C:\\windows\\win.ini",
                                        "\\\\.\\C:\\windows\\win.ini",
                                        "\\\\.\\pipe\\a",
                                        "C:\\windows\\NUL",
                                        "C:\\windows\\CON",
                                        "NUL",
                                        "COM1",
                                        "CONIN$"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_refused(texts[i], "is not on a drive of this machine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spelling_of_a_name_does_not_matter),
        cmocka_unit_test(stream_of_a_file_is_refused),
        cmocka_unit_test(what_is_no_drive_of_ours_is_refused),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
