#include "support/tls_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <nghttp2/nghttp2.h>

#include "support/stand.h"

#define REQUEST_MAX (256u * 1024u)

/* ---- The server ---- */

struct stream;

struct connection {
    struct guest guest;
    struct tls_server *server;
    SSL *ssl; /* NULL: no TLS */
    enum tls_server_manner manner;
    struct stream *streams; /* HTTP/2: freed with the connection */
};

struct tls_server {
    struct tls_server_options options;
    SSL_CTX *ctx;
    struct latch requests;
    struct latch stopped;
    _Atomic(bool) has_gone_away; /* /goaway has been asked for */
    _Atomic(enum tls_server_manner) manner;
    const uint8_t *part; /* what connections recite */
    size_t part_len;
    bool closes; /* ... and then */
    struct latch admitted;
    struct latch hears;
    struct stand stand;
};

static long receive(struct connection *c, void *out, size_t n)
{
    return c->ssl ? SSL_read(c->ssl, out, (int)n) : sock_receive(c->guest.socket, out, n);
}

static bool send_all(struct connection *c, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n > 0) {
        long sent = c->ssl ? SSL_write(c->ssl, at, (int)n) : sock_send(c->guest.socket, at, n);
        if (sent <= 0)
            return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool send_text(struct connection *c, const char *text)
{
    return send_all(c, text, strlen(text));
}

static void wait_for_end(struct connection *c)
{
    char byte;
    while (receive(c, &byte, 1) > 0)
        continue;
}

/* ---- HTTP/1.1 ---- */

/* Reads one request into out; its length, or 0 at the end. */
static size_t read_request(struct connection *c, char *out)
{
    size_t n = 0;
    char *end = NULL;
    while (!end) {
        long got = n < REQUEST_MAX ? receive(c, out + n, REQUEST_MAX - n) : 0;
        if (got <= 0)
            return 0;
        n += (size_t)got;
        out[n] = '\0';
        end = strstr(out, "\r\n\r\n");
    }
    const char *length = strstr(out, "Content-Length: ");
    size_t total =
        (size_t)(end - out) + 4 + (length && length < end ? strtoul(length + 16, NULL, 10) : 0);
    while (n < total) {
        long got = receive(c, out + n, REQUEST_MAX - n);
        if (got <= 0)
            return 0;
        n += (size_t)got;
    }
    out[n] = '\0';
    return n;
}

static bool send_body(struct connection *c, const char *status, const void *body, size_t n)
{
    char head[256];
    (void)snprintf(head, sizeof head,
                   "HTTP/1.1 %s\r\nX-First: one\r\nContent-Length: %zu\r\nX-Last:  two \r\n\r\n",
                   status, n);
    return send_text(c, head) && send_all(c, body, n);
}

static bool send_bytes(struct connection *c, size_t n)
{
    char *body = malloc(n + 1);
    if (!body)
        abort();
    memset(body, 'x', n);
    bool sent = send_body(c, "200 OK", body, n);
    free(body);
    return sent;
}

static bool send_headers(struct connection *c, unsigned n)
{
    char line[128];
    bool sent = send_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for (unsigned i = 0; sent && i < n; i++) {
        (void)snprintf(line, sizeof line, "X-%05u: %0*d\r\n", i, 89, 0);
        sent = send_text(c, line);
    }
    return sent && send_text(c, "\r\n");
}

static bool send_unbounded(struct connection *c)
{
    char body[1000];
    memset(body, 'x', sizeof body);
    bool sent = send_text(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    for (int i = 0; sent && i < 100; i++)
        sent = send_all(c, body, sizeof body);
    return false;
}

struct route {
    const char *path;
    const char *text;
    bool closes; /* else it waits for the peer to go */
};

static const struct route broken[] = {
    {"/hang", "", false},
    {"/half-status", "HTTP/1.1 2", false},
    {"/half-headers", "HTTP/1.1 200 OK\r\nX-Fir", false},
    {"/half-body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789", false},
    {"/close-headers", "HTTP/1.1 200 OK\r\nX-First: on", true},
    {"/close-body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789", true},
    {"/close", "", true},
    {"/garbage", "NONSENSE 200\r\n\r\n", true},
};

static bool starts(const char *path, const char *with)
{
    return strncmp(path, with, strlen(with)) == 0;
}

/* False: the connection is at its end. */
static bool answer_broken(struct connection *c, const char *path)
{
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        if (!starts(path, broken[i].path))
            continue;
        if (send_text(c, broken[i].text) && !broken[i].closes) {
            latch_hit(&c->server->stopped);
            wait_for_end(c);
        }
        return false;
    }
    return send_body(c, "404 Not Found", "", 0);
}

static bool answer(struct connection *c, const char *path, const char *request, size_t n)
{
    char status[32];
    if (starts(path, "/echo"))
        return send_body(c, "200 OK", request, n);
    if (starts(path, "/bytes/"))
        return send_bytes(c, strtoul(path + 7, NULL, 10));
    if (starts(path, "/unbounded"))
        return send_unbounded(c);
    if (starts(path, "/headers/"))
        return send_headers(c, (unsigned)strtoul(path + 9, NULL, 10));
    if (starts(path, "/interim"))
        return send_text(c, "HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n") &&
               send_body(c, "200 OK", "late", 4);
    if (starts(path, "/reset/"))
        return send_body(c, "200 OK", "", 0);
    if (starts(path, "/redirect"))
        return send_text(c, "HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n");
    if (starts(path, "/status/")) {
        (void)snprintf(status, sizeof status, "%lu Whatever", strtoul(path + 8, NULL, 10));
        return send_body(c, status, "", 0);
    }
    return answer_broken(c, path);
}

static void serve_h1(struct connection *c)
{
    char *request = malloc(REQUEST_MAX + 1);
    size_t n;
    if (!request)
        abort();
    while ((n = read_request(c, request)) > 0) {
        const char *path = strchr(request, ' ');
        latch_hit(&c->server->requests);
        const char *always = c->server->options.always;
        if (!path || !answer(c, always ? always : path + 1, request, n))
            break;
    }
    free(request);
}

/* ---- HTTP/2 ---- */

struct stream {
    struct stream *older;
    char path[128];
    size_t left;  /* bytes of body to send */
    size_t n_got; /* ... that came */
    bool answered;
    bool stays;     /* no end follows the body */
    uint32_t reset; /* a code to reset it with after the body, or 0 */
};

static ssize_t h2_send(nghttp2_session *session, const uint8_t *bytes, size_t n, int flags,
                       void *ctx)
{
    (void)session;
    (void)flags;
    return send_all(ctx, bytes, n) ? (ssize_t)n : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static ssize_t h2_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t n,
                       uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
    struct stream *stream = source->ptr;
    size_t part = stream->left < n ? stream->left : n;
    (void)ctx;
    memset(out, 'x', part);
    stream->left -= part;
    if (stream->left > 0)
        return (ssize_t)part;
    if (part == 0 && stream->reset != 0)
        (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, stream->reset);
    if (part == 0 && stream->stays)
        return NGHTTP2_ERR_DEFERRED;
    if (!stream->stays)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)part;
}

static int h2_begin(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    struct connection *c = ctx;
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        abort();
    stream->older = c->streams;
    c->streams = stream;
    return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
}

static int h2_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *ctx)
{
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)flags;
    (void)ctx;
    if (stream && name_len == 5 && memcmp(name, ":path", 5) == 0 && value_len < sizeof stream->path)
        memcpy(stream->path, value, value_len);
    return 0;
}

static int h2_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t n, void *ctx)
{
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
    (void)flags;
    (void)bytes;
    (void)ctx;
    if (stream)
        stream->n_got += n;
    return 0;
}

static nghttp2_nv h2_pair(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), 0};
}

#define H2_HEADERS_MAX 200u

/* n headers of a hundred bytes behind the status. */
static void h2_respond(nghttp2_session *session, int32_t id, struct stream *stream,
                       const char *status, unsigned n)
{
    char names[H2_HEADERS_MAX][8];
    char value[93];
    nghttp2_nv headers[1 + H2_HEADERS_MAX] = {h2_pair(":status", status)};
    nghttp2_data_provider body = {.source = {.ptr = stream}, .read_callback = h2_body};
    bool has_body = stream->left > 0;
    (void)snprintf(value, sizeof value, "%092d", 0);
    for (unsigned i = 0; i < n && i < H2_HEADERS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "x-%04u", i);
        headers[1 + i] = h2_pair(names[i], value);
    }
    stream->answered = true;
    (void)nghttp2_submit_response(session, id, headers, 1 + n, has_body ? &body : NULL);
}

/* A code behind the path's prefix; false: the path has another. */
static bool h2_code(const struct stream *stream, const char *prefix, uint32_t *ret_code)
{
    if (!starts(stream->path, prefix))
        return false;
    *ret_code = (uint32_t)strtoul(stream->path + strlen(prefix), NULL, 10);
    return true;
}

/* True: the stream is not served, for the connection is going away, for the first time. */
static bool h2_goes_away(nghttp2_session *session, int32_t id, struct connection *c,
                         const struct stream *stream)
{
    if (starts(stream->path, "/last"))
        (void)nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR, NULL, 0);
    if (!starts(stream->path, "/goaway"))
        return false;
    bool is_first = !atomic_exchange(&c->server->has_gone_away, true);
    if (is_first)
        (void)nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, id - 2, NGHTTP2_NO_ERROR, NULL, 0);
    return is_first;
}

static void h2_answer(nghttp2_session *session, int32_t id, struct connection *c,
                      struct stream *stream)
{
    const nghttp2_nv hint[] = {h2_pair(":status", "103"), h2_pair("x-early", "yes")};
    char status[8] = "200";
    uint32_t n = 0;
    if (starts(stream->path, "/hang") || h2_goes_away(session, id, c, stream))
        return;
    if (h2_code(stream, "/reset/", &n)) {
        (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, n);
        return;
    }
    if (starts(stream->path, "/rekey"))
        (void)SSL_key_update(c->ssl, SSL_KEY_UPDATE_REQUESTED);
    if (starts(stream->path, "/interim"))
        (void)nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, id, NULL, hint, 2, NULL);
    if (starts(stream->path, "/status/"))
        (void)snprintf(status, sizeof status, "%.3s", stream->path + 8);
    stream->stays =
        h2_code(stream, "/reset-body/", &stream->reset) || starts(stream->path, "/stop");
    if (stream->stays)
        stream->left = 10;
    if (h2_code(stream, "/bytes/", &n))
        stream->left = n;
    if (starts(stream->path, "/count"))
        stream->left = stream->n_got;
    n = 0;
    (void)h2_code(stream, "/headers/", &n);
    h2_respond(session, id, stream, status, n);
}

/* With no stream allowed at first, the client's word that it has heard so allows one. */
static void h2_widen(nghttp2_session *session, struct connection *c)
{
    const nghttp2_settings_entry one = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1};
    if (c->manner != MANNER_NARROW)
        return;
    c->manner = MANNER_WELL;
    (void)nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &one, 1);
}

static int h2_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct connection *c = ctx;
    struct stream *stream;
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK))
        h2_widen(session, c);
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!stream || stream->answered)
        return 0;
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) && !starts(stream->path, "/early"))
        return 0;
    latch_hit(&c->server->requests);
    h2_answer(session, frame->hd.stream_id, c, stream);
    return 0;
}

static nghttp2_session *h2_session(struct connection *c)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    nghttp2_option *option;
    uint32_t n_streams = c->manner == MANNER_NARROW || c->manner == MANNER_SHUT ? 0 : 100;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, n_streams}};
    if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
        abort();
    nghttp2_session_callbacks_set_send_callback(callbacks, h2_send);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, h2_begin);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, h2_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, h2_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, h2_frame);
    nghttp2_option_set_no_auto_window_update(option, c->manner == MANNER_CLOSED_WINDOW);
    if (nghttp2_session_server_new2(&session, callbacks, c, option) != 0)
        abort();
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    (void)nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 1);
    return session;
}

/* A client that has begun to write goes on as long as it can. A server that ends in two steps names
 * the highest stream there can be first. */
static void be_deaf(struct connection *c, nghttp2_session *session)
{
    uint8_t bytes[16384];
    long n = receive(c, bytes, sizeof bytes);
    if (n > 0)
        (void)nghttp2_session_mem_recv(session, bytes, (size_t)n);
    (void)nghttp2_submit_shutdown_notice(session);
    (void)nghttp2_session_send(session);
    latch_wait(&c->server->hears, 1);
}

static void serve_h2(struct connection *c)
{
    nghttp2_session *session = h2_session(c);
    uint8_t bytes[16384];
    long n = 0;
    if (c->manner == MANNER_DEAF)
        be_deaf(c, session);
    while (nghttp2_session_send(session) == 0 && (n = receive(c, bytes, sizeof bytes)) > 0)
        if (nghttp2_session_mem_recv(session, bytes, (size_t)n) < 0)
            break;
    nghttp2_session_del(session);
    for (struct stream *older; c->streams; c->streams = older) {
        older = c->streams->older;
        free(c->streams);
    }
}

/* Sends a frame again and again until the peer has had enough. */
static void send_endlessly(struct connection *c, const uint8_t *frame, size_t n)
{
    enum { TIMES = 1000 };
    uint8_t frames[TIMES * 16];
    for (size_t i = 0; i < TIMES; i++)
        memcpy(frames + i * n, frame, n);
    while (send_all(c, frames, TIMES * n))
        continue;
}

static bool receive_all(struct connection *c, uint8_t *out, size_t n)
{
    for (long got; n > 0; out += got, n -= (size_t)got)
        if ((got = receive(c, out, n)) <= 0)
            return false;
    return true;
}

/* Reads until the headers of a request have come. */
static bool hear_request(struct connection *c)
{
    uint8_t bytes[16384];
    uint8_t head[9];
    bool ok = receive_all(c, bytes, 24); /* the preface */
    while (ok && receive_all(c, head, sizeof head)) {
        size_t n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        ok = n <= sizeof bytes && receive_all(c, bytes, n);
        if (ok && head[3] == NGHTTP2_HEADERS)
            return true;
    }
    return false;
}

static void recite(struct connection *c)
{
    const struct tls_server *server = c->server;
    if (!hear_request(c))
        return;
    latch_hit(&c->server->requests);
    if (send_all(c, server->part, server->part_len) && !server->closes)
        wait_for_end(c);
}

/* Not as it should. */
static void serve_h2_badly(struct connection *c)
{
    static const uint8_t settings[] = {0, 0, 0, NGHTTP2_SETTINGS, 0, 0, 0, 0, 0};
    static const uint8_t headers[] = {0, 0, 1, NGHTTP2_HEADERS, 0, 0, 0, 0, 1, 0x88};
    static const uint8_t more[] = {0, 0, 0, NGHTTP2_CONTINUATION, 0, 0, 0, 0, 1};
    if (c->manner == MANNER_RECITES)
        recite(c);
    if (c->manner == MANNER_GARBAGE && send_text(c, "This is not what was agreed on at all."))
        wait_for_end(c);
    if (c->manner == MANNER_SETTINGS)
        send_endlessly(c, settings, sizeof settings);
    if (c->manner != MANNER_CONTINUATION)
        return;
    char bytes[4096]; /* the stream must be there before its headers come */
    (void)receive(c, bytes, sizeof bytes);
    if (send_all(c, settings, sizeof settings) && send_all(c, headers, sizeof headers))
        send_endlessly(c, more, sizeof more);
}

/* ---- Connections ---- */

static bool chose_h2(const SSL *ssl)
{
    const unsigned char *name = NULL;
    unsigned int len = 0;
    if (ssl)
        SSL_get0_alpn_selected(ssl, &name, &len);
    return len == 2 && memcmp(name, "h2", 2) == 0;
}

static bool is_well_mannered(const struct connection *c)
{
    return c->manner == MANNER_WELL || c->manner == MANNER_NARROW || c->manner == MANNER_SHUT ||
           c->manner == MANNER_CLOSED_WINDOW || c->manner == MANNER_DEAF;
}

/* SSL_set_fd takes an int; so many sockets no test has. */
static struct guest *welcome(void *ctx, sock socket)
{
    struct tls_server *server = ctx;
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->server = server;
    c->manner = atomic_load(&server->manner);
    if (c->manner == MANNER_DEAF)
        atomic_store(&server->manner, MANNER_WELL);
    sock_be_prompt(socket);
    if (server->ctx) {
        c->ssl = SSL_new(server->ctx);
        if (!c->ssl || SSL_set_fd(c->ssl, (int)socket) != 1 || SSL_set_app_data(c->ssl, c) != 1)
            abort();
    }
    return &c->guest;
}

static void serve(void *ctx, struct guest *guest)
{
    struct connection *c = (struct connection *)guest;
    bool ok = true;
    (void)ctx;
    if (c->manner == MANNER_DEAF)
        latch_wait(&c->server->admitted, 1);
    if (c->ssl)
        ok = SSL_accept(c->ssl) == 1;
    if (ok && chose_h2(c->ssl) && is_well_mannered(c))
        serve_h2(c);
    else if (ok && chose_h2(c->ssl))
        serve_h2_badly(c);
    else if (ok)
        serve_h1(c);
    if (c->ssl && ok)
        (void)SSL_shutdown(c->ssl);
}

static void part(void *ctx, struct guest *guest)
{
    (void)ctx;
    SSL_free(((struct connection *)guest)->ssl);
}

/* ---- TLS ---- */

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned int in_len, void *arg)
{
    static const unsigned char h2[] = "\x02h2";
    const struct connection *c = SSL_get_app_data(ssl);
    unsigned char *chosen = NULL;
    (void)arg;
    if (c->manner == MANNER_HTTP1)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_select_next_proto(&chosen, out_len, h2, 3, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int staple(SSL *ssl, void *arg)
{
    const struct tls_server_options *options = arg;
    unsigned char *copy = OPENSSL_memdup(options->staple, (size_t)options->staple_len);
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, options->staple_len);
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *new_context(struct tls_server_options *options)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_use_certificate(ctx, options->cert->x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, options->cert->key), 1);
    if (options->max_version != 0 && options->max_version < TLS1_2_VERSION)
        SSL_CTX_set_security_level(ctx, 0); /* the old versions need SHA-1 */
    assert_int_equal(SSL_CTX_set_min_proto_version(ctx, options->min_version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, options->max_version), 1);
    if (options->h2)
        SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    if (options->staple) {
        SSL_CTX_set_tlsext_status_cb(ctx, staple);
        SSL_CTX_set_tlsext_status_arg(ctx, options);
    }
    return ctx;
}

/* ---- Life ---- */

struct tls_server *tls_server_start(const struct tls_server_options *options)
{
    static const struct stand_calls calls = {welcome, serve, part};
    struct tls_server *server = calloc(1, sizeof *server);
    assert_non_null(server);
    server->options = *options;
    server->ctx = options->cert ? new_context(&server->options) : NULL;
    latch_init(&server->requests);
    latch_init(&server->stopped);
    latch_init(&server->admitted);
    latch_init(&server->hears);
    stand_start(&server->stand, &calls, server);
    return server;
}

void tls_server_behave(struct tls_server *server, enum tls_server_manner manner)
{
    atomic_store(&server->manner, manner);
}

static void drop(void *ctx, struct guest *guest)
{
    (void)ctx;
    sock_end(guest->socket);
}

void tls_server_teach(struct tls_server *server, const uint8_t *bytes, size_t n, bool closes)
{
    server->part = bytes;
    server->part_len = n;
    server->closes = closes;
}

void tls_server_admit(struct tls_server *server)
{
    latch_hit(&server->admitted);
}

void tls_server_listen(struct tls_server *server)
{
    latch_hit(&server->hears);
}

void tls_server_drop_all(struct tls_server *server)
{
    stand_for_each(&server->stand, drop);
}

void tls_server_stop(struct tls_server *server)
{
    if (!server)
        return;
    stand_stop(&server->stand, drop);
    latch_clear(&server->requests);
    latch_clear(&server->stopped);
    latch_clear(&server->admitted);
    latch_clear(&server->hears);
    SSL_CTX_free(server->ctx);
    OPENSSL_free(server->options.staple);
    free(server);
}

uint16_t tls_server_port(const struct tls_server *server)
{
    return server->stand.port;
}

uint64_t tls_server_n_connections(struct tls_server *server)
{
    return stand_n_guests(&server->stand);
}

struct latch *tls_server_stopped(struct tls_server *server)
{
    return &server->stopped;
}

struct latch *tls_server_requests(struct tls_server *server)
{
    return &server->requests;
}
