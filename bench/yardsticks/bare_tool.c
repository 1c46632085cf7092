/*
 * Load generators of others as yardsticks: a job's mode names the program, "wrk" or "h2load", its
 * size how many requests are under way. Each sends what the canned vault sends: 400 bytes and a
 * token of 1,000. The processor time is the program's own, its start and its connections included.
 *
 * The environment: KP_BENCH_H1 and KP_BENCH_H2, the server's URLs; KP_BENCH_TOOLS, a folder with
 * wrk.lua and body.
 */
#define _DEFAULT_SOURCE /* wait4 */
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "bench/yardsticks/job.h"

#define TEXT_MAX 65536
#define ARG_LEN 1280
#define TOKEN_LEN 1000
#define MS_PER_S 1000u

extern char **environ;

/* ---- Command lines ---- */

struct command {
    char script[ARG_LEN];
    char connections[32];
    char duration[32];
    char bearer[ARG_LEN];
    const char *argv[16]; /* into the others */
};

/* Both measure whole seconds. */
static unsigned seconds_of(const struct bench_job *job)
{
    return (job->ms + MS_PER_S - 1) / MS_PER_S;
}

static void wrk_command(const struct bench_job *job, const char *folder, struct command *ret)
{
    (void)snprintf(ret->script, sizeof ret->script, "%s/wrk.lua", folder);
    (void)snprintf(ret->connections, sizeof ret->connections, "-c%u", job->size);
    (void)snprintf(ret->duration, sizeof ret->duration, "-d%us", seconds_of(job));
    const char *argv[] = {"wrk", "-t1",       ret->connections,      ret->duration,
                          "-s",  ret->script, getenv("KP_BENCH_H1"), NULL};
    memcpy(ret->argv, argv, sizeof argv);
}

static void h2load_command(const struct bench_job *job, const char *folder, struct command *ret)
{
    (void)snprintf(ret->script, sizeof ret->script, "--data=%s/body", folder);
    (void)snprintf(ret->connections, sizeof ret->connections, "-m%u", job->size);
    (void)snprintf(ret->duration, sizeof ret->duration, "--duration=%u", seconds_of(job));
    size_t at = (size_t)snprintf(ret->bearer, sizeof ret->bearer, "authorization: Bearer ");
    memset(ret->bearer + at, 't', TOKEN_LEN);
    ret->bearer[at + TOKEN_LEN] = '\0';
    const char *argv[] = {"h2load",
                          "-t1",
                          "-c1",
                          ret->connections,
                          ret->duration,
                          ret->script,
                          "-H",
                          ret->bearer,
                          "-H",
                          "content-type: application/json",
                          getenv("KP_BENCH_H2"),
                          NULL};
    memcpy(ret->argv, argv, sizeof argv);
}

static const struct tool {
    const char *mode;
    void (*command)(const struct bench_job *job, const char *folder, struct command *ret);
    const char *after;   /* what stands behind the number of requests that were answered */
    const char *trouble; /* where this is said, not all of them were; NULL: after counts the good */
} TOOLS[] = {
    {"wrk", wrk_command, " requests in ", "Non-2xx"},
    {"h2load", h2load_command, " succeeded", NULL},
};

/* ---- Running ---- */

static bool start(const char *const *argv, int *ret_out, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    bool ok = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) == 0 &&
              posix_spawn_file_actions_addclose(&actions, ends[0]) == 0 &&
              posix_spawn_file_actions_addclose(&actions, ends[1]) == 0 &&
              posix_spawnp(ret_pid, argv[0], &actions, NULL, (char *const *)argv, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    if (!ok)
        (void)close(ends[0]);
    *ret_out = ends[0];
    return ok;
}

/* All that comes until the end; what is beyond len is dropped. */
static void read_all(int fd, char *out, size_t len)
{
    char rest[4096];
    size_t n = 0;
    for (ssize_t got;; n += (size_t)got) {
        bool fits = n < len - 1;
        got = fits ? read(fd, out + n, len - 1 - n) : read(fd, rest, sizeof rest);
        if (got <= 0)
            break;
        if (!fits)
            got = 0;
    }
    out[n] = '\0';
    (void)close(fd);
}

static uint64_t time_ns(const struct timeval *t)
{
    return (uint64_t)t->tv_sec * BENCH_NS_PER_S + (uint64_t)t->tv_usec * 1000;
}

static bool run(const char *const *argv, char *out, size_t len, struct bench_cost *ret)
{
    struct bench_cost begin = bench_cost_now();
    struct rusage usage;
    pid_t pid;
    int fd;
    int status;
    if (!start(argv, &fd, &pid))
        return false;
    read_all(fd, out, len);
    if (wait4(pid, &status, 0, &usage) != pid)
        return false;
    *ret = bench_cost_since(&begin);
    ret->cpu_ns = time_ns(&usage.ru_utime) + time_ns(&usage.ru_stime);
    ret->n_switches = (uint64_t)usage.ru_nvcsw;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- What it says ---- */

/* The number that ends where `after` begins; 0 where there is none. */
static uint64_t number_before(const char *text, const char *after)
{
    const char *at = strstr(text, after);
    while (at && at > text && at[-1] >= '0' && at[-1] <= '9')
        at--;
    return at ? strtoull(at, NULL, 10) : 0;
}

static bool run_tool(const struct tool *tool, const struct bench_job *job, uint64_t *ret_ops,
                     struct bench_cost *ret_cost)
{
    static char text[TEXT_MAX];
    const char *folder = getenv("KP_BENCH_TOOLS");
    struct command command = {.argv = {NULL}};
    tool->command(job, folder ? folder : ".", &command);
    bool ok = run(command.argv, text, sizeof text, ret_cost);
    *ret_ops = number_before(text, tool->after);
    if (ok && *ret_ops > 0 && !(tool->trouble && strstr(text, tool->trouble)))
        return true;
    fprintf(stderr, "bare_tool: %s says:\n%s\n", tool->mode, text);
    return false;
}

static bool run_job(const struct bench_job *job, uint64_t *ret_ops, struct bench_cost *ret_cost)
{
    for (size_t i = 0; i < sizeof TOOLS / sizeof TOOLS[0]; i++)
        if (strcmp(job->mode, TOOLS[i].mode) == 0 && job->n_ops == 0)
            return run_tool(&TOOLS[i], job, ret_ops, ret_cost);
    return false;
}

int main(void)
{
    return bench_serve("bare_tool", run_job);
}
