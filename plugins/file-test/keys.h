/*
 * The keys a vault has in memory, ready for use: one entry per (name, version asked for), where no
 * version means the current one. An entry is immutable and says which state of the key's file it
 * was made from; whoever uses it compares that with the file first (ft_loaded_is_fresh), so a
 * change by any process is seen by the next call.
 *
 * Threads: any. A bucket's mutex is held for a look-up and a counter, never during input or output.
 * Bounded: FT_KEYS_BUCKETS * FT_KEYS_PER_BUCKET entries; the least recently used goes.
 */
#ifndef KP_PLUGINS_FILE_TEST_KEYS_H
#define KP_PLUGINS_FILE_TEST_KEYS_H

#include <stdatomic.h>

#include "crypto/key.h"
#include "plugins/file-test/mutex.h"
#include "plugins/file-test/store.h"

#define FT_KEYS_BUCKETS 16u
#define FT_KEYS_PER_BUCKET 64u

/* One key version in memory. References are counted. */
struct ft_loaded {
    /* Fixed after creation. */
    char name[KP_KEY_NAME_MAX_LEN + 1];
    char file[FT_FILE_NAME_LEN];
    char asked[FT_VERSION_ID_LEN + 1]; /* the version asked for; empty: the current one */
    char version[FT_VERSION_ID_LEN + 1];
    struct ft_stat stat;
    uint32_t key_ops;
    bool enabled;
    int64_t not_before_unix_s;
    int64_t expires_unix_s;
    int64_t reload_unix_s; /* when a policy wants the current version replaced */
    struct kpc_key *key;
    /* Any thread. */
    atomic_uint refs;
    /* Under the bucket's mutex. */
    struct ft_loaded *next;
};

struct ft_keys_bucket {
    struct ft_mutex *mutex;
    struct ft_loaded *first; /* most recently used first */
    size_t n;
};

struct ft_keys {
    struct ft_keys_bucket buckets[FT_KEYS_BUCKETS];
};

/* Errors: no_memory; clear it in any case. */
kp_status ft_keys_init(struct ft_keys *keys, struct kp_error *reterr) KP_MUST_USE;
/* Drops all entries. A zeroed table is allowed. */
void ft_keys_clear(struct ft_keys *keys);

/* The entry of a name and version (empty: the current one), referenced for the caller, or NULL. */
struct ft_loaded *ft_keys_acquire(struct ft_keys *keys, kp_span name, kp_span version);
/* Puts an entry in, in the place of one of the same name and version. The caller keeps its
 * reference. */
void ft_keys_put(struct ft_keys *keys, struct ft_loaded *loaded);
/* Drops all entries of a name. */
void ft_keys_forget(struct ft_keys *keys, kp_span name);

/* A new entry with one reference and everything else zero; NULL when memory is out. */
struct ft_loaded *ft_loaded_new(void);
/* Gives a reference back; the last one frees the key. NULL allowed. */
void ft_loaded_release(struct ft_loaded *loaded);
/* Whether the key's file is still the one the entry was made from. One stat. */
bool ft_loaded_is_fresh(const struct ft_loaded *loaded, const struct ft_store *store);

#endif /* KP_PLUGINS_FILE_TEST_KEYS_H */
