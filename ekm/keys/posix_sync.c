#include "ekm/keys/sync.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/mem.h"

#define MS_PER_S 1000
#define NS_PER_MS 1000000
#define NS_PER_S 1000000000

struct ekm_sync {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
};

static int init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    int failed = pthread_condattr_init(&attributes);

    if (failed != 0)
        return failed;
    failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (failed == 0)
        failed = pthread_cond_init(cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return failed;
}

struct ekm_sync *ekm_sync_new(void)
{
    struct ekm_sync *sync = kpb_alloc("ekm.sync", sizeof *sync);

    if (!sync)
        return NULL;
    if (pthread_mutex_init(&sync->mutex, NULL) != 0) {
        kpb_free(sync);
        return NULL;
    }
    if (init_cond(&sync->cond) != 0) {
        (void)pthread_mutex_destroy(&sync->mutex);
        kpb_free(sync);
        return NULL;
    }
    return sync;
}

void ekm_sync_free(struct ekm_sync *sync)
{
    if (!sync)
        return;
    (void)pthread_cond_destroy(&sync->cond);
    (void)pthread_mutex_destroy(&sync->mutex);
    kpb_free(sync);
}

/* A default mutex used by the rules of this header cannot fail to lock. */
void ekm_sync_lock(struct ekm_sync *sync)
{
    (void)pthread_mutex_lock(&sync->mutex);
}

void ekm_sync_unlock(struct ekm_sync *sync)
{
    (void)pthread_mutex_unlock(&sync->mutex);
}

void ekm_sync_wait(struct ekm_sync *sync, uint32_t max_ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += max_ms / MS_PER_S;
    until.tv_nsec += (long)(max_ms % MS_PER_S) * NS_PER_MS;
    if (until.tv_nsec >= NS_PER_S) {
        until.tv_sec++;
        until.tv_nsec -= NS_PER_S;
    }
    (void)pthread_cond_timedwait(&sync->cond, &sync->mutex, &until);
}

void ekm_sync_wake(struct ekm_sync *sync)
{
    (void)pthread_cond_broadcast(&sync->cond);
}

uint64_t ekm_sync_now_ms(void *ctx)
{
    struct timespec now;

    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * MS_PER_S + (uint64_t)now.tv_nsec / NS_PER_MS;
}

void ekm_sync_pause(void *ctx, uint32_t ms)
{
    struct timespec left = {(time_t)(ms / MS_PER_S), (long)(ms % MS_PER_S) * NS_PER_MS};

    (void)ctx;
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}
