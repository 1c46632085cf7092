/*
 * Connections whose frames are our own: which of them a request gets, how they open, fail and
 * close. A request that was given to one waits there until it is open, and until the server allows
 * one stream more.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "core/h2_parts.h"

static struct kpi_h2 *of_multi(struct kpi_http_multi *multi)
{
    return KPI_HOLDER(multi, struct kpi_h2, multi);
}

CURL *kpi_h2_opener(const struct kpi_h2 *c)
{
    return c->handle->easy;
}

void kpi_h2_mark_unsent(struct kpi_h2 *c)
{
    kpi_list_remove(&c->in_unsent);
    kpi_list_append(&c->multi.http->unsent, &c->in_unsent);
}

bool kpi_h2_break(struct kpi_h2 *c, int cause, const char *detail)
{
    c->cause = cause;
    c->detail = detail;
    return false;
}

/* ---- Requests that leave ---- */

static void leave(struct kpi_http_call *call)
{
    struct kpi_http_generation *generation = call->generation;
    call->h2.connection->n_calls--;
    generation->n_active--;
    kpi_list_remove(&call->in_line);
    kpi_list_remove(&call->in_wait);
    call->h2 = (struct kpi_h2_stream){.connection = NULL};
    call->generation = NULL;
}

void kpi_h2_succeed(struct kpi_http_call *call)
{
    struct kpi_http_generation *generation = call->generation;
    call->h2.connection->worked = true;
    kpi_http_call_succeed(call);
    leave(call);
    kpi_http_pool_released(generation);
}

static void queue_again(struct kpi_http_call *call)
{
    struct kpi_http_generation *generation = call->generation;
    leave(call);
    kpi_http_reply_clear(call);
    kpi_http_pool_requeue(call);
    kpi_http_pool_released(generation);
}

void kpi_h2_fail(struct kpi_http_call *call, int cause, const char *detail)
{
    struct kpi_http_generation *generation = call->generation;
    if (!kpi_http_pool_failed(call, cause, detail)) {
        queue_again(call);
        return;
    }
    leave(call);
    kpi_http_pool_released(generation);
}

void kpi_h2_begin_again(struct kpi_http_call *call, int cause, const char *detail)
{
    if (call->cause == 0 && kpi_http_pool_may_begin_again(call))
        queue_again(call);
    else
        kpi_h2_fail(call, cause, detail);
}

/* A connection that had been idle may die just as a request is sent. */
static bool may_repeat(const struct kpi_http_call *call)
{
    return call->may_repeat && call->http_status == 0 && call->h2.connection->worked;
}

static void fail_one(struct kpi_http_call *call, int cause, const char *detail)
{
    const struct kpi_h2 *c = call->h2.connection;
    if ((c->session && !call->h2.sent) || may_repeat(call))
        kpi_h2_begin_again(call, cause, detail);
    else
        kpi_h2_fail(call, cause, detail);
}

typedef void end_fn(struct kpi_http_call *call, int cause, const char *detail);

/* Ends the requests of one connection, the last one first: each may be put at the head of the
 * queue. */
static void end_calls(struct kpi_h2 *c, end_fn *end, bool unsent_only)
{
    struct kpi_link *calls = &c->generation->calls;
    for (struct kpi_link *at = calls->prev, *prev; at != calls && c->n_calls > 0; at = prev) {
        struct kpi_http_call *call = KPI_HOLDER(at, struct kpi_http_call, in_line);
        prev = at->prev;
        if (call->h2.connection == c && !(unsent_only && call->h2.sent)) {
            kpi_h2_stream_reset(call);
            end(call, c->cause, c->detail);
        }
    }
}

/* It cannot go on. */
static void fail(struct kpi_h2 *c)
{
    end_calls(c, fail_one, false);
    kpi_h2_close(c);
}

/* No doing of the server's, and so not counted. */
static void go_elsewhere(struct kpi_http_call *call, int cause, const char *detail)
{
    (void)cause;
    (void)detail;
    queue_again(call);
}

/* What has not been sent goes elsewhere; what has been may yet be answered. */
static void drain(struct kpi_h2 *c, end_fn *end)
{
    struct kpi_http_pool *pool = c->generation->pool;
    c->cause = CURLE_HTTP2;
    end_calls(c, end, true);
    c->cause = 0;
    kpi_http_pool_pump(pool);
}

/* ---- The line ---- */

/* The smaller of what we want and what the server allows. */
static uint32_t room_of(const struct kpi_h2 *c)
{
    uint32_t ours = c->multi.http->limits->http_max_streams;
    uint32_t theirs = c->session ? kpi_h2_session_room(c) : ours;
    return theirs < ours ? theirs : ours;
}

/* Whether the first in line may be sent. */
static bool has_turn(const struct kpi_h2 *c)
{
    return !kpi_list_empty(&c->waiting) && !c->draining && c->left.len == 0 &&
           c->n_streams < room_of(c);
}

/* Those whose turn it is become streams. The session is told of no other: it would keep one that is
 * taken back until the server allows it. */
static void begin_streams(struct kpi_h2 *c)
{
    while (has_turn(c)) {
        struct kpi_http_call *call = KPI_HOLDER(c->waiting.next, struct kpi_http_call, in_wait);
        if (kpi_h2_stream_begin(call) == KP_OK)
            kpi_list_remove(&call->in_wait);
        else if (!c->draining)
            kpi_h2_fail(call, KPI_HTTP_NO_MEMORY_CALL, NULL);
    }
}

/* What is written may end streams, which makes room for others. */
static bool write_all(struct kpi_h2 *c)
{
    do {
        begin_streams(c);
        if (!kpi_h2_write(c))
            return false;
    } while (has_turn(c));
    return true;
}

/* ---- An open connection ---- */

/* Nobody is left to come or go on it. */
static bool is_over(const struct kpi_h2 *c)
{
    return (c->draining && c->n_calls == 0) || !nghttp2_session_want_read(c->session);
}

/* After frames have come or gone. True: requests have ended, or the connection has. */
static bool settle(struct kpi_h2 *c, bool ok)
{
    if (ok && !is_over(c))
        return false;
    if (ok && c->n_calls > 0)
        (void)kpi_h2_break(c, CURLE_HTTP2, "the session is over");
    fail(c);
    return true;
}

/* Drains a connection whose numbers are used up. */
static bool write_and_note(struct kpi_h2 *c)
{
    bool was_draining = c->draining;
    bool ok = write_all(c);
    if (ok && c->draining && !was_draining)
        drain(c, go_elsewhere);
    return ok;
}

bool kpi_h2_flush(struct kpi_h2 *c)
{
    struct kpi_http_pool *pool = c->generation->pool;
    uint32_t n_before = c->n_calls;
    bool ok = write_and_note(c);
    uint32_t n_after = c->n_calls;
    bool ended = settle(c, ok) || n_after != n_before;
    if (ended)
        kpi_http_pool_pump(pool);
    return ended;
}

/* Both what has come and what it leads to; drains a connection that the server gives up. */
static bool read_and_note(struct kpi_h2 *c)
{
    bool was_draining = c->draining;
    bool ok = kpi_h2_read(c);
    if (ok && c->draining && !was_draining)
        drain(c, kpi_h2_begin_again);
    if (ok && (has_turn(c) || nghttp2_session_want_write(c->session)))
        kpi_h2_mark_unsent(c);
    return ok;
}

static void on_ready(struct kpi_http_multi *multi, int what)
{
    struct kpi_h2 *c = of_multi(multi);
    struct kpi_http_pool *pool = c->generation->pool;
    bool ok = !(what & CURL_CSELECT_OUT) || write_and_note(c);
    if (ok && (what & CURL_CSELECT_IN))
        ok = read_and_note(c);
    (void)settle(c, ok);
    kpi_http_pool_pump(pool);
}

/* ---- Opening ---- */

/* The server is not what the pool took it for: libcurl may speak to it. */
static void refuse(struct kpi_h2 *c)
{
    c->generation->pool->is_h2 = false;
    kpi_http_pool_retire(c->generation);
    (void)kpi_h2_break(c, CURLE_HTTP2, "the server does not speak HTTP/2");
    end_calls(c, kpi_h2_begin_again, false);
    kpi_h2_close(c);
}

static bool begin_session(struct kpi_h2 *c)
{
    (void)curl_easy_getinfo(c->handle->easy, CURLINFO_ACTIVESOCKET, &c->socket);
    (void)uv_timer_stop(&c->multi.timer);
    c->multi.ready = on_ready;
    return (kpi_h2_session_begin(c) && kpi_http_watch_taken(&c->multi, c->socket, UV_READABLE)) ||
           kpi_h2_break(c, KPI_HTTP_NO_MEMORY_CALL, NULL);
}

/* The first frames of the server may have come along with the end of the handshake. */
static void open_up(struct kpi_h2 *c)
{
    if (!c->is_h2) {
        refuse(c);
        return;
    }
    bool ok = begin_session(c);
    if (ok)
        kpi_h2_mark_unsent(c);
    (void)settle(c, ok && read_and_note(c));
}

static void fail_to_open(struct kpi_h2 *c, int result)
{
    const char *detail =
        c->handle->said[0] ? c->handle->said : curl_easy_strerror((CURLcode)result);
    int cause = kpi_http_pool_judge(c->generation->pool, result, &detail);
    (void)kpi_h2_break(c, cause, detail);
    fail(c);
}

/* Errors of libcurl's own, for want of memory or of a watch, come without a message. */
static void collect(struct kpi_http_multi *multi)
{
    struct kpi_h2 *c = of_multi(multi);
    struct kpi_http_pool *pool = c->generation->pool;
    int left;
    const CURLMsg *message = curl_multi_info_read(multi->curl, &left);
    if (message && message->msg == CURLMSG_DONE && message->data.result == CURLE_OK)
        open_up(c);
    else if (message && message->msg == CURLMSG_DONE)
        fail_to_open(c, message->data.result);
    else if (multi->broken)
        fail_to_open(c, CURLE_OUT_OF_MEMORY);
    else
        return;
    kpi_http_pool_pump(pool);
}

bool kpi_h2_on_context(struct kpi_h2 *c, SSL_CTX *ctx)
{
    static const unsigned char offered[] = "\x02h2\x08http/1.1";
    c->securing = true;
    SSL_CTX_set_read_ahead(ctx, 1); /* one system call a record, not two */
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION); /* RFC 9113, section 9.2.1 */
    return SSL_CTX_set_alpn_protos(ctx, offered, sizeof offered - 1) == 0;
}

void kpi_h2_on_connected(struct kpi_h2 *c, SSL *ssl)
{
    c->ssl = ssl;
    c->is_h2 = ssl && kpi_tls_chose_h2(ssl);
}

/* ---- Lifecycle ---- */

static void free_connection(uv_handle_t *timer)
{
    kpb_free(KPI_HOLDER(timer, struct kpi_h2, multi.timer));
}

void kpi_h2_close(struct kpi_h2 *c)
{
    kpi_list_remove(&c->link);
    kpi_list_remove(&c->in_unsent);
    c->generation->n_connections--;
    nghttp2_session_del(c->session); /* NULL is fine */
    kp_buf_clear(&c->left);
    (void)curl_multi_remove_handle(c->multi.curl, c->handle->easy);
    kpi_http_handle_free(c->handle);
    kpi_http_multi_close(&c->multi, free_connection);
}

/* NULL when memory is out. */
static struct kpi_h2 *new_connection(struct kpi_http_generation *generation)
{
    struct kpi_http *http = generation->multi.http;
    if (!http->room && !(http->room = kpi_h2_room_new()))
        return NULL;
    struct kpi_h2 *c = kpb_alloc("h2.connection", sizeof *c);
    if (!c || !kpi_http_multi_init(&c->multi, http, collect)) {
        kpb_free(c);
        return NULL;
    }
    c->generation = generation;
    kpi_list_init(&c->in_unsent);
    kpi_list_init(&c->waiting);
    kp_buf_init_secret(&c->left, "h2.left", KPI_H2_LEFT_MAX);
    c->handle = kpi_http_handle_new_opener(generation->pool, &c->multi, generation->sessions, c);
    if (!c->handle || curl_multi_add_handle(c->multi.curl, c->handle->easy) != CURLM_OK) {
        kpi_http_handle_free(c->handle);
        kpi_http_multi_close(&c->multi, free_connection);
        return NULL;
    }
    kpi_list_append(&generation->connections, &c->link);
    generation->n_connections++;
    return c;
}

/* ---- Who gets which ---- */

/* The first with room; else a new one, where one more may be; else the one with the shortest line.
 * NULL when memory is out. */
static struct kpi_h2 *choose(struct kpi_http_generation *generation)
{
    struct kpi_h2 *best = NULL;
    struct kpi_link *all = &generation->connections;
    for (struct kpi_link *at = all->next; at != all; at = at->next) {
        struct kpi_h2 *c = KPI_HOLDER(at, struct kpi_h2, link);
        if (c->draining)
            continue;
        if (c->n_calls < room_of(c))
            return c;
        if (!best || c->n_calls < best->n_calls)
            best = c;
    }
    if (best && generation->n_connections >= best->multi.http->limits->http_max_connections_h2)
        return best;
    struct kpi_h2 *fresh = new_connection(generation);
    return fresh ? fresh : best;
}

static void enter(struct kpi_h2 *c, struct kpi_http_call *call)
{
    call->generation = c->generation;
    call->h2.connection = c;
    call->h2.opens = !c->session && c->n_calls == 0;
    c->n_calls++;
    c->generation->n_active++;
    kpi_list_append(&c->generation->calls, &call->in_line);
    kpi_list_append(&c->waiting, &call->in_wait);
    if (c->session)
        kpi_h2_mark_unsent(c);
}

kp_status kpi_h2_add(struct kpi_http_generation *generation, struct kpi_http_call *call)
{
    struct kpi_h2 *c = choose(generation);
    if (!c)
        return KP_NO_MEMORY;
    enter(c, call);
    return KP_OK;
}

void kpi_h2_remove(struct kpi_http_call *call)
{
    struct kpi_h2 *c = call->h2.connection;
    kpi_h2_stream_reset(call);
    leave(call);
    if (!c->session && c->n_calls == 0)
        kpi_h2_close(c);
}

/* ---- How far a request has got ---- */

enum kpi_http_phase kpi_h2_phase(const struct kpi_http_call *call)
{
    if (call->http_status != 0)
        return call->headers_done ? KPI_HTTP_BODY : KPI_HTTP_HEADERS;
    if (call->h2.sent)
        return call->h2.said ? KPI_HTTP_STATUS : KPI_HTTP_SEND;
    const struct kpi_h2 *c = call->h2.connection;
    if (c->session)
        return c->cause != 0 ? KPI_HTTP_SEND
                             : KPI_HTTP_QUEUE; /* the server allows no stream more */
    return c->securing ? KPI_HTTP_TLS : KPI_HTTP_CONNECT;
}

bool kpi_h2_has_opened(const struct kpi_http_call *call)
{
    return call->h2.opens && call->h2.connection->securing;
}
