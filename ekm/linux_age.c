/* How old the process is: field 22 of /proc/self/stat, in clock ticks since boot (proc(5)). */
#define _GNU_SOURCE

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ekm/environment.h"

#define FIELD_AFTER_NAME 20 /* fields 3 to 22 follow the name, which may itself hold blanks */

static uint64_t boot_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static size_t read_stat(char *out, size_t cap)
{
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, cap - 1);

    if (fd >= 0)
        (void)close(fd); /* only read from */
    out[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/* 0: it cannot be told. */
static uint64_t started_at_ms(void)
{
    char text[1024];
    long ticks = sysconf(_SC_CLK_TCK);
    char *at = read_stat(text, sizeof text) ? strrchr(text, ')') : NULL;

    for (int i = 0; at && i < FIELD_AFTER_NAME; i++)
        at = strchr(at + 1, ' ');
    if (!at || ticks <= 0)
        return 0;
    return (uint64_t)strtoull(at + 1, NULL, 10) * 1000 / (uint64_t)ticks;
}

uint64_t ekm_platform_age_ms(void *ctx)
{
    static _Atomic uint64_t started;
    uint64_t now = boot_now_ms();
    uint64_t began = atomic_load(&started);

    (void)ctx;
    if (began == 0) {
        began = started_at_ms();
        began = began ? began : now;
        atomic_store(&started, began);
    }
    return now > began ? now - began : 0;
}
