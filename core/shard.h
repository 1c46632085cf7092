/*
 * A loop thread with everything that belongs to it: its mail, its timers, its operations and its
 * vaults. A vault belongs to one shard for life; nothing in the life of a request takes a lock that
 * two shards share.
 *
 * Threads: kpi_shard_post, kpi_shard_poke and kpi_shard_is_current from any; start, stop and join
 * from the owner; everything else on the loop thread.
 */
#ifndef KP_CORE_SHARD_H
#define KP_CORE_SHARD_H

#include <uv.h>

#include "core/clock.h"
#include "core/op.h"
#include "core/reply_areas.h"

struct kp_provider;
struct kpi_http;

struct kpi_shard {
    /* ---- fixed after start ---- */
    struct kp_provider *provider;
    const struct kpi_clock *clock;
    uint32_t at;
    bool started;
    uv_thread_t thread;

    /* ---- any thread ---- */
    struct kpi_inbox inbox;
    struct kpi_op_table ops;
    uv_async_t wake;
    _Atomic uint32_t n_callers; /* clients inside a call */
    _Atomic uint32_t ended;     /* 1 once the thread has left the loop; others may sleep on it */

    /* ---- loop thread ---- */
    uv_loop_t loop;
    uv_timer_t tick;
    uint64_t turn_ns; /* the clock when the loop last took mail or looked at its timers */
    uint64_t random;  /* state of the jitter's generator */
    uint64_t tick_ms; /* what tick is armed for, KPI_WHEEL_IDLE when it is not */
    struct kpi_wheel wheel;
    struct kpi_reply_areas reply_areas;
    struct kpi_link vaults; /* every vault of this shard */
    struct kpi_link closed_vaults;
    struct kpi_link ready;   /* those with something to dispatch */
    struct kpi_http *http;   /* NULL until a plugin sends a request */
    struct kp_result told;   /* what a callback is shown; its error is empty between successes */
    struct kp_error refusal; /* where a plugin's submit says why not; empty in between */
    bool in_turn;
    bool closing; /* the loop ends once every vault has closed and every caller has left */
    struct kpi_mail close_mail;
    struct kpi_mail abandon_mail;
    uint32_t n_canceled;  /* operations ended by close */
    uint32_t n_abandoned; /* attempts, vaults and callers left when told to give up */
    char abandoned[KP_ERROR_TEXT_LEN];
    bool stopping; /* leaves the loop at the end of the turn */
    bool abandon;  /* ... leaving the handles in place, for somebody may still post */
};

/* Prepares shard number `at` with room for max_operations. Errors: no_memory. */
kp_status kpi_shard_init(struct kpi_shard *shard, struct kp_provider *provider, uint32_t at,
                         uint32_t max_operations, const struct kpi_clock *clock) KP_MUST_USE;
/* Starts the thread. Errors: no_memory. */
kp_status kpi_shard_start(struct kpi_shard *shard) KP_MUST_USE;
/* Ends the thread of a shard that never had a vault, and waits for it. One not started is
 * allowed. */
void kpi_shard_end_idle(struct kpi_shard *shard);
/* Waits for the thread's end. */
void kpi_shard_join(struct kpi_shard *shard);
/* Frees what init made. Not after it was abandoned. */
void kpi_shard_clear(struct kpi_shard *shard);

/* Sends mail to the loop thread. */
void kpi_shard_post(struct kpi_shard *shard, struct kpi_mail *mail);
/* Makes the loop look at its clock and its mail. */
void kpi_shard_poke(struct kpi_shard *shard);
/* True on the shard's own loop thread. */
bool kpi_shard_is_current(const struct kpi_shard *shard);
/* True on any loop thread of ours. */
bool kpi_on_loop_thread(void);

/*
 * Around what a handle of the loop, other than the shard's own, has to say: between the two, mail
 * and timers wait; then everything that has become due is served. Loop thread.
 */
void kpi_shard_begin_turn(struct kpi_shard *shard);
void kpi_shard_run_turn(struct kpi_shard *shard);

uint64_t kpi_shard_now_ns(const struct kpi_shard *shard);
/* The same as of the mail or timer being served, without a look at the clock. Loop thread. */
static inline uint64_t kpi_shard_turn_ns(const struct kpi_shard *shard)
{
    return shard->turn_ns;
}
/* Jitter: uniform, predictable, never for secrets. Loop thread. */
uint64_t kpi_shard_random(struct kpi_shard *shard);
/* Arms a timer for a monotonic moment, rounded up to a millisecond. */
void kpi_shard_arm(struct kpi_shard *shard, struct kpi_timer *timer, uint64_t due_ns);
void kpi_shard_disarm(struct kpi_shard *shard, struct kpi_timer *timer);

/* Leaves the loop after this turn; with abandon the handles stay open for late posts. */
void kpi_shard_stop(struct kpi_shard *shard, bool abandon);

#endif /* KP_CORE_SHARD_H */
