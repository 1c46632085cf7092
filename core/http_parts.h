/*
 * The parts of the HTTP service, for its own files:
 *
 *   http.c             the service: requests come in, certificates are read, the end
 *   http_call.c        one request: copied, checked, ended
 *   http_reply.c       what comes back, within its bounds
 *   http_pool.c        who gets a connection when; generations come and go
 *   http_addresses.c   which of a server's addresses are used
 *   http_protocol.c    what a server speaks, and who finds out
 *   http_generation.c  connections that are kept together
 *   http_multi.c       libcurl on the loop
 *   http_sockets.c     its sockets there
 *   http_easy.c        what libcurl is told about one request
 *   h2_*.c             connections whose frames are our own: core/h2_parts.h
 *
 * Threads: the loop thread.
 */
#ifndef KP_CORE_HTTP_PARTS_H
#define KP_CORE_HTTP_PARTS_H

#include <curl/curl.h>

#include "core/http.h"
#include "core/http_codes.h"
#include "core/http_shared.h"
#include "core/http_tls.h"
#include "core/http_url.h"

struct kpi_h2;
struct kpi_h2_room;

/* ---- The service ---- */

#define KPI_HTTP_WATCH_LISTS 128u
#define KPI_HTTP_SOCKET_STEP (sizeof(curl_socket_t) == sizeof(int) ? 1u : 4u) /* of numbers */

struct kpi_http {
    /* ---- fixed ---- */
    struct kpi_shard *shard;
    struct kpi_http_shared *shared;
    const struct kpi_provider_limits *limits;

    /* ---- changes ---- */
    struct kpi_link pools;
    struct kpi_link due;    /* multi handles that want to be asked at once */
    struct kpi_link unsent; /* connections of our own with frames to send */
    struct kpi_h2_room
        *room;             /* ... and where they are read and written; NULL: none has been made */
    struct kpi_link spent; /* retired generations without a request */
    struct kpi_link watches[KPI_HTTP_WATCH_LISTS]; /* by the number of the socket */
    X509_STORE *store;                             /* the provider's; NULL until it has been read */
    bool reading_store;
    struct kpi_job store_job;
    struct kpi_mail store_mail;
    X509_STORE *read_store;
    kp_status store_status;
    struct kp_error store_error;
};

/* Starts to read the certificates unless somebody has; the pools are pumped when they are there. */
void kpi_http_want_store(struct kpi_http *http);

/* ---- A request ---- */

/*
 *   state   event                        next
 *   NEW     accepted                     QUEUED
 *   NEW     refused                      OVER
 *   QUEUED  a place in a generation      SENT
 *   QUEUED  cancel, time, no address     OVER
 *   SENT    libcurl is done              OVER
 *   SENT    refused, another address     QUEUED
 *   SENT    cancel, time                 OVER
 *   OVER    its mail is delivered        (gone)
 */
enum kpi_http_state {
    KPI_HTTP_CALL_NEW = 0,
    KPI_HTTP_CALL_QUEUED = 1,
    KPI_HTTP_CALL_SENT = 2,
    KPI_HTTP_CALL_OVER = 3
};

/* Where a header stands in head. */
struct kpi_http_line {
    uint32_t name_at;
    uint32_t name_len;
    uint32_t value_at;
    uint32_t value_len;
};

/* A request as a stream of a connection of our own. */
struct kpi_h2_stream {
    struct kpi_h2 *connection; /* NULL: libcurl has it, or nobody yet */
    int32_t id;                /* 0: not yet begun */
    bool opens;                /* the connection was opened for it */
    bool sent;                 /* its headers have left, or are about to */
    bool said;                 /* ... all of it */
    bool blind;                /* it went out before the server had said how many it allows */
    bool complete;             /* the answer is there to its end */
    bool refused;              /* the server has not looked at it, and says so */
    size_t body_at;            /* what has been sent of its body */
    uint64_t first_byte_ns;
};

struct kpi_http_call {
    /* ---- fixed once accepted ---- */
    struct kpi_http *http;
    kpi_http_ended_fn *ended;
    void *ctx;
    uint32_t flags; /* KP_HTTP_* */
    uint32_t connect_timeout_ms;
    kp_buf text; /* secret: URL, method, header lines with their NULs, body */
    const char *url;
    const char *method;
    kp_span path; /* and query, in text */
    kp_span body;
    bool may_repeat; /* by the meaning of its method */
    uint64_t begun_ns;
    uint64_t due_ns;

    /* ---- changes ---- */
    enum kpi_http_state state;
    struct kpi_http_pool *pool;
    struct kpi_link in_line; /* in the queue of its pool, then in its generation */
    struct kpi_link in_wait; /* ... and in the line of its connection, until it is a stream */
    struct kpi_http_generation *generation;
    struct kpi_http_handle *handle;
    struct kpi_h2_stream h2;
    struct kpi_timer timer;         /* the whole time */
    struct kpi_timer connect_timer; /* ... to get a connection */
    uint64_t sent_ns;               /* when its generation got it; 0: not yet */
    uint32_t n_refused;             /* how often no address took a connection */
    uint32_t n_begun_again;         /* how often a server did not look at it */
    uint32_t n_connections;         /* opened for it */
    bool securing;                  /* its own connection has got as far as TLS */
    bool connected;
    long size_before; /* bytes libcurl had sent, to a proxy say, when it began with the request */
    int cause;        /* KPI_HTTP_*: ours, once something went wrong here; 0 */

    /* ---- the answer ---- */
    uint32_t http_status;
    bool headers_done;
    kp_buf head;  /* names and values */
    kp_buf lines; /* struct kpi_http_line */
    kp_buf body_in;
    uint32_t max_reply_len;
    int64_t announced; /* the body's length, as a server says it; -1: it does not */

    /* ---- the end ---- */
    kp_status status;
    struct kp_error error;
    struct kp_http_times times;
    struct kpi_mail mail;

    size_t n_lines; /* of lines_out */
    struct curl_slist lines_out[];
};

/* Copies and checks; *ret_call is set even for a request that is refused, which has ended then.
 * Errors: no_memory. */
kp_status kpi_http_call_new(struct kpi_http *http, const struct kp_http_request *request,
                            uint32_t time_ms, struct kpi_http_call **ret_call) KP_MUST_USE;
/* Ends a request that is in no queue and no generation; its callback comes by mail. detail: what
 * libcurl or the system says, or NULL. */
void kpi_http_call_fail(struct kpi_http_call *call, int cause, enum kpi_http_phase phase,
                        const char *detail);
/* ... with an answer. */
void kpi_http_call_succeed(struct kpi_http_call *call);

/* Whether it goes out with a body, be it an empty one. */
bool kpi_http_call_has_body(const struct kpi_http_call *call);
/* How far a request that has been sent has got. */
enum kpi_http_phase kpi_http_call_phase(const struct kpi_http_call *call);
/* Whether bytes of the request itself have left, and the server may have looked at them. */
bool kpi_http_call_has_sent(const struct kpi_http_call *call);

/* ---- What comes back ---- */

/* libcurl's callbacks; ctx is the handle. */
size_t kpi_http_take_header(char *bytes, size_t size, size_t n, void *ctx);
size_t kpi_http_take_body(char *bytes, size_t size, size_t n, void *ctx);
/* The same, of frames of our own. False where a bound or memory is at its end; call->cause says
 * which. */
bool kpi_http_reply_header(struct kpi_http_call *call, kp_span name, kp_span value) KP_MUST_USE;
bool kpi_http_reply_body(struct kpi_http_call *call, kp_span bytes) KP_MUST_USE;
/* Forgets what an answer that is followed by another one has said. */
void kpi_http_reply_clear(struct kpi_http_call *call);
/* Hands the answer to the asker. */
void kpi_http_reply_deliver(struct kpi_http_call *call);

/* ---- libcurl on the loop ---- */

struct kpi_http_multi;
typedef void kpi_http_multi_fn(struct kpi_http_multi *multi);

struct kpi_http_multi {
    struct kpi_link in_due;
    struct kpi_http *http;
    CURLM *curl;
    uv_timer_t timer;
    kpi_http_multi_fn *collect; /* takes what libcurl is done with, or could not go on with */
    /* NULL: libcurl reads and writes. what: CURL_CSELECT_*. */
    void (*ready)(struct kpi_http_multi *multi, int what);
    bool broken; /* libcurl cannot go on with what is in it */
};

/* False: memory is out, and there is nothing to close. */
bool kpi_http_multi_init(struct kpi_http_multi *multi, struct kpi_http *http,
                         kpi_http_multi_fn *collect) KP_MUST_USE;
/* Closes its connections; gone is called with the timer once the loop has let go of it. */
void kpi_http_multi_close(struct kpi_http_multi *multi, uv_close_cb gone);
/* Asks what there is to do. */
void kpi_http_multi_kick(struct kpi_http_multi *multi);
/* ... in the loop's next round. */
void kpi_http_multi_call_again(struct kpi_http_multi *multi);
/* A socket has something to read, or room; what: CURL_CSELECT_*. */
void kpi_http_multi_ready(struct kpi_http_multi *multi, curl_socket_t socket, int what);
/* For want of memory or of a watch. Returns -1, which makes libcurl give it up too; those who are
 * in it are told at the end of the turn. */
int kpi_http_multi_give_up(struct kpi_http_multi *multi);

/* ---- Connections ---- */

/* An easy handle, used again and again. */
struct kpi_http_handle {
    struct kpi_link link; /* of those that are idle */
    CURL *easy;
    struct kpi_http_pool *pool;
    struct kpi_http_call *call; /* whose it is; NULL: idle */
    struct kpi_h2 *connection;  /* it opens a connection of our own, and has no call; or NULL */
    bool posts;                 /* its last request was a POST */
    bool addresses;             /* it has been told the pool's addresses */
    char said[CURL_ERROR_SIZE];
};

/* Connections that are used, grow old and are given up together. */
struct kpi_http_generation {
    struct kpi_link link;       /* in pool->old or http->spent, once retired */
    struct kpi_http_pool *pool; /* may be gone once the generation is spent */
    struct kpi_http_multi multi;
    CURLSH *sessions; /* TLS sessions, to be resumed by its own connections only */
    struct kpi_link calls;
    struct kpi_link handles; /* idle ones */
    uint32_t n_handles;
    bool framed;                 /* its connections are our own */
    struct kpi_link connections; /* ... struct kpi_h2 */
    uint32_t n_connections;
    uint32_t n_active;
    uint32_t max_connections; /* as libcurl has been told */
    uint64_t born_ns;
    uint64_t used_ns; /* when a request last ended or began */
    bool retired;
    bool addressed; /* libcurl knows the pool's addresses */
};

/* NULL when memory is out. */
struct kpi_http_generation *kpi_http_generation_new(struct kpi_http_pool *pool) KP_MUST_USE;
/* Closes its connections; it goes once the loop has let go of it. No request is in it. */
void kpi_http_generation_free(struct kpi_http_generation *generation);
/* Gives it a request. Errors: no_memory. */
kp_status kpi_http_generation_add(struct kpi_http_generation *generation,
                                  struct kpi_http_call *call) KP_MUST_USE;
/* Takes a request out, in whatever state it is; its handle is not used again. */
void kpi_http_generation_remove(struct kpi_http_call *call);

/* ---- Connections whose frames are our own ---- */

/* Gives a request to one of the generation's connections, opened if need be. Errors: no_memory. */
kp_status kpi_h2_add(struct kpi_http_generation *generation, struct kpi_http_call *call)
    KP_MUST_USE;
/* Takes a request out; the server is told if it knows of it. */
void kpi_h2_remove(struct kpi_http_call *call);
/* Sends what the turn has asked for. True: it has ended requests. */
bool kpi_h2_flush(struct kpi_h2 *connection);
/* Closes a connection without a request; it goes once the loop has let go of it. */
void kpi_h2_close(struct kpi_h2 *connection);
/* Frees what the connections of a loop shared. NULL is allowed. */
void kpi_h2_room_free(struct kpi_h2_room *room);
/* The handle that opened it. */
CURL *kpi_h2_opener(const struct kpi_h2 *connection);
/* How far a request on one has got, and what has come of it. */
enum kpi_http_phase kpi_h2_phase(const struct kpi_http_call *call);
bool kpi_h2_has_opened(const struct kpi_http_call *call);
/* libcurl's callbacks, passed on: TCP is there, TLS begins with a context; TLS stands. */
bool kpi_h2_on_context(struct kpi_h2 *connection, SSL_CTX *ctx) KP_MUST_USE;
void kpi_h2_on_connected(struct kpi_h2 *connection, SSL *ssl);

/* ---- Sockets ---- */

/* libcurl's callbacks; ctx is the multi handle. */
int kpi_http_watch_socket(CURL *easy, curl_socket_t socket, int what, void *ctx, void *of_socket);
curl_socket_t kpi_http_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address);
int kpi_http_close_socket(void *ctx, curl_socket_t socket);
/* Nobody waits for a socket of the multi handle any more. */
void kpi_http_end_watches(struct kpi_http_multi *multi);
/* Looks for events (UV_*) of a socket that libcurl has handed over; multi->ready is told. False: it
 * cannot be watched. */
bool kpi_http_watch_taken(struct kpi_http_multi *multi, curl_socket_t socket, int events)
    KP_MUST_USE;

/* Twins per platform. Opens a socket that no child process inherits, or CURL_SOCKET_BAD. */
curl_socket_t kpi_platform_open_socket(int family, int type, int protocol);
/* Closes a socket; 0, or -1 where it is none. */
int kpi_platform_close_socket(curl_socket_t socket);

/* ---- What libcurl is told ---- */

/* A handle with all that requests of a pool have in common; NULL when memory is out. */
struct kpi_http_handle *kpi_http_handle_new(struct kpi_http_pool *pool,
                                            struct kpi_http_multi *multi, CURLSH *sessions)
    KP_MUST_USE;
/* A handle that opens a connection to the pool's server, and leaves it to us. */
struct kpi_http_handle *kpi_http_handle_new_opener(struct kpi_http_pool *pool,
                                                   struct kpi_http_multi *multi, CURLSH *sessions,
                                                   struct kpi_h2 *connection) KP_MUST_USE;
void kpi_http_handle_free(struct kpi_http_handle *handle);
/* Tells a handle about one request. False: memory is out. */
bool kpi_http_handle_load(struct kpi_http_handle *handle, struct kpi_http_call *call) KP_MUST_USE;
/* Takes the request's pointers out of it. */
void kpi_http_handle_unload(struct kpi_http_handle *handle);
/* How far a request in libcurl has got. */
enum kpi_http_phase kpi_http_handle_phase(const struct kpi_http_call *call);
/* Whether bytes of the request itself have left. */
bool kpi_http_handle_has_sent(const struct kpi_http_call *call);
/* Whether the request got a connection of its own, opened for it. */
bool kpi_http_handle_has_opened(const struct kpi_http_call *call);
/* What the handle's connection took to come about, and its answer to begin. */
void kpi_http_handle_connect_times(CURL *easy, struct kp_http_times *times);
uint64_t kpi_http_handle_first_byte_ns(CURL *easy);

/* ---- Pools ---- */

struct kpi_http_pool {
    struct kpi_link in_http;
    struct kpi_http *http;

    /* ---- what it belongs to ---- */
    bool is_tls;
    uint16_t port;
    char *host;
    char *authority;   /* host and port, as a request names them */
    const char *proxy; /* NULL: straight there */
    struct kpi_tls tls;

    /* ---- addresses ---- */
    char *name; /* to look up: the host's or the proxy's; NULL where it is an address */
    uint16_t name_port;
    struct kpi_addresses addresses; /* those to use first come first */
    struct curl_slist entry; /* the first of each family, for CURLOPT_RESOLVE; data NULL: none */
    uint64_t turned_ns;      /* when the next address took its turn */
    uint32_t lifetime_ms;    /* of an address, where a request asked for one; 0: none did */
    uint64_t fresh_until_ns;
    uint64_t good_until_ns;
    bool asking;
    uint64_t asked_ns;
    uint64_t answered_ns;
    struct kpi_resolve_wait wait;

    /* ---- requests ---- */
    struct kpi_link queue;
    uint32_t n_queued;
    bool is_known;       /* what the server speaks has been found out */
    bool is_h2;          /* ... as the last answer came */
    uint32_t h2_streams; /* that the server allows on a connection, as it last said */
    bool h1_wanted;      /* the server has refused a request over HTTP/2 */
    struct kpi_http_generation *current;
    struct kpi_link old; /* retired, with requests under way */
    struct kpi_timer rest;
};

/* The pool for a request to url, made if need be; NULL when memory is out. */
struct kpi_http_pool *kpi_http_pool_of(struct kpi_http *http, const struct kpi_url *url,
                                       const struct kp_http_request *request) KP_MUST_USE;
void kpi_http_pool_free(struct kpi_http_pool *pool);
/* Puts a request at the end of the queue. It may have ended when this returns. */
void kpi_http_pool_queue(struct kpi_http_pool *pool, struct kpi_http_call *call);
/* Takes it out of queue or generation, which a request that waited in vain retires. */
void kpi_http_pool_withdraw(struct kpi_http_call *call, bool in_vain);
/* Sends what can be sent. */
void kpi_http_pool_pump(struct kpi_http_pool *pool);
/* Nothing new goes into a generation; it is gone once its last request has ended. */
void kpi_http_pool_retire(struct kpi_http_generation *generation);
/* A request has left its generation. */
void kpi_http_pool_released(struct kpi_http_generation *generation);
/* Ends everything in a generation that cannot go on. */
void kpi_http_pool_abandon(struct kpi_http_generation *generation);
/* What a failure to connect was, from libcurl's result; detail stays valid until the next one. */
int kpi_http_pool_judge(struct kpi_http_pool *pool, int result, const char **detail);
/* A request has failed. False: as kpi_http_pool_ended. */
bool kpi_http_pool_failed(struct kpi_http_call *call, int cause, const char *detail) KP_MUST_USE;
/* A server did not look at a request. False: it has failed for that too often, as above. */
bool kpi_http_pool_may_begin_again(struct kpi_http_call *call) KP_MUST_USE;
/* libcurl is done with a request: result is a CURLcode. False: it has not ended, and is to be
 * queued again, for the next address, once it has left its generation. */
bool kpi_http_pool_ended(struct kpi_http_call *call, int result) KP_MUST_USE;
/* Puts it at the head of the queue, whose limit it has passed once. */
void kpi_http_pool_requeue(struct kpi_http_call *call);
/* Everything queued fails. */
void kpi_http_pool_fail_queue(struct kpi_http_pool *pool, int cause, enum kpi_http_phase phase,
                              const char *detail);
/* No look-up is going to answer any more. */
bool kpi_http_pool_is_quiet(struct kpi_http_pool *pool);

/* ---- What a server speaks ---- */

/* Whether the frames of new connections are our own. */
bool kpi_http_protocol_is_framed(const struct kpi_http_pool *pool);
/* How many connections a generation may have, and requests. */
uint32_t kpi_http_protocol_max_connections(const struct kpi_http_pool *pool);
uint32_t kpi_http_protocol_max_active(const struct kpi_http_pool *pool);
/* Another request finds out: those in the queue wait for its connection, and their time to connect
 * runs. */
void kpi_http_protocol_wait(struct kpi_http_pool *pool);
/* Whether they do. */
bool kpi_http_protocol_is_awaited(const struct kpi_http_pool *pool);
/* A connection is there; ssl: NULL where it has no TLS. May be called by libcurl. */
void kpi_http_protocol_agreed(struct kpi_http_pool *pool, const SSL *ssl);
/* An answer has come by way of libcurl. */
void kpi_http_protocol_answered(struct kpi_http_pool *pool, bool is_h2);
/* HTTP/2 is not what the server speaks after all. */
void kpi_http_protocol_want_h1(struct kpi_http_pool *pool);

/* ---- Addresses ---- */

/* Uses what a look-up found from now on. False: memory is out, and the old ones stay. */
bool kpi_http_addresses_take(struct kpi_http_pool *pool, const struct kpi_addresses *found)
    KP_MUST_USE;
/* Those in use lead nowhere: puts the next ones in front, if there are any (and memory). */
void kpi_http_addresses_turn(struct kpi_http_pool *pool);

#endif /* KP_CORE_HTTP_PARTS_H */
