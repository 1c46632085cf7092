/*
 * The sockets of libcurl on the loop. Over HTTP/1.1 libcurl lets go of a socket after each request
 * and asks for it again with the next: what the loop looks for stays as it is in between, which
 * saves the system calls. A socket that shows something while nobody waits for it is left alone
 * from then on; libcurl finds out when it takes the connection up again.
 *
 * A number may become another socket's without a word from libcurl: it closes one whose connection
 * never came about by itself. So a watch ends, at the latest, when its number is opened anew.
 */
#include "base/mem.h"
#include "core/http_parts.h"

/* One socket that libcurl waits for, or has waited for. */
struct watch {
    uv_poll_t poll;
    struct kpi_link link; /* in its list of http->watches */
    struct kpi_http_multi *multi;
    curl_socket_t socket;
    int polled;  /* UV_* that the loop looks for; 0: nothing */
    bool wanted; /* libcurl waits for it */
};

static struct kpi_link *list_of(struct kpi_http *http, curl_socket_t socket)
{
    return &http->watches[(size_t)socket / KPI_HTTP_SOCKET_STEP % KPI_HTTP_WATCH_LISTS];
}

static struct watch *find_watch(struct kpi_http *http, curl_socket_t socket)
{
    struct kpi_link *list = list_of(http, socket);
    for (struct kpi_link *at = list->next; at != list; at = at->next) {
        struct watch *watch = KPI_HOLDER(at, struct watch, link);
        if (watch->socket == socket)
            return watch;
    }
    return NULL;
}

/* ---- The loop's events ---- */

static void stop_polling(struct watch *watch)
{
    (void)uv_poll_stop(&watch->poll);
    watch->polled = 0;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int what = status < 0 ? CURL_CSELECT_IN | CURL_CSELECT_OUT : 0; /* it finds the error itself */
    if (events & UV_READABLE)
        what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        what |= CURL_CSELECT_OUT;
    if (watch->wanted)
        kpi_http_multi_ready(watch->multi, watch->socket, what);
    else
        stop_polling(watch);
}

/* ---- A watch ---- */

static void free_watch(uv_handle_t *handle)
{
    kpb_free(handle->data);
}

static void end_watch(struct watch *watch)
{
    kpi_list_remove(&watch->link);
    (void)uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, free_watch);
}

static struct watch *begin_watch(struct kpi_http_multi *multi, curl_socket_t socket)
{
    struct kpi_http *http = multi->http;
    struct watch *watch = kpb_alloc("http.watch", sizeof *watch);
    if (!watch)
        return NULL;
    watch->multi = multi;
    watch->socket = socket;
    watch->poll.data = watch;
    if (uv_poll_init_socket(&http->shard->loop, &watch->poll, socket) != 0) {
        kpb_free(watch);
        return NULL;
    }
    kpi_list_append(list_of(http, socket), &watch->link);
    return watch;
}

/* libcurl may know it yet, and name it to us. */
static void end_watch_of(struct kpi_http *http, curl_socket_t socket)
{
    struct watch *watch = find_watch(http, socket);
    if (!watch)
        return;
    (void)curl_multi_assign(watch->multi->curl, socket, NULL);
    end_watch(watch);
}

/* One that libcurl has let go of, or a new one; NULL: it cannot be watched. */
static struct watch *take_watch(struct kpi_http_multi *multi, curl_socket_t socket)
{
    struct watch *watch = find_watch(multi->http, socket);
    if (!watch)
        watch = begin_watch(multi, socket);
    if (watch)
        (void)curl_multi_assign(multi->curl, socket, watch); /* libcurl just named it */
    return watch;
}

/* ---- libcurl's wishes ---- */

static void leave(struct watch *watch)
{
    watch->wanted = false;
    if (watch->polled != UV_READABLE) /* connecting, or with more to send than it took: not idle */
        end_watch(watch);
}

/* False: it cannot be watched. */
static bool watch_for(struct watch *watch, int events)
{
    watch->wanted = true;
    if (watch->polled == events)
        return true;
    watch->polled = events;
    return uv_poll_start(&watch->poll, events, on_ready) == 0;
}

int kpi_http_watch_socket(CURL *easy, curl_socket_t socket, int what, void *ctx, void *of_socket)
{
    struct kpi_http_multi *multi = ctx;
    struct watch *watch = of_socket;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch)
            leave(watch);
        (void)curl_multi_assign(multi->curl, socket, NULL);
        return 0;
    }
    if (!watch && !(watch = take_watch(multi, socket)))
        return kpi_http_multi_give_up(multi);
    int events =
        ((what & CURL_POLL_IN) ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) ? UV_WRITABLE : 0);
    return watch_for(watch, events) ? 0 : kpi_http_multi_give_up(multi);
}

bool kpi_http_watch_taken(struct kpi_http_multi *multi, curl_socket_t socket, int events)
{
    struct watch *watch = find_watch(multi->http, socket);
    if (!watch)
        watch = begin_watch(multi, socket);
    return watch && watch_for(watch, events);
}

curl_socket_t kpi_http_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct kpi_http_multi *multi = ctx;
    curl_socket_t socket =
        kpi_platform_open_socket(address->family, address->socktype, address->protocol);
    (void)purpose;
    end_watch_of(multi->http, socket);
    return socket;
}

/*
 * libcurl may close a socket before it says that it needs no watch any more, and by then the number
 * may be somebody else's. 0: closed.
 */
int kpi_http_close_socket(void *ctx, curl_socket_t socket)
{
    struct kpi_http_multi *multi = ctx;
    end_watch_of(multi->http, socket);
    return kpi_platform_close_socket(socket);
}

void kpi_http_end_watches(struct kpi_http_multi *multi)
{
    struct kpi_http *http = multi->http;
    for (size_t i = 0; i < KPI_HTTP_WATCH_LISTS; i++) {
        struct kpi_link *list = &http->watches[i];
        for (struct kpi_link *at = list->next, *next; at != list; at = next) {
            struct watch *watch = KPI_HOLDER(at, struct watch, link);
            next = at->next;
            if (watch->multi == multi)
                end_watch(watch);
        }
    }
}
