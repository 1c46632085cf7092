#include "ekm/unwrap_cache.h"

#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "ekm/keys/sync.h"

/* value is NULL in an empty entry. */
struct entry {
    uint64_t until_ms;
    uint64_t hash;
    struct ekm_thumb thumb;
    uint32_t wrapped_len;
    uint32_t value_len;
    uint8_t wrapped[EKM_VALUE_MAX_LEN];
    uint8_t *value; /* secret */
};

struct ekm_unwrap_cache {
    /* ---- fixed after new ---- */
    struct ekm_sync *sync;
    uint32_t lifetime_ms;
    uint32_t n;
    /* ---- under sync ---- */
    uint32_t next; /* the oldest, or an empty one */
    struct entry entries[];
};

kp_status ekm_unwrap_cache_new(uint32_t n_entries, uint32_t lifetime_ms,
                               struct ekm_unwrap_cache **ret, struct kp_error *reterr)
{
    size_t len = sizeof(struct ekm_unwrap_cache) + n_entries * sizeof(struct entry);
    struct ekm_unwrap_cache *cache = kpb_alloc("ekm.unwrap_cache", len);

    if (cache)
        cache->sync = ekm_sync_new();
    if (!cache || !cache->sync) {
        kpb_free(cache);
        return kpb_fail_memory(reterr, "ekm.unwrap_cache");
    }
    cache->lifetime_ms = lifetime_ms;
    cache->n = n_entries;
    *ret = cache; /* moved to the caller */
    return KP_OK;
}

static void clear_entry(struct entry *entry)
{
    kpb_secret_free(entry->value, entry->value_len);
    entry->value = NULL;
    entry->value_len = 0;
}

void ekm_unwrap_cache_free(struct ekm_unwrap_cache *cache)
{
    if (!cache)
        return;
    for (uint32_t i = 0; i < cache->n; i++)
        clear_entry(&cache->entries[i]);
    ekm_sync_free(cache->sync);
    kpb_free(cache);
}

/* FNV-1a, to pass over the others quickly; equality is decided by the bytes. */
static uint64_t hash_of(kp_span bytes)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ bytes.ptr[i]) * UINT64_C(1099511628211);
    return hash;
}

/* Wipes on its way what is past its lifetime: nobody may ever ask for it again. */
static struct entry *find_locked(struct ekm_unwrap_cache *cache, const struct ekm_thumb *thumb,
                                 kp_span wrapped, uint64_t now_ms)
{
    struct entry *found = NULL;
    uint64_t hash = hash_of(wrapped);

    for (uint32_t i = 0; i < cache->n; i++) {
        struct entry *entry = &cache->entries[i];

        if (entry->value && now_ms >= entry->until_ms)
            clear_entry(entry);
        else if (entry->value && entry->hash == hash && ekm_thumb_eq(&entry->thumb, thumb) &&
                 kpb_span_eq(kpb_span(entry->wrapped, entry->wrapped_len), wrapped))
            found = entry;
    }
    return found;
}

static void fill_locked(struct ekm_unwrap_cache *cache, struct entry *entry,
                        const struct ekm_thumb *thumb, kp_span wrapped, kp_span value,
                        uint64_t now_ms)
{
    clear_entry(entry);
    entry->value = kpb_secret_alloc("ekm.unwrap_cache", value.len);
    if (!entry->value)
        return; /* not kept */
    memcpy(entry->value, value.ptr, value.len);
    entry->value_len = (uint32_t)value.len;
    memcpy(entry->wrapped, wrapped.ptr, wrapped.len);
    entry->wrapped_len = (uint32_t)wrapped.len;
    entry->thumb = *thumb;
    entry->hash = hash_of(wrapped);
    entry->until_ms = now_ms + cache->lifetime_ms;
}

void ekm_unwrap_cache_put(struct ekm_unwrap_cache *cache, const struct ekm_thumb *thumb,
                          kp_span wrapped, kp_span value, uint64_t now_ms)
{
    struct entry *entry;

    if (!cache || wrapped.len > EKM_VALUE_MAX_LEN || value.len > EKM_VALUE_MAX_LEN ||
        value.len == 0 || wrapped.len == 0)
        return;
    ekm_sync_lock(cache->sync);
    entry = find_locked(cache, thumb, wrapped, now_ms);
    if (!entry) {
        entry = &cache->entries[cache->next];
        cache->next = (cache->next + 1) % cache->n;
    }
    fill_locked(cache, entry, thumb, wrapped, value, now_ms);
    ekm_sync_unlock(cache->sync);
}

void ekm_unwrap_cache_forget(struct ekm_unwrap_cache *cache, const struct ekm_thumb *thumb)
{
    if (!cache)
        return;
    ekm_sync_lock(cache->sync);
    for (uint32_t i = 0; i < cache->n; i++) {
        if (ekm_thumb_eq(&cache->entries[i].thumb, thumb))
            clear_entry(&cache->entries[i]);
    }
    ekm_sync_unlock(cache->sync);
}

kp_status ekm_unwrap_cache_get(struct ekm_unwrap_cache *cache, const struct ekm_thumb *thumb,
                               kp_span wrapped, uint64_t now_ms, kp_buf *out)
{
    struct entry *entry;
    kp_status st = KP_NOT_FOUND;

    if (!cache)
        return KP_NOT_FOUND;
    ekm_sync_lock(cache->sync);
    entry = find_locked(cache, thumb, wrapped, now_ms);
    if (entry)
        st = kp_buf_append(out, kpb_span(entry->value, entry->value_len));
    ekm_sync_unlock(cache->sync);
    return st;
}
