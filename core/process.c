#include "core/process.h"

#include <stdatomic.h>

#include <uv.h>

#include "base/errors.h"
#include "core/arena.h"
#include "core/dl.h"
#include "core/door.h"
#include "core/http_curl.h"
#include "core/list.h"
#include "core/memory.h"
#include "core/provider.h"

/* What begin_lock is in this very process: a child inherits it in any state. */
enum lock_state { LOCK_STALE = 0, LOCK_IN_REPAIR = 1, LOCK_SOUND = 2 };

static _Atomic(struct kpi_fork_page *) fork_page;
static _Atomic uint64_t last_epoch;
static uv_mutex_t live_lock;
static struct kpi_link live;
static struct kpi_link abandoned; /* only so that they stay reachable */
static bool exit_handler_set;
static uv_once_t first_use = UV_ONCE_INIT;
static uv_mutex_t begin_lock;

static void park_all(void)
{
    if (kpi_process_epoch() == 0)
        return; /* a child that opened nothing: the threads are its parent's */
    uv_mutex_lock(&live_lock);
    for (struct kpi_link *link = live.next; link != &live; link = link->next) {
        struct kp_provider *provider = KPI_HOLDER(link, struct kp_provider, in_live);
        if (provider->epoch != kpi_process_epoch())
            continue;
        provider->parked = true;
        kpi_provider_park(provider);
    }
    uv_mutex_unlock(&live_lock);
}

/* NULL as long as there is no memory for it. */
static struct kpi_fork_page *map_page(void)
{
    struct kpi_fork_page *page = kpi_platform_fork_page();
    if (page)
        atomic_store(&page->lock_state, LOCK_SOUND);
    atomic_store(&fork_page, page);
    return page;
}

static void init_locks(void)
{
    (void)map_page();                 /* begin tries again */
    (void)uv_mutex_init(&begin_lock); /* a plain mutex: no resource that could be out */
    (void)uv_mutex_init(&live_lock);
    kpi_list_init(&live);
    kpi_list_init(&abandoned);
}

/* Whoever held a lock when the process forked is not here to give it back. */
static void recover_in_child(void)
{
    (void)uv_mutex_init(&live_lock);
    kpi_list_init(&live);
    kpi_doors_recover_in_child();
    kpi_arena_recover_in_child();
    kpi_dl_recover_in_child();
    kpi_curl_recover_in_child();
}

static kp_status begin_locked(struct kp_error *reterr)
{
    struct kpi_fork_page *page = atomic_load(&fork_page);
    if (!page && !(page = map_page()))
        return kpb_fail_memory(reterr, "process.fork_page");
    if (atomic_load(&page->epoch) != 0)
        return KP_OK;
    if (atomic_load(&last_epoch) > 0)
        recover_in_child();
    else
        kpi_memory_begin();
    if (!exit_handler_set && !kpi_platform_at_exit(park_all))
        return kpb_fail_memory(reterr, "process.atexit");
    exit_handler_set = true;
    atomic_store(&page->epoch, atomic_fetch_add(&last_epoch, 1) + 1);
    return KP_OK;
}

/* In a child, once however many of its threads come at the same time. */
static void repair_begin_lock(void)
{
    struct kpi_fork_page *page = atomic_load(&fork_page);
    uint64_t state = LOCK_STALE;
    if (!page)
        return;
    if (atomic_compare_exchange_strong(&page->lock_state, &state, LOCK_IN_REPAIR)) {
        (void)uv_mutex_init(&begin_lock); /* a plain mutex: no resource that could be out */
        atomic_store(&page->lock_state, LOCK_SOUND);
    }
    while (atomic_load(&page->lock_state) != LOCK_SOUND)
        uv_sleep(0); /* another thread is at it: a few instructions */
}

kp_status kpi_process_begin(struct kp_error *reterr)
{
    uv_once(&first_use, init_locks);
    repair_begin_lock();
    uv_mutex_lock(&begin_lock);
    kp_status st = begin_locked(reterr);
    uv_mutex_unlock(&begin_lock);
    return st;
}

bool kpi_process_begun(void)
{
    return atomic_load(&last_epoch) > 0;
}

uint64_t kpi_process_epoch(void)
{
    struct kpi_fork_page *page = atomic_load_explicit(&fork_page, memory_order_acquire);
    return page ? atomic_load_explicit(&page->epoch, memory_order_relaxed) : 0;
}

void kpi_process_add(struct kp_provider *provider)
{
    uv_mutex_lock(&live_lock);
    kpi_list_append(&live, &provider->in_live);
    uv_mutex_unlock(&live_lock);
}

bool kpi_process_remove(struct kp_provider *provider)
{
    uv_mutex_lock(&live_lock);
    bool parked = provider->parked;
    if (!parked)
        kpi_list_remove(&provider->in_live);
    uv_mutex_unlock(&live_lock);
    return !parked;
}

void kpi_process_keep_abandoned(struct kp_provider *provider)
{
    uv_mutex_lock(&live_lock);
    kpi_list_append(&abandoned, &provider->in_live);
    uv_mutex_unlock(&live_lock);
}
