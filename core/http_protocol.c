/*
 * What a pool's server speaks. While nothing is known of it one request finds out, and the others
 * wait in the queue: each would open a connection, and HTTP/2 has no use for so many. TLS settles
 * it, before an answer comes.
 */
#include "core/http_parts.h"

/* Requests that find out at once; of more, libcurl would let the others wait (CURLOPT_PIPEWAIT). */
#define FINDERS_MAX 1u

bool kpi_http_protocol_is_framed(const struct kpi_http_pool *pool)
{
    return pool->is_h2 && pool->is_tls && !pool->h1_wanted && pool->http->limits->http_h2_framing;
}

uint32_t kpi_http_protocol_max_connections(const struct kpi_http_pool *pool)
{
    const struct kpi_provider_limits *limits = pool->http->limits;
    return pool->is_h2 ? limits->http_max_connections_h2 : limits->http_max_connections;
}

uint32_t kpi_http_protocol_max_active(const struct kpi_http_pool *pool)
{
    uint32_t n = kpi_http_protocol_max_connections(pool);
    if (!pool->is_known)
        return FINDERS_MAX;
    return pool->is_h2 ? n * pool->http->limits->http_max_streams : n;
}

/* ---- Those who wait for it ---- */

/* The last ones have come since this was last called. */
void kpi_http_protocol_wait(struct kpi_http_pool *pool)
{
    struct kpi_shard *shard = pool->http->shard;
    uint64_t now_ns = kpi_shard_now_ns(shard);
    for (struct kpi_link *at = pool->queue.prev; at != &pool->queue; at = at->prev) {
        struct kpi_http_call *call = KPI_HOLDER(at, struct kpi_http_call, in_line);
        if (call->connect_timer.armed)
            return;
        kpi_shard_arm(shard, &call->connect_timer,
                      now_ns + call->connect_timeout_ms * KPI_NS_PER_MS);
    }
}

/* They wait for a place from now on, as ever. */
static void end_wait(struct kpi_http_pool *pool)
{
    for (struct kpi_link *at = pool->queue.next; at != &pool->queue; at = at->next)
        kpi_shard_disarm(pool->http->shard,
                         &KPI_HOLDER(at, struct kpi_http_call, in_line)->connect_timer);
}

bool kpi_http_protocol_is_awaited(const struct kpi_http_pool *pool)
{
    return !pool->is_known && pool->current && pool->current->n_active > 0;
}

/* ---- Finding out ---- */

static void know(struct kpi_http_pool *pool, bool is_h2)
{
    if (!pool->is_known)
        end_wait(pool);
    pool->is_known = true;
    pool->is_h2 = is_h2;
    if (kpi_http_protocol_is_framed(pool) && pool->current && !pool->current->framed)
        kpi_http_pool_retire(pool->current);
}

void kpi_http_protocol_agreed(struct kpi_http_pool *pool, const SSL *ssl)
{
    know(pool, ssl && kpi_tls_chose_h2(ssl));
}

void kpi_http_protocol_answered(struct kpi_http_pool *pool, bool is_h2)
{
    if (is_h2 != pool->is_h2)
        know(pool, is_h2);
}

void kpi_http_protocol_want_h1(struct kpi_http_pool *pool)
{
    pool->is_h2 = false;
    pool->h1_wanted = true;
}
