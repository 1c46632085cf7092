#include "bench/yardstick.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#define PATH_LEN 4096

extern char **environ;

bool bench_path_beside(const char *name, char *out, size_t len)
{
    ssize_t n = readlink("/proc/self/exe", out, len - 1);
    if (n <= 0)
        return false;
    out[n] = '\0';
    char *slash = strrchr(out, '/');
    size_t at = slash ? (size_t)(slash - out) + 1 : 0;
    return snprintf(out + at, len - at, "%s", name) < (int)(len - at);
}

/* Runs path with the two pipe ends as its standard input and output. */
static bool spawn(const char *path, int in, int out, long *ret_pid)
{
    posix_spawn_file_actions_t actions;
    char *const argv[] = {(char *)path, NULL};
    pid_t pid;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    bool ok = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO) == 0 &&
              posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) == 0 &&
              posix_spawn(&pid, path, &actions, NULL, argv, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    *ret_pid = ok ? (long)pid : 0;
    return ok;
}

/* A pipe whose ends the child does not inherit but by dup2: its input would never end. */
static bool make_pipe(int ends[2])
{
    if (pipe(ends) != 0)
        return false;
    for (int i = 0; i < 2; i++)
        if (fcntl(ends[i], F_SETFD, FD_CLOEXEC) != 0)
            return false;
    return true;
}

bool bench_yardstick_start(struct bench_yardstick *yardstick, const char *name)
{
    char path[PATH_LEN];
    int jobs[2] = {-1, -1};
    int answers[2] = {-1, -1};
    *yardstick = (struct bench_yardstick){.pid = 0};
    bool ok = bench_path_beside(name, path, sizeof path) && make_pipe(jobs) && make_pipe(answers) &&
              spawn(path, jobs[0], answers[1], &yardstick->pid);
    (void)close(jobs[0]); /* the child's; -1 is harmless */
    (void)close(answers[1]);
    yardstick->jobs = ok ? fdopen(jobs[1], "w") : NULL;
    yardstick->answers = ok ? fdopen(answers[0], "r") : NULL;
    if (yardstick->jobs && yardstick->answers)
        return true;
    fprintf(stderr, "bench: cannot start %s\n", name);
    return false;
}

static bool read_answer(struct bench_yardstick *yardstick, struct bench_run *ret)
{
    char line[128];
    char *at = line;
    *ret = (struct bench_run){0};
    if (!fgets(line, sizeof line, yardstick->answers))
        return false;
    ret->n_ops = strtoull(at, &at, 10);
    ret->cost.wall_ns = strtoull(at, &at, 10);
    ret->cost.cpu_ns = strtoull(at, &at, 10);
    ret->cost.idle_ns = strtoull(at, &at, 10);
    ret->cost.n_switches = strtoull(at, &at, 10);
    ret->p99_ns = strtod(at, &at);
    return *at == '\n' && ret->n_ops > 0;
}

bool bench_yardstick_run(struct bench_yardstick *yardstick, const struct bench_job *job,
                         struct bench_run *ret)
{
    fprintf(yardstick->jobs, "%s %u %u %u %" PRIu64 "\n", job->mode, job->size, job->n_threads,
            job->ms, job->n_ops);
    return fflush(yardstick->jobs) == 0 && read_answer(yardstick, ret);
}

void bench_yardstick_end(struct bench_yardstick *yardstick)
{
    if (yardstick->jobs)
        (void)fclose(yardstick->jobs); /* the end of its input is its end */
    if (yardstick->answers)
        (void)fclose(yardstick->answers);
    if (yardstick->pid > 0)
        (void)waitpid((pid_t)yardstick->pid, NULL, 0);
    *yardstick = (struct bench_yardstick){.pid = 0};
}
