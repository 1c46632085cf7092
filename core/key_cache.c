#include "core/key_cache.h"

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/local_ops.h"
#include "core/observe.h"
#include "core/pipeline.h"
#include "core/submit.h"
#include "core/vault.h"
#include "crypto/key.h"

/* One fetch that everybody who wants the same key version waits for. */
struct key_fetch {
    struct kpi_link in_cache;
    struct kpi_link waiters;
    struct kp_vault *vault;
    const struct kp_request *request; /* in block */
    struct kpi_block block;
    uint64_t sent_ns; /* an entry is as old as the question, not as the answer */
    bool outdated;    /* the key has changed since it was sent */
};

void kpi_key_cache_init(struct kpi_key_cache *cache, struct kp_vault *vault)
{
    *cache = (struct kpi_key_cache){.vault = vault};
    kpi_list_init(&cache->use_order);
    kpi_list_init(&cache->fetches);
}

/* ---- Entries ---- */

/*
 * FNV-1a (Fowler, Noll, Vo). Versions of one key share a bucket, and so do the spellings of its
 * name in upper and lower case, which mean one key to most vaults: forgetting is one walk. Bit 5
 * alone tells the cases apart.
 */
static struct kpi_link *bucket_of(const struct kpi_key_cache *cache, kp_span name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (name.ptr[i] | 0x20u)) * 16777619u;
    return &cache->buckets[hash % KPI_CACHE_BUCKETS];
}

static void drop_entry(struct kpi_key_cache *cache, struct kpi_key_entry *entry)
{
    kpi_list_remove(&entry->in_bucket);
    kpi_list_remove(&entry->in_use_order);
    cache->n_entries--;
    kpc_key_release(entry->public_key);
    kpi_block_free(&entry->block);
    kpb_free(entry);
}

static struct kpi_key_entry *find_entry(const struct kpi_key_cache *cache, kp_span name,
                                        kp_span version)
{
    if (!cache->buckets)
        return NULL;
    struct kpi_link *bucket = bucket_of(cache, name);
    for (struct kpi_link *link = bucket->next; link != bucket; link = link->next) {
        struct kpi_key_entry *entry = KPI_HOLDER(link, struct kpi_key_entry, in_bucket);
        if (kpb_span_eq(entry->name, name) && kpb_span_eq(entry->version, version))
            return entry;
    }
    return NULL;
}

static uint64_t age_ms(const struct kpi_key_cache *cache, const struct kpi_key_entry *entry)
{
    return (kpi_shard_now_ns(cache->vault->shard) - entry->fetched_ns) / KPI_NS_PER_MS;
}

struct kpi_key_entry *kpi_key_cache_fresh(struct kpi_key_cache *cache, kp_span name,
                                          kp_span version)
{
    struct kpi_key_entry *entry = find_entry(cache, name, version);
    if (!entry || age_ms(cache, entry) >= kpi_vault_limits_of(cache->vault)->cache_metadata_ms)
        return NULL;
    kpi_list_remove(&entry->in_use_order);
    kpi_list_append(&cache->use_order, &entry->in_use_order);
    return entry;
}

static bool make_buckets(struct kpi_key_cache *cache)
{
    if (cache->buckets)
        return true;
    cache->buckets = kpb_alloc_array("key_cache", KPI_CACHE_BUCKETS, sizeof *cache->buckets);
    for (uint32_t i = 0; cache->buckets && i < KPI_CACHE_BUCKETS; i++)
        kpi_list_init(&cache->buckets[i]);
    return cache->buckets != NULL;
}

/* Keeps a reply under the name and version it was asked for. Out of memory: it is just not kept. */
static void keep_entry(struct kpi_key_cache *cache, const struct key_fetch *fetch,
                       struct kp_result *result)
{
    struct kpi_key_entry *old = find_entry(cache, fetch->request->name, fetch->request->version);
    if (old)
        drop_entry(cache, old);
    struct kpi_key_entry *entry =
        make_buckets(cache) ? kpb_alloc("key_cache.entry", sizeof *entry) : NULL;
    if (!entry)
        return;
    struct kp_reply reply = result->reply;
    reply.flags |= KP_REPLY_CACHED;
    reply.name = fetch->request->name;
    reply.next_page = fetch->request->version; /* carries the asked version into the copy */
    if (kpi_block_copy_reply(&entry->block, &reply, &entry->reply) != KP_OK) {
        kpb_free(entry);
        return;
    }
    entry->name = entry->reply->name;
    entry->version = entry->reply->next_page;
    entry->fetched_ns = fetch->sent_ns;
    if (cache->n_entries >= kpi_vault_limits_of(cache->vault)->cache_entries)
        drop_entry(cache, KPI_HOLDER(cache->use_order.next, struct kpi_key_entry, in_use_order));
    cache->n_entries++;
    kpi_list_append(bucket_of(cache, entry->name), &entry->in_bucket);
    kpi_list_append(&cache->use_order, &entry->in_use_order);
}

void kpi_key_cache_forget(struct kpi_key_cache *cache, kp_span name)
{
    for (struct kpi_link *link = cache->fetches.next; link != &cache->fetches; link = link->next) {
        struct key_fetch *fetch = KPI_HOLDER(link, struct key_fetch, in_cache);
        fetch->outdated |= kpb_span_eq_nocase(fetch->request->name, name);
    }
    struct kpi_link *bucket = cache->buckets ? bucket_of(cache, name) : NULL;
    for (struct kpi_link *link = bucket ? bucket->next : NULL, *next; link != bucket; link = next) {
        struct kpi_key_entry *entry = KPI_HOLDER(link, struct kpi_key_entry, in_bucket);
        next = link->next;
        if (kpb_span_eq_nocase(entry->name, name))
            drop_entry(cache, entry);
    }
}

void kpi_key_cache_clear(struct kpi_key_cache *cache)
{
    while (!kpi_list_empty(&cache->use_order))
        drop_entry(cache, KPI_HOLDER(cache->use_order.next, struct kpi_key_entry, in_use_order));
    kpb_free(cache->buckets);
    cache->buckets = NULL;
}

/* ---- Answering ---- */

static void answer_from(struct kpi_op *op, const struct kpi_key_entry *entry, uint32_t flags)
{
    struct kp_error error;
    struct kp_reply reply = *entry->reply;
    const struct kp_reply *copy;
    reply.flags |= flags;
    reply.next_page = (kp_span){NULL, 0};
    if (kpi_reply_areas_take(&op->shard->reply_areas, &op->out) == KP_OK &&
        kpi_block_copy_reply(&op->out, &reply, &copy) == KP_OK)
        kpi_pipeline_end(op, KP_OK, copy, NULL);
    else
        kpi_pipeline_end(op, kpb_fail_memory(&error, "op.reply"), NULL, &error);
}

/* Past its lifetime, but the vault cannot be reached and the setting allows it. */
static bool answer_stale(struct kpi_key_cache *cache, struct kpi_op *op, kp_status status)
{
    const struct kpi_vault_limits *limits = kpi_vault_limits_of(cache->vault);
    struct kpi_key_entry *entry = find_entry(cache, op->request->name, op->request->version);
    uint64_t bound_ms = (uint64_t)limits->cache_metadata_ms + limits->cache_stale_ms;
    if (!kpi_breaker_counts(status) || limits->cache_stale_ms == 0 || !entry ||
        age_ms(cache, entry) >= bound_ms)
        return false;
    answer_from(op, entry, KP_REPLY_STALE);
    return true;
}

/* ---- The shared fetch ---- */

static void free_fetch(struct key_fetch *fetch)
{
    kpi_list_remove(&fetch->in_cache);
    kpi_block_free(&fetch->block);
    kpb_free(fetch);
}

static void tell_waiter(struct kpi_key_cache *cache, struct kpi_op *op,
                        const struct kp_result *result)
{
    if (result->status == KP_OK) {
        kpi_pipeline_requeue(op);
    } else if (op->request->op != KP_OP_GET_KEY) {
        op->skip_cache = true; /* the metadata was a short cut only: let the vault itself decide */
        kpi_pipeline_requeue(op);
    } else if (!answer_stale(cache, op, result->status)) {
        kpi_pipeline_end(op, result->status, NULL, &result->error);
    }
}

static void fetch_done(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct key_fetch *fetch = ctx;
    struct kpi_key_cache *cache = &fetch->vault->cache;
    struct kpi_link waiters;
    (void)id;
    if (result->status == KP_OK && !fetch->outdated)
        keep_entry(cache, fetch, result);
    kpi_list_init(&waiters);
    kpi_list_splice(&waiters, &fetch->waiters);
    bool kept = kpi_key_cache_fresh(cache, fetch->request->name, fetch->request->version) != NULL;
    free_fetch(fetch);
    for (struct kpi_link *link; (link = kpi_list_pop(&waiters)) != NULL;) {
        struct kpi_op *op = KPI_HOLDER(link, struct kpi_op, link);
        op->skip_cache = !kept; /* nothing to find there: ask for itself rather than in circles */
        tell_waiter(cache, op, result);
    }
}

/* What op may join: also in how long it waits for a vault that is away. */
static bool is_wanted(const struct key_fetch *fetch, const struct kp_request *request)
{
    return !fetch->outdated && kpb_span_eq(fetch->request->name, request->name) &&
           kpb_span_eq(fetch->request->version, request->version) &&
           fetch->request->flags == (request->flags & KP_REQ_WAIT_FOR_PROBE);
}

static struct key_fetch *find_fetch(const struct kpi_key_cache *cache,
                                    const struct kp_request *request)
{
    for (struct kpi_link *link = cache->fetches.next; link != &cache->fetches; link = link->next) {
        struct key_fetch *fetch = KPI_HOLDER(link, struct key_fetch, in_cache);
        if (is_wanted(fetch, request))
            return fetch;
    }
    return NULL;
}

/* Sends the request that the waiters share. NULL when memory or a slot is out. */
static struct key_fetch *start_fetch(struct kpi_key_cache *cache, const struct kp_request *wanted)
{
    struct kp_request request;
    kp_request_init(&request, KP_OP_GET_KEY);
    request.name = wanted->name;
    request.version = wanted->version;
    request.timeout_ms = kpi_vault_limits_of(cache->vault)->fetch_timeout_ms;
    request.flags = wanted->flags & KP_REQ_WAIT_FOR_PROBE;
    struct key_fetch *fetch = kpb_alloc("key_cache.fetch", sizeof *fetch);
    if (!fetch)
        return NULL;
    fetch->vault = cache->vault;
    fetch->sent_ns = kpi_shard_now_ns(cache->vault->shard);
    kpi_list_init(&fetch->waiters);
    kpi_list_init(&fetch->in_cache);
    if (kpi_block_copy_request(&fetch->block, &request, &fetch->request) != KP_OK ||
        kpi_submit_internal(cache->vault, fetch->request, fetch_done, fetch) != KP_OK) {
        free_fetch(fetch);
        return NULL;
    }
    kpi_list_append(&cache->fetches, &fetch->in_cache);
    return fetch;
}

void kpi_key_cache_join(struct kpi_key_cache *cache, struct kpi_op *op)
{
    struct key_fetch *fetch = find_fetch(cache, op->request);
    if (fetch)
        kpi_observe_coalesced(op);
    else
        fetch = start_fetch(cache, op->request);
    kpi_list_remove(&op->link);
    if (!fetch) {
        struct kp_error error;
        kpi_pipeline_end(op, kpb_fail_memory(&error, "key_cache.fetch"), NULL, &error);
        return;
    }
    (void)kpi_op_enter(op, KPI_OP_WAITING); /* from QUEUED: a step of the table */
    kpi_list_append(&fetch->waiters, &op->link);
}

bool kpi_key_cache_serve(struct kpi_key_cache *cache, struct kpi_op *op)
{
    const struct kp_request *request = op->request;
    if (op->skip_cache || op->internal)
        return false;
    if (request->op != KP_OP_GET_KEY)
        return kpi_vault_limits_of(cache->vault)->local_public_ops && kpi_local_serve(cache, op);
    if (!(request->flags & KP_REQ_CACHED_OK) ||
        kpi_vault_limits_of(cache->vault)->cache_metadata_ms == 0)
        return false;
    struct kpi_key_entry *entry = kpi_key_cache_fresh(cache, request->name, request->version);
    if (entry)
        answer_from(op, entry, 0);
    else
        kpi_key_cache_join(cache, op);
    return true;
}
