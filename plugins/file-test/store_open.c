#include "plugins/file-test/store.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "plugins/file-test/vaultfile.h"

#define SITE "file-test.store"
#define VAULT_FILE_TEXT "the vault file " FT_VAULT_FILE

/* ---- The passphrase ---- */

static kp_status fail_passphrase(const struct ft_store *store, const char *text,
                                 struct kp_error *reterr)
{
    return kpb_fail_code(reterr, KP_AUTH, KP_CODE_ErrorHttpResponseCodeUnauthorized,
                         "vault %s %s; set the passphrase it was made with in the setting "
                         "passphrase",
                         store->label, text);
}

static kp_status derive(struct ft_store *store, const struct ft_vaultfile *v, kp_span passphrase,
                        uint8_t check[FT_CHECK_LEN], struct kp_error *reterr)
{
    store->seal_key = kpb_secret_alloc(SITE, KPC_SEAL_KEY_LEN);
    if (!store->seal_key)
        return kpb_fail_memory(reterr, SITE);
    store->sealer.key = kpb_span(store->seal_key, KPC_SEAL_KEY_LEN);
    return ft_vaultfile_derive(v, passphrase, store->seal_key, check, reterr);
}

static kp_status unlock_vault(struct ft_store *store, const struct ft_vaultfile *v,
                              kp_span passphrase, struct kp_error *reterr)
{
    uint8_t check[FT_CHECK_LEN];
    if (!v->is_sealed && passphrase.len == 0)
        return KP_OK;
    if (!v->is_sealed)
        return kpb_fail(
            reterr, KP_CONFIG,
            "vault %s was made without a passphrase and cannot be given one; remove the "
            "setting, or make a new vault and restore backups of the keys into it",
            store->label);
    if (passphrase.len == 0)
        return fail_passphrase(store, "is sealed with a passphrase", reterr);
    kp_status st = derive(store, v, passphrase, check, reterr);
    if (st == KP_USAGE)
        kpb_error_prefix(reterr, "%s/%s", store->where, FT_VAULT_FILE);
    if (st != KP_OK)
        return st == KP_USAGE ? KP_CONFIG : st;
    if (!kpb_span_eq_secret(kpb_span(check, sizeof check), kpb_span(v->check, sizeof v->check)))
        return fail_passphrase(store, "has another passphrase", reterr);
    return KP_OK;
}

/* ---- An existing vault ---- */

static bool has_vault_file(const struct ft_store *store)
{
    struct ft_stat stat;
    return ft_store_stat(store, FT_VAULT_FILE, &stat) != FT_IO_NOT_FOUND;
}

static kp_status open_existing(struct ft_store *store, const struct ft_store_wish *wish,
                               struct kp_error *reterr)
{
    struct ft_vaultfile v;
    kp_buf text;
    kp_buf_init(&text, SITE, FT_VAULTFILE_MAX_LEN);
    kp_status st = ft_store_read_file(store, FT_VAULT_FILE, VAULT_FILE_TEXT, FT_VAULTFILE_MAX_LEN,
                                      &text, NULL, reterr);
    if (st == KP_OK) {
        st = ft_vaultfile_decode(kp_buf_view(&text), &v, reterr);
        if (st != KP_OK)
            kpb_error_prefix(reterr, "%s/%s is damaged or foreign", store->where, FT_VAULT_FILE);
    }
    kp_buf_clear(&text);
    return st == KP_OK ? unlock_vault(store, &v, wish->passphrase, reterr) : st;
}

/* ---- A new vault ---- */

struct foreign_walk {
    bool found;
    char name[64];
};

static void note_foreign(void *ctx, const char *file)
{
    struct foreign_walk *walk = ctx;
    if (walk->found || ft_name_is_temp(file) || strcmp(file, FT_LOCK_FILE) == 0 ||
        strcmp(file, FT_VAULT_FILE) == 0)
        return;
    walk->found = true;
    (void)strncat(walk->name, file, sizeof walk->name - 1);
}

static kp_status check_empty(const struct ft_store *store, struct kp_error *reterr)
{
    struct foreign_walk walk = {.found = false};
    enum ft_io io = store->fs->list(store->fs->ctx, store->dir, note_foreign, &walk);
    if (io != FT_IO_OK)
        return ft_fail_io(reterr, io, store->label, "the directory");
    if (walk.found)
        return kpb_fail(reterr, KP_CONFIG,
                        "%s holds other files (such as '%s') and will not be made a vault; name an "
                        "empty or a new directory",
                        store->where, walk.name);
    return KP_OK;
}

static kp_status write_vault_file(struct ft_store *store, ft_handle lock,
                                  const struct ft_vaultfile *v, struct kp_error *reterr)
{
    kp_buf text;
    kp_buf_init(&text, SITE, FT_VAULTFILE_MAX_LEN);
    kp_status st = ft_vaultfile_encode(v, &text, reterr);
    if (st == KP_OK)
        st = ft_store_write_file(store, lock, FT_VAULT_FILE, VAULT_FILE_TEXT, kp_buf_view(&text),
                                 reterr);
    kp_buf_clear(&text);
    return st;
}

static kp_status make_vault(struct ft_store *store, ft_handle lock,
                            const struct ft_store_wish *wish, struct kp_error *reterr)
{
    const struct kp_host *host = store->host;
    struct ft_vaultfile v = {.created_unix_s = host->unix_s(host->self),
                             .is_sealed = wish->passphrase.len > 0,
                             .cost = wish->cost};
    if (host->random(host->self, v.id, sizeof v.id) != KP_OK ||
        host->random(host->self, v.salt, sizeof v.salt) != KP_OK)
        return kpb_fail(reterr, KP_INTERNAL, "the host has no random bytes");
    kp_status st = KP_OK;
    if (v.is_sealed)
        st = derive(store, &v, wish->passphrase, v.check, reterr);
    return st == KP_OK ? write_vault_file(store, lock, &v, reterr) : st;
}

static kp_status create_vault(struct ft_store *store, const struct ft_store_wish *wish,
                              bool *ret_busy, struct kp_error *reterr)
{
    ft_handle lock;
    kp_status st = check_empty(store, reterr);
    if (st == KP_OK)
        st = ft_store_try_lock(store, &lock, reterr);
    if (st != KP_OK)
        return st;
    if (lock == FT_NO_HANDLE) {
        *ret_busy = true;
        return KP_OK;
    }
    /* Somebody may have been faster. */
    st = has_vault_file(store) ? open_existing(store, wish, reterr)
                               : make_vault(store, lock, wish, reterr);
    ft_store_unlock(store, lock);
    return st;
}

/* ---- The directory ---- */

static kp_status fail_no_directory(const struct ft_store *store, struct kp_error *reterr)
{
    return FT_FAIL_NOT_FOUND(
        reterr,
        "there is no vault at %s; make one with its first key: kp -V file:%s key "
        "create NAME",
        store->where, store->where);
}

static kp_status make_dir(struct ft_store *store, const char *path, struct kp_error *reterr)
{
    enum ft_io io = store->fs->make_dir(store->fs->ctx, path);
    if (io == FT_IO_NOT_FOUND)
        return FT_FAIL_NOT_FOUND(reterr, "the parent directory of %s is missing; make it first",
                                 store->where);
    if (io == FT_IO_OK || io == FT_IO_EXISTS)
        io = store->fs->sync_parent(store->fs->ctx, path);
    if (io == FT_IO_OK)
        io = store->fs->open_dir(store->fs->ctx, path, &store->dir);
    return io == FT_IO_OK ? KP_OK : ft_fail_io(reterr, io, store->label, "the directory");
}

static kp_status open_dir(struct ft_store *store, const struct ft_store_wish *wish,
                          struct kp_error *reterr)
{
    struct ft_stat stat;
    enum ft_io io = store->fs->open_dir(store->fs->ctx, wish->path, &store->dir);
    if (io == FT_IO_NOT_FOUND && !wish->may_create)
        return fail_no_directory(store, reterr);
    kp_status st = KP_OK;
    if (io == FT_IO_NOT_FOUND)
        st = make_dir(store, wish->path, reterr);
    else if (io != FT_IO_OK)
        st = ft_fail_io(reterr, io, store->label, "the directory");
    if (st != KP_OK)
        return st;
    io = store->fs->stat(store->fs->ctx, store->dir, &stat);
    if (io != FT_IO_OK)
        return ft_fail_io(reterr, io, store->label, "the directory");
    return ft_store_check_owner(store, &stat, "", "700", reterr);
}

static kp_status fail_no_vault(const struct ft_store *store, struct kp_error *reterr)
{
    return kpb_fail(
        reterr, KP_CONFIG,
        "the directory %s is no vault (it has no %s); an empty one becomes a vault with "
        "its first key: kp -V file:%s key create NAME",
        store->where, FT_VAULT_FILE, store->where);
}

static kp_status open_or_create(struct ft_store *store, const struct ft_store_wish *wish,
                                bool *ret_busy, struct kp_error *reterr)
{
    kp_status st = open_dir(store, wish, reterr);
    if (st != KP_OK)
        return st;
    if (has_vault_file(store))
        return open_existing(store, wish, reterr);
    return wish->may_create ? create_vault(store, wish, ret_busy, reterr)
                            : fail_no_vault(store, reterr);
}

kp_status ft_store_open(struct ft_store *store, const struct ft_store_wish *wish, bool *ret_busy,
                        struct kp_error *reterr)
{
    *ret_busy = false;
    kp_status st = open_or_create(store, wish, ret_busy, reterr);
    if (st != KP_OK || *ret_busy)
        ft_store_close(store);
    return st;
}

/* ---- Sweeping ---- */

struct temp_walk {
    size_t n;
    char names[16][FT_FILE_NAME_LEN]; /* the rest is left for the next time */
};

static void note_temp(void *ctx, const char *file)
{
    struct temp_walk *walk = ctx;
    if (walk->n == sizeof walk->names / sizeof walk->names[0] || !ft_name_is_temp(file))
        return;
    memcpy(walk->names[walk->n++], file, strlen(file) + 1);
}

/* Files seen before the lock was taken may belong to a writer that holds it now; so look again. */
void ft_store_sweep(struct ft_store *store)
{
    const struct ft_fs *fs = store->fs;
    struct temp_walk walk = {.n = 0};
    ft_handle lock = FT_NO_HANDLE;
    if (fs->list(fs->ctx, store->dir, note_temp, &walk) != FT_IO_OK || walk.n == 0)
        return;
    if (ft_store_try_lock(store, &lock, NULL) != KP_OK || lock == FT_NO_HANDLE)
        return;
    walk.n = 0;
    if (fs->list(fs->ctx, store->dir, note_temp, &walk) != FT_IO_OK)
        walk.n = 0;
    for (size_t i = 0; i < walk.n; i++)
        (void)fs->remove(fs->ctx, store->dir, walk.names[i]);
    ft_store_unlock(store, lock);
}
