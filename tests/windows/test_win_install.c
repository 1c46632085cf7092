/*
 * kp install and its kin, on the machine this runs on: in a folder of its own, but with the real
 * registry. It does nothing where a real installation is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <windows.h>

#include <aclapi.h>

#include "base/errors.h"
#include "base/win_access.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/win_cmd.h"
#include "cli/win_install.h"
#include "tests/windows/set_access.h"

#define SERVICE "NT AUTHORITY\\NETWORK SERVICE"

static char temp[WIN_PATH_LEN];
static char from[WIN_PATH_LEN + 8];
static char folder[WIN_PATH_LEN + 8];

/* ---- Running ---- */

struct outcome {
    kp_status st;
    int exit_code;
    char text[KP_ERROR_TEXT_LEN];
};

static struct outcome run(const struct cli_command *command, int argc, const char *const *argv)
{
    struct outcome outcome;
    struct cli c;

    memset(&c, 0, sizeof c);
    kp_error_init(&c.fault.error);
    cli_out_init(&c.out);
    c.command = command;
    outcome.st = cli_args_parse(argc, (char *const *)(uintptr_t)argv, &c.args, &c.fault.error);
    if (outcome.st == KP_OK)
        outcome.st = cli_command_check(command, &c.args, &c.fault.error);
    if (outcome.st == KP_OK)
        outcome.st = command->run(&c);
    outcome.exit_code = c.exit_code;
    memcpy(outcome.text, c.fault.error.text, sizeof outcome.text);
    cli_out_clear(&c.out);
    return outcome;
}

static struct outcome run_plain(const struct cli_command *command)
{
    static const char *const argv[] = {"kp", NULL};

    return run(command, 1, argv);
}

static struct outcome install(const char *service)
{
    const char *const argv[] = {"kp",   "--from",    from,    "--folder",
                                folder, "--service", service, NULL};

    return run(&cli_win_cmd_install, 7, argv);
}

static struct outcome upgrade(void)
{
    const char *const argv[] = {"kp", "--from", from, NULL};

    return run(&cli_win_cmd_upgrade, 3, argv);
}

static void assert_ok(struct outcome outcome)
{
    if (outcome.st != KP_OK)
        fail_msg("%s", outcome.text);
    assert_int_equal(outcome.exit_code, 0);
}

static void assert_refused(struct outcome outcome, kp_status st, const char *text)
{
    assert_int_equal(outcome.st, st);
    assert_non_null(strstr(outcome.text, text));
}

/* ---- The ground ---- */

static bool is_installed(char ret_folder[WIN_PATH_LEN])
{
    struct win_install w = {0};
    char version[WIN_VERSION_LEN];
    bool found = win_record_read(&w, version, NULL) == KP_OK;

    (void)snprintf(ret_folder, WIN_PATH_LEN, "%s", w.folder);
    return found;
}

static bool copy(const char *what, const char *name)
{
    char to[WIN_PATH_LEN + 64];

    (void)snprintf(to, sizeof to, "%s\\%s", from, name);
    return CopyFileA(what, to, FALSE) != 0;
}

static int begin(void **state)
{
    char found[WIN_PATH_LEN];
    char base[MAX_PATH];

    (void)state;
    if (is_installed(found) && !strstr(found, "kp-install-test")) {
        print_error("keyprovider is installed in %s; this test leaves it alone\n", found);
        return 1;
    }
    if (GetTempPathA(MAX_PATH, base) == 0)
        return 1;
    (void)snprintf(temp, sizeof temp, "%skp-install-test", base);
    (void)snprintf(from, sizeof from, "%s\\new", temp);
    (void)snprintf(folder, sizeof folder, "%s\\it", temp);
    (void)CreateDirectoryA(temp, NULL);
    (void)CreateDirectoryA(from, NULL);
    (void)run_plain(&cli_win_cmd_uninstall); /* of a run that was cut short */
    return copy(KP_EKM_DLL, WIN_DLL) && copy(KP_EXE, WIN_KP) ? 0 : 1;
}

static int take_away(void **state)
{
    (void)state;
    (void)run_plain(&cli_win_cmd_uninstall);
    return 0;
}

static int end(void **state)
{
    static const char *const names[] = {WIN_DLL, WIN_KP};
    char path[WIN_PATH_LEN + 64];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s\\%s", from, names[i]);
        (void)DeleteFileA(path);
    }
    (void)RemoveDirectoryA(from);
    (void)RemoveDirectoryA(temp);
    return 0;
}

static bool has_file(const char *name)
{
    char path[WIN_PATH_LEN + 64];

    (void)snprintf(path, sizeof path, "%s\\%s", folder, name);
    return GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES;
}

/* ---- Tests ---- */

static void what_is_installed_is_as_it_should_be(void **state)
{
    char found[WIN_PATH_LEN];

    (void)state;
    assert_refused(run_plain(&cli_win_cmd_status), KP_NOT_FOUND, "kp install");
    assert_ok(install(SERVICE));
    assert_true(is_installed(found));
    assert_string_equal(found, folder);
    assert_true(has_file(WIN_DLL) && has_file(WIN_KP));
    assert_ok(run_plain(&cli_win_cmd_status));
    assert_refused(install(SERVICE), KP_CONFLICT, "is installed");
    assert_ok(run_plain(&cli_win_cmd_uninstall));
    assert_false(is_installed(found));
    assert_false(has_file(WIN_DLL));
}

static void account_that_is_not_there_installs_nothing(void **state)
{
    char found[WIN_PATH_LEN];

    (void)state;
    assert_refused(install("no such account"), KP_CONFIG, "no account");
    assert_false(is_installed(found));
    assert_false(has_file(WIN_DLL));
}

static void give_to_everybody(const char *path)
{
    void *access = kpb_win_access_from(L"D:P(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)");
    const HANDLE handle =
        CreateFileA(path, READ_CONTROL | WRITE_DAC, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                    OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);

    assert_ptr_not_equal(handle, INVALID_HANDLE_VALUE);
    win_set_access(handle, SE_FILE_OBJECT, access);
    kpb_win_access_free(access);
    assert_true(CloseHandle(handle));
}

/* Somebody could give the folder above another name, and put a folder of his in its place. */
static void folder_below_one_of_everybody_is_refused(void **state)
{
    char above[WIN_PATH_LEN + 16];
    char below[WIN_PATH_LEN + 32];
    const char *const argv[] = {"kp",  "--from",    from,    "--folder",
                                below, "--service", SERVICE, NULL};

    (void)state;
    (void)snprintf(above, sizeof above, "%s\\open", temp);
    (void)snprintf(below, sizeof below, "%s\\it", above);
    (void)CreateDirectoryA(above, NULL); /* there after a run that was cut short */
    give_to_everybody(above);
    assert_refused(run(&cli_win_cmd_install, 7, argv), KP_CONFIG, "can be written by");
    assert_int_equal(GetFileAttributesA(below), INVALID_FILE_ATTRIBUTES);
    assert_true(RemoveDirectoryA(above));
}

/* What everybody could have put there is not made SQL Server's. */
static void new_file_of_everybody_is_refused(void **state)
{
    char path[WIN_PATH_LEN + 64];

    (void)state;
    (void)snprintf(path, sizeof path, "%s\\%s", from, WIN_DLL);
    give_to_everybody(path);
    assert_refused(install(SERVICE), KP_CONFIG, "can be written by");
    assert_false(has_file(WIN_DLL));
    assert_true(DeleteFileA(path));
    assert_true(copy(KP_EKM_DLL, WIN_DLL));
}

static void upgrade_keeps_what_was_before(void **state)
{
    (void)state;
    assert_refused(upgrade(), KP_NOT_FOUND, "not installed");
    assert_ok(install(SERVICE));
    assert_refused(run_plain(&cli_win_cmd_rollback), KP_NOT_FOUND, "previous");
    assert_ok(upgrade());
    assert_true(has_file("previous\\" WIN_DLL));
    assert_ok(run_plain(&cli_win_cmd_rollback));
    assert_true(has_file(WIN_DLL) && has_file("previous\\" WIN_DLL));
    assert_ok(run_plain(&cli_win_cmd_status));
}

static void provider_that_is_loaded_stays_and_is_replaced(void **state)
{
    char path[WIN_PATH_LEN + 64];
    HMODULE loaded;

    (void)state;
    assert_ok(install(SERVICE));
    (void)snprintf(path, sizeof path, "%s\\" WIN_DLL, folder);
    loaded = LoadLibraryA(path);
    assert_non_null(loaded);
    assert_refused(run_plain(&cli_win_cmd_uninstall), KP_CONFLICT, "loaded");
    assert_ok(upgrade());
    assert_ok(upgrade()); /* the loaded one stands in previous, and makes room there, too */
    assert_true(FreeLibrary(loaded));
    assert_ok(run_plain(&cli_win_cmd_status));
}

static void status_tells_what_is_wrong(void **state)
{
    (void)state;
    assert_ok(install(SERVICE));
    win_events_remove();
    assert_int_equal(run_plain(&cli_win_cmd_status).exit_code, 1);
    assert_ok(upgrade());
    assert_ok(run_plain(&cli_win_cmd_status));
}

static void folders_that_are_gone_are_told_and_made_again(void **state)
{
    struct win_install w = {0};
    struct kp_error err;
    char log[WIN_PATH_LEN];

    (void)state;
    assert_ok(install(SERVICE));
    assert_int_equal(win_default_folders(&w, &err), KP_OK);
    (void)snprintf(log, sizeof log, "%s\\log", w.data);
    assert_true(RemoveDirectoryA(log));
    assert_int_equal(run_plain(&cli_win_cmd_status).exit_code, 1);
    assert_ok(upgrade());
    assert_ok(run_plain(&cli_win_cmd_status));
}

static void upgrade_takes_another_account(void **state)
{
    const char *const argv[] = {"kp", "--from", from, "--service", "NT AUTHORITY\\LOCAL SERVICE",
                                NULL};
    struct win_install w = {0};
    char version[WIN_VERSION_LEN];

    (void)state;
    assert_ok(install(SERVICE));
    assert_ok(run(&cli_win_cmd_upgrade, 5, argv));
    assert_int_equal(win_record_read(&w, version, NULL), KP_OK);
    assert_string_equal(w.service, "NT AUTHORITY\\LOCAL SERVICE");
    assert_ok(run_plain(&cli_win_cmd_status)); /* the map is the new account's to write */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_installed_is_as_it_should_be, take_away),
        cmocka_unit_test_teardown(account_that_is_not_there_installs_nothing, take_away),
        cmocka_unit_test_teardown(folder_below_one_of_everybody_is_refused, take_away),
        cmocka_unit_test_teardown(new_file_of_everybody_is_refused, take_away),
        cmocka_unit_test_teardown(upgrade_keeps_what_was_before, take_away),
        cmocka_unit_test_teardown(provider_that_is_loaded_stays_and_is_replaced, take_away),
        cmocka_unit_test_teardown(status_tells_what_is_wrong, take_away),
        cmocka_unit_test_teardown(folders_that_are_gone_are_told_and_made_again, take_away),
        cmocka_unit_test_teardown(upgrade_takes_another_account, take_away),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
