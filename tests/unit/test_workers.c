/* Threads for work that blocks: a job never stands behind another while a thread could be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/workers.h"
#include "support/latch.h"

#define N_ROUNDS 50u
#define STOP_NS (LATCH_DEADLINE_S * LATCH_NS_PER_S)

struct task {
    struct kpi_job job;
    struct latch *wait_for; /* NULL: for nothing */
    struct latch *hit;
    bool in_time;
};

static void run_task(struct kpi_job *job)
{
    struct task *task = KPI_HOLDER(job, struct task, job);
    task->in_time = !task->wait_for || latch_wait_for(task->wait_for, 1, 5 * LATCH_NS_PER_S);
    latch_hit(task->hit);
}

static void submit(struct kpi_workers *workers, struct task *task)
{
    task->job.run = run_task;
    assert_int_equal(kpi_workers_submit(workers, &task->job), KP_OK);
}

/* One idle thread, then two jobs at once, the first of which waits for the second. */
static void play_round(struct kpi_workers *workers)
{
    struct latch first_ran, second_ran;
    struct task first = {.wait_for = &second_ran, .hit = &first_ran};
    struct task second = {.hit = &second_ran};
    latch_init(&first_ran);
    latch_init(&second_ran);
    submit(workers, &first);
    submit(workers, &second);
    latch_wait(&first_ran, 1);
    latch_wait(&second_ran, 1);
    assert_true(first.in_time);
    latch_clear(&second_ran);
    latch_clear(&first_ran);
}

static void wait_for_idle(struct kpi_workers *workers)
{
    for (bool idle = false; !idle;) {
        uv_mutex_lock(&workers->lock);
        idle = workers->n_idle == workers->n_started;
        uv_mutex_unlock(&workers->lock);
        uv_sleep(0);
    }
}

static void two_jobs_at_once_run_beside_each_other_though_one_thread_was_idle(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < N_ROUNDS; i++) {
        struct kpi_workers workers;
        struct latch ran;
        struct task first = {.hit = &ran};
        latch_init(&ran);
        assert_int_equal(kpi_workers_init(&workers, "test.workers", 2), KP_OK);
        submit(&workers, &first);
        latch_wait(&ran, 1);
        wait_for_idle(&workers);
        play_round(&workers);
        assert_int_equal(kpi_workers_stop(&workers, STOP_NS), 0);
        kpi_workers_clear(&workers);
        latch_clear(&ran);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_jobs_at_once_run_beside_each_other_though_one_thread_was_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
