/*
 * A pool: the connections to one server by one way, held to one set of TLS settings. Requests wait
 * here, first in first out, for an address, for the certificates, and for a place in the current
 * generation of connections. A generation whose connections have become doubtful is retired as a
 * whole, and the next request begins a new one; requests in the old one end there.
 */
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/http_parts.h"

/* A failed look-up is not tried again at once while an older answer serves. */
#define LOOKUP_PAUSE_MS 1000u
/* Times a request goes out again because a server has not looked at it. */
#define BEGIN_AGAIN_MAX 3u

/* Of ages and lifetimes: a turn of the loop is nothing to them. */
static uint64_t now_of(const struct kpi_http_pool *pool)
{
    return kpi_shard_turn_ns(pool->http->shard);
}

/* ---- Generations ---- */

void kpi_http_pool_retire(struct kpi_http_generation *generation)
{
    struct kpi_http_pool *pool = generation->pool;
    if (generation->retired)
        return;
    generation->retired = true;
    pool->current = NULL;
    kpi_list_append(generation->n_active > 0 ? &pool->old : &pool->http->spent, &generation->link);
}

static bool is_worn(const struct kpi_http_generation *generation, uint64_t now_ns)
{
    const struct kpi_provider_limits *limits = generation->pool->http->limits;
    return now_ns - generation->born_ns >= limits->http_max_age_ms * KPI_NS_PER_MS ||
           (generation->n_active == 0 &&
            now_ns - generation->used_ns >= limits->http_idle_ms * KPI_NS_PER_MS);
}

/* The generation to use now, made if need be; NULL when memory is out. */
static struct kpi_http_generation *current_generation(struct kpi_http_pool *pool)
{
    if (pool->current && is_worn(pool->current, now_of(pool)))
        kpi_http_pool_retire(pool->current);
    if (!pool->current)
        pool->current = kpi_http_generation_new(pool);
    return pool->current;
}

/* ---- Addresses ---- */

static uint64_t lifetime_ns(const struct kpi_http_pool *pool)
{
    const uint32_t ours_ms = pool->http->limits->http_dns_lifetime_ms;
    const bool is_shorter = pool->lifetime_ms > 0 && pool->lifetime_ms < ours_ms;
    return (is_shorter ? pool->lifetime_ms : ours_ms) * KPI_NS_PER_MS;
}

/* The shortest time that any request asks for holds, from the next look-up on. */
static void want_lifetime(struct kpi_http_pool *pool, uint32_t lifetime_ms)
{
    if (lifetime_ms > 0 && (pool->lifetime_ms == 0 || lifetime_ms < pool->lifetime_ms))
        pool->lifetime_ms = lifetime_ms;
}

/* False: memory is out, and the old ones stay. */
static bool take_addresses(struct kpi_http_pool *pool, const struct kpi_addresses *addresses)
{
    const struct kpi_provider_limits *limits = pool->http->limits;
    if (!kpi_http_addresses_take(pool, addresses))
        return false;
    pool->fresh_until_ns = pool->answered_ns + lifetime_ns(pool);
    pool->good_until_ns = pool->fresh_until_ns + limits->http_dns_stale_ms * KPI_NS_PER_MS;
    return true;
}

static bool has_good_address(const struct kpi_http_pool *pool, uint64_t now_ns)
{
    return pool->addresses.n > 0 && now_ns < pool->good_until_ns;
}

/* No new address: the old one serves for a while, or nobody gets anywhere. */
static void lookup_failed(struct kpi_http_pool *pool, kp_status status, const char *detail)
{
    int cause = KPI_HTTP_NAME_FAILED;
    uint64_t now_ns = now_of(pool);
    if (has_good_address(pool, now_ns)) {
        uint64_t next_ns = now_ns + LOOKUP_PAUSE_MS * KPI_NS_PER_MS;
        pool->fresh_until_ns = next_ns < pool->good_until_ns ? next_ns : pool->good_until_ns;
        return;
    }
    if (status == KP_NOT_FOUND)
        cause = KPI_HTTP_NO_NAME;
    else if (status == KP_NO_MEMORY)
        cause = KPI_HTTP_NO_MEMORY_CALL;
    kpi_http_pool_fail_queue(pool, cause, KPI_HTTP_RESOLVE, detail);
}

static void name_answered(struct kpi_resolve_wait *wait)
{
    struct kpi_http_pool *pool = KPI_HOLDER(wait, struct kpi_http_pool, wait);
    pool->asking = false;
    pool->answered_ns = now_of(pool);
    if (wait->status != KP_OK)
        lookup_failed(pool, wait->status, wait->error.text);
    else if (!take_addresses(pool, &wait->addresses))
        lookup_failed(pool, KP_NO_MEMORY, NULL);
    kpi_http_pool_pump(pool);
}

static void ask_for_name(struct kpi_http_pool *pool)
{
    pool->wait.shard = pool->http->shard;
    pool->wait.answered = name_answered;
    pool->asked_ns = now_of(pool);
    kp_status st = kpi_resolver_ask(&pool->http->shared->resolver, pool->name, &pool->wait);
    pool->asking = st == KP_OK;
    if (st == KP_OK || has_good_address(pool, pool->asked_ns))
        return;
    kpi_http_pool_fail_queue(pool,
                             st == KP_NO_MEMORY ? KPI_HTTP_NO_MEMORY_CALL : KPI_HTTP_LOOKUPS_FULL,
                             KPI_HTTP_RESOLVE, NULL);
}

/* Whether there is an address to connect to; looks the name up where there is none or it is old. */
static bool has_address(struct kpi_http_pool *pool)
{
    uint64_t now_ns = now_of(pool);
    if (!pool->name || (pool->addresses.n > 0 && now_ns < pool->fresh_until_ns))
        return true;
    if (!pool->asking)
        ask_for_name(pool);
    return has_good_address(pool, now_ns);
}

static bool is_ready(struct kpi_http_pool *pool)
{
    if (pool->is_tls && !pool->http->store) {
        kpi_http_want_store(pool->http);
        return false;
    }
    pool->tls.store = pool->http->store;
    return has_address(pool);
}

bool kpi_http_pool_is_quiet(struct kpi_http_pool *pool)
{
    if (pool->asking && kpi_resolver_forget(&pool->http->shared->resolver, &pool->wait))
        pool->asking = false;
    return !pool->asking;
}

/* ---- The queue ---- */

static void leave_queue(struct kpi_http_call *call)
{
    kpi_list_remove(&call->in_line);
    call->pool->n_queued--;
}

void kpi_http_pool_fail_queue(struct kpi_http_pool *pool, int cause, enum kpi_http_phase phase,
                              const char *detail)
{
    while (!kpi_list_empty(&pool->queue)) {
        struct kpi_http_call *call = KPI_HOLDER(pool->queue.next, struct kpi_http_call, in_line);
        leave_queue(call);
        kpi_http_call_fail(call, cause, phase, detail);
    }
}

/* Of the time in the queue, what went into looking up the name. */
static void note_waiting(struct kpi_http_call *call)
{
    const struct kpi_http_pool *pool = call->pool;
    uint64_t from = pool->asked_ns > call->begun_ns ? pool->asked_ns : call->begun_ns;
    uint64_t to = pool->answered_ns < call->sent_ns ? pool->answered_ns : call->sent_ns;
    call->times.struct_size = sizeof call->times;
    call->times.resolve_ns = to > from ? to - from : 0;
    call->times.queue_ns = call->sent_ns - call->begun_ns - call->times.resolve_ns;
}

static void send_call(struct kpi_http_generation *generation, struct kpi_http_call *call)
{
    struct kpi_shard *shard = call->http->shard;
    leave_queue(call);
    call->sent_ns = kpi_shard_now_ns(shard);
    note_waiting(call);
    if (kpi_http_generation_add(generation, call) != KP_OK) {
        kpi_http_call_fail(call, KPI_HTTP_NO_MEMORY_CALL, KPI_HTTP_QUEUE, NULL);
        return;
    }
    generation->used_ns = now_of(call->pool);
    call->state = KPI_HTTP_CALL_SENT;
    kpi_shard_arm(shard, &call->connect_timer,
                  call->sent_ns + call->connect_timeout_ms * KPI_NS_PER_MS);
}

void kpi_http_pool_pump(struct kpi_http_pool *pool)
{
    while (!kpi_list_empty(&pool->queue) && is_ready(pool)) {
        struct kpi_http_generation *generation = current_generation(pool);
        if (generation && generation->n_active >= kpi_http_protocol_max_active(pool)) {
            if (!pool->is_known)
                kpi_http_protocol_wait(pool);
            return;
        }
        struct kpi_http_call *call = KPI_HOLDER(pool->queue.next, struct kpi_http_call, in_line);
        if (generation) {
            send_call(generation, call);
        } else {
            leave_queue(call);
            kpi_http_call_fail(call, KPI_HTTP_NO_MEMORY_CALL, KPI_HTTP_QUEUE, NULL);
        }
    }
}

void kpi_http_pool_queue(struct kpi_http_pool *pool, struct kpi_http_call *call)
{
    kpi_shard_disarm(pool->http->shard, &pool->rest);
    if (pool->n_queued >= pool->http->limits->http_max_queued) {
        kpi_http_call_fail(call, KPI_HTTP_QUEUE_FULL, KPI_HTTP_QUEUE, NULL);
        return;
    }
    call->state = KPI_HTTP_CALL_QUEUED;
    kpi_list_append(&pool->queue, &call->in_line);
    pool->n_queued++;
    kpi_http_pool_pump(pool);
}

void kpi_http_pool_requeue(struct kpi_http_call *call)
{
    struct kpi_http_pool *pool = call->pool;
    kpi_shard_disarm(call->http->shard, &call->connect_timer);
    call->state = KPI_HTTP_CALL_QUEUED;
    kpi_list_append(pool->queue.next, &call->in_line); /* before the first */
    pool->n_queued++;
}

/* ---- Requests that leave ---- */

/* Nobody uses the pool: its connections go after a while, and then the pool itself. */
static void rest(struct kpi_http_pool *pool)
{
    uint64_t now_ns = now_of(pool);
    uint64_t due_ns = now_ns + pool->http->limits->http_idle_ms * KPI_NS_PER_MS;
    if (!pool->current && pool->good_until_ns > due_ns)
        due_ns = pool->good_until_ns;
    kpi_shard_arm(pool->http->shard, &pool->rest, due_ns);
}

static bool is_idle(const struct kpi_http_pool *pool)
{
    return kpi_list_empty(&pool->queue) && kpi_list_empty(&pool->old) &&
           (!pool->current || pool->current->n_active == 0);
}

static void rest_is_over(struct kpi_timer *timer)
{
    struct kpi_http_pool *pool = KPI_HOLDER(timer, struct kpi_http_pool, rest);
    if (!is_idle(pool))
        return;
    if (pool->current)
        kpi_http_pool_retire(pool->current);
    else if (!pool->asking && now_of(pool) >= pool->good_until_ns) {
        kpi_http_pool_free(pool);
        return;
    }
    rest(pool);
}

void kpi_http_pool_released(struct kpi_http_generation *generation)
{
    struct kpi_http_pool *pool = generation->pool;
    generation->used_ns = now_of(pool);
    if (generation->retired && generation->n_active == 0) {
        kpi_list_remove(&generation->link);
        kpi_list_append(&pool->http->spent, &generation->link);
    }
    if (is_idle(pool))
        rest(pool);
}

/* A server that cannot be reached may have moved, or is to be reached at its next address. */
static void doubt_address(const struct kpi_http_call *call)
{
    struct kpi_http_pool *pool = call->pool;
    pool->fresh_until_ns = 0;
    if (call->sent_ns >= pool->turned_ns) /* else it failed at one that is at the end already */
        kpi_http_addresses_turn(pool);
}

static void withdraw_sent(struct kpi_http_call *call, enum kpi_http_phase phase, bool in_vain)
{
    struct kpi_http_pool *pool = call->pool;
    struct kpi_http_generation *generation = call->generation;
    if (in_vain) {
        kpi_http_pool_retire(generation);
        if (phase != KPI_HTTP_QUEUE)
            doubt_address(call);
    }
    kpi_http_call_fail(call, call->cause, phase, NULL); /* while the handle still tells */
    kpi_http_generation_remove(call);
    kpi_http_pool_released(generation);
    kpi_http_pool_pump(pool);
}

/* What a request in the queue waits for. */
static enum kpi_http_phase phase_queued(const struct kpi_http_pool *pool)
{
    if (kpi_http_protocol_is_awaited(pool))
        return KPI_HTTP_CONNECT;
    return pool->asking ? KPI_HTTP_RESOLVE : KPI_HTTP_QUEUE;
}

/* The request that finds out has had all the time that the one which waits for it may wait: its
 * connection is dead, and the next one is to try another. */
static void doubt_finder(const struct kpi_http_call *call)
{
    struct kpi_http_pool *pool = call->pool;
    if (!kpi_http_protocol_is_awaited(pool))
        return;
    struct kpi_http_call *finder =
        KPI_HOLDER(pool->current->calls.next, struct kpi_http_call, in_line);
    if (kpi_shard_now_ns(pool->http->shard) - finder->sent_ns <
        call->connect_timeout_ms * KPI_NS_PER_MS)
        return;
    kpi_http_pool_retire(pool->current);
    doubt_address(finder);
}

static void withdraw_queued(struct kpi_http_call *call, bool in_vain)
{
    struct kpi_http_pool *pool = call->pool;
    leave_queue(call);
    kpi_http_call_fail(call, call->cause, phase_queued(pool), NULL);
    if (in_vain) {
        doubt_finder(call);
        kpi_http_pool_pump(pool);
    }
    if (is_idle(pool))
        rest(pool);
}

void kpi_http_pool_withdraw(struct kpi_http_call *call, bool in_vain)
{
    if (call->state == KPI_HTTP_CALL_SENT)
        withdraw_sent(call, kpi_http_call_phase(call), in_vain);
    else if (call->state == KPI_HTTP_CALL_QUEUED)
        withdraw_queued(call, in_vain);
}

void kpi_http_pool_abandon(struct kpi_http_generation *generation)
{
    kpi_http_pool_retire(generation);
    while (!kpi_list_empty(&generation->calls)) {
        struct kpi_http_call *call =
            KPI_HOLDER(generation->calls.next, struct kpi_http_call, in_line);
        kpi_http_call_fail(call, CURLE_OUT_OF_MEMORY, kpi_http_call_phase(call), NULL);
        kpi_http_generation_remove(call);
        kpi_http_pool_released(generation);
    }
}

/* What the answer says about the server. */
static void learn(struct kpi_http_call *call)
{
    long version = 0;
    (void)curl_easy_getinfo(call->handle->easy, CURLINFO_HTTP_VERSION, &version);
    call->generation->addressed = true;
    kpi_http_protocol_answered(call->pool, version == CURL_HTTP_VERSION_2_0);
}

/* ---- Requests that fail ---- */

/* A certificate that we refuse shows as different things; what our own check said counts. */
int kpi_http_pool_judge(struct kpi_http_pool *pool, int result, const char **detail)
{
    struct kpi_tls *tls = &pool->tls;
    if ((result != CURLE_SSL_CONNECT_ERROR && result != CURLE_PEER_FAILED_VERIFICATION) ||
        !tls->refusal)
        return result;
    *detail = tls->refusal;
    tls->refusal = NULL;
    return tls->pin_len > 0 ? CURLE_PEER_FAILED_VERIFICATION : KPI_HTTP_REVOKED;
}

/* True: it was refused where others of the server's addresses have not been tried yet. */
static bool may_try_next(struct kpi_http_call *call, int cause, enum kpi_http_phase phase)
{
    return cause == CURLE_COULDNT_CONNECT && phase == KPI_HTTP_CONNECT &&
           ++call->n_refused < call->pool->addresses.n;
}

bool kpi_http_pool_may_begin_again(struct kpi_http_call *call)
{
    return ++call->n_begun_again <= BEGIN_AGAIN_MAX;
}

/* No connection, or one that broke off before TLS stood; not a certificate that was refused. */
static bool is_unreachable(int cause, enum kpi_http_phase phase)
{
    return (phase == KPI_HTTP_CONNECT || phase == KPI_HTTP_TLS) &&
           kpi_http_code_of(cause, phase)->status == KP_TRANSIENT;
}

bool kpi_http_pool_failed(struct kpi_http_call *call, int cause, const char *detail)
{
    enum kpi_http_phase phase = kpi_http_call_phase(call);
    if (call->cause != 0) {
        cause = call->cause;
        detail = NULL;
    }
    if (is_unreachable(cause, phase))
        doubt_address(call);
    if (may_try_next(call, cause, phase))
        return false;
    kpi_http_call_fail(call, cause, phase, detail);
    return true;
}

static bool fail_ended(struct kpi_http_call *call, int result)
{
    const char *said = call->handle->said;
    const char *detail = said[0] ? said : curl_easy_strerror((CURLcode)result);
    int cause = call->cause != 0 ? call->cause : kpi_http_pool_judge(call->pool, result, &detail);
    return kpi_http_pool_failed(call, cause, detail);
}

/* libcurl takes an end among the headers for the end of the answer. */
bool kpi_http_pool_ended(struct kpi_http_call *call, int result)
{
    if (result != CURLE_OK || !call->headers_done)
        return fail_ended(call, result != CURLE_OK ? result : CURLE_RECV_ERROR);
    learn(call);
    kpi_http_call_succeed(call);
    return true;
}

/* ---- Which pool ---- */

static bool fits(const struct kpi_http_pool *pool, const struct kpi_url *url, const char *proxy,
                 kp_span pin)
{
    return pool->is_tls == url->tls && pool->port == url->port && pool->proxy == proxy &&
           kpb_span_eq_nocase(kpb_span_str(pool->host), url->host) &&
           kpb_span_eq(kpb_span(pool->tls.pin, pool->tls.pin_len), pin);
}

/* What has to be looked up: the proxy, or else the host. */
static bool set_name(struct kpi_http_pool *pool, const struct kpi_url *url)
{
    struct kpi_url to = *url;
    if (pool->proxy && kpi_url_parse(kpb_span_str(pool->proxy), &to, NULL) != KP_OK)
        return false; /* cannot be: it was parsed when it was read */
    pool->name_port = to.port;
    if (to.is_literal)
        return true;
    pool->name = kpb_strdup_span("http.name", to.host);
    return pool->name != NULL;
}

/* "host:port", the port where it is not that of the scheme. */
static char *authority_of(const struct kpi_url *url)
{
    char text[KPI_HOST_MAX_LEN + sizeof "[]:65535"];
    bool is_v6 = memchr(url->host.ptr, ':', url->host.len) != NULL;
    int n = snprintf(text, sizeof text, "%s%.*s%s", is_v6 ? "[" : "", (int)url->host.len,
                     (const char *)url->host.ptr, is_v6 ? "]" : "");
    if (url->port != (url->tls ? 443 : 80))
        n += snprintf(text + n, sizeof text - (size_t)n, ":%u", url->port);
    return kpb_strdup_span("http.authority", kpb_span(text, (size_t)n));
}

static struct kpi_http_pool *new_pool(struct kpi_http *http, const struct kpi_url *url,
                                      const char *proxy, kp_span pin)
{
    struct kpi_http_pool *pool = kpb_alloc("http.pool", sizeof *pool);
    if (!pool)
        return NULL;
    pool->http = http;
    pool->is_tls = url->tls;
    pool->is_known = !url->tls;
    pool->port = url->port;
    pool->proxy = proxy;
    pool->tls.pin_len = pin.len;
    if (pin.len > 0)
        memcpy(pool->tls.pin, pin.ptr, pin.len);
    pool->h2_streams = http->limits->http_max_streams;
    pool->rest.fire = rest_is_over;
    kpi_list_init(&pool->in_http);
    kpi_list_init(&pool->queue);
    kpi_list_init(&pool->old);
    pool->host = kpb_strdup_span("http.host", url->host);
    pool->authority = authority_of(url);
    if (!pool->host || !pool->authority || !set_name(pool, url)) {
        kpi_http_pool_free(pool);
        return NULL;
    }
    kpi_list_append(&http->pools, &pool->in_http);
    return pool;
}

struct kpi_http_pool *kpi_http_pool_of(struct kpi_http *http, const struct kpi_url *url,
                                       const struct kp_http_request *request)
{
    const char *proxy = NULL; /* never for clear text: that is for this machine's surroundings */
    kp_span pin = url->tls ? request->pin : kpb_span(NULL, 0);
    if (url->tls && !(request->flags & KP_HTTP_NO_PROXY))
        proxy = kpi_http_shared_proxy(http->shared, url->host);
    for (struct kpi_link *link = http->pools.next; link != &http->pools; link = link->next) {
        struct kpi_http_pool *pool = KPI_HOLDER(link, struct kpi_http_pool, in_http);
        if (fits(pool, url, proxy, pin)) {
            want_lifetime(pool, request->dns_lifetime_ms);
            return pool;
        }
    }
    struct kpi_http_pool *pool = new_pool(http, url, proxy, pin);
    if (pool)
        want_lifetime(pool, request->dns_lifetime_ms);
    return pool;
}

void kpi_http_pool_free(struct kpi_http_pool *pool)
{
    kpi_list_remove(&pool->in_http);
    kpi_shard_disarm(pool->http->shard, &pool->rest);
    if (pool->current)
        kpi_http_generation_free(pool->current);
    for (struct kpi_link *link; (link = kpi_list_pop(&pool->old)) != NULL;)
        kpi_http_generation_free(KPI_HOLDER(link, struct kpi_http_generation, link));
    kpb_free(pool->entry.data);
    kpb_free(pool->name);
    kpb_free(pool->authority);
    kpb_free(pool->host);
    kpb_free(pool);
}
