#include "core/process.h"

#include <stdlib.h>

#include <uv.h>

#include "base/errors.h"
#include "core/door.h"
#include "core/list.h"
#include "core/memory.h"
#include "core/provider.h"

static uint64_t *fork_word;
static uint64_t last_epoch;
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
        if (provider->epoch == kpi_process_epoch())
            kpi_provider_park(provider);
    }
    uv_mutex_unlock(&live_lock);
}

static void init_locks(void)
{
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
}

static kp_status begin_locked(struct kp_error *reterr)
{
    if (!fork_word)
        fork_word = kpi_platform_fork_word();
    if (!fork_word)
        return kpb_fail_memory(reterr, "process.fork_word");
    if (*fork_word != 0)
        return KP_OK;
    if (last_epoch > 0)
        recover_in_child();
    else
        kpi_memory_begin();
    *fork_word = ++last_epoch;
    if (!exit_handler_set && atexit(park_all) != 0)
        return kpb_fail_memory(reterr, "process.atexit");
    exit_handler_set = true;
    return KP_OK;
}

kp_status kpi_process_begin(struct kp_error *reterr)
{
    uv_once(&first_use, init_locks);
    if (fork_word && *fork_word == 0)
        (void)uv_mutex_init(&begin_lock); /* a child: see recover_in_child */
    uv_mutex_lock(&begin_lock);
    kp_status st = begin_locked(reterr);
    uv_mutex_unlock(&begin_lock);
    return st;
}

bool kpi_process_begun(void)
{
    return last_epoch > 0;
}

uint64_t kpi_process_epoch(void)
{
    return fork_word ? *fork_word : 0;
}

void kpi_process_add(struct kp_provider *provider)
{
    uv_mutex_lock(&live_lock);
    kpi_list_append(&live, &provider->in_live);
    uv_mutex_unlock(&live_lock);
}

void kpi_process_remove(struct kp_provider *provider)
{
    uv_mutex_lock(&live_lock);
    kpi_list_remove(&provider->in_live);
    uv_mutex_unlock(&live_lock);
}

void kpi_process_keep_abandoned(struct kp_provider *provider)
{
    uv_mutex_lock(&live_lock);
    kpi_list_append(&abandoned, &provider->in_live);
    uv_mutex_unlock(&live_lock);
}
