#include "support/quiet_fork.h"

#include <dirent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)

/* False too for a thread that has just ended. */
static bool is_awake(const char *thread)
{
    char path[64];
    char line[512];
    bool awake = false;
    (void)snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", thread);
    FILE *stat = fopen(path, "r");
    if (!stat)
        return false;
    if (fgets(line, sizeof line, stat)) {
        const char *name_end = strrchr(line, ')'); /* the state comes after the name */
        awake = name_end && name_end[1] == ' ' && name_end[2] != 'S';
    }
    (void)fclose(stat);
    return awake;
}

static bool others_sleep(void)
{
    const long self = (long)getpid(); /* only a process' first thread forks in these tests */
    bool asleep = true;
    DIR *threads = opendir("/proc/self/task");
    if (!threads)
        return true;
    for (struct dirent *thread; asleep && (thread = readdir(threads)) != NULL;)
        if (thread->d_name[0] != '.' && strtol(thread->d_name, NULL, 10) != self)
            asleep = !is_awake(thread->d_name);
    (void)closedir(threads);
    return asleep;
}

pid_t quiet_fork(void)
{
    while (!others_sleep())
        (void)sched_yield();
    return fork();
}

#else

pid_t quiet_fork(void)
{
    return fork();
}

#endif
