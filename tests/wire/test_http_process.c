/* HTTP and the life of the process: a child after a fork, an exit with requests under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "core/resolve.h"
#include "support/quiet_fork.h"
#include "support/tsan_options.h"
#include "support/wire.h"

#define ALARM_S 50

static struct wire wire;
static struct ask ask;
static struct ask other;
static struct latch asked;

static int status_of(pid_t child)
{
    int status = -1;
    if (waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

/* In a child, for the test's own process is to have no thread when it forks. */
static void expect_of_child(void (*play)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(ALARM_S);
        play();
        exit(0);
    }
    assert_int_equal(status_of(child), 0);
}

/* ---- Fork ---- */

static void open_anew(void)
{
    struct ask own;
    wire_open(&wire, "", true);
    wire_ask(&wire, &own, "/bytes/1");
    kp_status st = ask_do(&own);
    _exit(st == KP_OK ? 0 : 1);
}

/* While a request of the parent is under way, which goes on as if nothing had been. */
static void fork_amid_a_request_over(bool h2)
{
    wire_begin(&wire, &(struct tls_server_options){.h2 = h2});
    wire_open(&wire, "", true);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    wire_ask(&wire, &ask, "/hang");
    ask_begin(&ask);
    latch_wait(tls_server_requests(wire.server), 2);
    pid_t child = quiet_fork();
    if (child == 0)
        open_anew();
    if (status_of(child) != 0)
        exit(2);
    ask_cancel(&ask);
    if (ask_wait(&ask) != KP_CANCELED)
        exit(3);
    ask_clear(&ask);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    wire_end(&wire);
}

static void fork_amid_a_request(void)
{
    fork_amid_a_request_over(false);
}

static void fork_amid_a_stream(void)
{
    fork_amid_a_request_over(true);
}

static void child_of_a_fork_opens_its_own_connections(void **state)
{
    (void)state;
#if defined(KP_TSAN)
    (void)fork_amid_a_request;
    (void)fork_amid_a_stream;
    skip(); /* it cannot follow threads that a forked child starts */
#else
    expect_of_child(fork_amid_a_request);
    expect_of_child(fork_amid_a_stream);
#endif
}

/* ---- Exit ---- */

static void exit_with_requests_under_way(void)
{
    wire_begin(&wire, NULL);
    wire_open(&wire, "", true);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    wire_ask(&wire, &ask, "/hang");
    ask_begin(&ask);
    wire_ask(&wire, &other, "/half-body");
    ask_begin(&other);
    latch_wait(tls_server_requests(wire.server), 3);
    temp_dir_remove(wire.dir);
}

static void exit_with_requests_under_way_ends(void **state)
{
    (void)state;
    expect_of_child(exit_with_requests_under_way);
}

static kp_status hang(void *ctx, const char *host, struct kpi_addresses *ret,
                      struct kp_error *reterr)
{
    (void)ctx;
    (void)host;
    (void)ret;
    (void)reterr;
    latch_hit(&asked);
    (void)pause();
    return KP_TRANSIENT;
}

static void exit_while_a_look_up_hangs(void)
{
    latch_init(&asked);
    kpi_resolver_use(hang, NULL);
    wire_begin(&wire, NULL);
    wire_open(&wire, "", true);
    wire_ask(&wire, &ask, "/bytes/1");
    ask_begin(&ask);
    latch_wait(&asked, 1);
    temp_dir_remove(wire.dir);
}

static void exit_while_a_look_up_hangs_ends(void **state)
{
    (void)state;
    expect_of_child(exit_while_a_look_up_hangs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_of_a_fork_opens_its_own_connections),
        cmocka_unit_test(exit_with_requests_under_way_ends),
        cmocka_unit_test(exit_while_a_look_up_hangs_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
