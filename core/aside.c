#include "core/aside.h"

#include <uv.h>

#include "base/errors.h"
#include "core/list.h"
#include "core/thread.h"
#include "core/wait.h"

/* On the stack of the caller, who reads is_done last of all. */
struct errand {
    struct kpi_mail mail;
    kpi_aside_fn *fn;
    void *ctx;
    _Atomic uint32_t is_done;
};

/* After is_done the errand may be gone; waking takes no more of it than the address. */
static void deliver(struct kpi_mail *mail)
{
    struct errand *errand = KPI_HOLDER(mail, struct errand, mail);
    errand->fn(errand->ctx);
    atomic_store_explicit(&errand->is_done, 1, memory_order_release);
    kpi_wake_all(&errand->is_done);
}

void kpi_aside_on_loop(struct kpi_shard *shard, kpi_aside_fn *fn, void *ctx)
{
    struct errand errand = {.mail = {.deliver = deliver}, .fn = fn, .ctx = ctx};
    if (kpi_on_loop_thread()) {
        fn(ctx);
        return;
    }
    kpi_shard_post(shard, &errand.mail);
    while (atomic_load_explicit(&errand.is_done, memory_order_acquire) == 0)
        (void)kpi_wait_on(&errand.is_done, 0, KPI_WAIT_FOREVER);
}

static void run(void *arg)
{
    const struct errand *errand = arg;
    errand->fn(errand->ctx);
}

kp_status kpi_aside_on_thread(kpi_aside_fn *fn, void *ctx, struct kp_error *reterr)
{
    struct errand errand = {.fn = fn, .ctx = ctx};
    uv_thread_t thread;
    if (!kpi_thread_start(&thread, run, &errand))
        return kpb_fail_memory(reterr, "aside.thread");
    (void)uv_thread_join(&thread);
    return KP_OK;
}
