/* Backup and restore: a key file with its private parts opened, sealed as one blob, and back. */
#include "plugins/file-test/backup.h"
#include "plugins/file-test/info.h"
#include "plugins/file-test/op.h"

#include "base/errors.h"
#include "base/span.h"

#define SITE "file-test.backup"

static const struct ft_sealer IN_CLEAR = {{NULL, 0}};

static kp_status check_key(const struct ft_op *op, struct kp_error *reterr)
{
    if (op->vault->backup_key)
        return KP_OK;
    return kpb_fail(reterr, KP_CONFIG,
                    "vault %s has no backup key; set backup_key to the same 32 random bytes in the "
                    "vault that is backed up and the one that is restored into",
                    op->vault->store.label);
}

/* Seals every version's private part anew for another vault; *texts holds them afterwards. */
static kp_status reseal_all(const struct ft_sealer *from, const struct ft_sealer *to,
                            struct ft_keyfile *file, kp_buf *texts, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    /* Reserved at once: the views below must not move. */
    if (kp_buf_reserve(texts, texts->limit) != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    for (size_t i = 0; st == KP_OK && i < file->n_versions; i++) {
        size_t start = texts->len;
        st = ft_reseal(from, to, file->name, &file->versions[i], texts, reterr);
        file->versions[i].sealed = kpb_span(texts->ptr + start, texts->len - start);
    }
    return st;
}

/* A file is never longer than the texts of its versions resealed; 16 bytes a version are spare. */
static size_t texts_limit(const struct ft_keyfile *file)
{
    size_t limit = 0;
    for (size_t i = 0; i < file->n_versions; i++)
        limit += file->versions[i].sealed.len + 32;
    return limit;
}

/* ---- Backup ---- */

static kp_status seal_file(struct ft_op *op, struct ft_keyfile *file, kp_buf *text,
                           struct kp_error *reterr)
{
    kp_buf texts;
    kp_buf_init_secret(&texts, SITE, texts_limit(file));
    kp_status st = reseal_all(&op->vault->store.sealer, &IN_CLEAR, file, &texts, reterr);
    if (st == KP_OK)
        st = ft_keyfile_encode(file, text, reterr);
    kp_buf_clear(&texts);
    if (st == KP_OK)
        st = ft_backup_seal(op->vault->backup_key, kp_buf_view(text), &op->answer.value, reterr);
    return st;
}

kp_status ft_op_backup(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    kp_buf text;
    (void)lock;
    kp_status st = check_key(op, reterr);
    if (st != KP_OK)
        return st;
    kp_buf_init_secret(&text, SITE, FT_KEYFILE_MAX_LEN - FT_BACKUP_OVERHEAD);
    st = ft_load_live(op->vault, op->request.name, &file, reterr);
    if (st == KP_OK)
        st = seal_file(op, &file, &text, reterr);
    if (st == KP_OK) {
        op->answer.reply.value = kp_buf_view(&op->answer.value);
        op->answer.reply.name = op->request.name;
    }
    kp_buf_clear(&text);
    ft_keyfile_clear(&file);
    return st;
}

/* ---- Restore ---- */

static kp_status check_free(const struct ft_vault *vault, const char *name, struct kp_error *reterr)
{
    struct ft_keyfile there;
    kp_status st = ft_store_load(&vault->store, kpb_span_str(name), &there, reterr);
    enum ft_life life = st == KP_OK ? ft_life_of(&there, ft_now_unix_s(vault)) : FT_GONE;
    ft_keyfile_clear(&there);
    if (st != KP_OK && st != KP_NOT_FOUND)
        return st;
    if (life == FT_GONE)
        return KP_OK;
    return FT_FAIL_CONFLICT(
        reterr, "vault %s has a key '%s' already%s; a restore never overwrites one",
        vault->store.label, name, life == FT_DELETED ? ", deleted but recoverable" : "");
}

static kp_status commit(struct ft_op *op, ft_handle lock, struct ft_keyfile *file,
                        struct kp_error *reterr)
{
    const struct ft_vault *vault = op->vault;
    kp_buf texts;
    kp_buf_init_secret(&texts, SITE, texts_limit(file));
    kp_status st = reseal_all(&IN_CLEAR, &vault->store.sealer, file, &texts, reterr);
    if (st == KP_OK)
        st = ft_answer_key(op, file, ft_keyfile_current(file), reterr);
    if (st == KP_OK)
        st = ft_store_save(&vault->store, lock, file, FT_KEYFILE_CHANGE_MAX_LEN, reterr);
    kp_buf_clear(&texts);
    ft_keys_forget(&op->vault->keys, kpb_span_str(file->name));
    return st;
}

static kp_status open_blob(struct ft_op *op, struct ft_keyfile *file, struct kp_error *reterr)
{
    kp_status st = ft_backup_open(op->vault->backup_key, op->request.value, &file->raw, reterr);
    if (st == KP_OK)
        st = ft_keyfile_decode(file, kpb_span(NULL, 0), reterr);
    if (st == KP_OK && file->deleted_unix_s != KP_TIME_NONE)
        st = kpb_fail(reterr, KP_INTEGRITY, "the backup holds a deleted key");
    return st;
}

kp_status ft_op_restore(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    kp_status st = check_key(op, reterr);
    if (st != KP_OK)
        return st;
    ft_keyfile_init(&file, true);
    st = open_blob(op, &file, reterr);
    if (st == KP_OK)
        st = check_free(op->vault, file.name, reterr);
    if (st == KP_OK)
        st = commit(op, lock, &file, reterr);
    ft_keyfile_clear(&file);
    return st;
}
