/*
 * Connections that live and die together: those of one multi handle of libcurl, or those over which
 * the frames of HTTP/2 are our own.
 */
#include <string.h>

#include "base/mem.h"
#include "core/h2_parts.h"

#define IDLE_HANDLES_MAX 64u /* as many requests at once find a handle waiting */

/* ---- Outcomes ---- */

static void release_handle(struct kpi_http_call *call, bool again)
{
    struct kpi_http_generation *generation = call->generation;
    struct kpi_http_handle *handle = call->handle;
    (void)curl_multi_remove_handle(generation->multi.curl, handle->easy); /* it is in there */
    call->handle = NULL;
    call->generation = NULL;
    kpi_list_remove(&call->in_line);
    generation->n_active--;
    kpi_http_handle_unload(handle);
    if (again && generation->n_handles < IDLE_HANDLES_MAX) {
        kpi_list_append(&generation->handles, &handle->link);
        generation->n_handles++;
    } else {
        kpi_http_handle_free(handle);
    }
}

static void end_call(CURL *easy, CURLcode result)
{
    char *private = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    struct kpi_http_call *call = ((struct kpi_http_handle *)(void *)private)->call;
    struct kpi_http_generation *generation = call->generation;
    /* A handle keeps what it received last: after a secret it is freed, and so wiped. */
    bool again = result == CURLE_OK && !(call->flags & KP_HTTP_SECRET_REPLY);
    bool ended = kpi_http_pool_ended(call, (int)result);
    release_handle(call, again);
    if (!ended)
        kpi_http_pool_requeue(call);
    kpi_http_pool_released(generation);
}

/* A server that turned out to speak HTTP/2 needs fewer connections. */
static void keep_limit(struct kpi_http_generation *generation)
{
    uint32_t n = kpi_http_protocol_max_connections(generation->pool);
    if (n == generation->max_connections)
        return;
    generation->max_connections = n;
    (void)curl_multi_setopt(generation->multi.curl, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)n);
}

static void collect(struct kpi_http_multi *multi)
{
    struct kpi_http_generation *generation = KPI_HOLDER(multi, struct kpi_http_generation, multi);
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(multi->curl, &left)) != NULL;)
        if (message->msg == CURLMSG_DONE)
            end_call(message->easy_handle, message->data.result);
    if (multi->broken)
        kpi_http_pool_abandon(generation);
    keep_limit(generation);
    kpi_http_pool_pump(generation->pool);
}

/* ---- Requests ---- */

static struct kpi_http_handle *take_handle(struct kpi_http_generation *generation)
{
    struct kpi_link *link = kpi_list_pop(&generation->handles);
    if (!link)
        return kpi_http_handle_new(generation->pool, &generation->multi, generation->sessions);
    generation->n_handles--;
    return KPI_HOLDER(link, struct kpi_http_handle, link);
}

kp_status kpi_http_generation_add(struct kpi_http_generation *generation,
                                  struct kpi_http_call *call)
{
    if (generation->framed)
        return kpi_h2_add(generation, call);
    struct kpi_http_handle *handle = take_handle(generation);
    if (!handle)
        return KP_NO_MEMORY;
    call->handle = handle;
    call->generation = generation;
    if (kpi_http_handle_load(handle, call) &&
        curl_multi_add_handle(generation->multi.curl, handle->easy) == CURLM_OK) {
        kpi_list_append(&generation->calls, &call->in_line);
        generation->n_active++;
        return KP_OK;
    }
    call->handle = NULL;
    call->generation = NULL;
    kpi_http_handle_free(handle);
    return KP_NO_MEMORY;
}

void kpi_http_generation_remove(struct kpi_http_call *call)
{
    if (call->h2.connection)
        kpi_h2_remove(call);
    else
        release_handle(call, false);
}

/* ---- Lifecycle ---- */

static void set_up(struct kpi_http_generation *generation)
{
    const struct kpi_provider_limits *limits = generation->pool->http->limits;
    CURLM *multi = generation->multi.curl;
    (void)curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    keep_limit(generation);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)limits->http_max_connections);
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)limits->http_max_streams);
    (void)curl_share_setopt(generation->sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

struct kpi_http_generation *kpi_http_generation_new(struct kpi_http_pool *pool)
{
    struct kpi_http_generation *generation = kpb_alloc("http.generation", sizeof *generation);
    if (!generation)
        return NULL;
    generation->pool = pool;
    generation->sessions = curl_share_init();
    if (!generation->sessions || !kpi_http_multi_init(&generation->multi, pool->http, collect)) {
        (void)curl_share_cleanup(generation->sessions); /* NULL is refused, and that is fine */
        kpb_free(generation);
        return NULL;
    }
    kpi_list_init(&generation->link);
    kpi_list_init(&generation->handles);
    kpi_list_init(&generation->calls);
    kpi_list_init(&generation->connections);
    generation->framed = kpi_http_protocol_is_framed(pool);
    generation->born_ns = kpi_shard_turn_ns(pool->http->shard);
    generation->used_ns = generation->born_ns;
    set_up(generation);
    return generation;
}

static void free_generation(uv_handle_t *timer)
{
    kpb_free(KPI_HOLDER(timer, struct kpi_http_generation, multi.timer));
}

void kpi_http_generation_free(struct kpi_http_generation *generation)
{
    kpi_list_remove(&generation->link);
    for (struct kpi_link *link; (link = kpi_list_pop(&generation->handles)) != NULL;)
        kpi_http_handle_free(KPI_HOLDER(link, struct kpi_http_handle, link));
    while (!kpi_list_empty(&generation->connections))
        kpi_h2_close(KPI_HOLDER(generation->connections.next, struct kpi_h2, link));
    kpi_http_multi_close(&generation->multi, free_generation);
    (void)curl_share_cleanup(generation->sessions);
}
