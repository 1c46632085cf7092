/*
 * core/arena. There is one arena per process and its length is fixed at first use, so each test
 * runs in a child process of its own; a child says what it missed and exits with 1.
 */
#define _DEFAULT_SOURCE /* RLIMIT_MEMLOCK */

#include "core/arena.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "core/pages.h"

#define PIECE ((size_t)64 * 1024)

/* Sanitizers turn mlock into nothing and end the process when calloc is asked for too much. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PLAIN_BUILD 0
#else
#define PLAIN_BUILD 1
#endif

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* Exit status of body run in a child. */
static int run_in_child(void (*body)(void))
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        body();
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool is_filled(const void *p, uint8_t with, size_t n)
{
    const uint8_t *bytes = p;

    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != with)
            return false;
    }
    return true;
}

static struct kpi_arena_stats stats(void)
{
    struct kpi_arena_stats s;

    kpi_arena_stats(&s);
    return s;
}

static void *take(size_t n)
{
    void *p = kpi_arena_alloc("test", n);

    CHECK(p);
    return p;
}

/* ---- Blocks ---- */

static void alloc_every_size_is_zeroed_and_own(void)
{
    static const size_t sizes[] = {0,    1,    63,   64,   65,    255,   256,   257,  1024,
                                   1025, 2048, 4096, 4097, 16384, 16385, 65535, 65536};

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            size_t n = sizes[i] ? sizes[i] : 1;
            uint8_t *p = take(sizes[i]);

            CHECK(kpi_arena_owns(p));
            CHECK((uintptr_t)p % 64 == 0);
            CHECK(is_filled(p, 0, n));
            memset(p, 0xa5, n);
            kpi_arena_free(p, sizes[i]);
        }
    }
    CHECK(stats().in_use == 0);
    CHECK(stats().n_overflows == 0 && stats().n_oversized == 0 && stats().n_bad_frees == 0);
}

static void alloc_blocks_do_not_overlap(void)
{
    enum { N = 3000 };
    static uint8_t *blocks[N];

    for (size_t i = 0; i < N; i++) {
        blocks[i] = take(1 + i % 300);
        memset(blocks[i], (int)(i % 251), 1 + i % 300);
    }
    for (size_t i = 0; i < N; i++)
        CHECK(is_filled(blocks[i], (uint8_t)(i % 251), 1 + i % 300));
    for (size_t i = 0; i < N; i++)
        kpi_arena_free(blocks[i], 1 + i % 300);
    CHECK(stats().in_use == 0);
}

static void free_wipes_the_whole_block_whatever_the_length_says(void)
{
    uint8_t *p = take(256);
    uint8_t *again;

    memset(p, 0x77, 256);
    kpi_arena_free(p, 8);
    again = take(256);
    CHECK(again == p);
    CHECK(is_filled(again, 0, 256));
    kpi_arena_free(again, 256);
    kpi_arena_free(NULL, 256);
}

static void free_steady_path_opens_no_further_piece(void)
{
    uint64_t opened;

    kpi_arena_free(take(1024), 1024);
    opened = stats().opened;
    CHECK(opened == PIECE);
    for (int i = 0; i < 10000; i++)
        kpi_arena_free(take(1024), 1024);
    CHECK(stats().opened == opened);
}

static void free_of_no_block_is_refused(void)
{
    uint8_t *p = take(1024);
    uint8_t *q = take(1024);

    memset(p, 0x33, 1024);
    kpi_arena_free(p + 64, 64);
    kpi_arena_free(p + 1, 64);
    kpi_arena_free(p + 10 * PIECE, 64);
    CHECK(stats().n_bad_frees == 3);
    CHECK(is_filled(p, 0x33, 1024));
    kpi_arena_free(p, 1024);
    kpi_arena_free(p, 1024);
    CHECK(stats().n_bad_frees == 4);
    CHECK(stats().in_use == 1024);
    CHECK(take(1024) == p);
    CHECK(take(1024) != q);
}

/* ---- Overflow ---- */

static void alloc_beyond_the_largest_block_comes_from_the_heap(void)
{
    uint8_t *p = take(PIECE + 1);

    CHECK(!kpi_arena_owns(p));
    CHECK(is_filled(p, 0, PIECE + 1));
    CHECK(stats().n_oversized == 1 && stats().n_overflows == 0);
    CHECK(stats().heap_in_use == PIECE + 1);
    CHECK(stats().in_use == 0);
    kpi_arena_free(p, PIECE + 1);
    CHECK(stats().heap_in_use == 0);
    CHECK(!PLAIN_BUILD || !kpi_arena_alloc("test", SIZE_MAX));
    CHECK(stats().heap_in_use == 0);
}

static void alloc_from_a_full_arena_overflows_and_recovers(void)
{
    enum { N = 2 * 1024 };
    static void *blocks[N + 1];

    CHECK(kpi_arena_configure(2 * PIECE - 100) == KP_OK);
    for (size_t i = 0; i <= N; i++)
        blocks[i] = take(64);
    CHECK(stats().reserved == 2 * PIECE && stats().opened == 2 * PIECE);
    CHECK(stats().in_use == 2 * PIECE);
    CHECK(stats().n_overflows == 1 && stats().heap_in_use == 64);
    CHECK(kpi_arena_owns(blocks[N - 1]) && !kpi_arena_owns(blocks[N]));
    kpi_arena_free(blocks[0], 64);
    kpi_arena_free(blocks[N], 64);
    CHECK(take(64) == blocks[0]);
    CHECK(stats().n_overflows == 1 && stats().heap_in_use == 0);
}

static void alloc_prefers_a_larger_block_to_the_heap(void)
{
    void *large;

    CHECK(kpi_arena_configure(PIECE) == KP_OK);
    large = take(16384);
    CHECK(kpi_arena_owns(take(64)));
    CHECK(stats().n_overflows == 0 && stats().in_use == 2 * 16384);
    kpi_arena_free(large, 16384);
    CHECK(stats().in_use == 16384);
}

static void configure_after_first_use_is_conflict(void)
{
    CHECK(kpi_arena_configure(0) == KP_USAGE);
    CHECK(kpi_arena_configure((size_t)5 << 30) == KP_USAGE);
    CHECK(kpi_arena_configure(PIECE + 1) == KP_OK);
    CHECK(stats().reserved == 0);
    (void)take(1);
    CHECK(stats().reserved == 2 * PIECE);
    CHECK(kpi_arena_configure(2 * PIECE) == KP_OK);
    CHECK(kpi_arena_configure(3 * PIECE) == KP_CONFLICT);
}

static void default_length_is_16_mib(void)
{
    (void)take(1);
    CHECK(stats().reserved == KPI_ARENA_DEFAULT_LEN);
    CHECK(KPI_ARENA_DEFAULT_LEN == 16777216);
}

/* ---- Protection ---- */

static void child_process_reads_zeros(void)
{
    uint8_t *p = take(4096);
    int status = -1;
    pid_t child;

    memset(p, 0x5c, 4096);
    CHECK(stats().protection & KPI_PAGES_WIPE_ON_FORK);
    child = fork();
    if (child == 0)
        _exit(is_filled(p, 0, 4096) ? 0 : 1);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(is_filled(p, 0x5c, 4096));
}

/* A child of a child may still release what it inherited, and use the arena. */
static void child_process_frees_and_allocates(void)
{
    uint8_t *p = take(1024);
    uint8_t *q = take(1024);
    int status = -1;
    pid_t child;

    memset(p, 0x5c, 1024);
    kpi_arena_free(q, 1024);
    child = fork();
    if (child == 0) {
        kpi_arena_free(p, 1024);
        for (int i = 0; i < 200; i++)
            CHECK(is_filled(take(1024), 0, 1024));
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Copies the VmFlags line of the mapping that holds p. */
static bool read_vm_flags(const void *p, char *out, size_t cap)
{
    FILE *smaps = fopen("/proc/self/smaps", "r");
    char line[1024];
    bool inside = false;
    bool found = false;

    while (smaps && !found && fgets(line, sizeof line, smaps)) {
        char *dash;
        unsigned long lo = strtoul(line, &dash, 16); /* a mapping begins with "lo-hi " */

        if (dash > line && *dash == '-')
            inside = (uintptr_t)p >= lo && (uintptr_t)p < strtoul(dash + 1, NULL, 16);
        found = inside && strncmp(line, "VmFlags:", 8) == 0;
    }
    if (found)
        snprintf(out, cap, "%s", line);
    if (smaps)
        fclose(smaps);
    return found;
}

static void memory_is_not_dumped_and_wiped_on_fork(void)
{
    char flags[1024];
    uint8_t *p = take(64);

    CHECK(stats().protection == (KPI_PAGES_NO_DUMP | KPI_PAGES_WIPE_ON_FORK));
    CHECK(read_vm_flags(p, flags, sizeof flags));
    CHECK(strstr(flags, " dd"));
    CHECK(strstr(flags, " wf"));
    CHECK(!PLAIN_BUILD || stats().locked == 0 || strstr(flags, " lo"));
}

/* Whether a store to p ends the process. */
static bool is_fatal_to_touch(volatile uint8_t *p)
{
    const struct rlimit no_core = {0, 0};
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        CHECK(signal(SIGSEGV, SIG_DFL) != SIG_ERR);
        CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
        *p = 1;
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void range_is_guarded_at_both_ends(void)
{
    size_t page = kpi_pages_size();
    uint32_t protection;
    uint8_t *p = kpi_pages_map_secret(4 * page, &protection);

    CHECK(p);
    CHECK(!is_fatal_to_touch(p) && !is_fatal_to_touch(p + 4 * page - 1));
    CHECK(is_fatal_to_touch(p - 1));
    CHECK(is_fatal_to_touch(p + 4 * page));
    CHECK(kpi_pages_map_secret(SIZE_MAX - page + 1, &protection) == NULL);
}

#if PLAIN_BUILD
static void lock_limit_is_counted_and_harmless(void)
{
    const struct rlimit two_pieces = {2 * PIECE, 2 * PIECE};

    CHECK(setrlimit(RLIMIT_MEMLOCK, &two_pieces) == 0);
    if (getuid() == 0)
        CHECK(setgid(65534) == 0 && setuid(65534) == 0); /* root may lock without limit */
    for (int i = 0; i < 5; i++)
        CHECK(is_filled(take(PIECE), 0, PIECE));
    CHECK(stats().opened == 5 * PIECE);
    CHECK(stats().locked == 2 * PIECE);
    CHECK(stats().unlockable == 3 * PIECE);
    CHECK(stats().n_overflows == 0);
}
#endif

static void every_opened_piece_is_locked_or_counted(void)
{
    for (int i = 0; i < 5; i++)
        (void)take(PIECE);
    CHECK(stats().opened == 5 * PIECE);
    CHECK(stats().locked + stats().unlockable == 5 * PIECE);
}

/* ---- Threads ---- */

#define N_THREADS 8
#define N_HELD 16
#define LARGEST 1500 /* times all that is held: twice the tiny arena */

static pthread_barrier_t start_line;

static void wait_at_start_line(void)
{
    int st = pthread_barrier_wait(&start_line);

    CHECK(st == 0 || st == PTHREAD_BARRIER_SERIAL_THREAD);
}

/* However the threads ran before: now all of them hold all they may. */
static void hold_all_at_once(void)
{
    uint8_t *held[N_HELD];

    for (size_t at = 0; at < N_HELD; at++)
        held[at] = take(LARGEST);
    wait_at_start_line();
    for (size_t at = 0; at < N_HELD; at++)
        kpi_arena_free(held[at], LARGEST);
}

/* Holds a few blocks at a time, each filled with a mark of its own. */
static void *churn(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg * UINT64_C(0x9e3779b97f4a7c15);
    uint8_t *held[N_HELD] = {0};
    size_t len[N_HELD] = {0};

    for (int i = 0; i < (PLAIN_BUILD ? 20000 : 3000); i++) {
        size_t at = (size_t)(seed >> 60);

        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        if (held[at]) {
            CHECK(is_filled(held[at], (uint8_t)(uintptr_t)arg, len[at]));
            kpi_arena_free(held[at], len[at]);
        }
        len[at] = 1 + (size_t)(seed >> 33) % LARGEST;
        held[at] = take(len[at]);
        CHECK(is_filled(held[at], 0, len[at]));
        memset(held[at], (int)(uintptr_t)arg, len[at]);
    }
    for (size_t at = 0; at < N_HELD; at++)
        kpi_arena_free(held[at], len[at]);
    hold_all_at_once();
    return NULL;
}

/* Runs body in all threads at once, each with a number from 1. */
static void run_threads(void *(*body)(void *))
{
    pthread_t threads[N_THREADS];

    CHECK(pthread_barrier_init(&start_line, NULL, N_THREADS) == 0);
    for (uintptr_t i = 0; i < N_THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, body, (void *)(i + 1)) == 0);
    for (size_t i = 0; i < N_THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(pthread_barrier_destroy(&start_line) == 0);
}

static void churn_from_many_threads(void)
{
    run_threads(churn);
    CHECK(stats().in_use == 0);
    CHECK(stats().heap_in_use == 0);
    CHECK(stats().n_bad_frees == 0);
}

static void threads_never_share_a_block(void)
{
    churn_from_many_threads();
    CHECK(stats().n_overflows == 0);
}

static void threads_in_a_tiny_arena_never_share_a_block(void)
{
    CHECK(kpi_arena_configure(2 * PIECE) == KP_OK);
    churn_from_many_threads();
    CHECK(stats().n_overflows > 0);
}

static void *take_a_hundred(void *arg)
{
    (void)arg;
    wait_at_start_line();
    for (int i = 0; i < 100; i++)
        (void)take(64);
    return NULL;
}

static void threads_that_need_a_piece_open_one_together(void)
{
    run_threads(take_a_hundred);
    CHECK(stats().in_use == 64 * 100 * N_THREADS);
    CHECK(stats().opened == PIECE);
}

static void *take_a_whole_piece(void *arg)
{
    (void)arg;
    wait_at_start_line();
    (void)take(PIECE);
    return NULL;
}

static void threads_that_need_the_last_piece_get_it_once(void)
{
    CHECK(kpi_arena_configure(PIECE) == KP_OK);
    run_threads(take_a_whole_piece);
    CHECK(stats().in_use == PIECE && stats().opened == PIECE);
    CHECK(stats().n_overflows == N_THREADS - 1);
}

#if defined(__SANITIZE_ADDRESS__)
static void free_memory_is_out_of_bounds_for_asan(void)
{
    uint8_t *p = take(64);

    CHECK(!__asan_address_is_poisoned(p) && !__asan_address_is_poisoned(p + 63));
    CHECK(__asan_address_is_poisoned(p + 64)); /* a block not yet handed out */
    kpi_arena_free(p, 64);
    CHECK(__asan_address_is_poisoned(p));
}
#endif

/* Blocks made by one thread and freed by another, which lags behind by up to a ring's length. */
#define RING_LEN 64
#define N_HANDED_OVER 3000

static void *ring[RING_LEN];
static sem_t n_filled;
static sem_t n_empty;

static void *free_what_arrives(void *arg)
{
    (void)arg;
    for (size_t n = 0; n < N_HANDED_OVER; n++) {
        CHECK(sem_wait(&n_filled) == 0);
        CHECK(is_filled(ring[n % RING_LEN], 0x42, 300));
        kpi_arena_free(ring[n % RING_LEN], 300);
        CHECK(sem_post(&n_empty) == 0);
    }
    return NULL;
}

static void blocks_may_be_freed_by_another_thread(void)
{
    pthread_t thread;

    CHECK(sem_init(&n_filled, 0, 0) == 0 && sem_init(&n_empty, 0, RING_LEN) == 0);
    CHECK(pthread_create(&thread, NULL, free_what_arrives, NULL) == 0);
    for (size_t n = 0; n < N_HANDED_OVER; n++) {
        CHECK(sem_wait(&n_empty) == 0);
        ring[n % RING_LEN] = take(300);
        CHECK(is_filled(ring[n % RING_LEN], 0, 300));
        memset(ring[n % RING_LEN], 0x42, 300);
        CHECK(sem_post(&n_filled) == 0);
    }
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(stats().in_use == 0);
}

/* ---- Hooks ---- */

static void hooks_send_secrets_to_the_arena(void)
{
    struct kpb_mem_hooks hooks = {0};
    void *p;

    kpi_arena_set_hooks(&hooks);
    CHECK(!hooks.alloc && !hooks.free);
    kpb_mem_use(&hooks);
    p = kpb_secret_alloc("test", 100);
    CHECK(kpi_arena_owns(p));
    kpb_secret_free(p, 100);
    CHECK(stats().in_use == 0);
}

/* ---- The tests proper ---- */

#define XX_TESTS(XX)                                                                               \
    XX(alloc_every_size_is_zeroed_and_own)                                                         \
    XX(alloc_blocks_do_not_overlap)                                                                \
    XX(free_wipes_the_whole_block_whatever_the_length_says)                                        \
    XX(free_steady_path_opens_no_further_piece)                                                    \
    XX(free_of_no_block_is_refused)                                                                \
    XX(alloc_beyond_the_largest_block_comes_from_the_heap)                                         \
    XX(alloc_from_a_full_arena_overflows_and_recovers)                                             \
    XX(alloc_prefers_a_larger_block_to_the_heap)                                                   \
    XX(configure_after_first_use_is_conflict)                                                      \
    XX(default_length_is_16_mib)                                                                   \
    XX(child_process_reads_zeros)                                                                  \
    XX(child_process_frees_and_allocates)                                                          \
    XX(memory_is_not_dumped_and_wiped_on_fork)                                                     \
    XX(range_is_guarded_at_both_ends)                                                              \
    XX(every_opened_piece_is_locked_or_counted)                                                    \
    XX(threads_never_share_a_block)                                                                \
    XX(threads_in_a_tiny_arena_never_share_a_block)                                                \
    XX(threads_that_need_a_piece_open_one_together)                                                \
    XX(threads_that_need_the_last_piece_get_it_once)                                               \
    XX(blocks_may_be_freed_by_another_thread)                                                      \
    XX(hooks_send_secrets_to_the_arena)

/* One cmocka test for each body. */
#define DEFINE(body)                                                                               \
    static void body##_test(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        assert_int_equal(run_in_child(body), 0);                                                   \
    }
XX_TESTS(DEFINE)
#if defined(__SANITIZE_ADDRESS__)
DEFINE(free_memory_is_out_of_bounds_for_asan)
#endif
#if PLAIN_BUILD
DEFINE(lock_limit_is_counted_and_harmless)
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LIST(body) {#body, body##_test, NULL, NULL, NULL},
        XX_TESTS(LIST)
#if defined(__SANITIZE_ADDRESS__)
            LIST(free_memory_is_out_of_bounds_for_asan)
#endif
#if PLAIN_BUILD
                LIST(lock_limit_is_counted_and_harmless)
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
