/*
 * The first opening and the end of a process. Each test is a process of its own, forked before this
 * one has opened anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/provider.h"
#include "support/client.h"

#define N_OPENERS 8u
#define N_ROUNDS 20u

/* Runs play in a child and expects it to exit with 0. */
static void expect_of_child(void (*play)(void))
{
    int status = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        play();
        exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void open_plain(kp_provider **ret_provider)
{
    struct kp_options options;
    client_options(&options, NULL);
    if (kp_provider_open(&options, ret_provider, NULL) != KP_OK)
        _exit(2);
}

/* ---- Close behind the exit handler ---- */

static kp_provider *left_open;

static void close_late(void)
{
    struct kp_close_report report;
    kp_provider_close_wait(left_open, 1000, &report);
    if (report.abandoned != 1 || report.text[0] == '\0')
        _exit(3);
}

/* Registered first, so called last: as a static object's destructor would be. */
static void exit_with_a_close_to_come(void)
{
    if (atexit(close_late) != 0)
        _exit(4);
    open_plain(&left_open);
}

static void close_behind_the_exit_handler_leaves_all_and_says_so(void **state)
{
    (void)state;
    expect_of_child(exit_with_a_close_to_come);
}

/* ---- Two at the door ---- */

static struct latch start;

static void open_one(void *arg)
{
    latch_wait(&start, 1);
    open_plain(arg);
}

static void close_one(kp_provider *provider)
{
    struct kp_close_report report;
    kp_provider_close_wait(provider, 10000, &report);
    if (report.abandoned != 0)
        _exit(5);
}

/* Closed from one thread: a thread sanitizer does not see libuv close descriptors. */
static void open_from_many_threads(void)
{
    uv_thread_t threads[N_OPENERS];
    kp_provider *providers[N_OPENERS];
    latch_init(&start);
    for (uint32_t i = 0; i < N_OPENERS; i++)
        if (uv_thread_create(&threads[i], open_one, &providers[i]) != 0)
            _exit(6);
    latch_hit(&start);
    for (uint32_t i = 0; i < N_OPENERS; i++)
        uv_thread_join(&threads[i]);
    for (uint32_t i = 0; i < N_OPENERS; i++)
        close_one(providers[i]);
}

static void first_providers_open_from_many_threads_at_once(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < N_ROUNDS; i++)
        expect_of_child(open_from_many_threads);
}

#if !defined(KP_SANITIZED) /* a thread sanitizer has no threads in the child of many threads */
/* The child of a process that has opened one, with threads of its own. */
static void open_fork_and_open(void)
{
    kp_provider *provider;
    open_plain(&provider);
    expect_of_child(open_from_many_threads);
    kp_provider_close_wait(provider, 10000, NULL);
}

static void first_providers_of_a_child_open_from_many_threads_at_once(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < N_ROUNDS; i++)
        expect_of_child(open_fork_and_open);
}
#else
static void first_providers_of_a_child_open_from_many_threads_at_once(void **state)
{
    (void)state;
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_behind_the_exit_handler_leaves_all_and_says_so),
        cmocka_unit_test(first_providers_open_from_many_threads_at_once),
        cmocka_unit_test(first_providers_of_a_child_open_from_many_threads_at_once),
    };
    script_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
