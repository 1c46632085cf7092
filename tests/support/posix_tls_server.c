#include "support/tls_server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 2048
#define REQUEST_MAX (256u * 1024u)

/* ---- Sockets ---- */

static int listen_here(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 512), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static int connect_here(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* A peer that went away is no reason to end the test; the rest of the process is not touched. */
static void block_sigpipe(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void reset_socket(int fd)
{
    struct linger linger = {1, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

/* ---- The server ---- */

struct stream;

struct connection {
    struct tls_server *server;
    uv_thread_t thread;
    int fd;
    bool open;
    SSL *ssl;               /* NULL: no TLS */
    struct stream *streams; /* HTTP/2: freed with the connection */
};

struct tls_server {
    struct tls_server_options options;
    SSL_CTX *ctx;
    int fd;
    uint16_t port;
    uv_thread_t acceptor;
    struct latch requests;
    uv_mutex_t lock;
    bool stopping;
    uint32_t n;
    struct connection connections[CONNECTIONS_MAX];
};

static long receive(struct connection *c, void *out, size_t n)
{
    return c->ssl ? SSL_read(c->ssl, out, (int)n) : recv(c->fd, out, n, 0);
}

static bool send_all(struct connection *c, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n > 0) {
        long sent = c->ssl ? SSL_write(c->ssl, at, (int)n) : send(c->fd, at, n, MSG_NOSIGNAL);
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
        if (send_text(c, broken[i].text) && !broken[i].closes)
            wait_for_end(c);
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
    size_t left; /* bytes of body to send */
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
    (void)session;
    (void)id;
    (void)ctx;
    memset(out, 'x', part);
    stream->left -= part;
    if (stream->left == 0)
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

static void h2_answer(nghttp2_session *session, int32_t id, struct stream *stream)
{
    static char name[] = ":status";
    char status[8] = "200";
    if (starts(stream->path, "/hang"))
        return;
    if (starts(stream->path, "/bytes/"))
        stream->left = strtoul(stream->path + 7, NULL, 10);
    if (starts(stream->path, "/status/"))
        (void)snprintf(status, sizeof status, "%.3s", stream->path + 8);
    nghttp2_nv header = {(uint8_t *)name, (uint8_t *)status, 7, 3, 0};
    nghttp2_data_provider body = {.source = {.ptr = stream}, .read_callback = h2_body};
    (void)nghttp2_submit_response(session, id, &header, 1, stream->left > 0 ? &body : NULL);
}

static int h2_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct connection *c = ctx;
    struct stream *stream;
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
        !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    latch_hit(&c->server->requests);
    if (stream)
        h2_answer(session, frame->hd.stream_id, stream);
    return 0;
}

static nghttp2_session *h2_session(struct connection *c)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}};
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        abort();
    nghttp2_session_callbacks_set_send_callback(callbacks, h2_send);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, h2_begin);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, h2_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, h2_frame);
    if (nghttp2_session_server_new(&session, callbacks, c) != 0)
        abort();
    nghttp2_session_callbacks_del(callbacks);
    (void)nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 1);
    return session;
}

static void serve_h2(struct connection *c)
{
    nghttp2_session *session = h2_session(c);
    uint8_t bytes[16384];
    long n = 0;
    while (nghttp2_session_send(session) == 0 && (n = receive(c, bytes, sizeof bytes)) > 0)
        if (nghttp2_session_mem_recv(session, bytes, (size_t)n) < 0)
            break;
    nghttp2_session_del(session);
    for (struct stream *older; c->streams; c->streams = older) {
        older = c->streams->older;
        free(c->streams);
    }
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

static void serve(void *arg)
{
    struct connection *c = arg;
    bool ok = true;
    block_sigpipe();
    if (c->ssl)
        ok = SSL_accept(c->ssl) == 1;
    if (ok && chose_h2(c->ssl))
        serve_h2(c);
    else if (ok)
        serve_h1(c);
    if (c->ssl && ok)
        (void)SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    uv_mutex_lock(&c->server->lock);
    close(c->fd);
    c->open = false;
    uv_mutex_unlock(&c->server->lock);
}

static void begin_connection(struct tls_server *server, int fd)
{
    int on = 1;
    uv_mutex_lock(&server->lock);
    if (server->stopping || server->n == CONNECTIONS_MAX) {
        close(fd);
    } else {
        struct connection *c = &server->connections[server->n++];
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        *c = (struct connection){.server = server, .fd = fd, .open = true};
        if (server->ctx) {
            c->ssl = SSL_new(server->ctx);
            if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1)
                abort();
        }
        if (uv_thread_create(&c->thread, serve, c) != 0)
            abort();
    }
    uv_mutex_unlock(&server->lock);
}

static void accept_all(void *arg)
{
    struct tls_server *server = arg;
    for (int fd; (fd = accept(server->fd, NULL, NULL)) >= 0;)
        begin_connection(server, fd);
}

/* ---- TLS ---- */

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned int in_len, void *arg)
{
    static const unsigned char h2[] = "\x02h2";
    unsigned char *chosen = NULL;
    (void)ssl;
    (void)arg;
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
    struct tls_server *server = calloc(1, sizeof *server);
    assert_non_null(server);
    server->options = *options;
    server->ctx = options->cert ? new_context(&server->options) : NULL;
    server->fd = listen_here(&server->port);
    latch_init(&server->requests);
    assert_int_equal(uv_mutex_init(&server->lock), 0);
    assert_int_equal(uv_thread_create(&server->acceptor, accept_all, server), 0);
    return server;
}

void tls_server_drop_all(struct tls_server *server)
{
    uv_mutex_lock(&server->lock);
    for (uint32_t i = 0; i < server->n; i++)
        if (server->connections[i].open)
            (void)shutdown(server->connections[i].fd, SHUT_RDWR);
    uv_mutex_unlock(&server->lock);
}

void tls_server_stop(struct tls_server *server)
{
    if (!server)
        return;
    uv_mutex_lock(&server->lock);
    server->stopping = true;
    uv_mutex_unlock(&server->lock);
    (void)shutdown(server->fd, SHUT_RDWR);
    uv_thread_join(&server->acceptor);
    close(server->fd);
    tls_server_drop_all(server);
    for (uint32_t i = 0; i < server->n; i++)
        uv_thread_join(&server->connections[i].thread);
    uv_mutex_destroy(&server->lock);
    latch_clear(&server->requests);
    SSL_CTX_free(server->ctx);
    OPENSSL_free(server->options.staple);
    free(server);
}

uint16_t tls_server_port(const struct tls_server *server)
{
    return server->port;
}

uint64_t tls_server_n_connections(struct tls_server *server)
{
    uv_mutex_lock(&server->lock);
    uint64_t n = server->n;
    uv_mutex_unlock(&server->lock);
    return n;
}

struct latch *tls_server_requests(struct tls_server *server)
{
    return &server->requests;
}

/* ---- The relay ---- */

struct pair {
    struct relay *relay;
    uv_thread_t thread;
    int client;
    int server;
    bool open;
    bool silent;
    bool has_swallowed;
    uint64_t n_passed; /* from the server */
};

struct relay {
    int fd;
    uint16_t port;
    uint16_t to_port;
    bool as_proxy;
    char told[4096];
    uv_thread_t acceptor;
    uv_mutex_t lock;
    bool stopping;
    uint64_t n_asked;
    uint64_t truncate_at;
    bool holds;
    struct latch accepted;
    struct latch swallowed;
    uint32_t n;
    struct pair pairs[CONNECTIONS_MAX];
};

/* Reads a CONNECT up to the empty line and agrees to it. */
static bool answer_connect(struct pair *pair)
{
    static const char agreed[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    char text[sizeof pair->relay->told] = "";
    size_t n = 0;
    while (n < sizeof text - 1) {
        ssize_t got = recv(pair->client, text + n, 1, 0);
        if (got <= 0)
            return false;
        n++;
        text[n] = '\0';
        if (n >= 4 && strcmp(text + n - 4, "\r\n\r\n") == 0)
            break;
    }
    uv_mutex_lock(&pair->relay->lock);
    pair->relay->n_asked += starts(text, "CONNECT ");
    memcpy(pair->relay->told, text, n + 1);
    uv_mutex_unlock(&pair->relay->lock);
    return starts(text, "CONNECT ") &&
           send(pair->client, agreed, sizeof agreed - 1, MSG_NOSIGNAL) > 0;
}

/* How many of n bytes may go on to the client; less ends the connection. */
static size_t allowed(struct pair *pair, size_t n)
{
    struct relay *relay = pair->relay;
    uv_mutex_lock(&relay->lock);
    if (relay->truncate_at > 0 && pair->n_passed + n > relay->truncate_at)
        n = (size_t)(relay->truncate_at > pair->n_passed ? relay->truncate_at - pair->n_passed : 0);
    pair->n_passed += n;
    uv_mutex_unlock(&relay->lock);
    return n;
}

static bool is_silent(struct pair *pair)
{
    uv_mutex_lock(&pair->relay->lock);
    bool silent = pair->silent;
    uv_mutex_unlock(&pair->relay->lock);
    return silent;
}

/* False: this connection is at its end. */
static bool pass(struct pair *pair, int from, int to)
{
    char bytes[16384];
    ssize_t n = recv(from, bytes, sizeof bytes, 0);
    if (n <= 0)
        return false;
    if (is_silent(pair)) {
        if (!pair->has_swallowed)
            latch_hit(&pair->relay->swallowed);
        pair->has_swallowed = true;
        return true;
    }
    size_t part = to == pair->client ? allowed(pair, (size_t)n) : (size_t)n;
    return (part == 0 || send(to, bytes, part, MSG_NOSIGNAL) == (ssize_t)part) && part == (size_t)n;
}

static void pass_both(struct pair *pair)
{
    struct pollfd fds[2] = {{pair->client, POLLIN, 0}, {pair->server, POLLIN, 0}};
    while (poll(fds, 2, -1) > 0) {
        if (fds[0].revents && !pass(pair, pair->client, pair->server))
            return;
        if (fds[1].revents && !pass(pair, pair->server, pair->client))
            return;
    }
}

static void run_pair(void *arg)
{
    struct pair *pair = arg;
    if (!pair->relay->as_proxy || answer_connect(pair))
        pass_both(pair);
    uv_mutex_lock(&pair->relay->lock);
    close(pair->client);
    close(pair->server);
    pair->open = false;
    uv_mutex_unlock(&pair->relay->lock);
}

static void begin_pair(struct relay *relay, int client)
{
    int server = connect_here(relay->to_port);
    uv_mutex_lock(&relay->lock);
    if (relay->stopping || server < 0 || relay->n == CONNECTIONS_MAX) {
        close(client);
        if (server >= 0)
            close(server);
    } else {
        struct pair *pair = &relay->pairs[relay->n++];
        *pair = (struct pair){.relay = relay,
                              .client = client,
                              .server = server,
                              .open = true,
                              .silent = relay->holds};
        if (uv_thread_create(&pair->thread, run_pair, pair) != 0)
            abort();
        latch_hit(&relay->accepted);
    }
    uv_mutex_unlock(&relay->lock);
}

static void relay_all(void *arg)
{
    struct relay *relay = arg;
    for (int fd; (fd = accept(relay->fd, NULL, NULL)) >= 0;)
        begin_pair(relay, fd);
}

struct relay *relay_start(uint16_t to_port, bool as_proxy)
{
    struct relay *relay = calloc(1, sizeof *relay);
    assert_non_null(relay);
    relay->to_port = to_port;
    relay->as_proxy = as_proxy;
    relay->fd = listen_here(&relay->port);
    latch_init(&relay->accepted);
    latch_init(&relay->swallowed);
    assert_int_equal(uv_mutex_init(&relay->lock), 0);
    assert_int_equal(uv_thread_create(&relay->acceptor, relay_all, relay), 0);
    return relay;
}

static void end_pairs(struct relay *relay, bool reset)
{
    uv_mutex_lock(&relay->lock);
    for (uint32_t i = 0; i < relay->n; i++) {
        if (!relay->pairs[i].open)
            continue;
        if (reset)
            reset_socket(relay->pairs[i].client);
        (void)shutdown(relay->pairs[i].server, SHUT_RDWR);
        if (!reset)
            (void)shutdown(relay->pairs[i].client, SHUT_RDWR);
    }
    uv_mutex_unlock(&relay->lock);
}

void relay_stop(struct relay *relay)
{
    if (!relay)
        return;
    uv_mutex_lock(&relay->lock);
    relay->stopping = true;
    uv_mutex_unlock(&relay->lock);
    (void)shutdown(relay->fd, SHUT_RDWR);
    uv_thread_join(&relay->acceptor);
    close(relay->fd);
    end_pairs(relay, false);
    for (uint32_t i = 0; i < relay->n; i++)
        uv_thread_join(&relay->pairs[i].thread);
    uv_mutex_destroy(&relay->lock);
    latch_clear(&relay->accepted);
    latch_clear(&relay->swallowed);
    free(relay);
}

uint16_t relay_port(const struct relay *relay)
{
    return relay->port;
}

uint64_t relay_n_connections(struct relay *relay)
{
    uv_mutex_lock(&relay->lock);
    uint64_t n = relay->n;
    uv_mutex_unlock(&relay->lock);
    return n;
}

uint64_t relay_n_asked(struct relay *relay)
{
    uv_mutex_lock(&relay->lock);
    uint64_t n = relay->n_asked;
    uv_mutex_unlock(&relay->lock);
    return n;
}

bool relay_was_told(struct relay *relay, const char *words)
{
    uv_mutex_lock(&relay->lock);
    bool told = strstr(relay->told, words) != NULL;
    uv_mutex_unlock(&relay->lock);
    return told;
}

void relay_go_silent(struct relay *relay)
{
    uv_mutex_lock(&relay->lock);
    for (uint32_t i = 0; i < relay->n; i++)
        relay->pairs[i].silent = true;
    uv_mutex_unlock(&relay->lock);
}

void relay_hold(struct relay *relay)
{
    uv_mutex_lock(&relay->lock);
    relay->holds = true;
    uv_mutex_unlock(&relay->lock);
}

void relay_wait_connection(struct relay *relay, uint64_t n)
{
    latch_wait(&relay->accepted, n);
}

void relay_wait_swallowed(struct relay *relay, uint64_t n)
{
    latch_wait(&relay->swallowed, n);
}

void relay_reset(struct relay *relay)
{
    end_pairs(relay, true);
}

void relay_truncate_at(struct relay *relay, uint64_t n)
{
    uv_mutex_lock(&relay->lock);
    relay->truncate_at = n;
    uv_mutex_unlock(&relay->lock);
}
