/* What libcurl is told about requests: once per handle what a pool's requests share, then what is
 * one request's own. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/http_parts.h"

/* The least that libcurl takes. Over HTTP/1.1 it allocates one for each request, and frees it. */
#define UPLOAD_BUFFER_LEN 16384L

/* ---- libcurl's questions ---- */

/* TCP and the proxy's tunnel are there, and TLS begins. */
static CURLcode on_tls_context(CURL *easy, void *context, void *ctx)
{
    struct kpi_http_handle *handle = ctx;
    (void)easy;
    if (handle->call)
        handle->call->securing = true;
    else if (!kpi_h2_on_context(handle->connection, context))
        return CURLE_OUT_OF_MEMORY;
    return kpi_tls_arm(context, &handle->pool->tls) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

/* Names are looked up elsewhere: libcurl knows the address before it is asked to connect. */
static int on_resolver(void *state, void *reserved, void *ctx)
{
    (void)state;
    (void)reserved;
    (void)ctx;
    return 1;
}

/* NULL: none. */
static SSL *tls_of(CURL *easy)
{
    struct curl_tlssessioninfo *tls = NULL;
    bool is_there = curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls &&
                    tls->backend == CURLSSLBACKEND_OPENSSL;
    return is_there ? tls->internals : NULL;
}

/*
 * There is a connection, and the request is about to go out. When that happens again, the first
 * connection died under it and libcurl means to repeat it, which only the pipeline may decide.
 */
static int on_connected(void *ctx, char *to_ip, char *from_ip, int to_port, int from_port)
{
    struct kpi_http_handle *handle = ctx;
    struct kpi_http_call *call = handle->call;
    (void)to_ip;
    (void)from_ip;
    (void)to_port;
    (void)from_port;
    if (call->connected && !call->may_repeat && kpi_http_handle_has_sent(call)) {
        call->cause = KPI_HTTP_SENT_TWICE;
        return CURL_PREREQFUNC_ABORT;
    }
    call->connected = true;
    (void)curl_easy_getinfo(call->handle->easy, CURLINFO_REQUEST_SIZE, &call->size_before);
    kpi_shard_disarm(call->http->shard, &call->connect_timer);
    if (!call->pool->is_known)
        kpi_http_protocol_agreed(call->pool, tls_of(handle->easy));
    return CURL_PREREQFUNC_OK;
}

/* The same for a connection that libcurl leaves to us. */
static int on_opened(void *ctx, char *to_ip, char *from_ip, int to_port, int from_port)
{
    struct kpi_http_handle *handle = ctx;
    (void)to_ip;
    (void)from_ip;
    (void)to_port;
    (void)from_port;
    kpi_h2_on_connected(handle->connection, tls_of(handle->easy));
    return CURL_PREREQFUNC_OK;
}

/* ---- A handle ---- */

struct options {
    CURL *easy;
    bool ok;
};

#define SET(options, name, value)                                                                  \
    ((options)->ok =                                                                               \
         (options)->ok && curl_easy_setopt((options)->easy, (name), (value)) == CURLE_OK)

static void set_ways(struct options *o, const struct kpi_http_pool *pool,
                     struct kpi_http_multi *multi)
{
    long version = pool->h1_wanted ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS;
    SET(o, CURLOPT_OPENSOCKETFUNCTION, kpi_http_open_socket);
    SET(o, CURLOPT_OPENSOCKETDATA, multi);
    SET(o, CURLOPT_CLOSESOCKETFUNCTION, kpi_http_close_socket);
    SET(o, CURLOPT_CLOSESOCKETDATA, multi);
    SET(o, CURLOPT_PROTOCOLS_STR, pool->is_tls ? "https" : "http");
    SET(o, CURLOPT_PROXY, pool->proxy ? pool->proxy : "");
    SET(o, CURLOPT_NOPROXY, "");
    if (pool->proxy && pool->http->shared->proxy_login.len > 0)
        SET(o, CURLOPT_PROXYUSERPWD, (const char *)pool->http->shared->proxy_login.ptr);
    SET(o, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(o, CURLOPT_HTTP_VERSION, version);
    SET(o, CURLOPT_PIPEWAIT, 1L);
    SET(o, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(o, CURLOPT_CONNECTTIMEOUT_MS, (long)INT32_MAX); /* the clock is ours */
    SET(o, CURLOPT_DNS_CACHE_TIMEOUT, -1L);             /* so is the address */
    if (pool->name)
        SET(o, CURLOPT_RESOLVER_START_FUNCTION, on_resolver);
}

static void set_tls(struct options *o, const struct kpi_http_pool *pool)
{
    SET(o, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(o, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(o, CURLOPT_SSL_VERIFYHOST, pool->tls.pin_len > 0 ? 0L : 2L); /* the pin says who it is */
    SET(o, CURLOPT_CAINFO, NULL);
    SET(o, CURLOPT_CAPATH, NULL);
    if (pool->is_tls)
        SET(o, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
}

static void set_manners(struct options *o, struct kpi_http_handle *handle)
{
    SET(o, CURLOPT_NOSIGNAL, 1L);
    SET(o, CURLOPT_NOPROGRESS, 1L);
    SET(o, CURLOPT_FOLLOWLOCATION, 0L);
    SET(o, CURLOPT_PATH_AS_IS, 1L);
    SET(o, CURLOPT_ERRORBUFFER, handle->said);
    SET(o, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER_LEN);
    SET(o, CURLOPT_HEADERFUNCTION, kpi_http_take_header);
    SET(o, CURLOPT_WRITEFUNCTION, kpi_http_take_body);
    SET(o, CURLOPT_PREREQFUNCTION, on_connected);
    SET(o, CURLOPT_HEADERDATA, handle);
    SET(o, CURLOPT_WRITEDATA, handle);
    SET(o, CURLOPT_PREREQDATA, handle);
    SET(o, CURLOPT_SSL_CTX_DATA, handle);
    SET(o, CURLOPT_PRIVATE, handle);
}

struct kpi_http_handle *kpi_http_handle_new(struct kpi_http_pool *pool,
                                            struct kpi_http_multi *multi, CURLSH *sessions)
{
    struct kpi_http_handle *handle = kpb_alloc("http.handle", sizeof *handle);
    struct options options = {handle ? curl_easy_init() : NULL, true};
    if (!options.easy) {
        kpb_free(handle);
        return NULL;
    }
    handle->easy = options.easy;
    handle->pool = pool;
    kpi_list_init(&handle->link);
    set_manners(&options, handle);
    set_ways(&options, pool, multi);
    set_tls(&options, pool);
    SET(&options, CURLOPT_SHARE, sessions);
    if (options.ok)
        return handle;
    kpi_http_handle_free(handle);
    return NULL;
}

/* What the client offers in ALPN is set with the context: libcurl takes the connection for one of
 * HTTP/1.1, and never begins with frames of its own. */
struct kpi_http_handle *kpi_http_handle_new_opener(struct kpi_http_pool *pool,
                                                   struct kpi_http_multi *multi, CURLSH *sessions,
                                                   struct kpi_h2 *connection)
{
    struct kpi_http_handle *handle = kpi_http_handle_new(pool, multi, sessions);
    char url[KPI_URL_MAX_LEN];
    if (!handle)
        return NULL;
    struct options o = {handle->easy, true};
    handle->connection = connection;
    (void)snprintf(url, sizeof url, "https://%s/", pool->authority);
    SET(&o, CURLOPT_URL, url);
    SET(&o, CURLOPT_CONNECT_ONLY, 1L);
    SET(&o, CURLOPT_SSL_ENABLE_ALPN, 0L);
    SET(&o, CURLOPT_PREREQFUNCTION, on_opened);
    if (pool->name)
        SET(&o, CURLOPT_RESOLVE, &pool->entry);
    if (o.ok)
        return handle;
    kpi_http_handle_free(handle);
    return NULL;
}

void kpi_http_handle_free(struct kpi_http_handle *handle)
{
    if (!handle)
        return;
    curl_easy_cleanup(handle->easy);
    kpb_free(handle);
}

/* ---- A request ---- */

static void load_method(struct options *o, const struct kpi_http_call *call)
{
    SET(o, CURLOPT_HTTPGET, 1L); /* also undoes what the last request set */
    SET(o, CURLOPT_CUSTOMREQUEST, NULL);
    if (strcmp(call->method, "HEAD") == 0) {
        SET(o, CURLOPT_NOBODY, 1L);
        return;
    }
    if (kpi_http_call_has_body(call))
        SET(o, CURLOPT_POST, 1L);
    if (strcmp(call->method, kpi_http_call_has_body(call) ? "POST" : "GET") != 0)
        SET(o, CURLOPT_CUSTOMREQUEST, call->method);
}

/* Nearly every request is a POST, as the last one was. */
static void load_message(struct options *o, struct kpi_http_handle *handle)
{
    const struct kpi_http_call *call = handle->call;
    bool posts = strcmp(call->method, "POST") == 0;
    if (!posts || !handle->posts)
        load_method(o, call);
    handle->posts = posts;
    if (!kpi_http_call_has_body(call))
        return;
    SET(o, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
    SET(o, CURLOPT_POSTFIELDS, (const char *)call->body.ptr);
}

bool kpi_http_handle_load(struct kpi_http_handle *handle, struct kpi_http_call *call)
{
    struct options o = {handle->easy, true};
    struct kpi_http_pool *pool = call->pool;
    handle->call = call;
    handle->said[0] = '\0';
    SET(&o, CURLOPT_URL, call->url);
    load_message(&o, handle);
    SET(&o, CURLOPT_HTTPHEADER, call->n_lines > 0 ? call->lines_out : NULL);
    handle->addresses = pool->name && !call->generation->addressed;
    if (handle->addresses)
        SET(&o, CURLOPT_RESOLVE, &pool->entry);
    return o.ok;
}

void kpi_http_handle_unload(struct kpi_http_handle *handle)
{
    (void)curl_easy_setopt(handle->easy, CURLOPT_POSTFIELDS, NULL);
    (void)curl_easy_setopt(handle->easy, CURLOPT_HTTPHEADER, NULL);
    if (handle->addresses)
        (void)curl_easy_setopt(handle->easy, CURLOPT_RESOLVE, NULL);
    handle->call = NULL;
}

/* ---- What it tells ---- */

static uint64_t microseconds(CURL *easy, CURLINFO what)
{
    curl_off_t us = 0;
    (void)curl_easy_getinfo(easy, what, &us);
    return us > 0 ? (uint64_t)us : 0;
}

bool kpi_http_handle_has_sent(const struct kpi_http_call *call)
{
    long size = 0;
    (void)curl_easy_getinfo(call->handle->easy, CURLINFO_REQUEST_SIZE, &size);
    return call->connected && size > call->size_before;
}

enum kpi_http_phase kpi_http_handle_phase(const struct kpi_http_call *call)
{
    if (call->http_status != 0)
        return call->headers_done ? KPI_HTTP_BODY : KPI_HTTP_HEADERS;
    if (call->connected)
        return kpi_http_handle_has_sent(call) ? KPI_HTTP_STATUS : KPI_HTTP_SEND;
    return call->securing ? KPI_HTTP_TLS : KPI_HTTP_CONNECT;
}

bool kpi_http_handle_has_opened(const struct kpi_http_call *call)
{
    long n = 0;
    (void)curl_easy_getinfo(call->handle->easy, CURLINFO_NUM_CONNECTS, &n);
    return n > 0 && (call->securing || call->connected);
}

static uint64_t between_ns(uint64_t from_us, uint64_t to_us)
{
    return to_us > from_us ? (to_us - from_us) * 1000 : 0;
}

void kpi_http_handle_connect_times(CURL *easy, struct kp_http_times *times)
{
    uint64_t connected = microseconds(easy, CURLINFO_CONNECT_TIME_T);
    times->connect_ns = between_ns(microseconds(easy, CURLINFO_NAMELOOKUP_TIME_T), connected);
    times->tls_ns = between_ns(connected, microseconds(easy, CURLINFO_APPCONNECT_TIME_T));
}

uint64_t kpi_http_handle_first_byte_ns(CURL *easy)
{
    return between_ns(microseconds(easy, CURLINFO_PRETRANSFER_TIME_T),
                      microseconds(easy, CURLINFO_STARTTRANSFER_TIME_T));
}
