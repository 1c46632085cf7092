/*
 * First-in-first-out permits for work that keeps a processor busy. Whoever computes on the calling
 * thread takes one, so that a thousand callers share the cores fairly instead of fighting for them.
 *
 * Threads: any. A waiter that runs out of time leaves the line; nobody overtakes.
 */
#ifndef KP_CORE_GATE_H
#define KP_CORE_GATE_H

#include <keyprovider/status.h>
#include <uv.h>

#include "core/list.h"

struct kpi_gate {
    uv_mutex_t lock;
    struct kpi_link waiters;
    uint32_t n_free;
    uint32_t n_permits;
    bool closed;
};

kp_status kpi_gate_init(struct kpi_gate *gate, uint32_t n_permits) KP_MUST_USE;
/* Every permit must be back. */
void kpi_gate_clear(struct kpi_gate *gate);

/* Waits for a permit at most timeout_ns. Errors: timeout; canceled once the gate is closed. */
kp_status kpi_gate_enter(struct kpi_gate *gate, uint64_t timeout_ns) KP_MUST_USE;
void kpi_gate_leave(struct kpi_gate *gate);

/* Sends everybody in the line away and lets nobody in again. */
void kpi_gate_close(struct kpi_gate *gate);
/* Permits in use. */
uint32_t kpi_gate_busy(struct kpi_gate *gate);

#endif /* KP_CORE_GATE_H */
