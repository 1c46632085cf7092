/*
 * Waiting for something to have happened a number of times, instead of sleeping and hoping. A wait
 * that takes longer than LATCH_DEADLINE_S fails the test: on a machine that works it never does.
 *
 * Threads: any, but for init and clear.
 */
#ifndef KP_TESTS_SUPPORT_LATCH_H
#define KP_TESTS_SUPPORT_LATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <uv.h>

#define LATCH_DEADLINE_S 60u
#define LATCH_NS_PER_S UINT64_C(1000000000)

struct latch {
    uv_mutex_t lock;
    uv_cond_t changed;
    uint64_t n;
};

static inline void latch_init(struct latch *latch)
{
    latch->n = 0;
    if (uv_mutex_init(&latch->lock) != 0 || uv_cond_init(&latch->changed) != 0)
        abort();
}

static inline void latch_clear(struct latch *latch)
{
    uv_cond_destroy(&latch->changed);
    uv_mutex_destroy(&latch->lock);
}

/* It has happened once more. */
static inline void latch_hit(struct latch *latch)
{
    uv_mutex_lock(&latch->lock);
    latch->n++;
    uv_cond_broadcast(&latch->changed);
    uv_mutex_unlock(&latch->lock);
}

static inline uint64_t latch_count(struct latch *latch)
{
    uv_mutex_lock(&latch->lock);
    uint64_t n = latch->n;
    uv_mutex_unlock(&latch->lock);
    return n;
}

/* Waits until it has happened n times in all, at most timeout_ns; false when it has not. */
static inline bool latch_wait_for(struct latch *latch, uint64_t n, uint64_t timeout_ns)
{
    uint64_t end = uv_hrtime() + timeout_ns;
    uv_mutex_lock(&latch->lock);
    for (uint64_t now; latch->n < n && (now = uv_hrtime()) < end;)
        (void)uv_cond_timedwait(&latch->changed, &latch->lock, end - now);
    bool reached = latch->n >= n;
    uv_mutex_unlock(&latch->lock);
    return reached;
}

/* The same with the generous deadline. Also from helper threads, so it ends the process. */
static inline void latch_wait(struct latch *latch, uint64_t n)
{
    if (latch_wait_for(latch, n, LATCH_DEADLINE_S * LATCH_NS_PER_S))
        return;
    (void)fprintf(stderr, "waited %u s for event %llu, saw %llu\n", LATCH_DEADLINE_S,
                  (unsigned long long)n, (unsigned long long)latch_count(latch));
    abort();
}

#endif /* KP_TESTS_SUPPORT_LATCH_H */
