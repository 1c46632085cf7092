/*
 * How long at least one of several was at something. Whoever guards the rest of the holder guards
 * the stopwatch.
 */
#ifndef KP_EKM_STOPWATCH_H
#define KP_EKM_STOPWATCH_H

#include <stdint.h>

/* Zeroed: nobody was at it yet. */
struct ekm_stopwatch {
    uint32_t n; /* who are at it now */
    uint64_t since_ms;
    uint64_t until_ms; /* when the last left it */
    uint64_t total_ms; /* up to then */
};

/* One more; he has been at it since since_ms. */
void ekm_stopwatch_start(struct ekm_stopwatch *watch, uint64_t since_ms);
/* One of those who started leaves. */
void ekm_stopwatch_stop(struct ekm_stopwatch *watch, uint64_t now_ms);
/* Milliseconds until now. */
uint64_t ekm_stopwatch_read(const struct ekm_stopwatch *watch, uint64_t now_ms);

#endif /* KP_EKM_STOPWATCH_H */
