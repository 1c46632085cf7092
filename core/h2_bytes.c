/*
 * From the session to the socket and back. libcurl passes the bytes: TLS is its business. All
 * connections of a loop share the room that they read into and write from; only what a socket does
 * not take is kept with its connection.
 */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/h2_parts.h"

/* Records that one connection may read before the others have their turn. */
#define READS_MAX 32u

struct kpi_h2_room *kpi_h2_room_new(void)
{
    return kpb_secret_alloc("h2.room", sizeof(struct kpi_h2_room));
}

void kpi_h2_room_free(struct kpi_h2_room *room)
{
    if (room)
        kpb_secret_free(room, sizeof *room);
}

static struct kpi_h2_room *room_of(const struct kpi_h2 *c)
{
    return c->multi.http->room;
}

static const char *words_of(const struct kpi_h2 *c)
{
    return c->handle->said[0] ? c->handle->said : NULL;
}

/* ---- Out ---- */

static bool is_blocked(const struct kpi_h2 *c)
{
    return c->left.len > 0;
}

/* How much of the bytes went out in *ret_n; less than all: the socket takes no more now. */
static bool send_some(struct kpi_h2 *c, const uint8_t *bytes, size_t n, size_t *ret_n)
{
    *ret_n = 0;
    while (*ret_n < n) {
        size_t sent = 0;
        CURLcode result = curl_easy_send(c->handle->easy, bytes + *ret_n, n - *ret_n, &sent);
        if (result == CURLE_AGAIN)
            return true;
        if (result != CURLE_OK)
            return kpi_h2_break(c, CURLE_RECV_ERROR, words_of(c));
        *ret_n += sent;
    }
    return true;
}

static bool keep(struct kpi_h2 *c, const uint8_t *bytes, size_t n)
{
    return kp_buf_append(&c->left, kpb_span(bytes, n)) == KP_OK ||
           kpi_h2_break(c, KPI_HTTP_NO_MEMORY_CALL, NULL);
}

/* What the socket did not take last time, first; OpenSSL wants it to be the same bytes again. */
static bool send_left(struct kpi_h2 *c)
{
    size_t sent;
    bool ok = send_some(c, c->left.ptr + c->left_at, c->left.len - c->left_at, &sent);
    c->left_at += sent;
    if (ok && c->left_at == c->left.len) {
        kp_buf_clear(&c->left);
        c->left_at = 0;
    }
    return ok;
}

/* Sends what has been gathered, and wipes it; what is left over is kept. */
static bool send_room(struct kpi_h2 *c, size_t n)
{
    uint8_t *out = room_of(c)->out;
    size_t sent;
    bool ok = n == 0 || send_some(c, out, n, &sent);
    if (ok && n > 0 && sent < n)
        ok = keep(c, out + sent, n - sent);
    kpb_wipe(out, n);
    return ok;
}

/* Adds a chunk to the room's *n bytes, sending whenever it is full. */
static bool gather(struct kpi_h2 *c, const uint8_t *bytes, size_t len, size_t *n)
{
    while (len > 0) {
        size_t part = KPI_H2_ROOM_LEN - *n < len ? KPI_H2_ROOM_LEN - *n : len;
        memcpy(room_of(c)->out + *n, bytes, part);
        *n += part;
        bytes += part;
        len -= part;
        if (*n < KPI_H2_ROOM_LEN)
            return true;
        *n = 0;
        if (!send_room(c, KPI_H2_ROOM_LEN))
            return false;
        if (is_blocked(c))
            return keep(c, bytes, len);
    }
    return true;
}

static bool send_frames(struct kpi_h2 *c)
{
    size_t n = 0;
    while (!is_blocked(c)) {
        const uint8_t *bytes;
        ssize_t len = nghttp2_session_mem_send(c->session, &bytes);
        if (len < 0) {
            kpb_wipe(room_of(c)->out, n);
            return kpi_h2_break(c, len == NGHTTP2_ERR_NOMEM ? KPI_HTTP_NO_MEMORY_CALL : CURLE_HTTP2,
                                nghttp2_strerror((int)len));
        }
        if (len == 0)
            return send_room(c, n);
        if (!gather(c, bytes, (size_t)len, &n))
            return false;
    }
    return true;
}

bool kpi_h2_write(struct kpi_h2 *c)
{
    bool was_blocked = is_blocked(c);
    if ((was_blocked && !send_left(c)) || !send_frames(c))
        return false;
    if (was_blocked == is_blocked(c))
        return true;
    int events = is_blocked(c) ? UV_READABLE | UV_WRITABLE : UV_READABLE;
    return kpi_http_watch_taken(&c->multi, c->socket, events) ||
           kpi_h2_break(c, KPI_HTTP_NO_MEMORY_CALL, NULL);
}

/* ---- In ---- */

static bool take(struct kpi_h2 *c, size_t n)
{
    uint8_t *in = room_of(c)->in;
    ssize_t taken = nghttp2_session_mem_recv(c->session, in, n);
    kpb_wipe(in, n);
    if (taken >= 0)
        return true;
    return kpi_h2_break(c, taken == NGHTTP2_ERR_NOMEM ? KPI_HTTP_NO_MEMORY_MORE : CURLE_HTTP2,
                        nghttp2_strerror((int)taken));
}

/* OpenSSL reads ahead of its records: the socket may be empty while it still has bytes for us. What
 * it has none of, the loop tells. */
bool kpi_h2_read(struct kpi_h2 *c)
{
    for (uint32_t i = 0; i < READS_MAX; i++) {
        size_t n = 0;
        CURLcode result = curl_easy_recv(c->handle->easy, room_of(c)->in, KPI_H2_ROOM_LEN, &n);
        if (result == CURLE_AGAIN)
            return true;
        if (result != CURLE_OK || n == 0)
            return kpi_h2_break(c, CURLE_RECV_ERROR, words_of(c));
        if (!take(c, n))
            return false;
        if (!SSL_has_pending(c->ssl))
            return true;
    }
    kpi_http_multi_call_again(&c->multi);
    return true;
}
