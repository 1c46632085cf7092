/* CREATE and DROP DATABASE, ALTER DATABASE SET ENCRYPTION, USE. */
#include "base/span.h"
#include "tools/ekm-rehearse/engine.h"

static struct rh_database *find(struct rh_engine *e, kp_span name)
{
    struct rh_database *d = rh_find_database(&e->catalog, name);
    if (!d)
        (void)rh_msg(
            e, 911, 16, 1,
            "Database '%.*s' does not exist. Make sure that the name is entered correctly.",
            RH_S(name));
    return d;
}

struct rh_database *rh_database_open(struct rh_engine *e, kp_span name)
{
    struct rh_database *d = find(e, name);
    if (!d || d->state == RH_ONLINE)
        return d;
    (void)rh_msg(
        e, 945, 14, 2,
        "Database '%s' cannot be opened: it is RECOVERY_PENDING. The start-up messages say "
        "why.",
        d->name);
    return NULL;
}

struct rh_database *rh_database_current(struct rh_engine *e)
{
    struct rh_database *d = rh_database_by_id(&e->catalog, e->database_id);
    if (!d)
        d = rh_database_by_id(&e->catalog, RH_MASTER);
    return d;
}

bool rh_exec_create_database(struct rh_engine *e, const struct rh_statement *s)
{
    const kp_span name = s->as.database.name;
    if (rh_find_database(&e->catalog, name))
        return rh_msg(e, 1801, 16, 3, "Database '%.*s' already exists. Choose a different name.",
                      RH_S(name));
    struct rh_database *d = rh_list_add(&e->catalog.databases);
    if (!d)
        return rh_msg_memory(e);
    d->id = rh_catalog_new_id(&e->catalog);
    return rh_put_text(d->name, sizeof d->name, name) && rh_page_seal(e, d, false);
}

static void drop_keys_of(struct rh_catalog *c, int64_t database_id)
{
    for (size_t i = c->keys.n; i-- > 0;) {
        struct rh_key *k = rh_list_at(&c->keys, i);
        if (k->database_id == database_id)
            rh_list_remove(&c->keys, k);
    }
}

bool rh_exec_drop_database(struct rh_engine *e, const struct rh_statement *s)
{
    struct rh_database *d = rh_find_database(&e->catalog, s->as.database.name);
    if (!d)
        return rh_msg(
            e, 3701, 11, 1,
            "Cannot drop the database '%.*s', because it does not exist or you do not have "
            "permission.",
            RH_S(s->as.database.name));
    if (d->id == RH_MASTER)
        return rh_msg(e, 3708, 16, 1,
                      "Cannot drop the database 'master' because it is a system "
                      "database.");
    if (d->id == e->database_id)
        return rh_msg(e, 3702, 16, 4, "Cannot drop database '%s' because it is currently in use.",
                      d->name);
    rh_dek_forget(e, d->id);
    drop_keys_of(&e->catalog, d->id);
    rh_list_remove(&e->catalog.databases, d);
    return true;
}

static bool turn_on(struct rh_engine *e, struct rh_database *d)
{
    if (d->encryption == RH_NO_DEK)
        return rh_msg(
            e, 33106, 16, 1,
            "Cannot change database encryption state because database '%s' has no database "
            "encryption key.",
            d->name);
    if (d->encryption == RH_ENCRYPTED)
        return rh_msg(e, 33107, 16, 1,
                      "Cannot enable database encryption because it is already enabled.");
    if (!rh_page_seal(e, d, true))
        return false;
    d->encryption = RH_ENCRYPTED;
    return true;
}

static bool turn_off(struct rh_engine *e, struct rh_database *d)
{
    if (d->encryption != RH_ENCRYPTED)
        return rh_msg(e, 33108, 16, 1,
                      "Cannot disable database encryption because it is already disabled.");
    if (!rh_page_check(e, d) || !rh_page_seal(e, d, false))
        return false;
    d->encryption = RH_UNENCRYPTED;
    return true;
}

bool rh_exec_set_encryption(struct rh_engine *e, const struct rh_statement *s)
{
    struct rh_database *d = rh_database_open(e, s->as.database.name);
    if (!d)
        return false;
    return s->as.database.encryption == RH_ON ? turn_on(e, d) : turn_off(e, d);
}

bool rh_exec_use(struct rh_engine *e, const struct rh_statement *s)
{
    const struct rh_database *d = rh_database_open(e, s->as.database.name);
    if (!d || !rh_page_check(e, d))
        return false;
    e->database_id = d->id;
    rh_note(e, "Changed database context to '%s'.", d->name);
    return true;
}
