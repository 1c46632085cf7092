#include "core/workers.h"

#include "base/mem.h"
#include "core/thread.h"

struct kpi_worker {
    struct kpi_workers *pool;
    uv_thread_t thread;
    bool started;
    bool ended;
    bool to_join; /* the stopper's: has ended */
};

kp_status kpi_workers_init(struct kpi_workers *workers, const char *site, uint32_t n_max)
{
    *workers = (struct kpi_workers){.n_max = n_max};
    workers->threads = kpb_alloc_array(site, n_max, sizeof *workers->threads);
    if (!workers->threads)
        return KP_NO_MEMORY;
    if (uv_mutex_init(&workers->lock) != 0)
        goto no_lock;
    if (uv_cond_init(&workers->work) != 0)
        goto no_work;
    if (uv_cond_init(&workers->ended) != 0)
        goto no_ended;
    kpi_list_init(&workers->jobs);
    return KP_OK;

no_ended:
    uv_cond_destroy(&workers->work);
no_work:
    uv_mutex_destroy(&workers->lock);
no_lock:
    kpb_free(workers->threads);
    workers->threads = NULL;
    return KP_NO_MEMORY;
}

/* The next job, or NULL when the pool stops and nothing is left to do. */
static struct kpi_job *next_job_locked(struct kpi_workers *pool)
{
    for (;;) {
        struct kpi_link *link = kpi_list_pop(&pool->jobs);
        if (link) {
            pool->n_jobs--;
            return KPI_HOLDER(link, struct kpi_job, link);
        }
        if (pool->stopping)
            return NULL;
        pool->n_idle++;
        uv_cond_wait(&pool->work, &pool->lock);
        pool->n_idle--;
    }
}

static void work_until_stopped(void *arg)
{
    struct kpi_worker *self = arg;
    struct kpi_workers *pool = self->pool;
    uv_mutex_lock(&pool->lock);
    for (struct kpi_job *job; (job = next_job_locked(pool)) != NULL;) {
        uv_mutex_unlock(&pool->lock);
        job->run(job);
        uv_mutex_lock(&pool->lock);
    }
    self->ended = true;
    pool->n_alive--;
    uv_cond_signal(&pool->ended);
    uv_mutex_unlock(&pool->lock);
}

static bool start_worker_locked(struct kpi_workers *pool)
{
    struct kpi_worker *worker = &pool->threads[pool->n_started];
    worker->pool = pool;
    if (!kpi_thread_start(&worker->thread, work_until_stopped, worker))
        return false;
    worker->started = true;
    pool->n_started++;
    pool->n_alive++;
    return true;
}

kp_status kpi_workers_submit(struct kpi_workers *workers, struct kpi_job *job)
{
    kp_status st = KP_OK;
    uv_mutex_lock(&workers->lock);
    if (workers->stopping)
        st = KP_CANCELED;
    else if (workers->n_idle <= workers->n_jobs && workers->n_started < workers->n_max &&
             !start_worker_locked(workers) && workers->n_started == 0)
        st = KP_NO_MEMORY;
    if (st == KP_OK) {
        kpi_list_append(&workers->jobs, &job->link);
        workers->n_jobs++;
        if (workers->n_idle > 0)
            uv_cond_signal(&workers->work);
    }
    uv_mutex_unlock(&workers->lock);
    return st;
}

/* Those still busy may end at any moment: who is joined is decided under the lock. */
static void note_ended_locked(struct kpi_workers *workers)
{
    for (uint32_t i = 0; i < workers->n_started; i++) {
        struct kpi_worker *worker = &workers->threads[i];
        worker->to_join = worker->started && worker->ended;
        worker->started = worker->started && !worker->ended;
    }
}

uint32_t kpi_workers_stop(struct kpi_workers *workers, uint64_t timeout_ns)
{
    if (!workers->threads)
        return 0; /* never made */
    uint64_t now_ns = uv_hrtime();
    uint64_t end = timeout_ns < UINT64_MAX - now_ns ? now_ns + timeout_ns : UINT64_MAX;
    uv_mutex_lock(&workers->lock);
    workers->stopping = true;
    uv_cond_broadcast(&workers->work);
    for (uint64_t now; workers->n_alive > 0 && (now = uv_hrtime()) < end;)
        (void)uv_cond_timedwait(&workers->ended, &workers->lock, end - now);
    uint32_t n_busy = workers->n_alive;
    note_ended_locked(workers);
    uv_mutex_unlock(&workers->lock);
    for (uint32_t i = 0; i < workers->n_started; i++)
        if (workers->threads[i].to_join)
            uv_thread_join(&workers->threads[i].thread);
    return n_busy;
}

void kpi_workers_clear(struct kpi_workers *workers)
{
    if (!workers->threads)
        return;
    uv_cond_destroy(&workers->ended);
    uv_cond_destroy(&workers->work);
    uv_mutex_destroy(&workers->lock);
    kpb_free(workers->threads);
    workers->threads = NULL;
}
