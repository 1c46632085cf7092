/*
 * An HTTPS server for tests, on threads of its own: one accepts, one more for each connection. It
 * speaks HTTP/1.1, HTTP/2 where asked to, or HTTP without TLS. What it answers stands in the path:
 *
 *   /echo            200 with the request as it came (HTTP/1.1: the bytes)
 *   /status/N        N without a body
 *   /redirect        302 to /echo
 *   /bytes/N         200 with N bytes of 'x'
 *   /unbounded       200 with 100,000 bytes and no length; then closes
 *   /headers/N       200 with N headers of 100 bytes
 *   /interim         103, then 200
 *   /hang            nothing, until the peer goes
 *   /half-status     a part of the status line, then nothing
 *   /half-headers    status line and a part of a header, then nothing
 *   /half-body       10 of 100 bytes, then nothing
 *   /close           closes without an answer
 *   /close-headers   closes among the headers
 *   /close-body      closes after 10 of 100 bytes
 *   /garbage         something that is not HTTP
 *
 * From /half-status on they are of HTTP/1.1 only. Of HTTP/2 only, where not said otherwise:
 *
 *   /count           200 with as many bytes as the request's body has
 *   /early           200 before the body has come
 *   /stop            200 and 10 bytes of a body, then nothing
 *   /reset/N         resets the stream with code N; HTTP/1.1: 200
 *   /reset-body/N    200 and 10 bytes of a body, then that
 *   /rekey           TLS 1.3: new keys of both sides, then 200
 *   /last            GOAWAY, then 200
 *   /goaway          GOAWAY for this stream and later ones, the first time; then 200
 *
 * Threads: any function from the test's thread.
 */
#ifndef KP_TESTS_SUPPORT_TLS_SERVER_H
#define KP_TESTS_SUPPORT_TLS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "support/certs.h"
#include "support/latch.h"

/* What connections do that have chosen HTTP/2, instead of serving it well. */
enum tls_server_manner {
    MANNER_WELL = 0,
    MANNER_ENDS,          /* closes at once */
    MANNER_HTTP1,         /* does not choose it any more */
    MANNER_GARBAGE,       /* sends what is no frame */
    MANNER_SETTINGS,      /* sends SETTINGS without end */
    MANNER_CONTINUATION,  /* ... one header block without end */
    MANNER_NARROW,        /* one stream at once; at first none */
    MANNER_SHUT,          /* no stream, ever */
    MANNER_CLOSED_WINDOW, /* never opens the windows again */
    MANNER_RECITES,       /* hears one request, says its part, closes or hangs */
    MANNER_DEAF,          /* the next one says that it goes away, and hears no more for a while */
};

struct tls_server_options {
    const struct cert *cert;   /* NULL: no TLS */
    const struct cert *issuer; /* for staples */
    bool h2;
    int min_version; /* 0: OpenSSL's */
    int max_version;
    const char *always; /* answers as for this path, whatever is asked (HTTP/1.1); NULL: as asked */
    unsigned char *staple; /* DER, or NULL; the server frees it */
    int staple_len;
};

struct tls_server;

struct tls_server *tls_server_start(const struct tls_server_options *options);
/* Ends every connection and joins every thread. NULL is allowed. */
void tls_server_stop(struct tls_server *server);

uint16_t tls_server_port(const struct tls_server *server);
/* Connections accepted, and requests read to their end, since the start. */
uint64_t tls_server_n_connections(struct tls_server *server);
struct latch *tls_server_requests(struct tls_server *server);
/* Answers of HTTP/1.1 written as far as they go: from then on nothing, until the peer goes. */
struct latch *tls_server_stopped(struct tls_server *server);
/* The manner of connections accepted from now on. */
void tls_server_behave(struct tls_server *server, enum tls_server_manner manner);
/* What connections that recite say: n bytes, which stay the caller's. Before any does. */
void tls_server_teach(struct tls_server *server, const uint8_t *bytes, size_t n, bool closes);
/* Lets a deaf connection begin; and hear. */
void tls_server_admit(struct tls_server *server);
void tls_server_listen(struct tls_server *server);
/* Closes every connection that is open, from the server's side. */
void tls_server_drop_all(struct tls_server *server);

#endif /* KP_TESTS_SUPPORT_TLS_SERVER_H */
