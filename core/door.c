#include "core/door.h"

#include <uv.h>

#include "base/mem.h"
#include "core/host.h"

#define DOOR_OPEN (UINT64_C(1) << 63)

/* Doors outlive providers on purpose; this list keeps them reachable and reuses them. */
static uv_mutex_t doors_lock;
static uv_once_t doors_once = UV_ONCE_INIT;
static struct kpi_door *idle_doors;
static _Atomic uint64_t n_refused;

static void init_doors(void)
{
    (void)uv_mutex_init(&doors_lock); /* a plain mutex: no resource that could be out */
}

static struct kpi_door *take_idle_door(void)
{
    uv_once(&doors_once, init_doors);
    uv_mutex_lock(&doors_lock);
    struct kpi_door *door = idle_doors;
    if (door)
        idle_doors = door->next;
    uv_mutex_unlock(&doors_lock);
    return door;
}

/* The table is written once: a late plugin may still read it when the door is used again. */
static struct kpi_door *make_door(void)
{
    struct kpi_door *door = kpb_alloc("door", sizeof *door);
    if (door)
        kpi_host_fill(&door->host, door);
    return door;
}

struct kpi_door *kpi_door_open(struct kp_vault *vault)
{
    struct kpi_door *door = take_idle_door();
    if (!door)
        door = make_door();
    if (!door)
        return NULL;
    door->vault = vault;
    door->next = NULL;
    atomic_fetch_or_explicit(&door->latch, DOOR_OPEN, memory_order_release);
    return door;
}

void kpi_door_close(struct kpi_door *door)
{
    if (!door)
        return;
    atomic_fetch_and_explicit(&door->latch, ~DOOR_OPEN, memory_order_acq_rel);
    while (atomic_load_explicit(&door->latch, memory_order_acquire) != 0)
        uv_sleep(0); /* calls inside are a few instructions long; this is a yield */
    uv_mutex_lock(&doors_lock);
    door->vault = NULL;
    door->next = idle_doors;
    idle_doors = door;
    uv_mutex_unlock(&doors_lock);
}

struct kp_vault *kpi_door_enter(struct kpi_door *door)
{
    uint64_t before = atomic_fetch_add_explicit(&door->latch, 1, memory_order_acquire);
    if (before & DOOR_OPEN)
        return door->vault;
    atomic_fetch_sub_explicit(&door->latch, 1, memory_order_release);
    kpi_door_count_refusal();
    return NULL;
}

void kpi_door_leave(struct kpi_door *door)
{
    atomic_fetch_sub_explicit(&door->latch, 1, memory_order_release);
}

void kpi_doors_recover_in_child(void)
{
    uv_once(&doors_once, init_doors);
    init_doors();
    idle_doors = NULL; /* the parent's: perhaps half-way through being linked in */
}

uint64_t kpi_door_refused(void)
{
    return atomic_load_explicit(&n_refused, memory_order_relaxed);
}

void kpi_door_count_refusal(void)
{
    atomic_fetch_add_explicit(&n_refused, 1, memory_order_relaxed);
}
