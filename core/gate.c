#include "core/gate.h"

#include "base/mem.h"
#include "core/local.h"
#include "core/wait.h"

enum waiter_word { WAITING = 0, GRANTED = 1, SENT_AWAY = 2 };

struct gate_waiter {
    struct kpi_link link;
    struct kpi_permit *permit; /* written before GRANTED */
    uint64_t look_ns;          /* how often it looks after the line */
    _Atomic uint32_t word;
};

struct kpi_permit {
    struct kpi_link link; /* free or aside */
    uint64_t since_ns;    /* when its holder began to run; 0: nobody waited then */
    uint64_t turn_end_ns; /* its holder's, also while aside */
    const void *owner;    /* aside: the thread it is kept for */
};

/* ---- Lifecycle ---- */

kp_status kpi_gate_init(struct kpi_gate *gate, const struct kpi_gate_size *size,
                        const struct kpi_clock *clock)
{
    *gate = (struct kpi_gate){.size = *size, .clock = clock};
    gate->permits = kpb_alloc_array("gate.permits", size->n_permits, sizeof *gate->permits);
    if (!gate->permits)
        return KP_NO_MEMORY;
    if (uv_mutex_init(&gate->lock) != 0) {
        kpb_free(gate->permits);
        return KP_NO_MEMORY;
    }
    kpi_list_init(&gate->waiters);
    kpi_list_init(&gate->free);
    kpi_list_init(&gate->aside);
    for (uint32_t i = 0; i < size->n_permits; i++)
        kpi_list_append(&gate->free, &gate->permits[i].link);
    return KP_OK;
}

void kpi_gate_clear(struct kpi_gate *gate)
{
    uv_mutex_destroy(&gate->lock);
    kpb_free(gate->permits);
    gate->permits = NULL;
}

/* ---- How many ---- */

static uint32_t may_be_out_locked(const struct kpi_gate *gate)
{
    const uint64_t wanted = gate->size.n_few + gate->size.n_few * gate->work_ns / KPI_GATE_SHORT_NS;
    return wanted < gate->size.n_permits ? (uint32_t)wanted : gate->size.n_permits;
}

/* Follows the median: a run that lost its processor for a while counts like any other long one. */
static void note_work_locked(struct kpi_gate *gate, uint64_t ran_ns)
{
    const uint64_t work_ns = gate->work_ns;
    const uint64_t step_ns = work_ns / 8 + 1;
    if (work_ns == 0)
        gate->work_ns = ran_ns;
    else if (ran_ns > work_ns)
        gate->work_ns += ran_ns - work_ns < step_ns ? ran_ns - work_ns : step_ns;
    else
        gate->work_ns -= work_ns - ran_ns < step_ns ? work_ns - ran_ns : step_ns;
}

/* ---- Handing on ---- */

/* Takes the next one out of the line and decides its fate. The waiter may be gone on return. */
static _Atomic uint32_t *dismiss_locked(struct kpi_gate *gate, enum waiter_word fate,
                                        struct kpi_permit *permit)
{
    struct kpi_link *link = kpi_list_pop(&gate->waiters);
    if (!link)
        return NULL;
    gate->n_waiting--;
    struct gate_waiter *waiter = KPI_HOLDER(link, struct gate_waiter, link);
    _Atomic uint32_t *word = &waiter->word;
    waiter->permit = permit;
    atomic_store_explicit(word, fate, memory_order_release);
    return word;
}

static struct kpi_permit *run_locked(struct kpi_gate *gate, struct kpi_link *link)
{
    struct kpi_permit *permit = KPI_HOLDER(link, struct kpi_permit, link);
    kpi_list_remove(link);
    permit->owner = NULL;
    gate->n_running++;
    return permit;
}

/* There is one: fewer are out than there are. */
static struct kpi_permit *run_free_locked(struct kpi_gate *gate)
{
    gate->n_out++;
    return run_locked(gate, gate->free.next);
}

static bool turn_is_over(const struct kpi_permit *permit, uint64_t now_ns)
{
    return now_ns >= permit->turn_end_ns;
}

/* The permit that has been aside longest, where its thread has lost its claim to it; or NULL. */
static struct kpi_link *unclaimed_locked(const struct kpi_gate *gate, uint64_t now_ns)
{
    struct kpi_link *oldest = gate->aside.next;
    if (kpi_list_empty(&gate->aside))
        return NULL;
    if (gate->n_running > 0 && !turn_is_over(KPI_HOLDER(oldest, struct kpi_permit, link), now_ns))
        return NULL;
    return oldest;
}

/* ---- Coming in ---- */

/* The permit that lies aside for this thread, or NULL. */
static struct kpi_permit *own_locked(const struct kpi_gate *gate)
{
    const struct kpi_local *local = kpi_local();
    if (local->gate != gate || local->permit >= gate->size.n_permits)
        return NULL;
    struct kpi_permit *permit = &gate->permits[local->permit];
    return permit->owner == local ? permit : NULL;
}

/* Goes on with the permit that lay aside, unless the turn is over and somebody waits: then NULL. */
static struct kpi_permit *resume_locked(struct kpi_gate *gate, struct kpi_permit *own,
                                        _Atomic uint32_t **ret_wake)
{
    uint64_t now_ns = kpi_now_ns(gate->clock);
    (void)run_locked(gate, &own->link);
    if (turn_is_over(own, now_ns) && !kpi_list_empty(&gate->waiters)) {
        *ret_wake = dismiss_locked(gate, GRANTED, own);
        return NULL;
    }
    own->since_ns = now_ns;
    return own;
}

/* Hands a permit that nobody claims to the first in line; the word to wake, or NULL. */
static _Atomic uint32_t *serve_line_locked(struct kpi_gate *gate, uint64_t now_ns)
{
    struct kpi_link *unclaimed = unclaimed_locked(gate, now_ns);
    if (!unclaimed || kpi_list_empty(&gate->waiters))
        return NULL;
    return dismiss_locked(gate, GRANTED, run_locked(gate, unclaimed));
}

/* A permit for somebody who has not waited, or NULL: to the end of the line. */
static struct kpi_permit *take_locked(struct kpi_gate *gate, _Atomic uint32_t **ret_wake)
{
    struct kpi_permit *own = own_locked(gate);
    if (own)
        return resume_locked(gate, own, ret_wake);
    if (!kpi_list_empty(&gate->waiters)) {
        *ret_wake = serve_line_locked(gate, kpi_now_ns(gate->clock));
        return NULL;
    }
    struct kpi_permit *permit = NULL;
    if (gate->n_out < may_be_out_locked(gate)) {
        permit = run_free_locked(gate);
    } else {
        struct kpi_link *unclaimed = unclaimed_locked(gate, kpi_now_ns(gate->clock));
        permit = unclaimed ? run_locked(gate, unclaimed) : NULL;
    }
    if (permit)
        permit->since_ns = 0; /* should somebody come meanwhile, the line goes first */
    return permit;
}

/* The time is up: leave the line, unless a permit was handed over just before. */
static uint32_t leave_line(struct kpi_gate *gate, struct gate_waiter *waiter)
{
    uv_mutex_lock(&gate->lock);
    uint32_t word = atomic_load(&waiter->word);
    if (word == WAITING) {
        kpi_list_remove(&waiter->link);
        gate->n_waiting--;
    }
    uv_mutex_unlock(&gate->lock);
    return word;
}

/* A thread that laid its permit aside may never return while the others run on: look for it. */
static void look_after_line(struct kpi_gate *gate)
{
    uv_mutex_lock(&gate->lock);
    _Atomic uint32_t *granted = serve_line_locked(gate, kpi_now_ns(gate->clock));
    uv_mutex_unlock(&gate->lock);
    if (granted)
        kpi_wake_one(granted);
}

/* To the end of the line. */
static void join_line_locked(struct kpi_gate *gate, struct gate_waiter *waiter)
{
    uint32_t n_ahead = gate->n_waiting++;
    uint32_t n_looks = n_ahead < KPI_GATE_LOOKS_MAX ? n_ahead + 1 : KPI_GATE_LOOKS_MAX;
    waiter->look_ns = n_looks * KPI_GATE_LOOK_NS;
    kpi_list_append(&gate->waiters, &waiter->link);
}

/* What became of the waiter; WAITING when its time ran out. */
static uint32_t wait_in_line(struct kpi_gate *gate, struct gate_waiter *waiter, uint64_t timeout_ns)
{
    uint64_t end = timeout_ns == KPI_WAIT_FOREVER ? timeout_ns : uv_hrtime() + timeout_ns;
    uint32_t word;
    while ((word = atomic_load_explicit(&waiter->word, memory_order_acquire)) == WAITING) {
        uint64_t now = uv_hrtime();
        uint64_t left = end == KPI_WAIT_FOREVER ? end : end - now;
        if (end != KPI_WAIT_FOREVER && now >= end)
            return leave_line(gate, waiter);
        if (!kpi_wait_on(&waiter->word, WAITING, left < waiter->look_ns ? left : waiter->look_ns))
            look_after_line(gate);
    }
    return word;
}

kp_status kpi_gate_enter(struct kpi_gate *gate, uint64_t timeout_ns, struct kpi_permit **ret_permit)
{
    struct gate_waiter waiter;
    _Atomic uint32_t *granted = NULL;
    uv_mutex_lock(&gate->lock);
    bool closed = gate->closed;
    struct kpi_permit *permit = closed ? NULL : take_locked(gate, &granted);
    atomic_init(&waiter.word, WAITING);
    if (!closed && !permit)
        join_line_locked(gate, &waiter);
    uv_mutex_unlock(&gate->lock);
    if (granted)
        kpi_wake_one(granted); /* by address only: the waiter's frame may be gone by now */
    *ret_permit = permit;
    if (closed || permit)
        return closed ? KP_CANCELED : KP_OK;
    uint32_t word = wait_in_line(gate, &waiter, timeout_ns);
    if (word != GRANTED)
        return word == WAITING ? KP_TIMEOUT : KP_CANCELED;
    *ret_permit = waiter.permit;
    waiter.permit->since_ns = kpi_now_ns(gate->clock); /* ours alone while it runs */
    waiter.permit->turn_end_ns = waiter.permit->since_ns + KPI_GATE_TURN_NS;
    return KP_OK;
}

/* ---- Giving back ---- */

#define PASSED_ON_MAX 3 /* its own, one that was not claimed, one more that may be out */

static void lay_aside_locked(struct kpi_gate *gate, struct kpi_permit *permit)
{
    struct kpi_local *local = kpi_local();
    local->gate = gate;
    local->permit = (uint32_t)(permit - gate->permits);
    permit->owner = local;
    kpi_list_append(&gate->aside, &permit->link);
}

static void put_back_locked(struct kpi_gate *gate, struct kpi_permit *permit)
{
    gate->n_out--;
    kpi_list_append(&gate->free, &permit->link);
}

/*
 * Somebody waits. A permit in its turn is laid aside like the others, and whatever of them is not
 * claimed then goes to the line: at least one does when nobody would be left running.
 */
static void pass_on_locked(struct kpi_gate *gate, struct kpi_permit *permit,
                           _Atomic uint32_t *granted[PASSED_ON_MAX])
{
    uint64_t now_ns = kpi_now_ns(gate->clock);
    uint64_t ran_ns = now_ns - permit->since_ns;
    size_t n = 0;
    if (permit->since_ns != 0)
        note_work_locked(gate, ran_ns);
    if (gate->n_out > may_be_out_locked(gate)) {
        put_back_locked(gate, permit);
    } else if (ran_ns >= KPI_GATE_SHORT_NS || turn_is_over(permit, now_ns)) {
        gate->n_running++;
        granted[n++] = dismiss_locked(gate, GRANTED, permit);
    } else {
        lay_aside_locked(gate, permit);
    }
    if (gate->n_out < may_be_out_locked(gate) && !kpi_list_empty(&gate->waiters))
        granted[n++] = dismiss_locked(gate, GRANTED, run_free_locked(gate));
    granted[n] = serve_line_locked(gate, now_ns);
}

void kpi_gate_leave(struct kpi_gate *gate, struct kpi_permit *permit)
{
    _Atomic uint32_t *granted[PASSED_ON_MAX] = {NULL};
    uv_mutex_lock(&gate->lock);
    gate->n_running--;
    if (kpi_list_empty(&gate->waiters))
        put_back_locked(gate, permit);
    else
        pass_on_locked(gate, permit, granted);
    uv_mutex_unlock(&gate->lock);
    for (size_t i = 0; i < PASSED_ON_MAX && granted[i]; i++)
        kpi_wake_one(granted[i]);
}

/* ---- The end ---- */

void kpi_gate_close(struct kpi_gate *gate)
{
    uv_mutex_lock(&gate->lock);
    gate->closed = true;
    for (_Atomic uint32_t *word; (word = dismiss_locked(gate, SENT_AWAY, NULL)) != NULL;)
        kpi_wake_one(word);
    uv_mutex_unlock(&gate->lock);
}

uint32_t kpi_gate_busy(struct kpi_gate *gate)
{
    uv_mutex_lock(&gate->lock);
    uint32_t busy = gate->n_running;
    uv_mutex_unlock(&gate->lock);
    return busy;
}
