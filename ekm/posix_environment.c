/* secure_getenv and syslog are what POSIX.1-2008 alone lacks or hides; glibc and the BSDs have
 * both. */
#define _GNU_SOURCE

#include "ekm/environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#include "base/span.h"

#define MACHINE_CONFIG "/etc/keyprovider/keyprovider.json"

/* plugins/file-test/table.c under KP_PLUGIN_STATIC. The others are loaded from files. */
kp_plugin_get_fn kp_file_test_plugin_get;

kp_plugin_get_fn *const ekm_platform_plugins[] = {kp_file_test_plugin_get, NULL};

/* ---- Paths ---- */

static bool has_prefix_nocase(kp_span text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len >= len && kpb_span_eq_nocase(kpb_span(text.ptr, len), kpb_span(prefix, len));
}

/* Another machine's folder, or a device of any platform. */
static bool leads_elsewhere(kp_span path)
{
    return kpb_span_starts_with(path, "//") || memchr(path.ptr, '\\', path.len) ||
           has_prefix_nocase(path, "/dev/") || has_prefix_nocase(path, "/proc/") ||
           has_prefix_nocase(path, "/sys/") || has_prefix_nocase(path, "/net/");
}

static bool has_dots(kp_span path)
{
    for (size_t i = 0; i + 2 < path.len; i++) {
        if (path.ptr[i] == '/' && path.ptr[i + 1] == '.' && path.ptr[i + 2] == '.')
            return true;
    }
    return false;
}

enum ekm_path_kind ekm_platform_path_kind(kp_span path)
{
    if (path.len > 0 && leads_elsewhere(path))
        return EKM_PATH_ELSEWHERE;
    return path.len < 2 || path.ptr[0] != '/' || has_dots(path) ? EKM_PATH_PARTIAL : EKM_PATH_WHOLE;
}

/* ---- Configuration ---- */

/* Anything but a clear "no such file" counts as there. */
static bool is_there(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool ekm_platform_config_path(char out[EKM_PATH_MAX_LEN + 1])
{
    const char *named = secure_getenv("KP_EKM_CONFIG");
    bool given = named && named[0] != '\0';
    int n = snprintf(out, EKM_PATH_MAX_LEN + 1, "%s", given ? named : MACHINE_CONFIG);

    /* A path too long is cut, and then it is the opening that says it is not there. */
    return n > 0 && (given || is_there(out));
}

int64_t ekm_platform_unix_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + (int64_t)now.tv_nsec / 1000000;
}

/* The host process owns openlog; the line says who speaks. */
void ekm_platform_event(void *ctx, uint32_t error, const char *line)
{
    (void)ctx;
    syslog(LOG_DAEMON | (error ? LOG_ERR : LOG_INFO), "keyprovider-ekm: %s", line);
}
