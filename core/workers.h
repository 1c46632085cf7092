/*
 * Threads of our own for work that computes or blocks. Started when first needed, at most as many
 * as asked for; jobs run first in, first out. Not libuv's pool: that one belongs to the whole
 * process.
 *
 * Threads: submit from any. Stop from one that is not a worker.
 */
#ifndef KP_CORE_WORKERS_H
#define KP_CORE_WORKERS_H

#include <keyprovider/status.h>
#include <uv.h>

#include "core/list.h"

struct kpi_job {
    struct kpi_link link;
    /* Runs once, on a worker. The job may be gone when it returns. */
    void (*run)(struct kpi_job *job);
};

struct kpi_workers {
    uv_mutex_t lock;
    uv_cond_t work;
    uv_cond_t ended;
    struct kpi_link jobs;
    uint32_t n_jobs; /* in jobs; as many of the idle are spoken for, though not awake yet */
    struct kpi_worker *threads;
    uint32_t n_max;
    uint32_t n_started;
    uint32_t n_idle;
    uint32_t n_alive;
    bool stopping;
};

/* Room for n_max threads; starts none. Errors: no_memory. */
kp_status kpi_workers_init(struct kpi_workers *workers, const char *site, uint32_t n_max)
    KP_MUST_USE;

/* Queues a job. Errors: canceled when stopping, no_memory when not even one thread can be had. */
kp_status kpi_workers_submit(struct kpi_workers *workers, struct kpi_job *job) KP_MUST_USE;

/*
 * Lets queued jobs finish, ends the threads and waits for them at most timeout_ns. Returns how many
 * are still busy then; unless that is 0, the struct and its jobs must stay where they are for ever.
 */
uint32_t kpi_workers_stop(struct kpi_workers *workers, uint64_t timeout_ns);

/* Frees what init made. Only after stop returned 0. A zeroed pool is allowed in both. */
void kpi_workers_clear(struct kpi_workers *workers);

#endif /* KP_CORE_WORKERS_H */
