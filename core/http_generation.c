/*
 * Connections that live and die together: one multi handle of libcurl, its sockets watched by the
 * loop. libcurl's own clock is the machine's; every time-out that matters is a timer of ours.
 */
#include <string.h>

#include "base/mem.h"
#include "core/http_parts.h"

#define IDLE_HANDLES_MAX 64u /* as many requests at once find a handle waiting */

/* One socket that libcurl waits for. */
struct watch {
    uv_poll_t poll;
    struct kpi_link link; /* of its generation */
    struct kpi_http_generation *generation;
    curl_socket_t socket;
};

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

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    struct kpi_http_generation *generation = watch->generation;
    struct kpi_shard *shard = generation->pool->http->shard;
    int what = status < 0 ? CURL_CSELECT_IN | CURL_CSELECT_OUT : 0; /* it finds the error itself */
    if (events & UV_READABLE)
        what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        what |= CURL_CSELECT_OUT;
    kpi_shard_begin_turn(shard);
    act(generation, watch->socket, what);
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

static void free_watch(uv_handle_t *handle)
{
    kpb_free(handle->data);
}

static struct watch *begin_watch(struct kpi_http_generation *generation, curl_socket_t socket)
{
    struct watch *watch = kpb_alloc("http.watch", sizeof *watch);
    if (!watch)
        return NULL;
    watch->generation = generation;
    watch->socket = socket;
    watch->poll.data = watch;
    if (uv_poll_init_socket(&generation->pool->http->shard->loop, &watch->poll, socket) != 0) {
        kpb_free(watch);
        return NULL;
    }
    (void)curl_multi_assign(generation->multi, socket, watch); /* libcurl just named it */
    kpi_list_append(&generation->watches, &watch->link);
    return watch;
}

static void end_watch(struct watch *watch)
{
    kpi_list_remove(&watch->link);
    (void)uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, free_watch);
}

/* -1 makes libcurl give the handle up; those who are in it are told at the end of the turn. */
static int give_up(struct kpi_http_generation *generation)
{
    generation->broken = true;
    kpi_list_remove(&generation->in_due);
    kpi_list_append(&generation->pool->http->due, &generation->in_due);
    return -1;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *ctx, void *of_socket)
{
    struct kpi_http_generation *generation = ctx;
    struct watch *watch = of_socket;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch)
            end_watch(watch);
        (void)curl_multi_assign(generation->multi, socket, NULL);
        return 0;
    }
    if (!watch && !(watch = begin_watch(generation, socket)))
        return give_up(generation);
    int events =
        ((what & CURL_POLL_IN) ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) ? UV_WRITABLE : 0);
    return uv_poll_start(&watch->poll, events, on_ready) == 0 ? 0 : give_up(generation);
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

/*
 * libcurl may close a socket before it says that it needs no watch any more, and by then the number
 * may be somebody else's. 0: closed.
 */
int kpi_http_close_socket(void *ctx, curl_socket_t socket)
{
    struct kpi_http_generation *generation = ctx;
    for (struct kpi_link *at = generation->watches.next; at != &generation->watches;
         at = at->next) {
        struct watch *watch = KPI_HOLDER(at, struct watch, link);
        if (watch->socket != socket)
            continue;
        (void)curl_multi_assign(generation->multi, socket, NULL); /* it may know it no more */
        end_watch(watch);
        break;
    }
    return kpi_platform_close_socket(socket);
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
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
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
    kpi_list_init(&generation->watches);
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
    (void)curl_share_cleanup(generation->sessions);
    kpi_list_remove(&generation->in_due);
    uv_close((uv_handle_t *)&generation->timer, free_generation);
}
