/* kp-emulator: Key Vault and Managed HSM on this machine, for tests and offline development. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "tools/kp-emulator/environment.h"
#include "tools/kp-emulator/options.h"
#include "tools/kp-emulator/start.h"

extern char **environ;

static const char WARNING[] =
    "kp-emulator: for tests and offline development only. It keeps nothing secret.\n";

/* The loop's business besides requests: signals, and the end of the command. */
struct run {
    struct emu emu;
    pid_t child;
    int exit_code;
    struct event *signals[3];
};

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct run *run = arg;
    (void)what;
    if (run->child > 0)
        (void)kill(run->child, (int)number);
    else
        (void)event_base_loopbreak(run->emu.base);
}

static void on_child(evutil_socket_t number, short what, void *arg)
{
    struct run *run = arg;
    int status = 0;
    (void)number;
    (void)what;
    if (run->child <= 0 || waitpid(run->child, &status, WNOHANG) != run->child)
        return;
    run->child = 0;
    run->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    (void)event_base_loopbreak(run->emu.base);
}

static void watch(struct run *run, size_t i, int number, event_callback_fn cb)
{
    run->signals[i] = evsignal_new(run->emu.base, number, cb, run);
    if (run->signals[i])
        (void)event_add(run->signals[i], NULL);
}

static void print_variable(void *ctx, const char *name, const char *value)
{
    (void)fprintf(ctx, "export %s='%s'\n", name, value);
}

static void set_variable(void *ctx, const char *name, const char *value)
{
    (void)ctx;
    (void)setenv(name, value, 1);
}

static kp_status run_command(struct run *run, char **command, struct kp_error *reterr)
{
    kp_status st = emu_environment(&run->emu, set_variable, NULL, reterr);
    if (st != KP_OK)
        return st;
    int failed = posix_spawnp(&run->child, command[0], NULL, NULL, command, environ);
    if (failed == 0)
        return KP_OK;
    run->child = 0;
    return kpb_fail(reterr, KP_CONFIG, "%s cannot be run: %s", command[0], strerror(failed));
}

static kp_status serve(struct run *run, const struct emu_options *options, struct kp_error *reterr)
{
    kp_status st = emu_init(&run->emu, reterr);
    if (st != KP_OK)
        return st;
    watch(run, 0, SIGINT, on_signal); /* one that comes early is acted on when the loop runs */
    watch(run, 1, SIGTERM, on_signal);
    watch(run, 2, SIGCHLD, on_child);
    st = emu_start(&run->emu, options, reterr);
    if (st != KP_OK)
        return st;
    if (options->command)
        st = run_command(run, options->command, reterr);
    else
        st = emu_environment(&run->emu, print_variable, stdout, reterr);
    (void)fflush(stdout);
    if (st == KP_OK)
        (void)event_base_dispatch(run->emu.base);
    return st;
}

static void finish(struct run *run, const struct emu_options *options)
{
    for (size_t i = 0; i < sizeof run->signals / sizeof run->signals[0]; i++) {
        if (run->signals[i])
            event_free(run->signals[i]);
    }
    emu_stop(&run->emu, options);
}

#if defined(__SANITIZE_THREAD__)
/* The name is the sanitizer's. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);

/*
 * The server library closes a connection before it takes the number out of its set; by then a
 * worker may have a file of that number. The kernel finds no member to take out.
 */
const char *__tsan_default_suppressions(void)
{
    return "race:libevent\n"
           "race:posix_fs.c\n" /* a worker's side, where the server's is forgotten already */
           "race:posix_trust.c\n";
}
#endif

int main(int argc, char **argv)
{
    static struct run run;
    struct emu_options options;
    struct kp_error err;
    kp_error_init(&err);
    if (emu_options_read(argc, argv, &options, &err) != KP_OK) {
        (void)fprintf(stderr, "kp-emulator: %s\n", err.text);
        return 2;
    }
    if (options.help) {
        (void)fputs(emu_usage(), stdout);
        return 0;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)fputs(WARNING, stderr);
    kp_status st = serve(&run, &options, &err);
    finish(&run, &options);
    if (st == KP_OK)
        return run.exit_code;
    (void)fprintf(stderr, "kp-emulator: %s\n", err.text);
    return 1;
}
