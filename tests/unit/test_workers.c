#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/workers.h"
#include "support/latch.h"
#include "support/tsan_options.h"

#define FOREVER UINT64_MAX
#define N_MAX 3u

static struct kpi_workers pool;

struct task {
    struct kpi_job job;
    struct latch *started;
    struct latch *go; /* waits for its first hit; NULL: at once */
    struct latch *ended;
    uint32_t *order; /* the next place is order[0]++ */
    uint32_t place;
};

static void run_task(struct kpi_job *job)
{
    struct task *task = KPI_HOLDER(job, struct task, job);
    if (task->started)
        latch_hit(task->started);
    if (task->go)
        latch_wait(task->go, 1);
    if (task->order)
        task->place = task->order[0]++;
    if (task->ended)
        latch_hit(task->ended);
}

static struct latch started;
static struct latch go;
static struct latch ended;

static int begin(void **state)
{
    (void)state;
    latch_init(&started);
    latch_init(&go);
    latch_init(&ended);
    assert_int_equal(kpi_workers_init(&pool, "test.workers", N_MAX), KP_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(kpi_workers_stop(&pool, FOREVER), 0);
    kpi_workers_clear(&pool);
    latch_clear(&ended);
    latch_clear(&go);
    latch_clear(&started);
    return 0;
}

static void submit(struct task *task)
{
    task->job.run = run_task;
    assert_int_equal(kpi_workers_submit(&pool, &task->job), KP_OK);
}

static void pool_nobody_needed_has_no_threads(void **state)
{
    (void)state;
    assert_int_equal(pool.n_started, 0);
}

static void idle_thread_is_used_again(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 20; i++) {
        struct task task = {.ended = &ended};
        submit(&task);
        latch_wait(&ended, i);
        uv_mutex_lock(&pool.lock); /* until it is idle again */
        while (pool.n_idle == 0) {
            uv_mutex_unlock(&pool.lock);
            uv_sleep(0);
            uv_mutex_lock(&pool.lock);
        }
        uv_mutex_unlock(&pool.lock);
    }
    assert_int_equal(pool.n_started, 1);
}

static void as_many_jobs_run_at_once_as_there_may_be_threads(void **state)
{
    struct task tasks[N_MAX + 3];
    (void)state;
    for (unsigned i = 0; i < N_MAX + 3; i++) {
        tasks[i] = (struct task){.started = &started, .go = &go, .ended = &ended};
        submit(&tasks[i]);
    }
    latch_wait(&started, N_MAX);
    assert_int_equal(pool.n_started, N_MAX);
    assert_int_equal(latch_count(&started), N_MAX);
    latch_hit(&go);
    latch_wait(&ended, N_MAX + 3);
}

/* Two jobs at once while one thread is idle: the second must not wait for the first to end. */
static void burst_of_jobs_does_not_queue_behind_one_idle_thread(void **state)
{
    struct task first = {.ended = &ended};
    struct task blocked = {.started = &started, .go = &go, .ended = &ended};
    struct task other = {.started = &started, .ended = &ended};
    (void)state;
    submit(&first);
    latch_wait(&ended, 1);
    for (int round = 0; round < 100; round++) {
        blocked = (struct task){.started = &started, .go = &go, .ended = &ended};
        other = (struct task){.started = &started, .ended = &ended};
        uint64_t before = latch_count(&ended);
        uv_mutex_lock(&go.lock);
        go.n = 0;
        uv_mutex_unlock(&go.lock);
        submit(&blocked);
        submit(&other);
        latch_wait(&ended, before + 1); /* the other one, while the first is blocked */
        latch_hit(&go);
        latch_wait(&ended, before + 2);
    }
}

static void jobs_run_first_in_first_out(void **state)
{
    enum { N = 50 };
    struct task tasks[N];
    struct task blockers[N_MAX];
    uint32_t order = 0;
    (void)state;
    for (unsigned i = 0; i < N_MAX - 1; i++) { /* leave one thread only */
        blockers[i] = (struct task){.started = &started, .go = &ended};
        submit(&blockers[i]);
    }
    struct task head = {.started = &started, .go = &go};
    submit(&head);
    latch_wait(&started, N_MAX);
    struct latch done;
    latch_init(&done);
    for (unsigned i = 0; i < N; i++) {
        tasks[i] = (struct task){.order = &order, .ended = &done};
        submit(&tasks[i]);
    }
    latch_hit(&go);
    latch_wait(&done, N);
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(tasks[i].place, i);
    latch_hit(&ended);
    assert_int_equal(kpi_workers_stop(&pool, FOREVER), 0);
    latch_clear(&done);
}

static void stop_lets_queued_jobs_finish(void **state)
{
    struct task tasks[20];
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        tasks[i] = (struct task){.ended = &ended};
        submit(&tasks[i]);
    }
    assert_int_equal(kpi_workers_stop(&pool, FOREVER), 0);
    assert_int_equal(latch_count(&ended), 20);
}

static void job_after_stop_is_refused(void **state)
{
    struct task task = {.ended = &ended};
    (void)state;
    assert_int_equal(kpi_workers_stop(&pool, FOREVER), 0);
    task.job.run = run_task;
    assert_int_equal(kpi_workers_submit(&pool, &task.job), KP_CANCELED);
    assert_int_equal(latch_count(&ended), 0);
}

static void stop_counts_those_who_are_busy_and_may_be_asked_again(void **state)
{
    struct task blocked = {.started = &started, .go = &go, .ended = &ended};
    struct task quick = {.ended = &ended};
    (void)state;
    submit(&blocked);
    latch_wait(&started, 1);
    submit(&quick);
    latch_wait(&ended, 1);
    uint32_t n_busy;
    while ((n_busy = kpi_workers_stop(&pool, 1000000)) > 1)
        ; /* the other one is on its way out */
    assert_int_equal(n_busy, 1);
    latch_hit(&go);
    assert_int_equal(kpi_workers_stop(&pool, FOREVER), 0);
    assert_int_equal(latch_count(&ended), 2);
}

static void pool_never_made_may_be_stopped_and_cleared(void **state)
{
    struct kpi_workers none = {0};
    (void)state;
    assert_int_equal(kpi_workers_stop(&none, 0), 0);
    kpi_workers_clear(&none);
}

/* The job may be gone when it returns: each of these frees itself. */
static void free_itself(struct kpi_job *job)
{
    struct task *task = KPI_HOLDER(job, struct task, job);
    struct latch *told = task->ended;
    free(task);
    latch_hit(told);
}

static void submit_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 500; i++) {
        struct task *task = calloc(1, sizeof *task);
        if (!task)
            abort();
        task->ended = &ended;
        task->job.run = free_itself;
        assert_int_equal(kpi_workers_submit(&pool, &task->job), KP_OK);
    }
}

static void many_threads_may_submit(void **state)
{
    uv_thread_t threads[4];
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(uv_thread_create(&threads[i], submit_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        uv_thread_join(&threads[i]);
    latch_wait(&ended, 2000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pool_nobody_needed_has_no_threads),
        TEST(idle_thread_is_used_again),
        TEST(as_many_jobs_run_at_once_as_there_may_be_threads),
        TEST(burst_of_jobs_does_not_queue_behind_one_idle_thread),
        TEST(jobs_run_first_in_first_out),
        TEST(stop_lets_queued_jobs_finish),
        TEST(job_after_stop_is_refused),
        TEST(stop_counts_those_who_are_busy_and_may_be_asked_again),
        TEST(pool_never_made_may_be_stopped_and_cleared),
        TEST(many_threads_may_submit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
