/*
 * What this library knows of the process it lives in: whether it has forked since a provider was
 * opened, and that it is about to exit.
 *
 * A forked child has our memory but none of our threads. A word in a page that the kernel wipes on
 * fork tells them apart; every provider remembers the epoch it was opened in. At exit one handler,
 * registered at the first open, parks the threads of providers left open, because the libraries
 * they use are about to be torn down. We have no constructors and no destructors.
 *
 * Threads: any.
 */
#ifndef KP_CORE_PROCESS_H
#define KP_CORE_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>

#include <keyprovider/status.h>

struct kp_provider;

/* Makes this process known; after a fork, makes the child a process of its own. */
kp_status kpi_process_begin(struct kp_error *reterr) KP_MUST_USE;
/* The epoch begun last in this very process; 0 in a child that has begun none. */
uint64_t kpi_process_epoch(void);

/* Whether any provider has ever been opened here. */
bool kpi_process_begun(void);

/* Providers whose threads must not run into the end of the process. */
void kpi_process_add(struct kp_provider *provider);
/* False: the process is ending and has parked its threads; it must be left as it is. */
bool kpi_process_remove(struct kp_provider *provider) KP_MUST_USE;

/* A closed provider that somebody may still be inside: stays in place for ever. */
void kpi_process_keep_abandoned(struct kp_provider *provider);

/* ---- Platform twins ---- */

/* All zeros in a process that has not begun, so also in a child of one that has. */
struct kpi_fork_page {
    _Atomic uint64_t epoch;
    _Atomic uint64_t lock_state; /* of the lock begin takes */
};

/* A zeroed page the kernel zeroes again in a forked child, or NULL. Never freed. */
struct kpi_fork_page *kpi_platform_fork_page(void);
/* Has handler called when the process ends, where threads still run then. False: no memory. */
bool kpi_platform_at_exit(void (*handler)(void)) KP_MUST_USE;
/* Runs fn(arg) on a thread nobody waits for. Errors: no_memory. */
kp_status kpi_platform_start_detached(void (*fn)(void *arg), void *arg) KP_MUST_USE;

#endif /* KP_CORE_PROCESS_H */
