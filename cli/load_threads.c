#include "cli/load_threads.h"

#include "base/mem.h"
#include "cli/load_platform.h"

#define STACK_LEN (256u * 1024u) /* of a caller: it calls, and computes a key operation at most */

/* ---- Lock ---- */

bool cli_lock_init(struct cli_lock *lock)
{
    if (uv_mutex_init(&lock->mutex) != 0) {
        return false;
    }
    if (uv_cond_init(&lock->cond) == 0) {
        return true;
    }
    uv_mutex_destroy(&lock->mutex);
    return false;
}

void cli_lock_clear(struct cli_lock *lock)
{
    uv_cond_destroy(&lock->cond);
    uv_mutex_destroy(&lock->mutex);
}

void cli_lock_take(struct cli_lock *lock)
{
    uv_mutex_lock(&lock->mutex);
}

void cli_lock_give(struct cli_lock *lock)
{
    uv_mutex_unlock(&lock->mutex);
}

void cli_lock_wait(struct cli_lock *lock, uint64_t at_ns)
{
    const uint64_t now = cli_now_ns();
    if (at_ns > now) {
        (void)uv_cond_timedwait(&lock->cond, &lock->mutex, at_ns - now);
    }
}

void cli_lock_notify(struct cli_lock *lock)
{
    uv_cond_signal(&lock->cond);
}

/* ---- Threads ---- */

struct starter {
    void (*fn)(void *arg);
    void *arg;
    uv_thread_t thread;
};

static void start(void *arg)
{
    const struct starter *starter = arg;
    starter->fn(starter->arg);
}

static uint32_t start_all(struct starter *starters, uint32_t n)
{
    const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                         .stack_size = STACK_LEN};
    uint32_t n_started = 0;
    while (n_started < n && uv_thread_create_ex(&starters[n_started].thread, &options, start,
                                                &starters[n_started]) == 0) {
        n_started++;
    }
    return n_started;
}

bool cli_run_threads(void (*fn)(void *arg), void *args, size_t size, uint32_t n)
{
    struct starter *starters = kpb_alloc_array("cli.threads", n, sizeof *starters);
    if (!starters) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        starters[i].fn = fn;
        starters[i].arg = (unsigned char *)args + i * size;
    }
    const uint32_t n_started = start_all(starters, n);
    for (uint32_t i = 0; i < n_started; i++) {
        (void)uv_thread_join(&starters[i].thread);
    }
    kpb_free(starters);
    return n_started == n;
}
