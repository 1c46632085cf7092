#include "core/http.h"

#include "base/errors.h"
#include "base/mem.h"
#include "core/block.h"
#include "core/h2_parts.h"
#include "core/http_curl.h"
#include "core/provider.h"

/* ---- Certificates ---- */

static void deliver_store(struct kpi_mail *mail)
{
    struct kpi_http *http = KPI_HOLDER(mail, struct kpi_http, store_mail);
    http->reading_store = false;
    http->store = http->store_status == KP_OK ? http->read_store : NULL;
    for (struct kpi_link *link = http->pools.next; link != &http->pools; link = link->next) {
        struct kpi_http_pool *pool = KPI_HOLDER(link, struct kpi_http_pool, in_http);
        if (pool->is_tls && !http->store)
            kpi_http_pool_fail_queue(pool, KPI_HTTP_NO_TRUST, KPI_HTTP_QUEUE,
                                     http->store_error.text);
        kpi_http_pool_pump(pool);
    }
}

static void read_store(struct kpi_job *job)
{
    struct kpi_http *http = KPI_HOLDER(job, struct kpi_http, store_job);
    http->store_status = kpi_http_shared_store(http->shared, &http->read_store, &http->store_error);
    http->store_mail.deliver = deliver_store;
    kpi_shard_post(http->shard, &http->store_mail);
}

void kpi_http_want_store(struct kpi_http *http)
{
    if (http->reading_store)
        return;
    http->reading_store = true;
    http->store_job.run = read_store;
    kp_status st = kpi_workers_submit(&http->shard->provider->blockers, &http->store_job);
    if (st == KP_OK)
        return; /* the rest is the worker's until its mail comes */
    http->store_status = kpb_fail(&http->store_error, st, "no worker thread could be had");
    http->store_mail.deliver = deliver_store;
    kpi_shard_post(http->shard, &http->store_mail);
}

/* ---- Requests ---- */

static struct kpi_http *new_service(struct kpi_shard *shard)
{
    struct kpi_http *http = kpb_alloc("http", sizeof *http);
    if (!http)
        return NULL;
    http->shard = shard;
    http->shared = &shard->provider->http;
    http->limits = &http->shared->config->provider;
    kpi_list_init(&http->pools);
    kpi_list_init(&http->due);
    kpi_list_init(&http->unsent);
    kpi_list_init(&http->spent);
    for (size_t i = 0; i < KPI_HTTP_WATCH_LISTS; i++)
        kpi_list_init(&http->watches[i]);
    kp_error_init(&http->store_error);
    return http;
}

kp_status kpi_http_send(struct kpi_shard *shard, const struct kp_http_request *request,
                        uint32_t time_ms, kpi_http_ended_fn *ended, void *ctx,
                        struct kpi_http_call **ret_call)
{
    struct kp_http_request wanted;
    kpi_struct_read(&wanted, sizeof wanted, request);
    kp_status st = shard->http ? KP_OK : kpi_curl_begin();
    if (st != KP_OK)
        return st;
    if (!shard->http && !(shard->http = new_service(shard)))
        return KP_NO_MEMORY;
    st = kpi_http_call_new(shard->http, &wanted, time_ms, ret_call);
    if (st != KP_OK)
        return st;
    (*ret_call)->ended = ended;
    (*ret_call)->ctx = ctx;
    return KP_OK;
}

/* A request that was silent for as long as a connection may take shows a connection that is
 * dead. */
static bool waited_in_vain(const struct kpi_http_call *call, uint64_t now_ns)
{
    return now_ns >= call->due_ns ||
           (call->state == KPI_HTTP_CALL_SENT && call->http_status == 0 &&
            now_ns - call->sent_ns >= call->connect_timeout_ms * KPI_NS_PER_MS);
}

void kpi_http_cancel(struct kpi_http_call *call)
{
    if (call->state == KPI_HTTP_CALL_OVER)
        return;
    call->cause = KPI_HTTP_CANCELED;
    kpi_http_pool_withdraw(call, waited_in_vain(call, kpi_shard_now_ns(call->http->shard)));
}

/* ---- The loop's turns ---- */

static void free_spent(struct kpi_http *http)
{
    for (struct kpi_link *link; (link = kpi_list_pop(&http->spent)) != NULL;)
        kpi_http_generation_free(KPI_HOLDER(link, struct kpi_http_generation, link));
}

bool kpi_http_flush(struct kpi_http *http)
{
    if (!http)
        return false;
    struct kpi_link due;
    kpi_list_init(&due);
    kpi_list_splice(&due, &http->due);
    bool any = !kpi_list_empty(&due);
    while (!kpi_list_empty(&due))
        kpi_http_multi_kick(KPI_HOLDER(due.next, struct kpi_http_multi, in_due));
    free_spent(http); /* before a pool that they belong to can go */
    for (struct kpi_link *link; (link = kpi_list_pop(&http->unsent)) != NULL;)
        any = kpi_h2_flush(KPI_HOLDER(link, struct kpi_h2, in_unsent)) || any;
    free_spent(http);
    return any;
}

bool kpi_http_has_unsent(const struct kpi_http *http)
{
    return http && !kpi_list_empty(&http->unsent);
}

bool kpi_http_is_quiet(struct kpi_http *http)
{
    bool quiet = true;
    if (!http)
        return true;
    for (struct kpi_link *link = http->pools.next; link != &http->pools; link = link->next)
        quiet = kpi_http_pool_is_quiet(KPI_HOLDER(link, struct kpi_http_pool, in_http)) && quiet;
    return quiet && !http->reading_store;
}

void kpi_http_close(struct kpi_http *http)
{
    if (!http)
        return;
    while (!kpi_list_empty(&http->pools))
        kpi_http_pool_free(KPI_HOLDER(http->pools.next, struct kpi_http_pool, in_http));
    free_spent(http);
    kpi_h2_room_free(http->room);
    kpb_free(http);
}
