#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/file-test/vault.h"
#include "support/file_vault.h"

static struct file_vault vault;
static char dir[FV_PATH_LEN];

static int make_dir(void **state)
{
    (void)state;
    fv_make_temp(dir);
    return 0;
}

static int drop_dir(void **state)
{
    (void)state;
    fv_remove_temp(dir);
    return 0;
}

/* Opens, expects a status, and that the sentence holds a text. */
static void assert_open(uint32_t flags, const char *const (*settings)[2], kp_status want,
                        const char *says)
{
    kp_status st = fv_open(&vault, NULL, dir, flags, settings);
    if (st != want)
        fail_msg("open: status %d, %s", st, fv_open_error(&vault)->text);
    if (says && !strstr(fv_open_error(&vault)->text, says))
        fail_msg("open says: %s", fv_open_error(&vault)->text);
    fv_close(&vault);
}

static void put_file(const char *name, const void *bytes, size_t len, mode_t mode)
{
    char path[FV_PATH_LEN + 64];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void mode_file(const char *name, mode_t mode)
{
    char path[FV_PATH_LEN + 64];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(chmod(path, mode), 0);
}

/* ---- Becoming a vault ---- */

static void open_a_directory_that_is_none_says_how_to_make_one(void **state)
{
    char none[FV_PATH_LEN];
    (void)state;
    (void)snprintf(none, sizeof none, "%.200s/none", dir);
    assert_int_equal(fv_open(&vault, NULL, none, 0, NULL), KP_NOT_FOUND);
    assert_non_null(strstr(fv_open_error(&vault)->text, "key create"));
    assert_int_equal(fv_open_error(&vault)->code, KP_CODE_ErrorHttpResourceNotFound);
    fv_close(&vault);
    assert_int_equal(access(none, F_OK), -1);
}

static void open_an_empty_directory_needs_the_flag(void **state)
{
    (void)state;
    assert_open(0, NULL, KP_CONFIG, "is no vault");
    assert_open(KP_VAULT_MAY_CREATE, NULL, KP_OK, NULL);
    assert_open(0, NULL, KP_OK, NULL);
}

static void open_makes_the_directory_private(void **state)
{
    char made[FV_PATH_LEN];
    struct stat st;
    (void)state;
    (void)snprintf(made, sizeof made, "%.200s/made", dir);
    mode_t old = umask(0);
    fv_open_ok(&vault, made, NULL);
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    fv_close(&vault);
    umask(old);
    assert_int_equal(stat(made, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    static const char *const FILES[] = {"vault.json", "vault.lock", "key-app.json"};
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        char path[FV_PATH_LEN + 64];
        (void)snprintf(path, sizeof path, "%s/%s", made, FILES[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
}

static void open_never_makes_a_vault_among_other_files(void **state)
{
    (void)state;
    put_file("notes.txt", "mine", 4, 0600);
    assert_open(KP_VAULT_MAY_CREATE, NULL, KP_CONFIG, "notes.txt");
    char path[FV_PATH_LEN + 64];
    (void)snprintf(path, sizeof path, "%s/vault.json", dir);
    assert_int_equal(access(path, F_OK), -1);
}

static void open_makes_a_vault_where_an_attempt_had_died(void **state)
{
    (void)state;
    put_file("tmp-0123456789abcdef0123456789abcdef", "{", 1, 0600);
    put_file("vault.lock", "", 0, 0600);
    assert_open(KP_VAULT_MAY_CREATE, NULL, KP_OK, NULL);
}

static void open_without_a_parent_directory_says_so(void **state)
{
    char deep[FV_PATH_LEN];
    (void)state;
    (void)snprintf(deep, sizeof deep, "%.200s/a/b", dir);
    assert_int_equal(fv_open(&vault, NULL, deep, KP_VAULT_MAY_CREATE, NULL), KP_NOT_FOUND);
    assert_non_null(strstr(fv_open_error(&vault)->text, "parent"));
    fv_close(&vault);
}

static void open_a_file_instead_of_a_directory_is_config(void **state)
{
    char file[FV_PATH_LEN];
    (void)state;
    put_file("plain", "x", 1, 0600);
    (void)snprintf(file, sizeof file, "%.200s/plain", dir);
    assert_int_equal(fv_open(&vault, NULL, file, KP_VAULT_MAY_CREATE, NULL), KP_CONFIG);
    fv_close(&vault);
}

static void open_without_a_location_is_config(void **state)
{
    (void)state;
    assert_int_equal(fv_open(&vault, NULL, "", KP_VAULT_MAY_CREATE, NULL), KP_CONFIG);
    fv_close(&vault);
}

/* ---- Permissions ---- */

static void open_lax_permissions_are_refused_with_the_cure(void **state)
{
    (void)state;
    assert_open(KP_VAULT_MAY_CREATE, NULL, KP_OK, NULL);
    assert_int_equal(chmod(dir, 0750), 0);
    assert_open(0, NULL, KP_CONFIG, "chmod 700");
    assert_int_equal(chmod(dir, 0701), 0);
    assert_open(0, NULL, KP_CONFIG, "chmod 700");
    assert_int_equal(chmod(dir, 0700), 0);
    mode_file("vault.json", 0640);
    assert_open(0, NULL, KP_CONFIG, "chmod 600");
    mode_file("vault.json", 0600);
    assert_open(0, NULL, KP_OK, NULL);
}

static void key_files_with_lax_permissions_are_refused(void **state)
{
    struct fake_result result;
    (void)state;
    fv_open_ok(&vault, dir, NULL);
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    mode_file("key-app.json", 0604);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "app", NULL, &result), KP_CONFIG);
    assert_non_null(strstr(result.error.text, "key-app.json"));
    assert_non_null(strstr(result.error.text, "chmod 600"));
    fake_result_clear(&result);
    assert_int_equal(fv_status(&vault, KP_OP_ROTATE, "app", NULL), KP_CONFIG);
    mode_file("key-app.json", 0600);
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "app", NULL), KP_OK);
    mode_file("vault.lock", 0666);
    assert_int_equal(fv_status(&vault, KP_OP_ROTATE, "app", NULL), KP_CONFIG);
    mode_file("vault.lock", 0600);
    assert_int_equal(fv_status(&vault, KP_OP_ROTATE, "app", NULL), KP_OK);
    fv_close(&vault);
}

/* Only root can make this situation; others cannot chown and have nothing to see. */
static void files_of_somebody_else_are_refused(void **state)
{
    char path[FV_PATH_LEN + 64];
    (void)state;
    assert_open(KP_VAULT_MAY_CREATE, NULL, KP_OK, NULL);
    if (geteuid() != 0) {
        print_message("not root: the owner cannot be changed here\n");
        return;
    }
    (void)snprintf(path, sizeof path, "%s/vault.json", dir);
    assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
    assert_open(0, NULL, KP_CONFIG, "belongs to another user");
    assert_int_equal(chown(path, 0, (gid_t)-1), 0);
    assert_int_equal(chown(dir, 12345, (gid_t)-1), 0);
    assert_open(0, NULL, KP_CONFIG, "belongs to another user");
    assert_int_equal(chown(dir, 0, (gid_t)-1), 0);
}

static void links_and_pipes_in_a_vault_are_refused(void **state)
{
    char path[FV_PATH_LEN + 64];
    struct fake_result result;
    (void)state;
    fv_open_ok(&vault, dir, NULL);
    (void)snprintf(path, sizeof path, "%s/key-link.json", dir);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "link", NULL, &result), KP_FORBIDDEN);
    assert_non_null(strstr(result.error.text, "symbolic link"));
    fake_result_clear(&result);
    (void)snprintf(path, sizeof path, "%s/key-pipe.json", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "pipe", NULL), KP_INTEGRITY);
    (void)snprintf(path, sizeof path, "%s/key-dir.json", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "dir", NULL), KP_INTEGRITY);
    fv_close(&vault);
}

/* ---- Malformed files ---- */

static void open_malformed_vault_files_say_what_is_wrong(void **state)
{
    static const char *const CASES[] = {
        "",
        "x",
        "{",
        "[]",
        "{\"format\":1}",
        "{\"format\":1,\"id\":\"xy\",\"created\":1}",
        "{\"format\":1,\"id\":\"00112233445566778899aabbccddeeff\"}",
        "{\"format\":1,\"id\":\"00112233445566778899aabbccddeeff\",\"created\":1,\"more\":2}",
        "{\"format\":1,\"id\":\"00112233445566778899aabbccddeeff\",\"created\":1,"
        "\"passphrase\":{}}",
        "{\"format\":1,\"id\":\"00112233445566778899aabbccddeeff\",\"created\":1,"
        "\"passphrase\":{\"kdf\":\"scrypt\",\"n\":-1,\"r\":8,\"p\":1,\"salt\":\"AA\",\"check\":"
        "\"AA\"}}",
        "{\"format\":1,\"id\":\"00112233445566778899aabbccddeeff\",\"created\":1,"
        "\"passphrase\":{\"kdf\":\"scrypt\",\"n\":1024,\"r\":8,\"p\":1,\"salt\":\"AA\",\"check\":"
        "\"AA\"}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        put_file("vault.json", CASES[i], strlen(CASES[i]), 0600);
        assert_open(KP_VAULT_MAY_CREATE, NULL, KP_INTEGRITY, "vault.json");
    }
    put_file("vault.json", "{\"format\":2}", 12, 0600);
    assert_open(KP_VAULT_MAY_CREATE, NULL, KP_UNSUPPORTED, "format 2");
    char *huge = calloc(1, 8192);
    assert_non_null(huge);
    put_file("vault.json", huge, 8192, 0600);
    assert_open(KP_VAULT_MAY_CREATE, NULL, KP_INTEGRITY, "8192 bytes");
    free(huge);
}

/* A hostile vault file cannot make us spend a machine's memory on its scrypt. */
static void open_scrypt_costs_beyond_the_limits_are_refused(void **state)
{
    static const char *const SETTINGS[][2] = {{"passphrase", "x"}, {NULL, NULL}};
    static const char *const COSTS[] = {
        "\"n\":1073741824,\"r\":8,\"p\":1", "\"n\":1024,\"r\":2000000,\"p\":1",
        "\"n\":1024,\"r\":8,\"p\":2000000000", "\"n\":1000,\"r\":8,\"p\":1"};
    char text[512];
    (void)state;
    for (size_t i = 0; i < sizeof COSTS / sizeof COSTS[0]; i++) {
        int n = snprintf(text, sizeof text,
                         "{\"format\":1,\"id\":\"00112233445566778899aabbccddeeff\",\"created\":1,"
                         "\"passphrase\":{\"kdf\":\"scrypt\",%s,"
                         "\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
                         "\"check\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}",
                         COSTS[i]);
        put_file("vault.json", text, (size_t)n, 0600);
        assert_open(0, SETTINGS, KP_CONFIG, "vault.json");
    }
}

static void key_files_that_are_damaged_are_named_and_nothing_else_suffers(void **state)
{
    static const char *const CASES[] = {"", "{", "null", "{\"format\":1}"};
    struct fake_result result;
    (void)state;
    fv_open_ok(&vault, dir, NULL);
    fv_create(&vault, "well", KP_KTY_OCT, 256, 0, NULL);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        put_file("key-ill.json", CASES[i], strlen(CASES[i]), 0600);
        assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "ill", NULL, &result), KP_INTEGRITY);
        assert_non_null(strstr(result.error.text, "key-ill.json"));
        fake_result_clear(&result);
        /* Never overwritten: somebody may be able to repair it. */
        assert_int_equal(fv_status(&vault, KP_OP_ROTATE, "ill", NULL), KP_INTEGRITY);
        assert_int_equal(fv_status(&vault, KP_OP_DELETE, "ill", NULL), KP_INTEGRITY);
        assert_int_equal(fv_status(&vault, KP_OP_PURGE, "ill", NULL), KP_INTEGRITY);
        const struct kp_key_params params = fv_params(KP_KTY_OCT, 256, 0);
        struct kp_request request = fv_request(KP_OP_CREATE, "ill", NULL);
        request.params = &params;
        assert_int_equal(fv_call(&vault, &request, &result), KP_INTEGRITY);
        fake_result_clear(&result);
        assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "well", NULL), KP_OK);
        assert_int_equal(fv_status(&vault, KP_OP_LIST_KEYS, NULL, NULL), KP_INTEGRITY);
    }
    char *huge = malloc(FT_KEYFILE_MAX_LEN + 1);
    assert_non_null(huge);
    memset(huge, ' ', FT_KEYFILE_MAX_LEN + 1);
    put_file("key-ill.json", huge, FT_KEYFILE_MAX_LEN + 1, 0600);
    free(huge);
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "ill", NULL), KP_INTEGRITY);
    fv_close(&vault);
}

/* ---- Passphrases ---- */

static const char *const SEALED[][2] = {
    {"passphrase", "correct horse"}, {"scrypt_log2_n", "10"}, {NULL, NULL}};
static const char *const WRONG[][2] = {{"passphrase", "wrong horse"}, {NULL, NULL}};

static void passphrase_is_needed_and_must_be_the_right_one(void **state)
{
    (void)state;
    assert_open(KP_VAULT_MAY_CREATE, SEALED, KP_OK, NULL);
    assert_open(0, WRONG, KP_AUTH, "passphrase");
    assert_int_equal(fv_open(&vault, NULL, dir, 0, NULL), KP_AUTH);
    assert_int_equal(fv_open_error(&vault)->code, KP_CODE_ErrorHttpResponseCodeUnauthorized);
    fv_close(&vault);
    assert_open(0, SEALED, KP_OK, NULL);
}

static void passphrase_for_a_vault_without_one_is_config(void **state)
{
    (void)state;
    assert_open(KP_VAULT_MAY_CREATE, NULL, KP_OK, NULL);
    assert_open(0, WRONG, KP_CONFIG, "without a passphrase");
}

static bool file_holds(const char *name, const void *bytes, size_t len)
{
    char path[FV_PATH_LEN + 64], text[65536];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, sizeof text);
    (void)close(fd);
    for (ssize_t i = 0; i + (ssize_t)len <= n; i++) {
        if (memcmp(text + i, bytes, len) == 0)
            return true;
    }
    return false;
}

/* A key of zeros shows as a run of A in base64url. */
static void import_known_secret(const char *name)
{
    uint8_t k[32];
    struct fake_result result;
    struct kp_key_params params = fv_params(KP_KTY_OCT, 0, 0);
    struct kp_request request = fv_request(KP_OP_IMPORT, name, NULL);
    memset(k, 0, sizeof k);
    params.k = kpb_span(k, sizeof k);
    request.params = &params;
    assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
    fake_result_clear(&result);
}

static void passphrase_keeps_secrets_off_the_disk(void **state)
{
    static const char ZEROS[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    uint8_t ct[64];
    size_t len = sizeof ct;
    (void)state;
    fv_open_ok(&vault, dir, SEALED);
    import_known_secret("app");
    assert_false(file_holds("key-app.json", ZEROS, sizeof ZEROS - 1));
    fv_wrap(&vault, "app", NULL, KP_ALG_A256KW, 1, ct, &len, NULL);
    fv_close(&vault);
    fv_open_ok(&vault, dir, SEALED);
    assert_int_equal(fv_unwrap(&vault, "app", NULL, KP_ALG_A256KW, 1, ct, len), KP_OK);
    fv_close(&vault);
}

static void without_a_passphrase_secrets_stand_on_the_disk_as_documented(void **state)
{
    static const char ZEROS[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    (void)state;
    fv_open_ok(&vault, dir, NULL);
    import_known_secret("app");
    assert_true(file_holds("key-app.json", ZEROS, sizeof ZEROS - 1));
    fv_close(&vault);
}

/* ---- Settings ---- */

static void settings_out_of_range_are_named(void **state)
{
    static const char *const CASES[][2] = {
        {"retention_days", "6"},
        {"retention_days", "91"},
        {"retention_days", "x"},
        {"retention_days", ""},
        {"retention_days", "-7"},
        {"retention_days", "7.5"},
        {"lock_timeout_ms", "9999999"},
        {"hsm", "yes"},
        {"purge_protection", "1"},
        {"fault.class", "sometimes"},
        {"fault.class", "ok"},
        {"fault.rate_percent", "101"},
        {"fault.hang", "TRUE"},
        {"backup_key", "short"},
        {"scrypt_log2_n", "9"},
        {"backup_key", "zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
        {"fault.seed", "99999999999999999999"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const char *settings[2][2] = {{CASES[i][0], CASES[i][1]}, {NULL, NULL}};
        assert_open(KP_VAULT_MAY_CREATE, (const char *const(*)[2])settings, KP_CONFIG, CASES[i][0]);
    }
    static const char *const UNKNOWN[][2] = {{"colour", "blue"}, {NULL, NULL}};
    assert_open(KP_VAULT_MAY_CREATE, UNKNOWN, KP_CONFIG, "colour");
}

static void settings_specs_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; ft_setting_specs[i]; i++) {
        const struct kp_setting_spec *spec = ft_setting_specs[i];
        assert_int_equal(spec->struct_size, sizeof *spec);
        assert_non_null(spec->name);
        assert_true(spec->doc && spec->doc[strlen(spec->doc) - 1] == '.');
        assert_true(spec->type >= KP_SETTING_TEXT && spec->type <= KP_SETTING_SECRET);
    }
}

static void open_refused_by_the_host_leaves_nothing(void **state)
{
    struct fake_host host;
    void *v = &host;
    struct kp_error err;
    const struct kp_vault_settings wish = {.struct_size = sizeof wish, .location = fv_span(dir)};
    (void)state;
    fake_host_init(&host, NULL);
    host.refuse_work = true;
    assert_int_equal(ft_vault_open(&ft_fs_real, &host.host, &wish, &v, &err), KP_THROTTLED);
    assert_null(v);
    fake_host_clear(&host);
}

int main(void)
{
#define OPEN_TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)
    const struct CMUnitTest tests[] = {
        OPEN_TEST(open_a_directory_that_is_none_says_how_to_make_one),
        OPEN_TEST(open_an_empty_directory_needs_the_flag),
        OPEN_TEST(open_makes_the_directory_private),
        OPEN_TEST(open_never_makes_a_vault_among_other_files),
        OPEN_TEST(open_makes_a_vault_where_an_attempt_had_died),
        OPEN_TEST(open_without_a_parent_directory_says_so),
        OPEN_TEST(open_a_file_instead_of_a_directory_is_config),
        OPEN_TEST(open_without_a_location_is_config),
        OPEN_TEST(open_lax_permissions_are_refused_with_the_cure),
        OPEN_TEST(key_files_with_lax_permissions_are_refused),
        OPEN_TEST(files_of_somebody_else_are_refused),
        OPEN_TEST(links_and_pipes_in_a_vault_are_refused),
        OPEN_TEST(open_malformed_vault_files_say_what_is_wrong),
        OPEN_TEST(open_scrypt_costs_beyond_the_limits_are_refused),
        OPEN_TEST(key_files_that_are_damaged_are_named_and_nothing_else_suffers),
        OPEN_TEST(passphrase_is_needed_and_must_be_the_right_one),
        OPEN_TEST(passphrase_for_a_vault_without_one_is_config),
        OPEN_TEST(passphrase_keeps_secrets_off_the_disk),
        OPEN_TEST(without_a_passphrase_secrets_stand_on_the_disk_as_documented),
        OPEN_TEST(settings_out_of_range_are_named),
        OPEN_TEST(settings_specs_are_complete),
        OPEN_TEST(open_refused_by_the_host_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
