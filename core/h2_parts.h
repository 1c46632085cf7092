/*
 * Connections whose HTTP/2 frames are our own, for the files of the HTTP service. libcurl opens
 * such a connection (proxy, TLS, certificates and all) and passes its bytes on; in between is one
 * session of nghttp2. What a turn of the loop has to send leaves with its end, in as few writes as
 * hold it.
 *
 *   h2_connection.c   which connection a request gets; they open, fail and close
 *   h2_bytes.c        from the session to the socket and back
 *   h2_session.c      what nghttp2 is told, and what it tells
 *   h2_stream.c       a request as a stream
 *
 * Threads: the loop thread.
 */
#ifndef KP_CORE_H2_PARTS_H
#define KP_CORE_H2_PARTS_H

#include <nghttp2/nghttp2.h>

#include "core/http_parts.h"

#define KPI_H2_ROOM_LEN 16384u /* as much as one record of TLS carries */

/* Bytes that a socket may leave over: a full room, and the rest of a frame. */
#define KPI_H2_LEFT_MAX (3u * KPI_H2_ROOM_LEN)

/* Where the connections of a loop read and write, one at a time; secret memory. */
struct kpi_h2_room {
    uint8_t in[KPI_H2_ROOM_LEN];
    uint8_t out[KPI_H2_ROOM_LEN];
};

/*
 *   state     event                       next
 *   OPENING   libcurl has connected       OPEN
 *   OPENING   it failed; not HTTP/2       (gone)
 *   OPEN      error, end, GOAWAY served   (gone)
 */
struct kpi_h2 {
    struct kpi_link link; /* in its generation */
    struct kpi_link in_unsent;
    struct kpi_http_generation *generation;
    struct kpi_http_multi multi; /* of its own: libcurl closes what it takes for idle */
    struct kpi_http_handle *handle;
    SSL *ssl;      /* borrowed from libcurl; to be asked, never to be read or written */
    bool securing; /* TLS has begun */
    bool is_h2;    /* as ALPN says */
    bool draining; /* nothing new: the server has said so, or its numbers are used up */
    bool heard;    /* the server's settings are there */
    bool worked;   /* it has brought an answer */
    uint32_t n_calls;
    struct kpi_link waiting; /* of them, those that are no stream yet; the first comes first */
    uint32_t n_streams;      /* that the session knows, those taken back included */
    curl_socket_t socket;
    nghttp2_session *session; /* NULL: opening */
    kp_buf left;              /* secret: what the socket did not take */
    size_t left_at;           /* ... of which this much has gone */
    int cause;                /* why it cannot go on, a CURLcode; 0: it can */
    const char *detail;       /* ... in words, or NULL */
};

/* ---- A connection ---- */

/* Its frames are sent at the end of the turn. */
void kpi_h2_mark_unsent(struct kpi_h2 *connection);
/* Notes why it cannot go on; false, for those who return it. */
bool kpi_h2_break(struct kpi_h2 *connection, int cause, const char *detail);
/* A request leaves its connection and its generation, with an answer, with a failure, or to be
 * begun again. */
void kpi_h2_succeed(struct kpi_http_call *call);
void kpi_h2_fail(struct kpi_http_call *call, int cause, const char *detail);
/* ... which the server has not looked at; cause: what it is called when that happens too often. */
void kpi_h2_begin_again(struct kpi_http_call *call, int cause, const char *detail);

/* ---- Bytes ---- */

/* NULL when memory is out. */
struct kpi_h2_room *kpi_h2_room_new(void) KP_MUST_USE;
/* Both: false when the connection is broken (connection->cause). Writing stops where the socket
 * takes no more, which the loop then waits for. */
bool kpi_h2_write(struct kpi_h2 *connection) KP_MUST_USE;
bool kpi_h2_read(struct kpi_h2 *connection) KP_MUST_USE;

/* ---- The session ---- */

/* False: memory is out. */
bool kpi_h2_session_begin(struct kpi_h2 *connection) KP_MUST_USE;
/* For tests, before any provider: the first number of streams, an odd one, of connections from now
 * on. */
void kpi_h2_session_number_from(int32_t first);
/* How many requests it may have at once, as the server says. */
uint32_t kpi_h2_session_room(const struct kpi_h2 *connection);

/* ---- A stream ---- */

/* Tells the session about a request, which goes out with what is written next. Errors: no_memory;
 * the connection is draining then when it can take none any more. */
kp_status kpi_h2_stream_begin(struct kpi_http_call *call) KP_MUST_USE;
/* The session forgets the request, and the server is told to. */
void kpi_h2_stream_reset(struct kpi_http_call *call);

#endif /* KP_CORE_H2_PARTS_H */
