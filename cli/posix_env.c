/* secure_getenv is the one call here that POSIX lacks; glibc and the BSDs have it. */
#define _GNU_SOURCE

#include "cli/platform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MACHINE_CONFIG "/etc/keyprovider/keyprovider.json"
#define USER_CONFIG "keyprovider/keyprovider.json"

void cli_platform_harden(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
}

/* They come as they are. */
bool cli_platform_args(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return true;
}

const char *cli_platform_env(const char *name)
{
    const char *value = secure_getenv(name);
    return value && value[0] != '\0' ? value : NULL;
}

/* Anything but a clear "no such file" counts as there. */
static bool is_there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static bool put(char *out, const char *a, const char *b, const char *c)
{
    const int n = snprintf(out, CLI_PATH_MAX_LEN, "%s%s%s", a, b, c);
    return n > 0 && (size_t)n < CLI_PATH_MAX_LEN;
}

static bool user_config_path(char *out)
{
    const char *xdg = cli_platform_env("XDG_CONFIG_HOME");
    if (xdg && xdg[0] == '/') { /* relative ones are to be ignored: XDG Base Directory 0.8 */
        return put(out, xdg, "/", USER_CONFIG);
    }
    const char *home = cli_platform_env("HOME");
    return home && put(out, home, "/.config/", USER_CONFIG);
}

bool cli_platform_config_path(char *out)
{
    if (user_config_path(out) && is_there(out)) {
        return true;
    }
    return put(out, MACHINE_CONFIG, "", "") && is_there(out);
}

const char *cli_platform_key_map(void)
{
    return "/var/lib/keyprovider/ekm-keys.json";
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool cli_platform_plugin_dir(char *out)
{
    char exe[CLI_PATH_MAX_LEN];
    const ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0) {
        return false;
    }
    exe[n] = '\0';
    for (int up = 0; up < 2; up++) { /* PREFIX/bin/kp -> PREFIX */
        char *slash = strrchr(exe, '/');
        if (!slash) {
            return false;
        }
        *slash = '\0';
    }
    if (put(out, exe, "/" KP_LIBDIR_BUILT, "/keyprovider/plugins") && is_folder(out)) {
        return true;
    }
    return put(out, exe, "/lib/keyprovider/plugins", "") && is_folder(out); /* a build folder */
}

kp_plugin_get_fn *const cli_platform_plugins[] = {NULL};

bool cli_platform_signature(const char *path, struct kpb_signature *ret)
{
    (void)path;
    (void)ret;
    return false;
}

bool cli_platform_stdout_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}
