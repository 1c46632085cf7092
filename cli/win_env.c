#include "cli/platform.h"
#include "cli/win_platform.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

#include <shellapi.h>

#include "base/mem.h"
#include "base/win_folder.h"
#include "base/win_text.h"

#define MACHINE_CONFIG "\\keyprovider\\keyprovider.json"
#define USER_CONFIG "\\keyprovider\\keyprovider.json"
#define VALUES_MAX 16u /* variables that kp knows of */

/* Under KP_PLUGIN_STATIC: every vault of ours is linked in, and none is loaded from a file. */
kp_plugin_get_fn kp_azure_keyvault_plugin_get;
kp_plugin_get_fn kp_managed_hsm_plugin_get;
kp_plugin_get_fn kp_file_test_plugin_get;

kp_plugin_get_fn *const cli_platform_plugins[] = {
    kp_azure_keyvault_plugin_get, kp_managed_hsm_plugin_get, kp_file_test_plugin_get, NULL};

/* No dialogue when it crashes, and no heap in what the system reports of it. */
void cli_platform_harden(void)
{
    (void)SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
    (void)SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
}

static char *narrow_copy(const wchar_t *wide)
{
    const size_t cap = 3 * wcslen(wide) + 1; /* a unit has three bytes at most */
    char *text = kpb_alloc("cli.text", cap);
    if (text && !kpb_win_utf8_fill(wide, text, cap)) {
        kpb_free(text);
        return NULL;
    }
    return text;
}

static void free_args(int argc, char **argv)
{
    for (int i = 0; argv && i < argc; i++) {
        kpb_free(argv[i]);
    }
    kpb_free(argv);
}

/* They live as long as the program. */
bool cli_platform_args(int *argc, char ***argv)
{
    int n = 0;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &n);
    char **args = wide ? kpb_alloc_array("cli.args", (size_t)n + 1, sizeof *args) : NULL;
    bool ok = args != NULL;
    for (int i = 0; ok && i < n; i++) {
        args[i] = narrow_copy(wide[i]);
        ok = args[i] != NULL;
    }
    (void)LocalFree(wide);
    if (!ok) {
        free_args(n, args);
        return false;
    }
    *argc = n;
    *argv = args; /* moved to the caller, for good */
    return true;
}

/* ---- The environment ---- */

/* What has been asked for stays, for callers keep the pointer. */
static struct {
    const char *name;
    char *value;
} values[VALUES_MAX];
static size_t n_values;

static char *read_value(const char *name)
{
    wchar_t wide_name[64];
    wchar_t *wide = kpb_alloc_array("cli.env", CLI_PATH_MAX_LEN, sizeof *wide);
    char *value = NULL;
    if (wide && kpb_win_wide_fill(name, wide_name, sizeof wide_name / sizeof wide_name[0])) {
        const DWORD n = GetEnvironmentVariableW(wide_name, wide, CLI_PATH_MAX_LEN);
        value = n > 0 && n < CLI_PATH_MAX_LEN ? narrow_copy(wide) : NULL;
    }
    kpb_free(wide);
    return value;
}

const char *cli_platform_env(const char *name)
{
    for (size_t i = 0; i < n_values; i++) {
        if (strcmp(values[i].name, name) == 0) {
            return values[i].value;
        }
    }
    if (n_values == VALUES_MAX) {
        return NULL;
    }
    values[n_values].name = name; /* a literal */
    values[n_values].value = read_value(name);
    return values[n_values++].value;
}

/* ---- Paths ---- */

static bool put(char *out, const char *a, const char *b)
{
    const int n = snprintf(out, CLI_PATH_MAX_LEN, "%s%s", a, b);
    return n > 0 && (size_t)n < CLI_PATH_MAX_LEN;
}

static bool user_config_path(char *out)
{
    const char *roaming = cli_platform_env("APPDATA");
    return roaming && put(out, roaming, USER_CONFIG);
}

const char *cli_platform_key_map(void)
{
    return "HKLM\\SOFTWARE\\Microsoft\\SQL Server Cryptographic Provider";
}

bool cli_platform_config_path(char *out)
{
    char folder[CLI_PATH_MAX_LEN];
    if (user_config_path(out) && kpb_win_is_there(out)) {
        return true;
    }
    return kpb_win_program_data(folder, sizeof folder) && put(out, folder, MACHINE_CONFIG) &&
           kpb_win_is_there(out);
}

bool cli_platform_whole_path(const char *path, char *out, size_t cap)
{
    wchar_t whole[MAX_PATH];
    wchar_t *wide = kpb_win_wide("cli.path", path);
    const DWORD n = wide && wide[0] ? GetFullPathNameW(wide, MAX_PATH, whole, NULL) : 0;
    kpb_free(wide);
    if (n == 0 || n >= MAX_PATH || !kpb_win_utf8_fill(whole, out, cap)) {
        return false;
    }
    const size_t len = strlen(out);
    if (len > 3 && out[len - 1] == '\\') {
        out[len - 1] = '\0';
    }
    return true;
}

static bool is_folder(const char *path)
{
    wchar_t *wide = kpb_win_wide("cli.path", path);
    const DWORD found = wide ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;
    kpb_free(wide);
    return found != INVALID_FILE_ATTRIBUTES && (found & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

/* kp.exe lies beside the folder, or in bin beside lib as in a build tree. */
bool cli_platform_plugin_dir(char *out)
{
    wchar_t wide[MAX_PATH];
    char exe[CLI_PATH_MAX_LEN];
    const DWORD n = GetModuleFileNameW(NULL, wide, MAX_PATH);
    if (n == 0 || n >= MAX_PATH || !kpb_win_utf8_fill(wide, exe, sizeof exe)) {
        return false;
    }
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(exe, '\\');
        if (!slash) {
            return false;
        }
        *slash = '\0';
        if (up == 0 && put(out, exe, "\\plugins") && is_folder(out)) {
            return true;
        }
    }
    return put(out, exe, "\\lib\\keyprovider\\plugins") && is_folder(out);
}

static bool is_console(DWORD which)
{
    DWORD mode = 0;
    return GetConsoleMode(GetStdHandle(which), &mode) != 0;
}

bool cli_platform_stdout_is_terminal(void)
{
    return is_console(STD_OUTPUT_HANDLE);
}
