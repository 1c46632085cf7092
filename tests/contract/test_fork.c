/*
 * A process that forks, and one that exits, with a provider open. Each test plays in a child of its
 * own, forked before this process has opened anything; an alarm ends whoever deadlocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "core/provider.h"
#include "core/vault.h"
#include "support/client.h"
#include "support/quiet_fork.h"
#include "support/tsan_options.h"

#define ALARM_S 60u
#define FAILED 99

static kp_provider *provider;
static kp_vault *vault;
static struct script_vault *script;

/* cmocka's own failures would jump out of the child into the parent's test. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                  \
            _exit(FAILED);                                                                         \
        }                                                                                          \
    } while (0)

#if defined(__SANITIZE_ADDRESS__)
/* What the parent's threads held is nobody's in a forked child; only that child looks away. */
static int leaks_are_the_parents;

__attribute__((visibility("default"))) int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
    return leaks_are_the_parents;
}
#else
static int leaks_are_the_parents;
#endif

static int status_of_child(pid_t child)
{
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

/* Runs play in a child and expects that it comes to its end and exits with 0. */
static void expect_of_child(void (*play)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(ALARM_S);
        play();
        exit(0);
    }
    assert_int_equal(status_of_child(child), 0);
}

/* The same one generation further down: forks the process that has a provider. */
static void fork_and_play(void (*play)(void))
{
    pid_t child = quiet_fork();
    CHECK(child >= 0);
    if (child == 0) {
        (void)alarm(ALARM_S);
        leaks_are_the_parents = 1;
        play();
        exit(0); /* through the exit handler, which must not wait for threads that are not here */
    }
    CHECK(status_of_child(child) == 0);
}

static void open_provider(void)
{
    struct kp_options options;
    client_options(&options, NULL);
    CHECK(kp_provider_open(&options, &provider, NULL) == KP_OK);
}

static void open_all(void)
{
    script_begin();
    open_provider();
    script = script_vault("a");
    CHECK(kp_vault_acquire(provider, "script:a", NULL, &vault, NULL) == KP_OK);
}

static void count_done(void *ctx, kp_op_id id, struct kp_result *result)
{
    (void)id;
    (void)result;
    latch_hit(ctx);
}

static kp_status wrap_once(kp_vault *with)
{
    struct kp_request request = client_wrap();
    struct kp_result result;
    kp_status st = kp_call(with, &request, &result);
    kp_result_clear(&result);
    return st;
}

/* ---- The forked child ---- */

static void count_any(void *ctx, const struct kp_vault_info *info)
{
    (void)info;
    ++*(int *)ctx;
}

static void count_plugins(void *ctx, const struct kp_plugin *plugin, const char *origin)
{
    (void)plugin;
    (void)origin;
    ++*(int *)ctx;
}

static void ignore_text(void *ctx, kp_span text)
{
    (void)ctx;
    (void)text;
}

static void every_function_answers_usage(void)
{
    struct kp_request request = client_wrap();
    struct kp_result result;
    struct kp_error error;
    struct kp_close_report report;
    struct latch never;
    kp_vault *more = NULL;
    kp_op_id id = 7;
    int n = 0;
    latch_init(&never);
    kp_error_init(&error);
    CHECK(kp_submit(vault, &request, count_done, &never, &id, &error) == KP_USAGE);
    CHECK(strstr(error.text, "forked") != NULL);
    CHECK(kp_call(vault, &request, &result) == KP_USAGE);
    CHECK(result.status == KP_USAGE);
    kp_result_clear(&result);
    CHECK(kp_vault_acquire(provider, "script:a", NULL, &more, &error) == KP_USAGE);
    CHECK(kp_provider_reload(provider, &error) == KP_USAGE);
    CHECK(kp_metrics_text(provider, ignore_text, NULL) == KP_USAGE);
    kp_vaults_each(provider, count_any, &n);
    kp_plugins_each(provider, count_plugins, &n);
    CHECK(n == 0);
    kp_cancel(provider, id);
    kp_vault_release(vault);
    kp_provider_close_wait(provider, 1000, &report);
    CHECK(report.abandoned > 0);
    CHECK(strstr(report.text, "forked") != NULL);
    CHECK(latch_count(&never) == 0);
}

static void use_a_new_provider(void)
{
    struct kp_close_report report;
    kp_provider *old = provider;
    open_all();
    CHECK(provider != old);
    CHECK(wrap_once(vault) == KP_OK);
    CHECK(wrap_once(vault) == KP_OK);
    kp_vault_release(vault);
    kp_provider_close_wait(provider, 10000, &report);
    CHECK(report.abandoned == 0);
}

static void answer_usage_and_open_anew(void)
{
    every_function_answers_usage();
    use_a_new_provider();
    CHECK(script_counts(script_vault("a")).n_open == 1);
}

static void close_here(void)
{
    struct kp_close_report report;
    kp_vault_release(vault);
    kp_provider_close_wait(provider, 10000, &report);
    CHECK(report.abandoned == 0);
    CHECK(report.text[0] == '\0');
}

static void fork_with_an_idle_provider(void)
{
    open_all();
    CHECK(wrap_once(vault) == KP_OK);
    fork_and_play(every_function_answers_usage);
    CHECK(wrap_once(vault) == KP_OK); /* nothing of it has changed for the parent */
    close_here();
}

static void child_of_a_fork_answers_usage(void **state)
{
    (void)state;
    expect_of_child(fork_with_an_idle_provider);
}

/* The thread sanitizer cannot follow threads that a forked child starts: it takes the ids of the
 * parent's threads for theirs. */
static void expect_of_child_with_threads(void (*play)(void))
{
#if defined(KP_TSAN)
    (void)play;
    skip();
#else
    expect_of_child(play);
#endif
}

static void fork_and_open_anew(void)
{
    open_all();
    CHECK(wrap_once(vault) == KP_OK);
    fork_and_play(answer_usage_and_open_anew);
    fork_and_play(answer_usage_and_open_anew);
    CHECK(wrap_once(vault) == KP_OK);
    close_here();
}

static void child_of_a_fork_may_open_its_own(void **state)
{
    (void)state;
    expect_of_child_with_threads(fork_and_open_anew);
}

static struct latch told;

static void fork_with_work_under_way(void)
{
    struct kp_request request = client_wrap();
    struct caller caller;
    open_all();
    latch_init(&told);
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    CHECK(kp_submit(vault, &request, count_done, &told, NULL, NULL) == KP_OK);
    caller_start(&caller, vault, &request);
    SCRIPT_WAIT(script, n_held, 2);
    fork_and_play(answer_usage_and_open_anew);
    script_finish_held(script, KP_OK);
    latch_wait(&told, 1);
    CHECK(caller_join(&caller) == KP_OK);
    caller_clear(&caller);
    close_here();
}

static void child_of_a_fork_amid_work_is_no_worse_off(void **state)
{
    (void)state;
    expect_of_child_with_threads(fork_with_work_under_way);
}

static void open_fork_again(void)
{
    use_a_new_provider();
    open_all();
    fork_and_play(answer_usage_and_open_anew);
    close_here();
}

static void fork_in_a_forked_child(void)
{
    open_all();
    CHECK(wrap_once(vault) == KP_OK);
    fork_and_play(open_fork_again);
    close_here();
}

static void child_of_a_child_is_a_process_of_its_own_too(void **state)
{
    (void)state;
    expect_of_child_with_threads(fork_in_a_forked_child);
}

static struct kp_result kept;

static void clear_a_result_of_the_parents(void)
{
    kp_result_clear(&kept);
    kp_result_clear(&kept);
    use_a_new_provider();
}

static void fork_with_a_result(void)
{
    struct kp_request request = client_wrap();
    open_all();
    CHECK(kp_call(vault, &request, &kept) == KP_OK);
    fork_and_play(clear_a_result_of_the_parents);
    CHECK(kept.reply.value.len == request.value.len);
    CHECK(memcmp(kept.reply.value.ptr, request.value.ptr, request.value.len) == 0);
    kp_result_clear(&kept);
    close_here();
}

static void result_of_the_parents_may_be_cleared_by_the_child(void **state)
{
    (void)state;
    expect_of_child_with_threads(fork_with_a_result);
}

static void exit_with_a_provider_open(void)
{
    open_all();
    CHECK(wrap_once(vault) == KP_OK);
}

/* Runs last of all exit handlers: it was the first to be set. */
static void digest_at_exit(void)
{
    EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    CHECK(sha256);
    EVP_MD_free(sha256);
}

static void exit_with_a_use_of_openssl_to_come(void)
{
    CHECK(atexit(digest_at_exit) == 0);
    exit_with_a_provider_open();
}

static void fork_and_exit_with_a_new_provider_open(void)
{
    open_all();
    fork_and_play(exit_with_a_provider_open);
    close_here();
}

static void child_may_exit_with_its_own_provider_open(void **state)
{
    (void)state;
    expect_of_child_with_threads(fork_and_exit_with_a_new_provider_open);
}

/* ---- Exit ---- */

static void exit_from_the_main_thread(void **state)
{
    (void)state;
    expect_of_child(exit_with_a_provider_open);
}

static void exit_takes_openssl_from_nobody(void **state)
{
    (void)state;
    expect_of_child(exit_with_a_use_of_openssl_to_come);
}

static void exit_with_work_in_every_state(void)
{
    struct kp_request request = client_wrap();
    struct kp_request get = client_get_key("k", "", KP_REQ_CACHED_OK);
    static struct caller caller;
    open_all();
    latch_init(&told);
    script_push(script, (struct script_act){.status = KP_THROTTLED, .hint_ms = 20000});
    CHECK(kp_submit(vault, &request, count_done, &told, NULL, NULL) == KP_OK);
    SCRIPT_WAIT(script, n_done, 1);
    script_usually(script, (struct script_act){.how = SCRIPT_DEAF});
    CHECK(kp_submit(vault, &get, count_done, &told, NULL, NULL) == KP_OK);
    CHECK(kp_submit(vault, &request, count_done, &told, NULL, NULL) == KP_OK);
    caller_start(&caller, vault, &request); /* and a thread that waits */
    SCRIPT_WAIT(script, n_held, 3);
}

static void exit_amid_work_ends_cleanly(void **state)
{
    (void)state;
    expect_of_child(exit_with_work_in_every_state);
}

static void exit_inside(void *ctx, kp_op_id id, struct kp_result *result)
{
    (void)ctx;
    (void)id;
    (void)result;
    exit(0);
}

static void exit_on_the_loop_thread(void)
{
    struct kp_request request = client_wrap();
    open_all();
    latch_init(&told);
    CHECK(kp_submit(vault, &request, exit_inside, NULL, NULL, NULL) == KP_OK);
    latch_wait(&told, 1); /* never comes: the process ends meanwhile */
}

static void exit_from_a_completion_ends_cleanly(void **state)
{
    (void)state;
    expect_of_child(exit_on_the_loop_thread);
}

static struct latch blocked;

static void block_for_good(void *arg)
{
    (void)arg;
    latch_hit(&blocked);
    for (;;)
        (void)pause();
}

static void never_done(void *arg)
{
    (void)arg;
}

static kp_status block_a_worker(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    return host->work(host->self, script_op_id(op), block_for_good, never_done, op);
}

static kp_status block_the_loop(struct script_op *op)
{
    block_for_good(op);
    return KP_OK;
}

static void exit_while_blocked(kp_status (*block)(struct script_op *))
{
    struct kp_request request = client_wrap();
    open_all();
    latch_init(&blocked);
    script_push(script, (struct script_act){.how = SCRIPT_CALL, .call = block});
    CHECK(kp_submit(vault, &request, count_done, &told, NULL, NULL) == KP_OK);
    latch_wait(&blocked, 1);
}

static void exit_with_a_blocked_worker(void)
{
    exit_while_blocked(block_a_worker);
}

static void exit_with_a_blocked_loop(void)
{
    exit_while_blocked(block_the_loop);
}

static void exit_does_not_wait_for_ever_for_what_is_stuck(void **state)
{
    (void)state;
    expect_of_child(exit_with_a_blocked_worker);
    expect_of_child(exit_with_a_blocked_loop);
}

static void exit_with_several_providers(void)
{
    static const char *const texts[] = {"script:a", "script:b", "script:c"};
    script_begin();
    for (int i = 0; i < 3; i++) {
        open_provider();
        CHECK(kp_vault_acquire(provider, texts[i], NULL, &vault, NULL) == KP_OK);
        CHECK(wrap_once(vault) == KP_OK);
    }
}

static void exit_parks_every_provider(void **state)
{
    (void)state;
    expect_of_child(exit_with_several_providers);
}

static void exit_after_an_abandoned_close(void)
{
    struct kp_request request = client_wrap();
    struct kp_close_report report;
    open_all();
    latch_init(&told);
    script_push(script, (struct script_act){.how = SCRIPT_DEAF});
    CHECK(kp_submit(vault, &request, count_done, &told, NULL, NULL) == KP_OK);
    SCRIPT_WAIT(script, n_held, 1);
    kp_vault_release(vault);
    kp_provider_close_wait(provider, 20, &report);
    CHECK(report.abandoned == 1);
}

static void exit_after_something_was_abandoned_ends_cleanly(void **state)
{
    (void)state;
    expect_of_child(exit_after_an_abandoned_close);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_of_a_fork_answers_usage),
        cmocka_unit_test(child_of_a_fork_may_open_its_own),
        cmocka_unit_test(child_of_a_fork_amid_work_is_no_worse_off),
        cmocka_unit_test(child_of_a_child_is_a_process_of_its_own_too),
        cmocka_unit_test(result_of_the_parents_may_be_cleared_by_the_child),
        cmocka_unit_test(child_may_exit_with_its_own_provider_open),
        cmocka_unit_test(exit_from_the_main_thread),
        cmocka_unit_test(exit_takes_openssl_from_nobody),
        cmocka_unit_test(exit_amid_work_ends_cleanly),
        cmocka_unit_test(exit_from_a_completion_ends_cleanly),
        cmocka_unit_test(exit_does_not_wait_for_ever_for_what_is_stuck),
        cmocka_unit_test(exit_parks_every_provider),
        cmocka_unit_test(exit_after_something_was_abandoned_ends_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
