/*
 * Connections that live and die together: one multi handle of libcurl. libcurl's own clock is the
 * machine's; every time-out that matters is a timer of ours.
 */
#include <string.h>

#include "base/mem.h"
#include "core/http_parts.h"

#define IDLE_HANDLES_MAX 64u /* as many requests at once find a handle waiting */

/* ---- Outcomes ---- */

static void release_handle(struct kpi_http_call *call, bool again)
{
    struct kpi_http_generation *generation = call->generation;
    struct kpi_http_handle *handle = call->handle;
    (void)curl_multi_remove_handle(generation->multi, handle->easy); /* it is in there */
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

static void collect(struct kpi_http_generation *generation)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(generation->multi, &left)) != NULL;)
        if (message->msg == CURLMSG_DONE)
            end_call(message->easy_handle, message->data.result);
    if (generation->broken)
        kpi_http_pool_abandon(generation);
    kpi_http_pool_pump(generation->pool);
}

/* A handle that cannot go on, for want of memory or of a socket's watch, leaves its requests as
 * they are: they are ended here. */
static void act(struct kpi_http_generation *generation, curl_socket_t socket, int what)
{
    int running;
    if (curl_multi_socket_action(generation->multi, socket, what, &running) != CURLM_OK)
        generation->broken = true;
    collect(generation);
}

void kpi_http_generation_kick(struct kpi_http_generation *generation)
{
    kpi_list_remove(&generation->in_due);
    (void)uv_timer_stop(&generation->timer);
    act(generation, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- The loop's events ---- */

void kpi_http_generation_ready(struct kpi_http_generation *generation, curl_socket_t socket,
                               int what)
{
    struct kpi_shard *shard = generation->pool->http->shard;
    kpi_shard_begin_turn(shard);
    act(generation, socket, what);
    kpi_shard_run_turn(shard);
}

static void on_time(uv_timer_t *timer)
{
    struct kpi_http_generation *generation = timer->data;
    struct kpi_shard *shard = generation->pool->http->shard;
    kpi_shard_begin_turn(shard);
    kpi_http_generation_kick(generation);
    kpi_shard_run_turn(shard);
}

/* ---- libcurl's wishes ---- */

/* -1 makes libcurl give the handle up; those who are in it are told at the end of the turn. */
int kpi_http_generation_give_up(struct kpi_http_generation *generation)
{
    generation->broken = true;
    kpi_list_remove(&generation->in_due);
    kpi_list_append(&generation->pool->http->due, &generation->in_due);
    return -1;
}

/* At once is at the end of this turn; the loop's timer is there in case the turn is over. */
static int on_timer(CURLM *multi, long delay_ms, void *ctx)
{
    struct kpi_http_generation *generation = ctx;
    (void)multi;
    kpi_list_remove(&generation->in_due);
    if (delay_ms < 0) {
        (void)uv_timer_stop(&generation->timer);
        return 0;
    }
    if (delay_ms == 0)
        kpi_list_append(&generation->pool->http->due, &generation->in_due);
    (void)uv_timer_start(&generation->timer, on_time, (uint64_t)delay_ms, 0);
    return 0;
}

/* ---- Requests ---- */

static struct kpi_http_handle *take_handle(struct kpi_http_generation *generation)
{
    struct kpi_link *link = kpi_list_pop(&generation->handles);
    if (!link)
        return kpi_http_handle_new(generation);
    generation->n_handles--;
    return KPI_HOLDER(link, struct kpi_http_handle, link);
}

kp_status kpi_http_generation_add(struct kpi_http_generation *generation,
                                  struct kpi_http_call *call)
{
    struct kpi_http_handle *handle = take_handle(generation);
    if (!handle)
        return KP_NO_MEMORY;
    call->handle = handle;
    call->generation = generation;
    if (kpi_http_handle_load(handle, call) &&
        curl_multi_add_handle(generation->multi, handle->easy) == CURLM_OK) {
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
    release_handle(call, false);
}

void kpi_http_generation_limit(struct kpi_http_generation *generation, uint32_t n_connections)
{
    (void)curl_multi_setopt(generation->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)n_connections);
}

/* ---- Lifecycle ---- */

static void set_up(struct kpi_http_generation *generation)
{
    const struct kpi_http_pool *pool = generation->pool;
    const struct kpi_provider_limits *limits = pool->http->limits;
    long n = (long)(pool->is_h2 ? limits->http_max_connections_h2 : limits->http_max_connections);
    CURLM *multi = generation->multi;
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, kpi_http_watch_socket);
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, generation);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, generation);
    (void)curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, n);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)limits->http_max_connections);
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)limits->http_max_streams);
    (void)curl_share_setopt(generation->sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

struct kpi_http_generation *kpi_http_generation_new(struct kpi_http_pool *pool)
{
    struct kpi_shard *shard = pool->http->shard;
    struct kpi_http_generation *generation = kpb_alloc("http.generation", sizeof *generation);
    if (!generation)
        return NULL;
    generation->http = pool->http;
    generation->pool = pool;
    generation->multi = curl_multi_init();
    generation->sessions = curl_share_init();
    if (!generation->multi || !generation->sessions) {
        (void)curl_multi_cleanup(generation->multi); /* NULL is refused, and that is fine */
        (void)curl_share_cleanup(generation->sessions);
        kpb_free(generation);
        return NULL;
    }
    kpi_list_init(&generation->link);
    kpi_list_init(&generation->in_due);
    kpi_list_init(&generation->handles);
    kpi_list_init(&generation->calls);
    (void)uv_timer_init(&shard->loop, &generation->timer); /* cannot fail */
    generation->timer.data = generation;
    generation->born_ns = kpi_shard_turn_ns(shard);
    generation->used_ns = generation->born_ns;
    set_up(generation);
    return generation;
}

static void free_generation(uv_handle_t *handle)
{
    kpb_free(handle->data);
}

void kpi_http_generation_free(struct kpi_http_generation *generation)
{
    kpi_list_remove(&generation->link);
    for (struct kpi_link *link; (link = kpi_list_pop(&generation->handles)) != NULL;)
        kpi_http_handle_free(KPI_HOLDER(link, struct kpi_http_handle, link));
    (void)curl_multi_cleanup(generation->multi); /* closes its connections */
    kpi_http_end_watches(generation);
    (void)curl_share_cleanup(generation->sessions);
    kpi_list_remove(&generation->in_due);
    uv_close((uv_handle_t *)&generation->timer, free_generation);
}
