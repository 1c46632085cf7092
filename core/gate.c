#include "core/gate.h"

#include "core/wait.h"

enum waiter_word { WAITING = 0, GRANTED = 1, SENT_AWAY = 2 };

struct gate_waiter {
    struct kpi_link link;
    _Atomic uint32_t word;
};

kp_status kpi_gate_init(struct kpi_gate *gate, uint32_t n_permits)
{
    if (uv_mutex_init(&gate->lock) != 0)
        return KP_NO_MEMORY;
    kpi_list_init(&gate->waiters);
    gate->n_free = n_permits;
    gate->n_permits = n_permits;
    gate->closed = false;
    return KP_OK;
}

void kpi_gate_clear(struct kpi_gate *gate)
{
    uv_mutex_destroy(&gate->lock);
}

static kp_status status_of(uint32_t word)
{
    return word == GRANTED ? KP_OK : KP_CANCELED;
}

/* The time is up: leave the line, unless a permit was handed over just before. */
static kp_status leave_line(struct kpi_gate *gate, struct gate_waiter *waiter)
{
    uv_mutex_lock(&gate->lock);
    uint32_t word = atomic_load(&waiter->word);
    if (word == WAITING)
        kpi_list_remove(&waiter->link);
    uv_mutex_unlock(&gate->lock);
    return word == WAITING ? KP_TIMEOUT : status_of(word);
}

static kp_status wait_in_line(struct kpi_gate *gate, struct gate_waiter *waiter,
                              uint64_t timeout_ns)
{
    uint64_t end = timeout_ns == KPI_WAIT_FOREVER ? timeout_ns : uv_hrtime() + timeout_ns;
    uint32_t word;
    while ((word = atomic_load_explicit(&waiter->word, memory_order_acquire)) == WAITING) {
        uint64_t now = uv_hrtime();
        uint64_t left = end == KPI_WAIT_FOREVER ? end : end - now;
        if (end != KPI_WAIT_FOREVER && now >= end)
            return leave_line(gate, waiter);
        (void)kpi_wait_on(&waiter->word, WAITING, left); /* the loop looks again either way */
    }
    return status_of(word);
}

kp_status kpi_gate_enter(struct kpi_gate *gate, uint64_t timeout_ns)
{
    struct gate_waiter waiter;
    uv_mutex_lock(&gate->lock);
    if (gate->closed) {
        uv_mutex_unlock(&gate->lock);
        return KP_CANCELED;
    }
    if (gate->n_free > 0) {
        gate->n_free--;
        uv_mutex_unlock(&gate->lock);
        return KP_OK;
    }
    atomic_init(&waiter.word, WAITING);
    kpi_list_append(&gate->waiters, &waiter.link);
    uv_mutex_unlock(&gate->lock);
    return wait_in_line(gate, &waiter, timeout_ns);
}

/* Takes the next one out of the line and decides its fate. The waiter may be gone on return. */
static _Atomic uint32_t *dismiss_locked(struct kpi_gate *gate, enum waiter_word fate)
{
    struct kpi_link *link = kpi_list_pop(&gate->waiters);
    if (!link)
        return NULL;
    struct gate_waiter *waiter = KPI_HOLDER(link, struct gate_waiter, link);
    _Atomic uint32_t *word = &waiter->word;
    atomic_store_explicit(word, fate, memory_order_release);
    return word;
}

void kpi_gate_leave(struct kpi_gate *gate)
{
    uv_mutex_lock(&gate->lock);
    _Atomic uint32_t *word = dismiss_locked(gate, GRANTED);
    if (!word)
        gate->n_free++;
    uv_mutex_unlock(&gate->lock);
    if (word)
        kpi_wake_one(word); /* by address only: the waiter's frame may be gone by now */
}

void kpi_gate_close(struct kpi_gate *gate)
{
    uv_mutex_lock(&gate->lock);
    gate->closed = true;
    for (_Atomic uint32_t *word; (word = dismiss_locked(gate, SENT_AWAY)) != NULL;)
        kpi_wake_one(word);
    uv_mutex_unlock(&gate->lock);
}

uint32_t kpi_gate_busy(struct kpi_gate *gate)
{
    uv_mutex_lock(&gate->lock);
    uint32_t busy = gate->n_permits - gate->n_free;
    uv_mutex_unlock(&gate->lock);
    return busy;
}
