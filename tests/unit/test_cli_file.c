/* cli/platform and cli/io: bounded reading, writing that replaces in one step. */
#include "cli/io.h"
#include "cli/platform.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/span.h"
#include "cli/digest.h"

/* A folder of its own for each test, removed with what the tests put there. */
struct folder {
    char path[64];
    char file[96];
    char link[96];
};

static int make_folder(void **state)
{
    struct folder *d = calloc(1, sizeof *d);
    if (!d) {
        return -1;
    }
    (void)snprintf(d->path, sizeof d->path, "/tmp/kp-cli-file.XXXXXX");
    if (!mkdtemp(d->path)) {
        free(d);
        return -1;
    }
    (void)snprintf(d->file, sizeof d->file, "%s/file", d->path);
    (void)snprintf(d->link, sizeof d->link, "%s/link", d->path);
    *state = d;
    return 0;
}

/* rmdir fails, and with it the test, when a temporary file was left behind. */
static int remove_folder(void **state)
{
    struct folder *d = *state;
    (void)unlink(d->file);
    (void)unlink(d->link);
    const int rc = rmdir(d->path);
    free(d);
    return rc;
}

static void write_file(const char *path, const char *text, bool is_private)
{
    struct cli_fault f = {.io = false};
    assert_int_equal(cli_platform_write(path, kpb_span_str(text), is_private, &f), KP_OK);
}

static void assert_file(const char *path, const char *text)
{
    struct cli_fault f = {.io = false};
    kp_buf b;
    kp_buf_init(&b, "test", 4096);
    assert_int_equal(cli_read(path, &b, &f), KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&b), text));
    kp_buf_clear(&b);
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void write_then_read_gives_the_bytes(void **state)
{
    const struct folder *d = *state;
    write_file(d->file, "one", false);
    assert_file(d->file, "one");
    write_file(d->file, "", false);
    assert_file(d->file, "");
}

static void write_private_is_0600_whatever_was_there(void **state)
{
    const struct folder *d = *state;
    const mode_t mask = umask(022);
    write_file(d->file, "public", false);
    assert_int_equal(mode_of(d->file), 0644);
    write_file(d->file, "private", true);
    assert_int_equal(mode_of(d->file), 0600);
    (void)umask(0);
    write_file(d->file, "private", true);
    assert_int_equal(mode_of(d->file), 0600);
    (void)umask(mask);
}

static void write_through_a_link_keeps_the_link(void **state)
{
    const struct folder *d = *state;
    write_file(d->file, "old", false);
    assert_int_equal(symlink(d->file, d->link), 0);
    write_file(d->link, "new", true);
    struct stat st;
    assert_int_equal(lstat(d->link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_file(d->file, "new");
    assert_int_equal(mode_of(d->file), 0600);
}

static void write_to_a_device_leaves_the_device(void **state)
{
    struct stat before;
    struct stat after;
    (void)state;
    assert_int_equal(stat("/dev/null", &before), 0);
    write_file("/dev/null", "gone", true);
    assert_int_equal(stat("/dev/null", &after), 0);
    assert_true(S_ISCHR(after.st_mode));
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mode, after.st_mode);
}

static void write_into_no_folder_is_io(void **state)
{
    struct cli_fault f = {.io = false};
    (void)state;
    assert_int_not_equal(cli_platform_write("/nonexistent-folder/x", kpb_span_str("a"), false, &f),
                         KP_OK);
    assert_true(f.io);
    assert_non_null(strstr(f.error.text, "/nonexistent-folder/x"));
}

static void write_over_a_folder_is_io_and_leaves_nothing(void **state)
{
    const struct folder *d = *state;
    struct cli_fault f = {.io = false};
    assert_int_not_equal(cli_platform_write(d->path, kpb_span_str("a"), false, &f), KP_OK);
    assert_true(f.io);
}

static void write_that_fails_keeps_the_old_bytes(void **state)
{
    const struct folder *d = *state;
    struct cli_fault f = {.io = false};
    struct rlimit was;
    write_file(d->file, "old", false);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    const struct rlimit tight = {4, was.rlim_max};
    void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    const kp_status st = cli_platform_write(d->file, kpb_span_str("longer"), true, &f);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_not_equal(st, KP_OK);
    assert_true(f.io);
    assert_file(d->file, "old");
}

static void read_of_a_missing_file_is_io(void **state)
{
    const struct folder *d = *state;
    struct cli_fault f = {.io = false};
    kp_buf b;
    kp_buf_init(&b, "test", 16);
    assert_int_not_equal(cli_read(d->file, &b, &f), KP_OK);
    assert_true(f.io);
    assert_non_null(strstr(f.error.text, d->file));
    kp_buf_clear(&b);
}

static void read_beyond_the_limit_is_usage(void **state)
{
    const struct folder *d = *state;
    struct cli_fault f = {.io = false};
    kp_buf b;
    kp_buf_init(&b, "test", 4);
    write_file(d->file, "1234", false);
    assert_int_equal(cli_read(d->file, &b, &f), KP_OK);
    kp_buf_reset(&b);
    write_file(d->file, "12345", false);
    assert_int_equal(cli_read(d->file, &b, &f), KP_USAGE);
    assert_false(f.io);
    assert_non_null(strstr(f.error.text, "larger than 4 bytes"));
    kp_buf_clear(&b);
}

static void digest_of_a_file_is_its_sha2(void **state)
{
    const struct folder *d = *state;
    struct cli_fault f = {.io = false};
    uint8_t digest[CLI_DIGEST_MAX_LEN];
    write_file(d->file, "abc", false);
    assert_int_equal(cli_digest_file(256, d->file, digest, &f), KP_OK);
    assert_memory_equal(digest, "\xba\x78\x16\xbf", 4); /* FIPS 180-4 examples, "abc" */
    assert_int_equal(cli_digest_file(384, d->file, digest, &f), KP_OK);
    assert_memory_equal(digest, "\xcb\x00\x75\x3f", 4);
    assert_int_equal(cli_digest_file(512, d->file, digest, &f), KP_OK);
    assert_memory_equal(digest, "\xdd\xaf\x35\xa1", 4);
}

static void digest_names_are_exact(void **state)
{
    (void)state;
    assert_int_equal(cli_digest_bits("SHA-256"), 256);
    assert_int_equal(cli_digest_bits("SHA-384"), 384);
    assert_int_equal(cli_digest_bits("SHA-512"), 512);
    assert_int_equal(cli_digest_bits("sha-256"), 0);
    assert_int_equal(cli_digest_bits("SHA-1"), 0);
    assert_int_equal(cli_digest_bits(""), 0);
}

static void environment_empty_is_unset(void **state)
{
    (void)state;
    assert_int_equal(setenv("KP_TEST_VARIABLE", "", 1), 0);
    assert_null(cli_platform_env("KP_TEST_VARIABLE"));
    assert_int_equal(setenv("KP_TEST_VARIABLE", "x", 1), 0);
    assert_string_equal(cli_platform_env("KP_TEST_VARIABLE"), "x");
    assert_int_equal(unsetenv("KP_TEST_VARIABLE"), 0);
    assert_null(cli_platform_env("KP_TEST_VARIABLE"));
}

static void config_of_the_user_comes_before_the_machine(void **state)
{
    const struct folder *d = *state;
    char path[CLI_PATH_MAX_LEN];
    char dir[128];
    char want[160];
    (void)snprintf(dir, sizeof dir, "%s/keyprovider", d->path);
    (void)snprintf(want, sizeof want, "%s/keyprovider.json", dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(setenv("XDG_CONFIG_HOME", d->path, 1), 0);
    const bool without = cli_platform_config_path(path);
    assert_true(!without || strcmp(path, "/etc/keyprovider/keyprovider.json") == 0);
    write_file(want, "{}", false);
    assert_true(cli_platform_config_path(path));
    assert_string_equal(path, want);
    assert_int_equal(unlink(want), 0);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(write_then_read_gives_the_bytes),
        IN_FOLDER(write_private_is_0600_whatever_was_there),
        IN_FOLDER(write_through_a_link_keeps_the_link),
        cmocka_unit_test(write_to_a_device_leaves_the_device),
        cmocka_unit_test(write_into_no_folder_is_io),
        IN_FOLDER(write_over_a_folder_is_io_and_leaves_nothing),
        IN_FOLDER(write_that_fails_keeps_the_old_bytes),
        IN_FOLDER(read_of_a_missing_file_is_io),
        IN_FOLDER(read_beyond_the_limit_is_usage),
        IN_FOLDER(digest_of_a_file_is_its_sha2),
        cmocka_unit_test(digest_names_are_exact),
        cmocka_unit_test(environment_empty_is_unset),
        IN_FOLDER(config_of_the_user_comes_before_the_machine),
    };
    return cmocka_run_group_tests_name("cli_file", tests, NULL, NULL);
}
