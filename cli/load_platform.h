/*
 * What a load test asks of the operating system beyond cli/platform.h: time, threads, a lock, what
 * the process has used, and the wish of the person at the keyboard to end. One file per platform
 * implements it (posix_load.c, win_load.c).
 */
#ifndef KP_CLI_LOAD_PLATFORM_H
#define KP_CLI_LOAD_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#include <stdalign.h>
#endif

/* Monotonic nanoseconds. Any thread. */
uint64_t cli_now_ns(void);
/* Sleeps until that moment, or a little longer; returns at once when it has passed. Any thread. */
void cli_sleep_until_ns(uint64_t at_ns);

/* A lock with one condition; room for the platform's own. */
struct cli_lock {
    union {
        max_align_t align;
        unsigned char room[160];
    } own;
};

void cli_lock_init(struct cli_lock *lock);
void cli_lock_clear(struct cli_lock *lock);
void cli_lock_take(struct cli_lock *lock);
void cli_lock_give(struct cli_lock *lock);
/* Gives the lock, waits for cli_lock_notify or until at_ns, takes it again. Wakes at times for
 * nothing. */
void cli_lock_wait(struct cli_lock *lock, uint64_t at_ns);
/* Wakes one that waits. */
void cli_lock_notify(struct cli_lock *lock);

/* Runs fn(args + i * size) on n threads at once and waits for all; false when not all could be
 * started, then those that were have run. */
bool cli_run_threads(void (*fn)(void *arg), void *args, size_t size, uint32_t n);

/* Processor time of the process so far, and the most memory it has held. */
uint64_t cli_cpu_ns(void);
uint64_t cli_max_rss_bytes(void);

/* From now on Ctrl-C only sets a flag; a second one ends the process as usual. */
void cli_catch_interrupt(void);
bool cli_interrupted(void);

/* Whether stderr is a terminal. */
bool cli_stderr_is_terminal(void);

/* One line about the machine: processor, cores, system. Writes at most n bytes, NUL included. */
void cli_machine_text(char *out, size_t n);

#endif /* KP_CLI_LOAD_PLATFORM_H */
