/*
 * First-in-first-out permits for work that keeps a processor busy. Whoever computes on the calling
 * thread takes one, so that a thousand callers share the cores fairly instead of fighting for them.
 *
 * Work passes its permit on to the first in line when it is done. Only where it took less than
 * KPI_GATE_SHORT_NS may its thread come back for more, until a turn of KPI_GATE_TURN_NS is over: to
 * pass a permit on costs a sleep and a wake-up, which is a third of a small RSA operation and
 * nothing beside a large one. Meanwhile the permit lies aside for that thread, which need not come
 * back.
 *
 *     permit      event                                      next
 *     free        somebody enters, or more may be out        running
 *     running     leaves, nobody waits or fewer may be out   free
 *     running     leaves after long work or its turn         running, for the first in line
 *     running     leaves after short work in its turn        aside
 *     aside       its thread enters in its turn              running
 *     aside       its thread enters later, somebody waits    running, for the first in line
 *     aside       unclaimed, somebody leaves or enters       running, for the first in line
 *
 * One that is aside is unclaimed after its thread's turn, or, the oldest, when none is running. So
 * while anybody waits somebody runs, and whoever enters or leaves looks after the line; when nobody
 * does, for the others are at long work, a waiter does it itself: nobody waits for a thread that
 * never returns. Who found the line empty looks every KPI_GATE_LOOK_NS, who found others in it
 * that much later for each: a long line would otherwise be busy with looking.
 *
 * How many may be out grows with the work, as measured while somebody waits: n_few while it is
 * short, as many more for each KPI_GATE_SHORT_NS it takes. Many at short work turn each other out
 * of the processors' caches; with few at long work a processor stands idle until the kernel finds
 * out that another has two in line.
 *
 * Threads: any. A waiter that runs out of time leaves the line; nobody overtakes but in a turn.
 */
#ifndef KP_CORE_GATE_H
#define KP_CORE_GATE_H

#include <keyprovider/status.h>
#include <uv.h>

#include "core/clock.h"
#include "core/list.h"

#define KPI_GATE_SHORT_NS UINT64_C(125000)
#define KPI_GATE_TURN_NS UINT64_C(500000)
#define KPI_GATE_LOOK_NS UINT64_C(20000000) /* how often the first waiter looks after the line */
#define KPI_GATE_LOOKS_MAX 16u /* the last of a long line looks this much more rarely */

struct kpi_gate_size {
    uint32_t n_few;     /* out at once while work is short; 1 at least */
    uint32_t n_permits; /* ... however long it is; n_few at least */
};

struct kpi_permit;

struct kpi_gate {
    uv_mutex_t lock;
    const struct kpi_clock *clock;
    struct kpi_link waiters;
    struct kpi_permit *permits;
    struct kpi_link free;
    struct kpi_link aside; /* laid aside first comes first */
    struct kpi_gate_size size;
    uint64_t work_ns; /* what most work takes, the last counting most */
    uint32_t n_out;   /* running or aside */
    uint32_t n_running;
    uint32_t n_waiting;
    bool closed;
};

/* clock measures turns; borrowed until clear. Errors: no_memory. */
kp_status kpi_gate_init(struct kpi_gate *gate, const struct kpi_gate_size *size,
                        const struct kpi_clock *clock) KP_MUST_USE;
/* Every permit must be back. */
void kpi_gate_clear(struct kpi_gate *gate);

/*
 * Waits for a permit at most timeout_ns; give it back on the same thread.
 * Errors: timeout; canceled once the gate is closed.
 */
kp_status kpi_gate_enter(struct kpi_gate *gate, uint64_t timeout_ns, struct kpi_permit **ret_permit)
    KP_MUST_USE;
void kpi_gate_leave(struct kpi_gate *gate, struct kpi_permit *permit);

/* Sends everybody in the line away and lets nobody in again. */
void kpi_gate_close(struct kpi_gate *gate);
/* Permits whose holders are at work. */
uint32_t kpi_gate_busy(struct kpi_gate *gate);

#endif /* KP_CORE_GATE_H */
