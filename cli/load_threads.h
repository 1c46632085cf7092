/* The callers of a load test, and the lock they share. Any thread. */
#ifndef KP_CLI_LOAD_THREADS_H
#define KP_CLI_LOAD_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

/* A lock with one condition. */
struct cli_lock {
    uv_mutex_t mutex;
    uv_cond_t cond;
};

/* false: the system has no more of them. */
bool cli_lock_init(struct cli_lock *lock);
void cli_lock_clear(struct cli_lock *lock);
void cli_lock_take(struct cli_lock *lock);
void cli_lock_give(struct cli_lock *lock);
/* Gives the lock, waits for cli_lock_notify or until at_ns (cli_now_ns), takes it again. Wakes at
 * times for nothing. */
void cli_lock_wait(struct cli_lock *lock, uint64_t at_ns);
/* Wakes one that waits. */
void cli_lock_notify(struct cli_lock *lock);

/* Runs fn(args + i * size) on n threads at once and waits for all; false when not all could be
 * started, then those that were have run. */
bool cli_run_threads(void (*fn)(void *arg), void *args, size_t size, uint32_t n);

#endif /* KP_CLI_LOAD_THREADS_H */
