#include "plugins/file-test/store.h"

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"

#define SITE "file-test.store"
#define NS_PER_S INT64_C(1000000000)

/* ---- The lock ---- */

/*
 * A lock is as good as its file's name: once that leads to another file, or to none, the next
 * writer locks another one, and this one is no more than somebody else's.
 */
static enum ft_io check_lock(const struct ft_store *store, ft_handle lock)
{
    struct ft_stat held, named;
    enum ft_io io = store->fs->stat(store->fs->ctx, lock, &held);
    if (io != FT_IO_OK)
        return io;
    io = ft_store_stat(store, FT_LOCK_FILE, &named);
    if (io == FT_IO_NOT_FOUND)
        return FT_IO_LOCKED;
    return io == FT_IO_OK && named.ino != held.ino ? FT_IO_LOCKED : io;
}

static enum ft_io take_lock(const struct ft_store *store, ft_handle lock)
{
    enum ft_io io = store->fs->try_lock(store->fs->ctx, lock);
    if (io != FT_IO_OK)
        return io;
    io = check_lock(store, lock);
    if (io != FT_IO_OK)
        store->fs->unlock(store->fs->ctx, lock);
    return io;
}

kp_status ft_store_try_lock(const struct ft_store *store, ft_handle *ret_lock,
                            struct kp_error *reterr)
{
    const struct ft_fs *fs = store->fs;
    struct ft_stat stat;
    ft_handle lock;
    *ret_lock = FT_NO_HANDLE;
    enum ft_io io = fs->open_lock(fs->ctx, store->dir, FT_LOCK_FILE, &lock);
    if (io != FT_IO_OK)
        return ft_fail_io(reterr, io, store->label, "the lock file " FT_LOCK_FILE);
    kp_status st = KP_OK;
    io = fs->stat(fs->ctx, lock, &stat);
    if (io == FT_IO_OK)
        st = ft_store_check_owner(store, &stat, FT_LOCK_FILE, "600", reterr);
    if (io == FT_IO_OK && st == KP_OK)
        io = take_lock(store, lock);
    if (io == FT_IO_OK && st == KP_OK) {
        *ret_lock = lock; /* moved to the caller */
        return KP_OK;
    }
    fs->close(fs->ctx, lock);
    if (io == FT_IO_OK || io == FT_IO_LOCKED)
        return st;
    return ft_fail_io(reterr, io, store->label, "the lock file " FT_LOCK_FILE);
}

void ft_store_unlock(const struct ft_store *store, ft_handle lock)
{
    if (lock == FT_NO_HANDLE)
        return;
    store->fs->unlock(store->fs->ctx, lock);
    store->fs->close(store->fs->ctx, lock);
}

/* ---- Times that only grow ---- */

/* The latest time any commit of this vault has had: the lock file's, or the file's own. */
static enum ft_io latest_mtime(const struct ft_store *store, ft_handle lock, const char *file,
                               int64_t *ret_ns)
{
    struct ft_stat stat;
    enum ft_io io = store->fs->stat(store->fs->ctx, lock, &stat);
    if (io != FT_IO_OK)
        return io;
    *ret_ns = stat.mtime_ns;
    io = ft_store_stat(store, file, &stat);
    if (io == FT_IO_OK && stat.mtime_ns > *ret_ns)
        *ret_ns = stat.mtime_ns;
    return io == FT_IO_NOT_FOUND ? FT_IO_OK : io;
}

/* Steps grow from the finest to the coarsest clock a file system is known to keep (FAT: 2 s). */
static enum ft_io force_mtime(const struct ft_fs *fs, ft_handle file, int64_t past_ns,
                              int64_t now_ns, int64_t *ret_ns)
{
    static const int64_t STEPS_NS[] = {1, 1000, 1000000, NS_PER_S, 2 * NS_PER_S, 4 * NS_PER_S};
    struct ft_stat stat;
    for (size_t i = 0; i < sizeof STEPS_NS / sizeof STEPS_NS[0]; i++) {
        int64_t wanted = past_ns + STEPS_NS[i];
        enum ft_io io = fs->set_mtime(fs->ctx, file, wanted > now_ns ? wanted : now_ns);
        if (io == FT_IO_OK)
            io = fs->stat(fs->ctx, file, &stat);
        if (io != FT_IO_OK)
            return io;
        if (stat.mtime_ns > past_ns) {
            *ret_ns = stat.mtime_ns;
            return FT_IO_OK;
        }
    }
    return FT_IO_FAILED;
}

static enum ft_io stamp(const struct ft_store *store, ft_handle lock, const char *name,
                        ft_handle file)
{
    int64_t past_ns, stamp_ns;
    int64_t now_ns = store->host->unix_s(store->host->self) * NS_PER_S;
    enum ft_io io = latest_mtime(store, lock, name, &past_ns);
    if (io == FT_IO_OK)
        io = force_mtime(store->fs, file, past_ns, now_ns, &stamp_ns);
    if (io == FT_IO_OK)
        io = store->fs->set_mtime(store->fs->ctx, lock, stamp_ns);
    return io;
}

/* ---- Commits ---- */

static enum ft_io fill_temp(const struct ft_store *store, ft_handle lock, const char *name,
                            const char *temp, kp_span bytes)
{
    const struct ft_fs *fs = store->fs;
    ft_handle file;
    enum ft_io io = fs->create(fs->ctx, store->dir, temp, &file);
    if (io != FT_IO_OK)
        return io;
    io = fs->write(fs->ctx, file, bytes);
    if (io == FT_IO_OK)
        io = stamp(store, lock, name, file);
    if (io == FT_IO_OK)
        io = fs->sync(fs->ctx, file);
    fs->close(fs->ctx, file);
    return io;
}

static kp_status sync_dir(const struct ft_store *store, const char *what, struct kp_error *reterr)
{
    enum ft_io io = store->fs->sync_dir(store->fs->ctx, store->dir);
    if (io == FT_IO_OK)
        return KP_OK;
    kp_status st = ft_fail_io(reterr, io, store->label, "syncing the directory");
    kpb_error_prefix(reterr, "%s was changed, but a crash may undo the change", what);
    if (reterr)
        reterr->exposure = KP_MAYBE_SENT;
    return st;
}

kp_status ft_store_write_file(const struct ft_store *store, ft_handle lock, const char *file,
                              const char *what, kp_span bytes, struct kp_error *reterr)
{
    const struct ft_fs *fs = store->fs;
    uint8_t random[FT_TEMP_RANDOM_LEN];
    char temp[FT_FILE_NAME_LEN];
    if (store->host->random(store->host->self, random, sizeof random) != KP_OK)
        return kpb_fail(reterr, KP_INTERNAL, "the host has no random bytes");
    ft_name_temp(random, temp);
    enum ft_io io = fill_temp(store, lock, file, temp, bytes);
    if (io == FT_IO_OK)
        io = check_lock(store, lock);
    if (io == FT_IO_OK)
        io = fs->rename(fs->ctx, store->dir, temp, file);
    if (io == FT_IO_OK)
        return sync_dir(store, what, reterr);
    /* What remains now, or after a crash, is swept when the vault is opened next. */
    (void)fs->remove(fs->ctx, store->dir, temp);
    return ft_fail_io(reterr, io, store->label, what);
}

/*
 * What cannot be read again must not replace what can. Nothing is known that would get here;
 * should it ever, the old state stands.
 */
static kp_status check_text(const struct ft_store *store, const struct ft_keyfile *file,
                            kp_span text, struct kp_error *reterr)
{
    struct ft_keyfile again;
    ft_keyfile_init(&again, store->sealer.key.len == 0);
    kp_status st = kp_buf_append(&again.raw, text);
    if (st == KP_OK)
        st = ft_keyfile_decode(&again, kpb_span_str(file->name), reterr);
    if (st == KP_OK && again.n_versions != file->n_versions)
        st = kpb_fail(reterr, KP_INTEGRITY, "a version is missing");
    ft_keyfile_clear(&again);
    if (st == KP_OK)
        return KP_OK;
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, SITE);
    kpb_error_prefix(reterr, "key '%s' was not changed: its new file could not be read again",
                     file->name);
    return KP_INTERNAL;
}

kp_status ft_store_save(const struct ft_store *store, ft_handle lock, const struct ft_keyfile *file,
                        size_t max_len, struct kp_error *reterr)
{
    char name[FT_FILE_NAME_LEN];
    kp_buf text;
    if (ft_name_encode(kpb_span_str(file->name), name) != KP_OK)
        return ft_fail_name(reterr, kpb_span_str(file->name));
    if (store->sealer.key.len == 0)
        kp_buf_init_secret(&text, SITE, max_len);
    else
        kp_buf_init(&text, SITE, max_len);
    kp_status st = ft_keyfile_encode(file, &text, reterr);
    if (st == KP_OK)
        st = check_text(store, file, kp_buf_view(&text), reterr);
    if (st == KP_OK)
        st = ft_store_write_file(store, lock, name, "the key file", kp_buf_view(&text), reterr);
    kp_buf_clear(&text);
    return st;
}

kp_status ft_store_remove(const struct ft_store *store, ft_handle lock, kp_span name,
                          struct kp_error *reterr)
{
    const struct ft_fs *fs = store->fs;
    char file[FT_FILE_NAME_LEN];
    int64_t past_ns;
    if (ft_name_encode(name, file) != KP_OK)
        return ft_fail_name(reterr, name);
    /* A later key of this name must look different from the one that goes. */
    enum ft_io io = latest_mtime(store, lock, file, &past_ns);
    if (io == FT_IO_OK)
        io = fs->set_mtime(fs->ctx, lock, past_ns);
    if (io == FT_IO_OK)
        io = check_lock(store, lock);
    if (io == FT_IO_OK)
        io = fs->remove(fs->ctx, store->dir, file);
    if (io != FT_IO_OK)
        return ft_fail_io(reterr, io, store->label, "the key file");
    return sync_dir(store, "the key", reterr);
}
