/* BACKUP and RESTORE DATABASE: the steps; what lies in the file is backup_file.h. */
#include "base/mem.h"
#include "base/span.h"
#include "crypto/random.h"
#include "tools/ekm-rehearse/backup_file.h"
#include "tools/ekm-rehearse/engine.h"

static bool is_cipher(kp_span name)
{
    static const char *const known[] = {"AES_128", "AES_192", "AES_256", "TRIPLE_DES_3KEY"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (kpb_span_eq_nocase(name, kpb_span_str(known[i])))
            return true;
    }
    return false;
}

static bool give_up(struct rh_engine *e, const char *verb)
{
    return rh_msg(e, 3013, 16, 1, "%s DATABASE is terminating abnormally.", verb);
}

/* ---- BACKUP ---- */

/* A key for this backup alone, wrapped by the asymmetric key. */
static bool wrap_backup_key(struct rh_engine *e, kp_span name, struct rh_backup *b, uint8_t *key)
{
    struct kp_error err;
    kp_span wrapped;
    const struct rh_key *k = rh_encryptor_by_name(e, name);
    struct rh_session *s = k ? rh_session_of_key(e, k) : NULL;
    if (!s)
        return false;
    if (kpc_random_secret(key, RH_DEK_LEN, &err) != KP_OK)
        return rh_msg_memory(e);
    if (!rh_use_key(e, s, k, RH_ENCRYPT, kpb_span(key, RH_DEK_LEN), &wrapped))
        return false;
    b->is_encrypted = true;
    return (rh_put_blob(&b->encryptor, rh_blob_view(&k->thumb)) &&
            rh_put_blob(&b->wrapped, wrapped)) ||
           rh_msg_memory(e);
}

static bool write_backup(struct rh_engine *e, const struct rh_backup_ddl *d,
                         const struct rh_database *database)
{
    struct rh_backup b = {.database = *database};
    uint8_t key[RH_DEK_LEN] = {0};
    struct kp_error err;
    bool ok = true;
    if (d->key.len && !is_cipher(d->algorithm))
        ok = rh_msg(e, 33094, 16, 2, "'%.*s' is no algorithm of backup encryption.",
                    RH_S(d->algorithm));
    else if (d->key.len)
        ok = wrap_backup_key(e, d->key, &b, key);
    if (ok && rh_backup_write(e->options->folder, d->disk, &b, key, &err) != KP_OK)
        ok =
            rh_msg(e, 3201, 16, 1, "Cannot open backup device '%.*s'. %s", RH_S(d->disk), err.text);
    kpb_wipe(key, sizeof key);
    return ok;
}

bool rh_exec_backup(struct rh_engine *e, const struct rh_statement *s)
{
    const struct rh_backup_ddl *d = &s->as.backup;
    const struct rh_database *database = rh_database_open(e, d->database);
    if (!database || !rh_page_check(e, database) || !write_backup(e, d, database))
        return give_up(e, "BACKUP");
    rh_note(e, "BACKUP DATABASE successfully processed database '%s'.", database->name);
    return true;
}

/* ---- RESTORE ---- */

static bool unwrap_backup_key(struct rh_engine *e, const struct rh_backup *b, uint8_t *key)
{
    kp_span plain;
    const struct rh_key *k = rh_encryptor_by_thumb(e, rh_blob_view(&b->encryptor));
    struct rh_session *s = k ? rh_session_of_key(e, k) : NULL;
    if (!s || !rh_use_key(e, s, k, RH_DECRYPT, rh_blob_view(&b->wrapped), &plain))
        return false;
    if (plain.len != RH_DEK_LEN)
        return rh_msg(e, 33095, 16, 2, "The key of the backup came back with %zu bytes; it has %u.",
                      plain.len, RH_DEK_LEN);
    memcpy(key, plain.ptr, RH_DEK_LEN);
    return true;
}

static bool read_backup(struct rh_engine *e, const struct rh_backup_ddl *d, struct rh_backup *b)
{
    uint8_t key[RH_DEK_LEN] = {0};
    struct kp_error err;
    bool ok = true;
    if (rh_backup_read(e->options->folder, d->disk, b, &err) != KP_OK)
        return rh_msg(e, 3201, 16, 2, "Cannot open backup device '%.*s'. %s", RH_S(d->disk),
                      err.text);
    if (b->is_encrypted)
        ok = unwrap_backup_key(e, b, key);
    if (!ok)
        rh_backup_clear(b);
    else if (rh_backup_open(b, key, &err) != KP_OK)
        ok = rh_msg(e, 3241, 16, 13,
                    "The backup on device '%.*s' is damaged or was encrypted under "
                    "another key. (%s)",
                    RH_S(d->disk), err.text);
    kpb_wipe(key, sizeof key);
    return ok;
}

/* The DEK in the backup must open its pages before anything here changes. */
static bool check_restored(struct rh_engine *e, struct rh_database *d,
                           const struct rh_database *old)
{
    d->id = old ? old->id : rh_catalog_new_id(&e->catalog);
    d->state = RH_ONLINE;
    rh_dek_forget(e, d->id);
    return rh_page_check(e, d);
}

static bool put_restored(struct rh_engine *e, const struct rh_database *d, struct rh_database *old)
{
    struct rh_database *kept = old ? old : rh_list_add(&e->catalog.databases);
    if (!kept)
        return rh_msg_memory(e);
    *kept = *d;
    return true;
}

static bool restore(struct rh_engine *e, const struct rh_backup_ddl *d)
{
    struct rh_backup b;
    struct rh_database *old = rh_find_database(&e->catalog, d->database);
    if (old && old->id == RH_MASTER)
        return rh_msg(e, 3108, 16, 1, "The database master is not restored here.");
    if (old && !d->replace)
        return rh_msg(e, 3154, 16, 4,
                      "Database '%s' exists; WITH REPLACE overwrites it with the backup.",
                      old->name);
    if (!read_backup(e, d, &b))
        return false;
    if (!rh_put_text(b.database.name, sizeof b.database.name, d->database))
        return rh_msg_memory(e);
    return check_restored(e, &b.database, old) && put_restored(e, &b.database, old);
}

bool rh_exec_restore(struct rh_engine *e, const struct rh_statement *s)
{
    if (!restore(e, &s->as.backup))
        return give_up(e, "RESTORE");
    rh_note(e, "RESTORE DATABASE successfully processed database '%.*s'.",
            RH_S(s->as.backup.database));
    return true;
}
