/* CREATE, ALTER and DROP DATABASE ENCRYPTION KEY. */
#include "base/mem.h"
#include "base/span.h"
#include "crypto/random.h"
#include "tools/ekm-rehearse/engine.h"

static bool put_algorithm(struct rh_engine *e, struct rh_database *d, kp_span name)
{
    static const char *const known[] = {"AES_128", "AES_192", "AES_256", "TRIPLE_DES_3KEY"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (kpb_span_eq_nocase(name, kpb_span_str(known[i])))
            return rh_put_text(d->algorithm, sizeof d->algorithm, kpb_span_str(known[i]));
    }
    return rh_msg(e, 33094, 16, 1, "'%.*s' is no algorithm of a database encryption key.",
                  RH_S(name));
}

/* Wraps dek with the key and writes encryptor and wrapped of *d. */
static bool wrap(struct rh_engine *e, struct rh_database *d, const struct rh_key *k,
                 const uint8_t *dek)
{
    kp_span wrapped;
    struct rh_session *s = rh_session_of_key(e, k);
    if (!s || !rh_use_key(e, s, k, RH_ENCRYPT, kpb_span(dek, RH_DEK_LEN), &wrapped))
        return false;
    if (!rh_put_blob(&d->wrapped, wrapped))
        return rh_msg_memory(e);
    d->encryptor = k->thumb;
    return true;
}

static bool make_dek(struct rh_engine *e, struct rh_database *d, const struct rh_key *k)
{
    uint8_t dek[RH_DEK_LEN];
    struct kp_error err;
    bool ok = kpc_random_secret(dek, sizeof dek, &err) == KP_OK || rh_msg_memory(e);
    ok = ok && wrap(e, d, k, dek) && rh_dek_keep(e, d->id, dek);
    kpb_wipe(dek, sizeof dek);
    return ok;
}

static bool check_user_database(struct rh_engine *e, const struct rh_database *d)
{
    if (d->id == RH_MASTER)
        return rh_msg(e, 33102, 16, 1,
                      "Cannot encrypt a system database; USE the database that is meant.");
    return true;
}

bool rh_exec_create_dek(struct rh_engine *e, const struct rh_statement *s)
{
    struct rh_database *d = rh_database_current(e);
    if (!check_user_database(e, d))
        return false;
    if (d->encryption != RH_NO_DEK)
        return rh_msg(e, 33103, 16, 1,
                      "A database encryption key already exists for database '%s'.", d->name);
    const struct rh_key *k = rh_encryptor_by_name(e, s->as.dek.key);
    if (!k || !put_algorithm(e, d, s->as.dek.algorithm) || !make_dek(e, d, k))
        return false;
    d->encryption = RH_UNENCRYPTED;
    return true;
}

/* ---- Altering ---- */

static bool reencrypt(struct rh_engine *e, struct rh_database *d, kp_span key)
{
    const struct rh_key *k = rh_encryptor_by_name(e, key);
    if (!k)
        return false;
    if (e->options->orders.is_b[RH_ORDER_REENCRYPT])
        rh_dek_forget(e, d->id);
    const uint8_t *dek = rh_dek_of(e, d);
    return dek && wrap(e, d, k, dek);
}

/* A new DEK under the same protector; the pages are encrypted anew. */
static bool regenerate(struct rh_engine *e, struct rh_database *d, kp_span algorithm)
{
    const struct rh_key *k = rh_encryptor_by_thumb(e, rh_blob_view(&d->encryptor));
    if (!k || !rh_page_check(e, d))
        return false;
    struct rh_database changed = *d;
    const bool ok = put_algorithm(e, &changed, algorithm) && make_dek(e, &changed, k) &&
                    (d->encryption != RH_ENCRYPTED || rh_page_seal(e, &changed, true));
    if (ok)
        *d = changed;
    else
        rh_dek_forget(e, d->id); /* the next use unwraps the old one again */
    return ok;
}

bool rh_exec_alter_dek(struct rh_engine *e, const struct rh_statement *s)
{
    struct rh_database *d = rh_database_current(e);
    if (d->encryption == RH_NO_DEK)
        return rh_msg(e, 33104, 16, 1,
                      "A database encryption key does not exist for database '%s'.", d->name);
    if (s->as.dek.key.len)
        return reencrypt(e, d, s->as.dek.key);
    return regenerate(e, d, s->as.dek.algorithm);
}

bool rh_exec_drop_dek(struct rh_engine *e, const struct rh_statement *s)
{
    struct rh_database *d = rh_database_current(e);
    (void)s;
    if (d->encryption == RH_NO_DEK)
        return rh_msg(e, 33104, 16, 2,
                      "A database encryption key does not exist for database '%s'.", d->name);
    if (d->encryption == RH_ENCRYPTED)
        return rh_msg(
            e, 33105, 16, 1,
            "Cannot drop the database encryption key because it is currently in use. Turn "
            "database encryption off first.");
    d->encryption = RH_NO_DEK;
    d->encryptor.len = 0;
    d->wrapped.len = 0;
    rh_dek_forget(e, d->id);
    return true;
}
