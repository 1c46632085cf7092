/*
 * Load on a vault through the public API: threads that call and wait, or that submit and keep a
 * window of operations under way.
 *
 * Threads: one load at a time. Ownership: a load's vault and request are borrowed for the run.
 */
#ifndef KP_BENCH_LOAD_H
#define KP_BENCH_LOAD_H

#include <keyprovider/keyprovider.h>

#include "bench/yardsticks/job.h"

struct bench_load {
    kp_vault *vault;
    const struct kp_request *request;
    bool keep_latencies; /* of sync calls */
};

/* One run's outcome. Latencies are 0 unless they were kept. */
struct bench_run {
    uint64_t n_ops;
    struct bench_cost cost;
    double p50_ns;
    double p99_ns;
};

/*
 * Runs job: mode "sync" (job->n_threads callers of kp_call) or "async" (as many submitters, each
 * with job->size operations under way at most). False when a call fails; the reason is on standard
 * error.
 */
bool bench_load_run(const struct bench_load *load, const struct bench_job *job,
                    struct bench_run *ret);

#endif /* KP_BENCH_LOAD_H */
