/* Several vaults over one directory: two of one process, and processes of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/file-test/vault.h"
#include "support/file_vault.h"

static struct file_vault one, two;
static char dir[FV_PATH_LEN];

static int open_two(void **state)
{
    (void)state;
    fv_make_temp(dir);
    fv_open_ok(&one, dir, NULL);
    fv_open_ok(&two, dir, NULL);
    return 0;
}

static int close_two(void **state)
{
    (void)state;
    fv_close(&one);
    fv_close(&two);
    fv_remove_temp(dir);
    return 0;
}

static void set_enabled(struct file_vault *fv, const char *name, bool enabled)
{
    struct fake_result result;
    struct kp_key_params params = fv_params(0, 0, 0);
    struct kp_request request = fv_request(KP_OP_UPDATE, name, NULL);
    params.set = KP_SET_ENABLED;
    params.flags = enabled ? KP_KEY_ENABLED : 0;
    request.params = &params;
    assert_int_equal(fv_call(fv, &request, &result), KP_OK);
    fake_result_clear(&result);
}

/* Wraps by run if the key is loaded, as the host would, else by submit. */
static kp_status wrap_either_way(struct file_vault *fv, const char *name, char version[33])
{
    uint8_t dek[32] = {0};
    struct fake_result result;
    struct kp_request request = fv_request(KP_OP_WRAP, name, NULL);
    request.alg = KP_ALG_A256KW;
    request.value = kpb_span(dek, sizeof dek);
    kp_status st = fake_host_run(&fv->host, &request, &result);
    if (st == KP_UNSUPPORTED) {
        fake_result_clear(&result);
        st = fv_call(fv, &request, &result);
    }
    if (st == KP_OK) {
        memcpy(version, result.reply.version.ptr, 32);
        version[32] = '\0';
    }
    fake_result_clear(&result);
    return st;
}

/* ---- Two vaults of one process ---- */

static void commit_of_one_is_honoured_by_the_next_call_of_the_other(void **state)
{
    char version[33], seen[33];
    (void)state;
    fv_create(&one, "app", KP_KTY_OCT, 256, 0, version);
    assert_int_equal(wrap_either_way(&two, "app", seen), KP_OK);
    assert_string_equal(version, seen);
    for (int i = 0; i < 20; i++) {
        fv_must(&one, KP_OP_ROTATE, "app", version);
        assert_int_equal(wrap_either_way(&two, "app", seen), KP_OK);
        assert_string_equal(version, seen);
        set_enabled(&one, "app", false);
        assert_int_equal(wrap_either_way(&two, "app", seen), KP_FORBIDDEN);
        set_enabled(&two, "app", true);
        assert_int_equal(wrap_either_way(&one, "app", seen), KP_OK);
        fv_must(&two, KP_OP_DELETE, "app", NULL);
        assert_int_equal(wrap_either_way(&one, "app", seen), KP_NOT_FOUND);
        fv_must(&one, KP_OP_RECOVER, "app", NULL);
        assert_int_equal(wrap_either_way(&two, "app", seen), KP_OK);
    }
}

/* The old key is gone for good: a loaded copy must not outlive it. */
static void purged_key_is_not_served_from_memory(void **state)
{
    char version[33], seen[33];
    (void)state;
    for (int i = 0; i < 10; i++) {
        fv_create(&one, "app", KP_KTY_OCT, 256, 0, version);
        assert_int_equal(wrap_either_way(&two, "app", seen), KP_OK);
        assert_string_equal(version, seen);
        fv_must(&one, KP_OP_DELETE, "app", NULL);
        fv_must(&one, KP_OP_PURGE, "app", NULL);
        if (i % 2 == 0)
            assert_int_equal(wrap_either_way(&two, "app", seen), KP_NOT_FOUND);
    }
}

/* ---- The lock ---- */

static ft_handle take_lock(const struct file_vault *fv)
{
    ft_handle lock;
    const struct ft_vault *v = fv->host.vault;
    assert_int_equal(ft_store_try_lock(&v->store, &lock, NULL), KP_OK);
    assert_true(lock != FT_NO_HANDLE);
    return lock;
}

static void give_lock(const struct file_vault *fv, ft_handle lock)
{
    const struct ft_vault *v = fv->host.vault;
    ft_store_unlock(&v->store, lock);
}

static void lock_is_taken_by_one_vault_at_a_time(void **state)
{
    ft_handle lock;
    const struct ft_vault *v = two.host.vault;
    (void)state;
    ft_handle first = take_lock(&one);
    assert_int_equal(ft_store_try_lock(&v->store, &lock, NULL), KP_OK);
    assert_true(lock == FT_NO_HANDLE);
    give_lock(&one, first);
    give_lock(&two, take_lock(&two));
}

static void remove_lock_file(void)
{
    char path[FV_PATH_LEN + sizeof FT_LOCK_FILE + 1];
    (void)snprintf(path, sizeof path, "%s/%s", dir, FT_LOCK_FILE);
    assert_int_equal(unlink(path), 0);
}

static const struct ft_store *store_of(const struct file_vault *fv)
{
    return &((const struct ft_vault *)fv->host.vault)->store;
}

/* Somebody tidies the directory up: the next writer locks another file, and commits. */
static void lock_whose_file_is_gone_commits_nothing(void **state)
{
    struct ft_keyfile file;
    struct kp_error err;
    char version[33], seen[33];
    (void)state;
    fv_create(&one, "app", KP_KTY_OCT, 256, 0, NULL);
    ft_handle lock = take_lock(&one);
    assert_int_equal(ft_store_load(store_of(&one), fv_span("app"), &file, &err), KP_OK);
    remove_lock_file();
    fv_must(&two, KP_OP_ROTATE, "app", version);
    assert_int_equal(ft_store_save(store_of(&one), lock, &file, FT_KEYFILE_MAX_LEN, &err),
                     KP_TRANSIENT);
    assert_int_equal(err.exposure, KP_ANSWERED_REFUSED);
    assert_int_equal(ft_store_remove(store_of(&one), lock, fv_span("app"), &err), KP_TRANSIENT);
    ft_keyfile_clear(&file);
    give_lock(&one, lock);
    assert_int_equal(wrap_either_way(&one, "app", seen), KP_OK);
    assert_string_equal(version, seen);
}

static enum ft_io lock_too_late(void *ctx, ft_handle file)
{
    remove_lock_file();
    return ft_fs_real.try_lock(ctx, file);
}

static void lock_file_that_goes_while_it_is_locked_is_no_lock(void **state)
{
    struct ft_fs late = ft_fs_real;
    struct ft_store store = *store_of(&one);
    ft_handle lock;
    (void)state;
    give_lock(&one, take_lock(&one)); /* so that there is one to remove */
    late.try_lock = lock_too_late;
    store.fs = &late;
    assert_int_equal(ft_store_try_lock(&store, &lock, NULL), KP_OK);
    assert_true(lock == FT_NO_HANDLE);
    give_lock(&one, take_lock(&one));
}

/* Year 2500: more nanoseconds than 63 bits hold. A file system may cut it to a time it knows. */
static void time_that_no_clock_shows_stops_no_writer(void **state)
{
    const struct timespec far[2] = {{16725225600, 0}, {16725225600, 0}};
    struct ft_stat stat;
    char version[33], seen[33];
    (void)state;
    fv_create(&one, "app", KP_KTY_OCT, 256, 0, NULL);
    ft_handle lock = take_lock(&one);
    assert_int_equal(futimens((int)lock, far), 0);
    assert_int_equal(ft_fs_real.stat(NULL, lock, &stat), FT_IO_OK);
    assert_true(stat.mtime_ns >= 0);
    give_lock(&one, lock);
    for (int i = 0; i < 3; i++) {
        fv_must(&one, KP_OP_ROTATE, "app", version);
        assert_int_equal(wrap_either_way(&two, "app", seen), KP_OK);
        assert_string_equal(version, seen);
    }
}

/* A writer waits with timers, holding neither the loop nor a worker, and goes on when it can. */
static void lock_that_is_given_back_lets_the_waiter_go_on(void **state)
{
    struct fake_result result;
    kp_op_id id;
    struct kp_request request = fv_request(KP_OP_ROTATE, "app", NULL);
    (void)state;
    fv_create(&one, "app", KP_KTY_OCT, 256, 0, NULL);
    ft_handle lock = take_lock(&one);
    assert_int_equal(fake_host_submit(&two.host, &request, 60000, &result, &id), KP_OK);
    for (int i = 0; i < 20; i++)
        assert_true(fake_host_step(&two.host));
    assert_false(fake_host_is_over(&two.host, id));
    assert_true(two.host.n_timers > 2);
    give_lock(&one, lock);
    fake_host_drain(&two.host);
    assert_true(fake_host_is_over(&two.host, id));
    assert_int_equal(result.status, KP_OK);
    fake_result_clear(&result);
}

static void lock_that_is_kept_ends_in_transient_after_the_setting(void **state)
{
    static const char *const SHORT[][2] = {{"lock_timeout_ms", "200"}, {NULL, NULL}};
    struct fake_result result;
    struct kp_error err;
    (void)state;
    fv_create(&one, "app", KP_KTY_OCT, 256, 0, NULL);
    assert_int_equal(fv_reload(&two, SHORT, &err), KP_OK);
    ft_handle lock = take_lock(&one);
    uint64_t before = two.host.now_ns;
    assert_int_equal(fv_simple(&two, KP_OP_ROTATE, "app", NULL, &result), KP_TRANSIENT);
    assert_non_null(strstr(result.error.text, "lock_timeout_ms"));
    assert_int_equal(result.error.exposure, KP_NOT_SENT);
    fake_result_clear(&result);
    uint64_t waited_ms = (two.host.now_ns - before) / 1000000;
    assert_true(waited_ms >= 200 && waited_ms < 300);
    assert_int_equal(fv_status(&two, KP_OP_GET_KEY, "app", NULL), KP_OK); /* readers do not wait */
    give_lock(&one, lock);
}

static void lock_is_waited_for_no_longer_than_the_deadline(void **state)
{
    struct fake_result result;
    kp_op_id id;
    struct kp_request request = fv_request(KP_OP_DELETE, "app", NULL);
    (void)state;
    fv_create(&one, "app", KP_KTY_OCT, 256, 0, NULL);
    ft_handle lock = take_lock(&one);
    uint64_t before = two.host.now_ns;
    assert_int_equal(fake_host_submit(&two.host, &request, 100, &result, &id), KP_OK);
    fake_host_drain(&two.host);
    assert_int_equal(result.status, KP_TRANSIENT);
    assert_true((two.host.now_ns - before) / 1000000 < 200);
    fake_result_clear(&result);
    give_lock(&one, lock);
}

static void lock_waiter_that_is_canceled_ends_at_once(void **state)
{
    struct fake_result result;
    kp_op_id id;
    struct kp_request request = fv_request(KP_OP_DELETE, "app", NULL);
    (void)state;
    fv_create(&one, "app", KP_KTY_OCT, 256, 0, NULL);
    ft_handle lock = take_lock(&one);
    assert_int_equal(fake_host_submit(&two.host, &request, 60000, &result, &id), KP_OK);
    for (int i = 0; i < 30; i++)
        assert_true(fake_host_step(&two.host));
    uint64_t before = two.host.now_ns;
    fake_host_cancel(&two.host, id);
    fake_host_drain(&two.host);
    assert_int_equal(result.status, KP_CANCELED);
    /* At most the step that was under way, and its pause. */
    assert_true((two.host.now_ns - before) / 1000000 <= 50);
    fake_result_clear(&result);
    give_lock(&one, lock);
    assert_int_equal(fv_status(&one, KP_OP_GET_KEY, "app", NULL), KP_OK);
}

static void cancel_before_the_worker_starts_does_nothing_else(void **state)
{
    struct fake_result result;
    kp_op_id id;
    struct kp_request request = fv_request(KP_OP_DELETE, "app", NULL);
    (void)state;
    fv_create(&one, "app", KP_KTY_OCT, 256, 0, NULL);
    assert_int_equal(fake_host_submit(&one.host, &request, 60000, &result, &id), KP_OK);
    fake_host_cancel(&one.host, id);
    fake_host_drain(&one.host);
    assert_int_equal(result.status, KP_CANCELED);
    fake_result_clear(&result);
    assert_int_equal(fv_status(&one, KP_OP_GET_KEY, "app", NULL), KP_OK);
}

static void host_without_timers_or_workers_gets_a_clear_refusal(void **state)
{
    struct fake_result result;
    (void)state;
    fv_create(&one, "app", KP_KTY_OCT, 256, 0, NULL);
    ft_handle lock = take_lock(&one);
    two.host.refuse_timers = true;
    assert_int_equal(fv_simple(&two, KP_OP_ROTATE, "app", NULL, &result), KP_TRANSIENT);
    fake_result_clear(&result);
    two.host.refuse_timers = false;
    give_lock(&one, lock);
    two.host.refuse_work = true;
    assert_int_equal(fv_simple(&two, KP_OP_ROTATE, "app", NULL, &result), KP_THROTTLED);
    fake_result_clear(&result);
    two.host.refuse_work = false;
}

/* ---- Processes ---- */

#define N_PROCESSES 4
#define N_ROUNDS 12

/*
 * Starts a process that calls be(number) and exits with 0. There a failed assertion aborts instead
 * of going on with the tests.
 */
static pid_t start_process(void (*be)(int number), int number)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
    be(number);
    _exit(0);
}

static void wait_for(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void run_processes(void (*be)(int number))
{
    pid_t pids[N_PROCESSES];
    for (int i = 0; i < N_PROCESSES; i++)
        pids[i] = start_process(be, i);
    for (int i = 0; i < N_PROCESSES; i++)
        wait_for(pids[i]);
}

static void open_in_process(struct file_vault *fv, const char *path, int number)
{
    fv->use_real_time = true;
    fv_open_ok(fv, path, NULL);
    fv->host.random_state = (uint64_t)number + 1000;
}

/* Adds versions to one key that all share, and to one of its own. */
static void be_a_writer(int number)
{
    static struct file_vault fv;
    char name[16];
    open_in_process(&fv, dir, number);
    (void)snprintf(name, sizeof name, "own-%d", number);
    for (int i = 0; i < N_ROUNDS; i++) {
        fv_create(&fv, "shared", KP_KTY_OCT, 256, 0, NULL);
        fv_create(&fv, name, KP_KTY_OCT, 256, 0, NULL);
    }
    fv_close(&fv);
}

static void die_with_the_lock(int number)
{
    static struct file_vault fv;
    open_in_process(&fv, dir, number);
    (void)take_lock(&fv);
}

static char fresh[FV_PATH_LEN];

static void make_the_vault(int number)
{
    static struct file_vault fv;
    char name[16];
    open_in_process(&fv, fresh, number);
    (void)snprintf(name, sizeof name, "k%d", number);
    fv_create(&fv, name, KP_KTY_OCT, 256, 0, NULL);
    fv_close(&fv);
}

static unsigned count_versions(struct file_vault *fv, const char *name)
{
    struct fake_result result;
    struct kp_request request = fv_request(KP_OP_LIST_VERSIONS, name, NULL);
    char token[64] = "";
    unsigned n = 0;
    do {
        request.page_token = fv_span(token);
        assert_int_equal(fv_call(fv, &request, &result), KP_OK);
        n += result.reply.n_keys;
        memset(token, 0, sizeof token);
        if (result.reply.next_page.len > 0)
            memcpy(token, result.reply.next_page.ptr, result.reply.next_page.len);
        fake_result_clear(&result);
    } while (token[0]);
    return n;
}

static void processes_writing_at_once_lose_nothing(void **state)
{
    char name[16];
    (void)state;
    fv_create(&one, "shared", KP_KTY_OCT, 256, 0, NULL);
    run_processes(be_a_writer);
    assert_int_equal(count_versions(&one, "shared"), 1 + N_PROCESSES * N_ROUNDS);
    for (int i = 0; i < N_PROCESSES; i++) {
        (void)snprintf(name, sizeof name, "own-%d", i);
        assert_int_equal(count_versions(&one, name), N_ROUNDS);
    }
}

/* A process that dies with the lock in its hands holds up nobody. */
static void process_that_dies_gives_its_lock_back(void **state)
{
    (void)state;
    wait_for(start_process(die_with_the_lock, 0));
    fv_create(&one, "app", KP_KTY_OCT, 256, 0, NULL);
}

static int pipe_ends[2];

/* Holds whatever descriptors the parent had until the parent closes its end of the pipe. */
static void linger(int number)
{
    char byte;
    (void)number;
    (void)close(pipe_ends[1]);
    assert_int_equal(read(pipe_ends[0], &byte, 1), 0);
}

/* A host that forks while a writer is at work passes the descriptor on, but not the lock. */
static void lock_is_not_kept_by_a_child_that_inherited_it(void **state)
{
    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    ft_handle lock = take_lock(&one);
    pid_t pid = start_process(linger, 0);
    give_lock(&one, lock);
    give_lock(&two, take_lock(&two));
    (void)close(pipe_ends[1]);
    (void)close(pipe_ends[0]);
    wait_for(pid);
}

/* Many processes make the same vault; each finds it made once. */
static void processes_making_one_vault_all_get_it(void **state)
{
    struct fake_result result;
    static struct file_vault fv;
    (void)state;
    (void)snprintf(fresh, sizeof fresh, "%.200s/fresh", dir);
    run_processes(make_the_vault);
    fv_open_ok(&fv, fresh, NULL);
    assert_int_equal(fv_simple(&fv, KP_OP_LIST_KEYS, NULL, NULL, &result), KP_OK);
    assert_int_equal(result.reply.n_keys, N_PROCESSES);
    fake_result_clear(&result);
    fv_close(&fv);
}

int main(void)
{
#define SHARED_TEST(f) cmocka_unit_test_setup_teardown(f, open_two, close_two)
    const struct CMUnitTest tests[] = {
        SHARED_TEST(commit_of_one_is_honoured_by_the_next_call_of_the_other),
        SHARED_TEST(purged_key_is_not_served_from_memory),
        SHARED_TEST(lock_is_taken_by_one_vault_at_a_time),
        SHARED_TEST(lock_whose_file_is_gone_commits_nothing),
        SHARED_TEST(lock_file_that_goes_while_it_is_locked_is_no_lock),
        SHARED_TEST(time_that_no_clock_shows_stops_no_writer),
        SHARED_TEST(lock_that_is_given_back_lets_the_waiter_go_on),
        SHARED_TEST(lock_that_is_kept_ends_in_transient_after_the_setting),
        SHARED_TEST(lock_is_waited_for_no_longer_than_the_deadline),
        SHARED_TEST(lock_waiter_that_is_canceled_ends_at_once),
        SHARED_TEST(cancel_before_the_worker_starts_does_nothing_else),
        SHARED_TEST(host_without_timers_or_workers_gets_a_clear_refusal),
        SHARED_TEST(processes_writing_at_once_lose_nothing),
        SHARED_TEST(process_that_dies_gives_its_lock_back),
        SHARED_TEST(lock_is_not_kept_by_a_child_that_inherited_it),
        SHARED_TEST(processes_making_one_vault_all_get_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
