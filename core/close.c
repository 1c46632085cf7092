/*
 * Closing a provider: everything pending ends, every vault closes, every thread leaves, and what
 * could not be brought to an end within the time is named and left in place for ever, because
 * somebody may still be inside it.
 */
#include <keyprovider/keyprovider.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "core/pipeline.h"
#include "core/process.h"
#include "core/provider.h"
#include "core/vault.h"
#include "core/wait.h"

/* A loop that was told to give up does so at once, unless a plugin blocks it. */
#define GIVE_UP_NS (1000 * KPI_NS_PER_MS)

/* ---- On the loop ---- */

/* Freed with the provider: a caller that came in before the close may still be looking at it. */
static void vault_closed(struct kp_vault *vault)
{
    kpi_list_remove(&vault->in_shard);
    kpi_list_append(&vault->shard->closed_vaults, &vault->in_shard);
}

static void deliver_close(struct kpi_mail *mail)
{
    struct kpi_shard *shard = KPI_HOLDER(mail, struct kpi_shard, close_mail);
    shard->closing = true;
    for (struct kpi_link *link = shard->vaults.next, *next; link != &shard->vaults; link = next) {
        struct kp_vault *vault = KPI_HOLDER(link, struct kp_vault, in_shard);
        next = link->next;
        vault->on_closed = vault_closed;
        kpi_vault_begin_close(vault);
    }
}

/* Adds one more finding to a text, cut at its end. */
static void add_finding(char text[KP_ERROR_TEXT_LEN], const char *fmt, ...) KPB_PRINTF(2, 3);

static void add_finding(char text[KP_ERROR_TEXT_LEN], const char *fmt, ...)
{
    va_list args;
    size_t used = strlen(text);
    if (used > 0 && used + 2 < KP_ERROR_TEXT_LEN) {
        memcpy(text + used, ", ", 3);
        used += 2;
    }
    va_start(args, fmt);
    (void)vsnprintf(text + used, KP_ERROR_TEXT_LEN - used, fmt, args); /* cut is fine */
    va_end(args);
}

static void name_abandoned(struct kpi_shard *shard, const struct kp_vault *vault,
                           const struct kpi_op *op)
{
    shard->n_abandoned++;
    if (op)
        add_finding(
            shard->abandoned, "%s on %s for %llu ms", kp_op_text(op->request->op), vault->name,
            (unsigned long long)((kpi_shard_now_ns(shard) - op->started_ns) / KPI_NS_PER_MS));
    else
        add_finding(shard->abandoned, "vault %s while %s", vault->name,
                    kpi_vault_state_text(vault));
}

/* Whoever came in before the close, whatever for, still looks at what would be freed. */
static void name_callers(struct kpi_shard *shard)
{
    uint32_t n = atomic_load_explicit(&shard->n_callers, memory_order_seq_cst);
    if (n == 0 || shard->n_abandoned > 0)
        return; /* the provider stays anyway, and a caller of what was named is on its way out */
    shard->n_abandoned = n;
    add_finding(shard->abandoned, "calls that have not returned: %u", n);
}

static void deliver_abandon(struct kpi_mail *mail)
{
    struct kpi_shard *shard = KPI_HOLDER(mail, struct kpi_shard, abandon_mail);
    for (struct kpi_link *link = shard->vaults.next; link != &shard->vaults; link = link->next) {
        struct kp_vault *vault = KPI_HOLDER(link, struct kp_vault, in_shard);
        for (struct kpi_link *at = vault->in_flight.next; at != &vault->in_flight; at = at->next)
            name_abandoned(shard, vault, KPI_HOLDER(at, struct kpi_op, link));
        if (kpi_list_empty(&vault->in_flight))
            name_abandoned(shard, vault, NULL);
    }
    name_callers(shard);
    kpi_shard_stop(shard, true);
}

/* ---- The closing thread ---- */

static uint64_t left_ns(uint64_t end)
{
    uint64_t now = uv_hrtime();
    return now < end ? end - now : 0;
}

static bool wait_for_end(struct kpi_shard *shard, uint64_t end)
{
    while (!atomic_load_explicit(&shard->ended, memory_order_acquire)) {
        uint64_t left = left_ns(end);
        if (left == 0)
            return false;
        (void)kpi_wait_on(&shard->ended, 0, left); /* looks again either way */
    }
    kpi_shard_join(shard);
    return true;
}

/* The time is up: the loop says what it leaves, unless it is stuck itself. */
static void give_up(struct kpi_shard *shard, struct kp_close_report *report)
{
    shard->abandon_mail.deliver = deliver_abandon;
    kpi_shard_post(shard, &shard->abandon_mail);
    if (wait_for_end(shard, uv_hrtime() + GIVE_UP_NS)) {
        report->abandoned += shard->n_abandoned;
        if (shard->n_abandoned > 0)
            add_finding(report->text, "%s", shard->abandoned);
        return;
    }
    report->abandoned++;
    add_finding(report->text, "loop thread %u is blocked by a plugin", shard->at);
}

static void close_shards(struct kp_provider *provider, uint64_t end, struct kp_close_report *report)
{
    for (uint32_t i = 0; i < provider->n_shards; i++) {
        struct kpi_shard *shard = &provider->shards[i];
        shard->close_mail.deliver = deliver_close;
        kpi_shard_post(shard, &shard->close_mail);
    }
    for (uint32_t i = 0; i < provider->n_shards; i++) {
        struct kpi_shard *shard = &provider->shards[i];
        if (!wait_for_end(shard, end))
            give_up(shard, report);
        report->canceled += shard->n_canceled;
    }
}

static void stop_workers(struct kp_provider *provider, uint64_t end, struct kp_close_report *report)
{
    uint32_t n_busy = kpi_workers_stop(&provider->computers, left_ns(end)) +
                      kpi_workers_stop(&provider->blockers, left_ns(end));
    uint32_t n_names = kpi_resolver_stop(&provider->http.resolver, left_ns(end));
    report->abandoned += n_busy + n_names;
    if (n_busy > 0)
        add_finding(report->text, "%u workers are busy", n_busy);
    if (n_names > 0)
        add_finding(report->text, "%u look-ups of host names hang", n_names);
}

static void close_here(struct kp_provider *provider, uint32_t timeout_ms,
                       struct kp_close_report *report)
{
    uint64_t end = uv_hrtime() + timeout_ms * KPI_NS_PER_MS;
    uv_mutex_lock(&provider->lock); /* so that no vault is attached behind the closing mail */
    atomic_store_explicit(&provider->closing, 1, memory_order_seq_cst);
    uv_mutex_unlock(&provider->lock);
    if (!kpi_process_remove(provider)) {
        report->abandoned = 1;
        add_finding(report->text, "the process is ending and has stopped the provider's threads");
        return;
    }
    kpi_gate_close(&provider->gate);
    close_shards(provider, end, report);
    stop_workers(provider, end + GIVE_UP_NS, report);
    if (report->abandoned == 0)
        kpi_provider_free(provider);
    else
        kpi_process_keep_abandoned(provider);
}

/* Nothing was closed, and the report does not look as if. */
static void refuse_close(struct kp_close_report *report, const char *why)
{
    report->abandoned = 1;
    (void)snprintf(report->text, sizeof report->text, "%s", why);
}

void kp_provider_close_wait(kp_provider *provider, uint32_t timeout_ms,
                            struct kp_close_report *ret_report)
{
    struct kp_close_report report = {.struct_size = sizeof report};
    if (provider && provider->epoch != kpi_process_epoch())
        refuse_close(&report, "opened before this process forked; its threads are the parent's");
    else if (provider && kpi_on_loop_thread())
        refuse_close(&report, "not closed: called from a completion; use kp_provider_close there");
    else if (provider)
        close_here(provider, timeout_ms, &report);
    if (ret_report)
        *ret_report = report;
}

struct close_call {
    kp_provider *provider;
    uint32_t timeout_ms;
    kp_closed_fn *cb;
    void *ctx;
};

static void run_close(void *arg)
{
    struct close_call call = *(struct close_call *)arg;
    struct kp_close_report report = {.struct_size = sizeof report};
    kpb_free(arg);
    kp_provider_close_wait(call.provider, call.timeout_ms, &report);
    if (call.cb)
        call.cb(call.ctx, &report);
}

void kp_provider_close(kp_provider *provider, uint32_t timeout_ms, kp_closed_fn *cb, void *ctx)
{
    struct close_call *call = kpb_alloc("close", sizeof *call);
    if (call) {
        *call = (struct close_call){provider, timeout_ms, cb, ctx};
        if (kpi_platform_start_detached(run_close, call) == KP_OK)
            return;
    }
    kpb_free(call);
    struct kp_close_report report = {.struct_size = sizeof report};
    refuse_close(&report, "not closed: no thread could be had for it");
    if (cb)
        cb(ctx, &report);
}

void kpi_provider_park(struct kp_provider *provider)
{
    uint64_t end = uv_hrtime() + GIVE_UP_NS;
    atomic_store_explicit(&provider->closing, 1, memory_order_seq_cst);
    kpi_gate_close(&provider->gate);
    for (uint32_t i = 0; i < provider->n_shards; i++) {
        struct kpi_shard *shard = &provider->shards[i];
        shard->abandon_mail.deliver = deliver_abandon;
        kpi_shard_post(shard, &shard->abandon_mail);
    }
    for (uint32_t i = 0; i < provider->n_shards; i++)
        if (!kpi_shard_is_current(&provider->shards[i]))   /* it may be the one that exits */
            (void)wait_for_end(&provider->shards[i], end); /* what is stuck stays stuck */
    (void)kpi_workers_stop(&provider->computers, left_ns(end));
    (void)kpi_workers_stop(&provider->blockers, left_ns(end));
    (void)kpi_resolver_stop(&provider->http.resolver, left_ns(end));
}
