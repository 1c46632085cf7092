#include "plugins/file-test/keys.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"

#define SITE "file-test.keys"

kp_status ft_keys_init(struct ft_keys *keys, struct kp_error *reterr)
{
    memset(keys, 0, sizeof *keys);
    for (size_t i = 0; i < FT_KEYS_BUCKETS; i++) {
        keys->buckets[i].mutex = ft_mutex_new();
        if (!keys->buckets[i].mutex)
            return kpb_fail_memory(reterr, SITE);
    }
    return KP_OK;
}

static void release_list(struct ft_loaded *list)
{
    while (list) {
        struct ft_loaded *next = list->next;
        ft_loaded_release(list);
        list = next;
    }
}

void ft_keys_clear(struct ft_keys *keys)
{
    for (size_t i = 0; i < FT_KEYS_BUCKETS; i++) {
        release_list(keys->buckets[i].first);
        ft_mutex_free(keys->buckets[i].mutex);
    }
    memset(keys, 0, sizeof *keys);
}

/* FNV-1a. All versions of a name share a bucket, so that forgetting a name looks at one. */
static struct ft_keys_bucket *bucket_of(struct ft_keys *keys, kp_span name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ name.ptr[i]) * 16777619u;
    return &keys->buckets[(hash ^ hash >> 16) % FT_KEYS_BUCKETS];
}

/* Takes the entry out of the list and returns it with the list's reference, or NULL. */
static struct ft_loaded *unlink_locked(struct ft_keys_bucket *bucket, kp_span name, kp_span asked)
{
    struct ft_loaded **at = &bucket->first;
    while (*at && !(kpb_span_eq_str(asked, (*at)->asked) && kpb_span_eq_str(name, (*at)->name)))
        at = &(*at)->next;
    struct ft_loaded *found = *at;
    if (found) {
        *at = found->next;
        bucket->n--;
    }
    return found;
}

static void link_first_locked(struct ft_keys_bucket *bucket, struct ft_loaded *loaded)
{
    loaded->next = bucket->first;
    bucket->first = loaded;
    bucket->n++;
}

static struct ft_loaded *unlink_last_locked(struct ft_keys_bucket *bucket)
{
    struct ft_loaded **at = &bucket->first;
    struct ft_loaded *last = *at;
    while (last && last->next) {
        at = &last->next;
        last = *at;
    }
    *at = NULL;
    bucket->n -= last ? 1 : 0;
    return last;
}

struct ft_loaded *ft_keys_acquire(struct ft_keys *keys, kp_span name, kp_span version)
{
    struct ft_keys_bucket *bucket = bucket_of(keys, name);
    ft_mutex_lock(bucket->mutex);
    struct ft_loaded *found = unlink_locked(bucket, name, version);
    if (found) {
        link_first_locked(bucket, found);
        atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
    }
    ft_mutex_unlock(bucket->mutex);
    return found;
}

void ft_keys_put(struct ft_keys *keys, struct ft_loaded *loaded)
{
    struct ft_keys_bucket *bucket = bucket_of(keys, kpb_span_str(loaded->name));
    struct ft_loaded *evicted = NULL;
    atomic_fetch_add_explicit(&loaded->refs, 1, memory_order_relaxed);
    ft_mutex_lock(bucket->mutex);
    struct ft_loaded *replaced =
        unlink_locked(bucket, kpb_span_str(loaded->name), kpb_span_str(loaded->asked));
    if (bucket->n == FT_KEYS_PER_BUCKET)
        evicted = unlink_last_locked(bucket);
    link_first_locked(bucket, loaded);
    ft_mutex_unlock(bucket->mutex);
    ft_loaded_release(replaced);
    ft_loaded_release(evicted);
}

void ft_keys_forget(struct ft_keys *keys, kp_span name)
{
    struct ft_keys_bucket *bucket = bucket_of(keys, name);
    struct ft_loaded *dropped = NULL;
    ft_mutex_lock(bucket->mutex);
    struct ft_loaded **at = &bucket->first;
    while (*at) {
        struct ft_loaded *loaded = *at;
        if (!kpb_span_eq_str(name, loaded->name)) {
            at = &loaded->next;
            continue;
        }
        *at = loaded->next;
        loaded->next = dropped;
        dropped = loaded;
        bucket->n--;
    }
    ft_mutex_unlock(bucket->mutex);
    release_list(dropped);
}

struct ft_loaded *ft_loaded_new(void)
{
    struct ft_loaded *loaded = kpb_alloc(SITE, sizeof *loaded);
    if (loaded)
        atomic_init(&loaded->refs, 1);
    return loaded;
}

void ft_loaded_release(struct ft_loaded *loaded)
{
    if (!loaded || atomic_fetch_sub_explicit(&loaded->refs, 1, memory_order_acq_rel) != 1)
        return;
    kpc_key_release(loaded->key);
    kpb_free(loaded);
}

bool ft_loaded_is_fresh(const struct ft_loaded *loaded, const struct ft_store *store)
{
    struct ft_stat now;
    if (ft_store_stat(store, loaded->file, &now) != FT_IO_OK)
        return false;
    return now.ino == loaded->stat.ino && now.size == loaded->stat.size &&
           now.mtime_ns == loaded->stat.mtime_ns && now.ctime_ns == loaded->stat.ctime_ns;
}
