/*
 * What nghttp2 is told about a connection, and what it tells of the server's frames. It keeps to
 * the protocol, counts the streams, opens the windows and answers pings; answers are kept, within
 * their bounds, with their requests.
 */
#include <string.h>

#include "base/span.h"
#include "core/h2_parts.h"
#include "core/wiped_heap.h"

/* What the server may send before it hears from us: on a stream, and on the connection. */
#define STREAM_WINDOW (256 * 1024)
#define CONNECTION_WINDOW (1024 * 1024)
/* Headers of a request: more than http_call.c lets pass, a token and an address. */
#define HEADER_BLOCK_MAX (512u * 1024u)

/* ---- Memory ---- */

#define SITE "nghttp2"

static void *allocate(size_t n, void *ctx)
{
    (void)ctx;
    return kpi_wiped_alloc(SITE, n);
}

static void release(void *p, void *ctx)
{
    (void)ctx;
    kpi_wiped_free(p);
}

static void *allocate_array(size_t count, size_t size, void *ctx)
{
    (void)ctx;
    return kpi_wiped_alloc_array(SITE, count, size);
}

static void *reallocate(void *p, size_t n, void *ctx)
{
    (void)ctx;
    return kpi_wiped_realloc(SITE, p, n);
}

/* ---- What comes of a request ---- */

/* NULL: nobody waits for the stream any more. */
static struct kpi_http_call *call_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

/* More than is allowed has come, or memory is out; call->cause says which. */
static void break_off(struct kpi_http_call *call)
{
    kpi_h2_stream_reset(call);
    kpi_h2_fail(call, call->cause, NULL);
}

/* The answer is whole; a server that has not read all of the request needs no more of it. */
static void complete(struct kpi_http_call *call)
{
    call->h2.complete = true;
    if (nghttp2_session_get_stream_local_close(call->h2.connection->session, call->h2.id) == 1)
        return; /* the stream is about to close */
    kpi_h2_stream_reset(call);
    kpi_h2_succeed(call);
}

/* nghttp2 takes 099 for the status of an answer. */
static void refuse_status(struct kpi_http_call *call)
{
    kpi_h2_stream_reset(call);
    kpi_h2_fail(call, CURLE_WEIRD_SERVER_REPLY, "no such status");
}

/* ---- What the server says ---- */

/* The turn may have begun before the request was sent; 0 would mean that nothing has come. */
static uint64_t time_to_answer_ns(const struct kpi_http_call *call)
{
    uint64_t now_ns = kpi_shard_turn_ns(call->http->shard);
    return now_ns > call->sent_ns ? now_ns - call->sent_ns : 1;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct kpi_http_call *call = call_of(session, frame->hd.stream_id);
    (void)ctx;
    if (!call)
        return 0;
    if (call->h2.first_byte_ns == 0)
        call->h2.first_byte_ns = time_to_answer_ns(call);
    if (!call->headers_done)
        kpi_http_reply_clear(call); /* what came before was an interim answer */
    return 0;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* nghttp2 has seen to it that these are digits. */
static int64_t number_of(kp_span text)
{
    int64_t n = 0;
    for (size_t i = 0; i < text.len && is_digit(text.ptr[i]) && n < INT64_MAX / 10 - 9; i++)
        n = 10 * n + (text.ptr[i] - '0');
    return n;
}

static void take_header(struct kpi_http_call *call, kp_span name, kp_span value)
{
    if (kpb_span_eq_str(name, ":status")) {
        call->http_status = (uint32_t)number_of(value);
        return;
    }
    if (kpb_span_eq_str(name, "content-length"))
        call->announced = number_of(value);
    if (!kpi_http_reply_header(call, name, value))
        break_off(call);
}

/* Headers behind the answer's own are trailers, which nobody asked for. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *ctx)
{
    struct kpi_http_call *call = call_of(session, frame->hd.stream_id);
    (void)flags;
    (void)ctx;
    if (call && !call->headers_done)
        take_header(call, kpb_span(name, name_len), kpb_span(value, value_len));
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t n, void *ctx)
{
    struct kpi_http_call *call = call_of(session, id);
    (void)flags;
    (void)ctx;
    if (call && !kpi_http_reply_body(call, kpb_span(bytes, n)))
        break_off(call);
    return 0;
}

/* What the server allows, which its next connection begins with. */
static void note_settings(struct kpi_h2 *c)
{
    c->heard = true;
    c->generation->pool->h2_streams = kpi_h2_session_room(c);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct kpi_h2 *c = ctx;
    struct kpi_http_call *call = NULL;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        c->draining = true;
    if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK))
        note_settings(c);
    if (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)
        call = call_of(session, frame->hd.stream_id);
    if (!call)
        return 0;
    call->headers_done = call->http_status >= 200;
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    if (call->headers_done)
        complete(call);
    else
        refuse_status(call);
    return 0;
}

/* Not one that the server refuses for reasons of its own: when to ask again is the pipeline's
 * business. */
static bool came_too_late(const struct kpi_http_call *call, uint32_t code)
{
    return !call->h2.sent ||
           (code == NGHTTP2_REFUSED_STREAM && (call->h2.blind || call->h2.connection->draining));
}

/* Whether it may go out again as if it never had; nobody has looked at it where no answer began. */
static bool begins_again(struct kpi_http_call *call, uint32_t code)
{
    if (call->http_status != 0)
        return false;
    if (code == NGHTTP2_HTTP_1_1_REQUIRED) {
        kpi_http_protocol_want_h1(call->pool);
        kpi_http_pool_retire(call->generation);
        return true;
    }
    return came_too_late(call, code);
}

static void end_reset(struct kpi_http_call *call, uint32_t code)
{
    const char *words = nghttp2_http2_strerror(code);
    call->h2.refused = code == NGHTTP2_REFUSED_STREAM || code == NGHTTP2_HTTP_1_1_REQUIRED;
    if (begins_again(call, code)) {
        kpi_h2_begin_again(call, CURLE_HTTP2_STREAM, words);
        return;
    }
    kpi_h2_fail(call, CURLE_HTTP2_STREAM, words);
}

/* Else it is one that a server has promised. */
static bool is_ours(int32_t id)
{
    return id % 2 == 1;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *ctx)
{
    struct kpi_h2 *c = ctx;
    struct kpi_http_call *call = call_of(session, id);
    if (is_ours(id) && c->n_streams > 0)
        c->n_streams--;
    if (!call)
        return 0;
    if (call->h2.complete)
        kpi_h2_succeed(call);
    else
        end_reset(call, code);
    return 0;
}

/* ---- What is sent ---- */

/* From here on its bytes may be anywhere, be it in what the socket has not taken yet. */
static int on_sending(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    const struct kpi_h2 *c = ctx;
    struct kpi_http_call *call = NULL;
    if (frame->hd.type == NGHTTP2_HEADERS)
        call = call_of(session, frame->hd.stream_id);
    if (!call)
        return 0;
    call->h2.sent = true;
    call->h2.blind = !c->heard;
    call->h2.said = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    kpi_shard_disarm(call->http->shard, &call->connect_timer);
    return 0;
}

/* ---- Beginning ---- */

static nghttp2_session_callbacks *new_callbacks(void)
{
    nghttp2_session_callbacks *callbacks = NULL;
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_before_frame_send_callback(callbacks, on_sending);
    return callbacks;
}

static bool new_session(struct kpi_h2 *c)
{
    nghttp2_mem memory = {NULL, allocate, release, allocate_array, reallocate};
    nghttp2_session_callbacks *callbacks = new_callbacks();
    nghttp2_option *option = NULL;
    bool ok = callbacks && nghttp2_option_new(&option) == 0;
    if (ok) {
        nghttp2_option_set_max_send_header_block_length(option, HEADER_BLOCK_MAX);
        nghttp2_option_set_peer_max_concurrent_streams(option, c->generation->pool->h2_streams);
        ok = nghttp2_session_client_new3(&c->session, callbacks, c, option, &memory) == 0;
    }
    nghttp2_option_del(option); /* NULL is fine, here and below */
    nghttp2_session_callbacks_del(callbacks);
    return ok;
}

static int32_t first_number = 1;

void kpi_h2_session_number_from(int32_t first)
{
    first_number = first;
}

bool kpi_h2_session_begin(struct kpi_h2 *c)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
    };
    return new_session(c) && nghttp2_session_set_next_stream_id(c->session, first_number) == 0 &&
           nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings,
                                   sizeof settings / sizeof settings[0]) == 0 &&
           nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0,
                                                 CONNECTION_WINDOW) == 0;
}

uint32_t kpi_h2_session_room(const struct kpi_h2 *c)
{
    return nghttp2_session_get_remote_settings(c->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}
