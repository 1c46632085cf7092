/*
 * What a server sends over HTTP/2, as the session of a connection reads it, with three requests on
 * it: one with a body, one that waits for a secret, one of few bytes. What always holds: each
 * request ends exactly once, whatever came, and nothing is left of the service.
 */
#include <string.h>

#include <openssl/x509.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/h2_parts.h"
#include "core/http_curl.h"
#include "tests/fuzz/entries.h"

#define N_CALLS 3
#define MAX_OPERATIONS 16
#define TIME_MS 30000

static const struct kpi_provider_limits LIMITS = {
#define XX(member, name, number, least, most, units, can_reload, text) .member = (number),
    KPI_PROVIDER_LIMIT_MAP(XX)
#undef XX
};

static struct kpi_shard shard;
static struct kpi_http_shared shared;
static bool begun;

void fuzz_h2_begin(void)
{
    if (begun)
        return;
    FUZZ_CHECK(kpi_curl_begin() == KP_OK);
    FUZZ_CHECK(kpi_shard_init(&shard, NULL, 0, MAX_OPERATIONS, kpi_clock_system()) == KP_OK);
    begun = true;
}

void fuzz_h2_end(void)
{
    kpi_shard_clear(&shard);
    memset(&shard, 0, sizeof shard);
    begun = false;
}

/* ---- The service ---- */

static struct kpi_http *new_http(X509_STORE *store)
{
    struct kpi_http *http = kpb_alloc("http", sizeof *http);
    FUZZ_CHECK(http != NULL);
    http->shard = &shard;
    http->shared = &shared;
    http->limits = &LIMITS;
    http->store = store;
    kpi_list_init(&http->pools);
    kpi_list_init(&http->due);
    kpi_list_init(&http->unsent);
    kpi_list_init(&http->spent);
    for (size_t i = 0; i < KPI_HTTP_WATCH_LISTS; i++)
        kpi_list_init(&http->watches[i]);
    return http;
}

static void ended(void *ctx, kp_status status, const struct kp_http_reply *reply,
                  const struct kp_error *error)
{
    int *n = ctx;
    FUZZ_CHECK((status == KP_OK) == (reply != NULL) && (status == KP_OK) == (error == NULL));
    ++*n;
    if (status == KP_OK)
        fuzz_took();
}

static struct kpi_http_call *new_call(struct kpi_http *http, int i, int *n_ended)
{
    static const uint8_t body[100];
    struct kp_http_request request = {.struct_size = sizeof request};
    struct kpi_http_call *call = NULL;
    request.url = kpb_span_str("https://127.0.0.1:1/");
    request.method = kpb_span_str(i == 0 ? "POST" : "GET");
    request.body = kpb_span(body, i == 0 ? sizeof body : 0);
    request.bearer = kpb_span_str("token");
    request.flags = i == 1 ? KP_HTTP_SECRET_REPLY : 0;
    request.max_reply_len = i == 2 ? 10 : 0;
    FUZZ_CHECK(kpi_http_call_new(http, &request, TIME_MS, &call) == KP_OK);
    call->ended = ended;
    call->ctx = n_ended;
    return call;
}

/* The pool is told what its first answer would have told it. */
static void expect_h2(struct kpi_http *http)
{
    struct kp_http_request request = {.struct_size = sizeof request};
    struct kpi_url url;
    FUZZ_CHECK(kpi_url_parse(kpb_span_str("https://127.0.0.1:1/"), &url, NULL) == KP_OK);
    struct kpi_http_pool *pool = kpi_http_pool_of(http, &url, &request);
    FUZZ_CHECK(pool != NULL);
    pool->is_known = true;
    pool->is_h2 = true;
}

/* ---- The connection, without its socket ---- */

/* A request some of whose bytes have been given away is known to be sent: the socket might take no
 * more just now. */
static void check_sent(struct kpi_h2 *c, const uint8_t *frame, ssize_t len)
{
    if (len < 9 || frame[3] != NGHTTP2_HEADERS)
        return;
    const struct kpi_http_call *call =
        nghttp2_session_get_stream_user_data(c->session, frame[8]); /* three streams: one byte */
    FUZZ_CHECK(!call || call->h2.sent);
}

static void send_all(struct kpi_h2 *c)
{
    const uint8_t *bytes;
    for (ssize_t len; (len = nghttp2_session_mem_send(c->session, &bytes)) > 0;)
        check_sent(c, bytes, len);
}

static void take(struct kpi_h2 *c, kp_span bytes)
{
    if (bytes.len > 0 && nghttp2_session_mem_recv(c->session, bytes.ptr, bytes.len) >= 0)
        send_all(c);
}

static void deliver(void)
{
    for (struct kpi_mail *mail; (mail = kpi_inbox_take(&shard.inbox)) != NULL;) {
        while (mail) {
            struct kpi_mail *next = mail->next;
            mail->deliver(mail);
            mail = next;
        }
    }
}

/* Byte 0 says where the rest is cut into two reads. */
int fuzz_h2_frames(const uint8_t *bytes, size_t len)
{
    struct kpi_http_call *calls[N_CALLS];
    int n_ended[N_CALLS] = {0};
    if (len < 1)
        return 0;
    fuzz_h2_begin();
    X509_STORE *store = X509_STORE_new();
    struct kpi_http *http = new_http(store);
    kpi_shard_begin_turn(&shard);
    expect_h2(http);
    for (int i = 0; i < N_CALLS; i++)
        calls[i] = new_call(http, i, &n_ended[i]);
    struct kpi_h2 *c = calls[0]->h2.connection;
    FUZZ_CHECK(c && kpi_h2_session_begin(c));
    for (int i = 0; i < N_CALLS; i++)
        FUZZ_CHECK(kpi_h2_stream_begin(calls[i]) == KP_OK);
    send_all(c);
    size_t cut = bytes[0] < len - 1 ? bytes[0] : len - 1;
    take(c, kpb_span(bytes + 1, cut));
    take(c, kpb_span(bytes + 1 + cut, len - 1 - cut));
    for (int i = 0; i < N_CALLS; i++)
        if (n_ended[i] == 0) /* its mail has not been delivered yet */
            kpi_http_cancel(calls[i]);
    deliver();
    for (int i = 0; i < N_CALLS; i++)
        FUZZ_CHECK(n_ended[i] == 1);
    kpi_http_close(http);
    (void)uv_run(&shard.loop, UV_RUN_NOWAIT); /* handles leave it */
    X509_STORE_free(store);
    return 0;
}

FUZZ_ENTRY(fuzz_h2_frames)
