/*
 * Which of a server's addresses are used. libcurl is told one of each family, and tries both at
 * once; who has more takes turns: an address that leads nowhere goes to the end of its line. (When
 * told more, libcurl 7.88 stays with the first until its time is over, and forgets to go on to the
 * next when the refusal comes late.)
 */
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/http_parts.h"

#define FAMILIES 2u

static uint32_t family_of(const char *address)
{
    return strchr(address, ':') ? 1 : 0;
}

static bool has(const struct kpi_addresses *addresses, const char *address)
{
    for (uint32_t i = 0; i < addresses->n; i++)
        if (strcmp(addresses->at[i], address) == 0)
            return true;
    return false;
}

static uint32_t n_shared(const struct kpi_addresses *a, const struct kpi_addresses *b)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->n; i++)
        n += has(b, a->at[i]) ? 1 : 0;
    return n;
}

/* "host:port:address,address", as CURLOPT_RESOLVE wants it: the first of each family. */
static char *write_entry(const struct kpi_http_pool *pool, const struct kpi_addresses *addresses)
{
    bool has_family[FAMILIES] = {false, false};
    kp_buf out;
    char *entry = NULL;
    kp_buf_init(&out, "http.entry", KPI_HOST_MAX_LEN + 16 + FAMILIES * (KPI_ADDRESS_TEXT_LEN + 3));
    kp_status st = kp_buf_append_fmt(&out, "%s:%u:", pool->name, pool->name_port);
    for (uint32_t i = 0; st == KP_OK && i < addresses->n; i++) {
        const char *address = addresses->at[i];
        const uint32_t family = family_of(address);
        if (has_family[family])
            continue;
        has_family[family] = true;
        st = kp_buf_append_fmt(&out, family == 1 ? "%s[%s]" : "%s%s",
                               has_family[1 - family] ? "," : "", address);
    }
    if (st == KP_OK)
        entry = kpb_strdup_span("http.entry", kp_buf_view(&out));
    kp_buf_clear(&out);
    return entry;
}

/* False: memory is out, and nothing has changed. */
static bool use(struct kpi_http_pool *pool, const struct kpi_addresses *addresses)
{
    char *entry = write_entry(pool, addresses);
    if (!entry)
        return false;
    kpb_free(pool->entry.data);
    pool->entry.data = entry;
    pool->addresses = *addresses;
    if (pool->current)
        pool->current->addressed = false;
    return true;
}

bool kpi_http_addresses_take(struct kpi_http_pool *pool, const struct kpi_addresses *found)
{
    const uint32_t n = n_shared(found, &pool->addresses);
    if (n == found->n && n == pool->addresses.n)
        return true; /* in the order that has proved to be good */
    if (!use(pool, found))
        return false;
    if (pool->current && n == 0)
        kpi_http_pool_retire(pool->current);
    return true;
}

void kpi_http_addresses_turn(struct kpi_http_pool *pool)
{
    const struct kpi_addresses *now = &pool->addresses;
    struct kpi_addresses turned = {.n = 0};
    uint32_t front[FAMILIES] = {0, 0};
    uint32_t n_front = 0;
    bool has_front[FAMILIES] = {false, false};
    for (uint32_t i = 0; i < now->n; i++) {
        const uint32_t family = family_of(now->at[i]);
        if (has_front[family]) {
            memcpy(turned.at[turned.n++], now->at[i], KPI_ADDRESS_TEXT_LEN);
        } else {
            has_front[family] = true;
            front[n_front++] = i;
        }
    }
    for (uint32_t i = 0; i < n_front; i++)
        memcpy(turned.at[turned.n++], now->at[front[i]], KPI_ADDRESS_TEXT_LEN);
    if (now->n > n_front && use(pool, &turned))
        pool->turned_ns = kpi_shard_now_ns(pool->http->shard);
}
