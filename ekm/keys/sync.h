/*
 * A lock with a condition, for state that callers on any thread share. Twin files hold the
 * platform's own (posix_sync.c, win_sync.c). Any thread.
 */
#ifndef KP_EKM_KEYS_SYNC_H
#define KP_EKM_KEYS_SYNC_H

#include <stdint.h>

struct ekm_sync;

/* A new one, or NULL when memory is out. */
struct ekm_sync *ekm_sync_new(void);
/* Nobody may hold it or wait. NULL allowed. */
void ekm_sync_free(struct ekm_sync *sync);
void ekm_sync_lock(struct ekm_sync *sync);
void ekm_sync_unlock(struct ekm_sync *sync);
/* Holding the lock: gives it up until ekm_sync_wake or about max_ms; may return early. */
void ekm_sync_wait(struct ekm_sync *sync, uint32_t max_ms);
/* Wakes all that wait. */
void ekm_sync_wake(struct ekm_sync *sync);

/* The machine's monotonic clock and a wait, in ms; ctx is ignored. */
uint64_t ekm_sync_now_ms(void *ctx);
void ekm_sync_pause(void *ctx, uint32_t ms);

#endif /* KP_EKM_KEYS_SYNC_H */
