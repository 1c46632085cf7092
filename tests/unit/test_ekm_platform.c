/* What the provider takes from the machine: the log file it trusts, the age of the process, the
 * system's log. */
#define _DEFAULT_SOURCE /* LOG_PERROR */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "ekm/environment.h"
#include "support/temp_dir.h"

static char dir[TEMP_DIR_LEN];
static char path[TEMP_DIR_LEN + 8];

static int begin(void **state)
{
    (void)state;
    temp_dir_make(dir);
    (void)snprintf(path, sizeof path, "%s/log", dir);
    return 0;
}

static int end(void **state)
{
    (void)state;
    temp_dir_remove(dir);
    return 0;
}

/* ---- The log file ---- */

static void read_back(char *out, size_t cap)
{
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    out[fread(out, 1, cap - 1, f)] = '\0';
    assert_int_equal(fclose(f), 0);
}

static void log_file_is_made_private_and_appended_to(void **state)
{
    struct ekm_log_file *file = NULL;
    struct stat st;
    char text[64];

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ekm_log_file_open(path, &file, NULL), KP_OK);
        ekm_log_file_write(file, "line", 4);
        ekm_log_file_close(file);
    }
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    read_back(text, sizeof text);
    assert_string_equal(text, "line\nline\n");
    ekm_log_file_close(NULL);
}

static void assert_refused(const char *hint)
{
    struct ekm_log_file *file = NULL;
    struct kp_error err;

    kp_error_init(&err);
    assert_int_equal(ekm_log_file_open(path, &file, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, hint));
    assert_null(file);
}

static void log_file_others_can_write_is_refused(void **state)
{
    struct ekm_log_file *file = NULL;

    (void)state;
    assert_int_equal(ekm_log_file_open(path, &file, NULL), KP_OK);
    ekm_log_file_close(file);
    assert_int_equal(chmod(path, 0622), 0);
    assert_refused("chmod go-w");
}

static void log_file_that_is_none_is_refused(void **state)
{
    (void)state;
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_refused("cannot be opened");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(path); /* without hanging until somebody reads it */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused("cannot be opened");
}

/* ---- The process ---- */

/* The machine has been up for longer than this test, or it would say the wrong thing at random. */
static void age_is_the_process_s_own_and_grows(void **state)
{
    uint64_t first = ekm_platform_age_ms(NULL);
    uint64_t second = ekm_platform_age_ms(NULL);

    (void)state;
    assert_true(first <= second);
    assert_true(second < 600000);
}

static void configuration_is_the_one_the_environment_names(void **state)
{
    char out[EKM_PATH_MAX_LEN + 1];

    (void)state;
    assert_int_equal(setenv("KP_EKM_CONFIG", "/some/where.json", 1), 0);
    assert_true(ekm_platform_config_path(out));
    assert_string_equal(out, "/some/where.json");
    assert_int_equal(setenv("KP_EKM_CONFIG", "", 1), 0);
    if (ekm_platform_config_path(out))
        assert_string_equal(out, "/etc/keyprovider/keyprovider.json");
    assert_int_equal(unsetenv("KP_EKM_CONFIG"), 0);
}

/* ---- The system's log ---- */

/* With LOG_PERROR what syslog takes goes to standard error, too, without its level. */
static void tell_system(void)
{
    int stderr_fd = dup(STDERR_FILENO);
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(stderr_fd >= 0 && dup2(fileno(f), STDERR_FILENO) >= 0);
    ekm_platform_event(NULL, 0, "news of 100%s");
    ekm_platform_event(NULL, 1, "failure of 100%s");
    assert_true(dup2(stderr_fd, STDERR_FILENO) >= 0);
    assert_int_equal(close(stderr_fd), 0);
    assert_int_equal(fclose(f), 0);
}

static void events_go_to_syslog_failures_as_errors(void **state)
{
    char text[512];

    (void)state;
    openlog("test", LOG_PERROR, LOG_USER);
    tell_system();
    read_back(text, sizeof text);
    assert_non_null(strstr(text, "keyprovider-ekm: news of 100%s\n"));
    assert_non_null(strstr(text, "keyprovider-ekm: failure of 100%s\n"));
    (void)setlogmask(LOG_UPTO(LOG_ERR)); /* what is no error is left out now */
    tell_system();
    read_back(text, sizeof text);
    assert_null(strstr(text, "news"));
    assert_non_null(strstr(text, "failure"));
    (void)setlogmask(LOG_UPTO(LOG_DEBUG));
    closelog();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(log_file_is_made_private_and_appended_to, begin, end),
        cmocka_unit_test_setup_teardown(log_file_others_can_write_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(log_file_that_is_none_is_refused, begin, end),
        cmocka_unit_test(age_is_the_process_s_own_and_grows),
        cmocka_unit_test(configuration_is_the_one_the_environment_names),
        cmocka_unit_test_setup_teardown(events_go_to_syslog_failures_as_errors, begin, end),
    };

    return cmocka_run_group_tests_name("ekm_platform", tests, NULL, NULL);
}
