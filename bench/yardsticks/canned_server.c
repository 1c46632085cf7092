/*
 * A TLS server that answers everything with the same 508 bytes, for benchmarks of what asks it.
 * It also answers what clients of Azure Key Vault ask on their way to an unwrap: a challenge, a
 * token, that the key may not be read, and 32 bytes.
 *
 * A thread a connection; HTTP/2 where the client offers it on the second port. The third port
 * speaks HTTP/2, answers its first request and holds all others: it writes a line "held" for each.
 * The certificate is made at the start and written to the file that the environment variable
 * KP_BENCH_CA names. It writes "PORT PORT PORT" (HTTP/1.1, HTTP/2, held) and serves until its
 * standard input ends.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nghttp2/nghttp2.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define BODY_LEN 508
#define TOKEN_LEN 1000
#define ANSWER_MAX 2048
#define TENANT "11111111-2222-3333-4444-555555555555"
#define DAY_S 86400L
#define LOGIN "/oauth2/v2.0/token"
#define UNWRAP "/unwrapkey"

struct port {
    int fd;
    uint16_t number;
    SSL_CTX *ctx;
    bool holds; /* answers nothing */
};

struct connection {
    SSL *ssl;
    int fd;
    uint16_t port;
    bool holds;
    struct reply *replies; /* HTTP/2: by kind */
};

/* ---- Certificate ---- */

static bool add_names(X509 *x509)
{
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    bool ok = names && X509_add_ext(x509, names, -1) == 1;
    X509_EXTENSION_free(names);
    return ok;
}

static X509 *new_certificate(EVP_PKEY *key)
{
    X509 *x509 = X509_new();
    X509_NAME *name = x509 ? X509_get_subject_name(x509) : NULL;
    if (x509 && X509_set_version(x509, 2) == 1 &&
        ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(x509), -DAY_S) &&
        X509_gmtime_adj(X509_getm_notAfter(x509), DAY_S) && X509_set_pubkey(x509, key) == 1 &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1,
                                   -1, 0) == 1 &&
        X509_set_issuer_name(x509, name) == 1 && add_names(x509) &&
        X509_sign(x509, key, EVP_sha256()) > 0)
        return x509;
    X509_free(x509);
    return NULL;
}

static bool write_certificate(X509 *x509, const char *path)
{
    FILE *f = path ? fopen(path, "w") : NULL;
    bool ok = f && PEM_write_X509(f, x509) == 1;
    return f && fclose(f) == 0 && ok;
}

/* ---- What is answered, as HTTP/1.1 says it ---- */

/* A whole request: its headers and, behind `end`, its body. */
struct request {
    const char *text;
    const char *end;
};

/* The value of a header, its name without colon, or NULL. */
static const char *header_of(const struct request *request, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strstr(request->text, "\r\n"); at && at < request->end;
         at = strstr(at + 2, "\r\n"))
        if (strncasecmp(at + 2, name, len) == 0 && at[2 + len] == ':')
            return at + 2 + len + 1;
    return NULL;
}

/* Whether the request line, up to the end of its path, ends so. */
static bool path_ends(const struct request *request, const char *end)
{
    const char *path = strchr(request->text, ' ');
    size_t len = path ? strcspn(path + 1, " ?\r") : 0;
    size_t end_len = strlen(end);
    return len >= end_len && memcmp(path + 1 + len - end_len, end, end_len) == 0;
}

static int put_answer(char *out, const char *status, const char *body)
{
    return snprintf(out, ANSWER_MAX,
                    "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                    "Content-Length: %zu\r\n\r\n%s",
                    status, strlen(body), body);
}

static int put_token(char *out)
{
    char body[TOKEN_LEN + 128] =
        "{\"token_type\":\"Bearer\",\"expires_in\":86400,\"access_token\":\"";
    size_t n = strlen(body);
    memset(body + n, 't', TOKEN_LEN);
    memcpy(body + n + TOKEN_LEN, "\"}", sizeof "\"}");
    return put_answer(out, "200 OK", body);
}

static int put_challenge(const struct connection *c, char *out)
{
    char status[256];
    (void)snprintf(status, sizeof status,
                   "401 Unauthorized\r\nWWW-Authenticate: Bearer "
                   "authorization=\"https://localhost:%u/" TENANT
                   "\", resource=\"https://vault.azure.net\"",
                   c->port);
    return put_answer(out, status, "{\"error\":{\"code\":\"Unauthorized\",\"message\":\"-\"}}");
}

static int put_unwrapped(const struct connection *c, char *out)
{
    char body[256];
    (void)snprintf(body, sizeof body,
                   "{\"kid\":\"https://localhost:%u/keys/tde-master-key/"
                   "00000000000000000000000000000001\",\"value\":\"%043d\"}",
                   c->port, 0);
    return put_answer(out, "200 OK", body);
}

static int put_canned(char *out)
{
    char body[BODY_LEN + 1];
    memset(body, 'x', BODY_LEN);
    body[BODY_LEN] = '\0';
    return put_answer(out, "200 OK", body);
}

enum kind { TOKEN, CHALLENGE, FORBIDDEN, UNWRAPPED, CANNED, N_KINDS };

static enum kind kind_of(bool is_login, bool has_token, bool is_get, bool is_unwrap)
{
    if (is_login)
        return TOKEN;
    if (!has_token)
        return CHALLENGE;
    if (is_get) /* clients that may not read a key ask remotely */
        return FORBIDDEN;
    return is_unwrap ? UNWRAPPED : CANNED;
}

/* Returns the answer's length. */
static int put_kind(const struct connection *c, enum kind kind, char *out)
{
    switch (kind) {
    case TOKEN:
        return put_token(out);
    case CHALLENGE:
        return put_challenge(c, out);
    case FORBIDDEN:
        return put_answer(out, "403 Forbidden",
                          "{\"error\":{\"code\":\"Forbidden\",\"message\":\"-\"}}");
    case UNWRAPPED:
        return put_unwrapped(c, out);
    default:
        return put_canned(out);
    }
}

static int answer(const struct connection *c, const struct request *request, char *out)
{
    return put_kind(c,
                    kind_of(path_ends(request, LOGIN), header_of(request, "authorization") != NULL,
                            strncmp(request->text, "GET ", 4) == 0, path_ends(request, UNWRAP)),
                    out);
}

/* ---- HTTP/1.1: connections ---- */

/* Whether the n bytes are a whole request. */
static bool is_whole(const char *text, size_t n, struct request *ret)
{
    *ret = (struct request){text, strstr(text, "\r\n\r\n")};
    if (!ret->end)
        return false;
    const char *length = header_of(ret, "content-length");
    size_t body = length ? strtoul(length, NULL, 10) : 0;
    return n >= (size_t)(ret->end - text) + 4 + body;
}

static void serve_h1(struct connection *c)
{
    char out[ANSWER_MAX];
    char text[65536];
    for (size_t n = 0;;) {
        struct request request;
        int got = SSL_read(c->ssl, text + n, (int)(sizeof text - 1 - n));
        if (got <= 0)
            return;
        n += (size_t)got;
        text[n] = '\0';
        if (!is_whole(text, n, &request))
            continue;
        if (SSL_write(c->ssl, out, answer(c, &request, out)) <= 0)
            return;
        n = 0; /* nobody sends the next request before it has this answer */
    }
}

/* ---- HTTP/2: what has to go out is gathered, so that one read is answered by one write ---- */

#define HEADERS_MAX 4

struct reply {
    char text[ANSWER_MAX];
    nghttp2_nv headers[HEADERS_MAX];
    size_t n_headers;
    const char *body;
    size_t len;
};

static void add_field(struct reply *reply, char *name, size_t name_len, char *value, size_t len)
{
    const nghttp2_nv field = {(uint8_t *)name, (uint8_t *)value, name_len, len, 0};
    if (reply->n_headers < HEADERS_MAX)
        reply->headers[reply->n_headers++] = field;
}

static void make_reply(const struct connection *c, enum kind kind, struct reply *reply)
{
    static char status[] = ":status";
    reply->n_headers = 0;
    reply->text[put_kind(c, kind, reply->text)] = '\0';
    add_field(reply, status, sizeof status - 1, reply->text + sizeof "HTTP/1.1", 3);
    char *line = strstr(reply->text, "\r\n") + 2;
    for (char *end; (end = strstr(line, "\r\n")) != line; line = end + 2) {
        char *colon = strchr(line, ':');
        add_field(reply, line, (size_t)(colon - line), colon + 2, (size_t)(end - colon - 2));
    }
    reply->body = line + 2;
    reply->len = strlen(reply->body);
}

/* What is known of a stream stands in a number, which the session keeps: these, and above them how
 * much of the body has been sent. */
enum { HAS_TOKEN = 1, IS_GET = 2, IS_LOGIN = 4, IS_UNWRAP = 8, SENT_UNIT = 16 };

static uintptr_t known_of(nghttp2_session *session, int32_t id)
{
    return (uintptr_t)nghttp2_session_get_stream_user_data(session, id);
}

static int know(nghttp2_session *session, int32_t id, uintptr_t known)
{
    return nghttp2_session_set_stream_user_data(session, id, (void *)known);
}

static const struct reply *reply_of(const struct connection *c, uintptr_t known)
{
    return &c->replies[kind_of(known & IS_LOGIN, known & HAS_TOKEN, known & IS_GET,
                               known & IS_UNWRAP)];
}

static bool text_is(const uint8_t *text, size_t len, const char *wanted)
{
    return len == strlen(wanted) && memcmp(text, wanted, len) == 0;
}

/* Up to the query. */
static bool text_ends(const uint8_t *text, size_t len, const char *end)
{
    const uint8_t *query = memchr(text, '?', len);
    size_t n = query ? (size_t)(query - text) : len;
    size_t end_len = strlen(end);
    return n >= end_len && memcmp(text + n - end_len, end, end_len) == 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *ctx)
{
    uintptr_t more = 0;
    (void)flags;
    (void)ctx;
    if (text_is(name, name_len, "authorization"))
        more = HAS_TOKEN;
    else if (text_is(name, name_len, ":method"))
        more = text_is(value, len, "GET") ? IS_GET : 0;
    else if (text_is(name, name_len, ":path"))
        more = (text_ends(value, len, LOGIN) ? IS_LOGIN : 0u) |
               (text_ends(value, len, UNWRAP) ? IS_UNWRAP : 0u);
    int32_t id = frame->hd.stream_id;
    return more == 0 ? 0 : know(session, id, known_of(session, id) | more);
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t n,
                         uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
    uintptr_t known = known_of(session, id);
    const struct reply *reply = reply_of(ctx, known);
    size_t at = known / SENT_UNIT;
    size_t part = reply->len - at < n ? reply->len - at : n;
    (void)source;
    memcpy(out, reply->body + at, part);
    (void)know(session, id, known + part * SENT_UNIT);
    if (at + part == reply->len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)part;
}

static _Atomic unsigned n_held; /* the first of them was answered */

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    const nghttp2_data_provider body = {.read_callback = read_body};
    struct connection *c = ctx;
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
        !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    if (c->holds && atomic_fetch_add(&n_held, 1) > 0) {
        (void)puts("held");
        (void)fflush(stdout);
        return 0;
    }
    const struct reply *reply = reply_of(c, known_of(session, frame->hd.stream_id));
    return nghttp2_submit_response(session, frame->hd.stream_id, reply->headers, reply->n_headers,
                                   &body);
}

static bool send_pending(struct connection *c, nghttp2_session *session)
{
    uint8_t out[65536];
    size_t n = 0;
    const uint8_t *bytes;
    for (ssize_t len; (len = nghttp2_session_mem_send(session, &bytes)) > 0;) {
        if (n + (size_t)len > sizeof out) {
            if (SSL_write(c->ssl, out, (int)n) <= 0)
                return false;
            n = 0;
        }
        memcpy(out + n, bytes, (size_t)len); /* a frame has 16 KiB and some at most */
        n += (size_t)len;
    }
    return n == 0 || SSL_write(c->ssl, out, (int)n) > 0;
}

static void serve_h2(struct connection *c)
{
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}};
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    uint8_t in[65536];
    int n = 0;
    struct reply replies[N_KINDS];
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return;
    for (int kind = 0; kind < N_KINDS; kind++)
        make_reply(c, (enum kind)kind, &replies[kind]);
    c->replies = replies;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    if (nghttp2_session_server_new(&session, callbacks, c) != 0)
        return;
    nghttp2_session_callbacks_del(callbacks);
    (void)nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 1);
    while (send_pending(c, session) && (n = SSL_read(c->ssl, in, sizeof in)) > 0 &&
           nghttp2_session_mem_recv(session, in, (size_t)n) >= 0)
        continue;
    nghttp2_session_del(session);
}

/* ---- Connections ---- */

static void *serve(void *arg)
{
    struct connection *c = arg;
    const unsigned char *name = NULL;
    unsigned int len = 0;
    if (SSL_accept(c->ssl) == 1) {
        SSL_get0_alpn_selected(c->ssl, &name, &len);
        if (len == 2 && memcmp(name, "h2", 2) == 0)
            serve_h2(c);
        else
            serve_h1(c);
    }
    SSL_free(c->ssl);
    close(c->fd);
    free(c);
    return NULL;
}

static void begin_connection(struct port *port, int fd)
{
    struct connection *c = calloc(1, sizeof *c);
    pthread_t thread;
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (c) {
        c->fd = fd;
        c->port = port->number;
        c->holds = port->holds;
        c->ssl = SSL_new(port->ctx);
    }
    if (c && c->ssl && SSL_set_fd(c->ssl, fd) == 1 &&
        pthread_create(&thread, NULL, serve, c) == 0) {
        (void)pthread_detach(thread);
        return;
    }
    close(fd);
    free(c);
}

static void *accept_all(void *arg)
{
    struct port *port = arg;
    for (int fd; (fd = accept(port->fd, NULL, NULL)) >= 0;)
        begin_connection(port, fd);
    return NULL;
}

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                     const unsigned char *in, unsigned int in_len, void *arg)
{
    unsigned char *chosen = NULL;
    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, (const unsigned char *)"\x02h2", 3, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool open_port(struct port *port, X509 *x509, EVP_PKEY *key, bool h2)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    pthread_t thread;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    port->ctx = SSL_CTX_new(TLS_server_method());
    port->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (!port->ctx || SSL_CTX_use_certificate(port->ctx, x509) != 1 ||
        SSL_CTX_use_PrivateKey(port->ctx, key) != 1 || port->fd < 0 ||
        bind(port->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(port->fd, 1024) != 0 ||
        getsockname(port->fd, (struct sockaddr *)&address, &len) != 0)
        return false;
    if (h2)
        SSL_CTX_set_alpn_select_cb(port->ctx, choose_h2, NULL);
    port->number = ntohs(address.sin_port);
    return pthread_create(&thread, NULL, accept_all, port) == 0;
}

int main(void)
{
    static struct port ports[3] = {[2] = {.holds = true}};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = key ? new_certificate(key) : NULL;
    (void)signal(SIGPIPE, SIG_IGN); /* clients come and go */
    if (!x509 || !write_certificate(x509, getenv("KP_BENCH_CA")) ||
        !open_port(&ports[0], x509, key, false) || !open_port(&ports[1], x509, key, true) ||
        !open_port(&ports[2], x509, key, true)) {
        fprintf(stderr, "canned_server: cannot serve\n");
        return 1;
    }
    printf("%u %u %u\n", ports[0].number, ports[1].number, ports[2].number);
    (void)fflush(stdout); /* whoever started us sees the end of the pipe */
    while (getchar() != EOF)
        continue;
    return 0;
}
