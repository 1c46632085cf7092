/* secure_getenv and syslog are what POSIX.1-2008 alone lacks or hides; glibc and the BSDs have both. */
#define _GNU_SOURCE

#include "ekm/environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#define MACHINE_CONFIG "/etc/keyprovider/keyprovider.json"

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
