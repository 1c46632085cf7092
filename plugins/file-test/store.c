#include "plugins/file-test/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"

#define SITE "file-test.store"

void ft_store_init(struct ft_store *store, const struct ft_fs *fs, const struct kp_host *host,
                   kp_span name, kp_span location)
{
    memset(store, 0, sizeof *store);
    store->fs = fs;
    store->host = host;
    store->dir = FT_NO_HANDLE;
    ft_label(name, location, store->label);
    ft_label(kpb_span(NULL, 0), location, store->where);
}

void ft_store_close(struct ft_store *store)
{
    if (store->fs && store->dir != FT_NO_HANDLE)
        store->fs->close(store->fs->ctx, store->dir);
    store->dir = FT_NO_HANDLE;
    kpb_secret_free(store->seal_key, KPC_SEAL_KEY_LEN);
    store->seal_key = NULL;
    store->sealer.key = kpb_span(NULL, 0);
}

kp_status ft_store_check_owner(const struct ft_store *store, const struct ft_stat *stat,
                               const char *file, const char *mode, struct kp_error *reterr)
{
    const char *slash = file[0] ? "/" : "";
    if (!(stat->traits & FT_IS_OURS))
        return kpb_fail(reterr, KP_CONFIG,
                        "%s%s%s belongs to another user than the one running this; chown it or run "
                        "as its owner",
                        store->where, slash, file);
    if (!(stat->traits & FT_IS_PRIVATE))
        return kpb_fail(reterr, KP_CONFIG,
                        "%s%s%s is open to other users; after making sure nobody changed it, run "
                        "chmod %s on it",
                        store->where, slash, file, mode);
    return KP_OK;
}

enum ft_io ft_store_stat(const struct ft_store *store, const char *file, struct ft_stat *ret)
{
    return store->fs->stat_at(store->fs->ctx, store->dir, file, ret);
}

/* ---- Reading a file ---- */

static kp_status check_file(const struct ft_store *store, const struct ft_stat *stat,
                            const char *file, size_t max_len, struct kp_error *reterr)
{
    if (!(stat->traits & FT_IS_FILE))
        return kpb_fail(reterr, KP_INTEGRITY, "%s/%s is not a regular file; remove it",
                        store->where, file);
    if (stat->size > max_len)
        return kpb_fail(reterr, KP_INTEGRITY,
                        "%s/%s has %llu bytes, more than the %zu such a file can have",
                        store->where, file, (unsigned long long)stat->size, max_len);
    return ft_store_check_owner(store, stat, file, "600", reterr);
}

/* Files are never changed in place, so the size is the size; one cut short fails to decode. */
static enum ft_io read_all(const struct ft_fs *fs, ft_handle file, uint8_t *room, size_t len,
                           size_t *ret_len)
{
    size_t n = 1;
    *ret_len = 0;
    while (*ret_len < len && n > 0) {
        enum ft_io io = fs->read(fs->ctx, file, room + *ret_len, len - *ret_len, &n);
        if (io != FT_IO_OK)
            return io;
        *ret_len += n;
    }
    return FT_IO_OK;
}

static kp_status read_open_file(const struct ft_store *store, ft_handle handle, const char *file,
                                const char *what, size_t max_len, kp_buf *out,
                                struct ft_stat *ret_stat, struct kp_error *reterr)
{
    struct ft_stat stat;
    enum ft_io io = store->fs->stat(store->fs->ctx, handle, &stat);
    if (io != FT_IO_OK)
        return ft_fail_io(reterr, io, store->label, what);
    kp_status st = check_file(store, &stat, file, max_len, reterr);
    if (st != KP_OK)
        return st;
    uint8_t *room;
    size_t len;
    if (kp_buf_extend(out, stat.size, &room) != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    io = read_all(store->fs, handle, room, stat.size, &len);
    out->len -= stat.size - len;
    if (io != FT_IO_OK)
        return ft_fail_io(reterr, io, store->label, what);
    if (ret_stat)
        *ret_stat = stat;
    return KP_OK;
}

kp_status ft_store_read_file(const struct ft_store *store, const char *file, const char *what,
                             size_t max_len, kp_buf *out, struct ft_stat *ret_stat,
                             struct kp_error *reterr)
{
    ft_handle handle;
    enum ft_io io = store->fs->open_read(store->fs->ctx, store->dir, file, &handle);
    if (io != FT_IO_OK)
        return ft_fail_io(reterr, io, store->label, what);
    kp_status st = read_open_file(store, handle, file, what, max_len, out, ret_stat, reterr);
    store->fs->close(store->fs->ctx, handle);
    return st;
}

/* ---- Keys ---- */

static kp_status decode(const struct ft_store *store, const char *file, kp_span name,
                        struct ft_keyfile *ret, struct kp_error *reterr)
{
    kp_status st = ft_keyfile_decode(ret, name, reterr);
    if (st == KP_INTEGRITY)
        kpb_error_prefix(reterr, "%s/%s is damaged; put it back from a backup", store->where, file);
    else if (st == KP_UNSUPPORTED)
        kpb_error_prefix(reterr, "%s/%s cannot be read", store->where, file);
    return st;
}

kp_status ft_store_load(const struct ft_store *store, kp_span name, struct ft_keyfile *ret,
                        struct kp_error *reterr)
{
    char file[FT_FILE_NAME_LEN];
    ft_keyfile_init(ret, store->sealer.key.len == 0);
    if (ft_name_encode(name, file) != KP_OK)
        return ft_fail_name(reterr, name);
    kp_status st = ft_store_read_file(store, file, "a key file", FT_KEYFILE_MAX_LEN, &ret->raw,
                                      &ret->stat, reterr);
    if (st == KP_NOT_FOUND)
        return FT_FAIL_NOT_FOUND(reterr, "vault %s has no key '%.*s'", store->label, (int)name.len,
                                 (const char *)name.ptr);
    return st == KP_OK ? decode(store, file, name, ret, reterr) : st;
}

/* ---- Names ---- */

struct name_walk {
    struct ft_names *names;
    bool out_of_memory;
};

static bool grow_names(struct ft_names *names)
{
    size_t cap = names->cap ? 2 * names->cap : 64;
    char(*more)[KP_KEY_NAME_MAX_LEN + 1] = kpb_alloc_array(SITE, cap, sizeof *more);
    if (!more)
        return false;
    if (names->n > 0)
        memcpy(more, names->names, names->n * sizeof *more);
    kpb_free(names->names);
    names->names = more;
    names->cap = cap;
    return true;
}

static void add_name(void *ctx, const char *file)
{
    struct name_walk *walk = ctx;
    char name[KP_KEY_NAME_MAX_LEN + 1];
    if (walk->out_of_memory || !ft_name_decode(file, name))
        return;
    if (walk->names->n == walk->names->cap && !grow_names(walk->names)) {
        walk->out_of_memory = true;
        return;
    }
    memcpy(walk->names->names[walk->names->n++], name, sizeof name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

kp_status ft_store_names(const struct ft_store *store, struct ft_names *ret,
                         struct kp_error *reterr)
{
    struct name_walk walk = {.names = ret};
    memset(ret, 0, sizeof *ret);
    enum ft_io io = store->fs->list(store->fs->ctx, store->dir, add_name, &walk);
    if (io != FT_IO_OK)
        return ft_fail_io(reterr, io, store->label, "the directory");
    if (walk.out_of_memory)
        return kpb_fail_memory(reterr, SITE);
    if (ret->n > 1)
        qsort(ret->names, ret->n, sizeof *ret->names, compare_names);
    return KP_OK;
}

void ft_names_clear(struct ft_names *names)
{
    kpb_free(names->names);
    memset(names, 0, sizeof *names);
}
