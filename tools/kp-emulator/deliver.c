/* How an answer goes out, with the faults a scenario asked for. */
#include "tools/kp-emulator/exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/latency.h"

#define SLOW_PIECES 8u
#define DROP_MS 120000 /* a dropped request is held this long, then its connection ends */

static const char HTML_PAGE[] =
    "<html><head><title>Service Unavailable</title></head>"
    "<body><h1>Our services aren't available right now</h1></body></html>";

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *text;
    } REASONS[] = {{200, "OK"},
                   {204, "No Content"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {408, "Request Timeout"},
                   {409, "Conflict"},
                   {410, "Gone"},
                   {429, "Too Many Requests"},
                   {500, "Internal Server Error"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"},
                   {504, "Gateway Timeout"}};
    for (size_t i = 0; i < sizeof REASONS / sizeof REASONS[0]; i++) {
        if (REASONS[i].status == status)
            return REASONS[i].text;
    }
    return "Status";
}

/* ---- Sending ---- */

static void put_headers(struct emu_exchange *x)
{
    struct evkeyvalq *out = evhttp_request_get_output_headers(x->http);
    const char *name;
    json_t *value;
    if (x->content_type && x->content.len > 0)
        evhttp_add_header(out, "Content-Type", x->content_type);
    json_object_foreach(x->headers, name, value) {
        evhttp_remove_header(out, name);
        if (json_is_string(value))
            evhttp_add_header(out, name, json_string_value(value));
    }
}

static void put_length(struct emu_exchange *x)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%zu", x->content.len);
    struct evkeyvalq *out = evhttp_request_get_output_headers(x->http);
    evhttp_remove_header(out, "Content-Length");
    evhttp_add_header(out, "Content-Length", text);
}

static struct evbuffer *buffer_of(const uint8_t *ptr, size_t len)
{
    struct evbuffer *buffer = evbuffer_new();
    if (buffer && len > 0)
        (void)evbuffer_add(buffer, ptr, len);
    return buffer;
}

static void send_whole(struct emu_exchange *x)
{
    struct evbuffer *body = buffer_of(x->content.ptr, x->content.len);
    if (x->status != 204 && x->status != 304)
        put_length(x);
    evhttp_send_reply(x->http, x->status, reason_of(x->status), body);
    if (body)
        evbuffer_free(body);
    emu_exchange_free(x);
}

/* Cuts the connection. With reset the peer sees ECONNRESET instead of an end. */
static void cut(struct emu_exchange *x, bool reset)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(x->http);
    const struct linger at_once = {1, 0};
    if (!connection) { /* the client was faster */
        evhttp_send_reply(x->http, 500, "Gone", NULL);
        emu_exchange_free(x);
        return;
    }
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
    if (reset && fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    emu_exchange_free(x);
    evhttp_connection_free(connection); /* takes the request along */
}

static void after(struct emu_exchange *x, int64_t ms, event_callback_fn cb)
{
    struct timeval delay = {ms / 1000, (ms % 1000) * 1000};
    if (x->timer)
        event_free(x->timer);
    x->timer = event_new(x->emu->base, -1, 0, cb, x);
    if (!x->timer || event_add(x->timer, &delay) != 0)
        cb(-1, EV_TIMEOUT, x);
}

/* ---- A body in pieces ---- */

static void send_piece(evutil_socket_t fd, short what, void *arg)
{
    struct emu_exchange *x = arg;
    size_t left = x->content.len - x->sent_len;
    size_t piece = x->content.len / SLOW_PIECES + 1;
    (void)fd;
    (void)what;
    if (!evhttp_request_get_connection(x->http) || left == 0) {
        evhttp_send_reply_end(x->http);
        emu_exchange_free(x);
        return;
    }
    piece = piece < left ? piece : left;
    struct evbuffer *bytes = buffer_of(x->content.ptr + x->sent_len, piece);
    evhttp_send_reply_chunk(x->http, bytes);
    if (bytes)
        evbuffer_free(bytes);
    x->sent_len += piece;
    after(x, x->fault.delay_ms, send_piece);
}

static void send_slowly(struct emu_exchange *x)
{
    put_length(x);
    evhttp_send_reply_start(x->http, x->status, reason_of(x->status));
    after(x, x->fault.delay_ms, send_piece);
}

/* ---- Half a body ---- */

static void cut_after_half(struct evhttp_connection *connection, void *arg)
{
    (void)connection;
    cut(arg, false);
}

static void send_half(struct emu_exchange *x)
{
    put_length(x);
    evhttp_send_reply_start(x->http, x->status, reason_of(x->status));
    struct evbuffer *half = buffer_of(x->content.ptr, x->content.len / 2);
    if (half && x->content.len > 1) {
        evhttp_send_reply_chunk_with_cb(x->http, half, cut_after_half, x);
        evbuffer_free(half);
        return;
    }
    if (half)
        evbuffer_free(half);
    cut(x, false);
}

/* ---- By fault ---- */

static void replace_body(struct emu_exchange *x, kp_span text, const char *type)
{
    x->content_type = type;
    kp_buf_reset(&x->content);
    kpb_ignore(kp_buf_append(&x->content, text)); /* without memory the body stays empty */
    x->status = x->fault.status ? x->fault.status : x->status;
}

static void on_drop_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    cut(arg, false);
}

static void deliver_now(struct emu_exchange *x)
{
    if (!evhttp_request_get_connection(x->http)) { /* the client has gone: this frees the request */
        evhttp_send_reply(x->http, 500, "Gone", NULL);
        emu_exchange_free(x);
        return;
    }
    put_headers(x);
    switch (x->fault.kind) {
    case EMU_FAULT_RESET:
        cut(x, true);
        return;
    case EMU_FAULT_DROP: /* ends with the connection, or with the emulator */
        after(x, DROP_MS, on_drop_over);
        return;
    case EMU_FAULT_SLOW:
        send_slowly(x);
        return;
    case EMU_FAULT_TRUNCATE:
        send_half(x);
        return;
    default:
        send_whole(x);
        return;
    }
}

static void on_delay_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    deliver_now(arg);
}

static void apply_fault(struct emu_exchange *x)
{
    const struct emu_fault *fault = &x->fault;
    if (fault->headers)
        (void)json_object_update(x->headers, fault->headers);
    if (fault->kind == EMU_FAULT_HTML)
        replace_body(x, kpb_span_str(HTML_PAGE), "text/html");
    else if (fault->kind == EMU_FAULT_BODY || (fault->kind == EMU_FAULT_STATUS && fault->text))
        replace_body(x, emu_json_text(fault->text), "application/json; charset=utf-8");
}

/* A Managed HSM sorts the members of its answers. */
static kp_status write_reply(struct emu_exchange *x)
{
    bool is_sorted = x->vault && emu_is_hsm(x->vault);
    return is_sorted ? emu_json_write_sorted(x->reply, &x->content)
                     : emu_json_write(x->reply, &x->content);
}

/* Half a millisecond of our own is rounded up. */
static void tell_latency(struct emu_exchange *x, int64_t latency_ms)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, latency_ms + 1);
    emu_set_header(x, "x-ms-server-latency", text);
}

void emu_send(struct emu_exchange *x)
{
    if (x->reply) {
        kp_buf_reset(&x->content);
        x->status = write_reply(x) == KP_OK ? x->status : 500;
    }
    const int64_t latency_ms = emu_latency_ms(x);
    if (x->vault && emu_is_hsm(x->vault))
        tell_latency(x, latency_ms);
    apply_fault(x);
    const int64_t delay_ms = latency_ms + (x->fault.kind != EMU_FAULT_SLOW ? x->fault.delay_ms : 0);
    if (delay_ms > 0)
        after(x, delay_ms, on_delay_over);
    else
        deliver_now(x);
}
