/*
 * What a thread has of its own here. Twin files: where the compiler keeps thread-local variables in
 * places that a DLL does not give back when it leaves the process, this does without it.
 */
#ifndef KP_CORE_LOCAL_H
#define KP_CORE_LOCAL_H

#include <stdint.h>

struct kpi_gate;
struct kpi_shard;

struct kpi_local {
    const struct kpi_shard *shard; /* whose loop this thread runs, or NULL */
    const struct kpi_gate *gate;   /* where it laid a permit aside last, if it is still its own */
    uint32_t permit;               /* which one */
};

/* Of the calling thread, zeros at first. The address stands for the thread while that lives. */
struct kpi_local *kpi_local(void);

#endif /* KP_CORE_LOCAL_H */
