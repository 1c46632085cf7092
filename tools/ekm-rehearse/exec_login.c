/* CREATE LOGIN FROM ASYMMETRIC KEY, ALTER LOGIN ADD/DROP CREDENTIAL, DROP LOGIN. */
#include "base/span.h"
#include "tools/ekm-rehearse/engine.h"

static struct rh_login *find(struct rh_engine *e, kp_span name)
{
    struct rh_login *l = rh_find_login(&e->catalog, name);
    if (!l)
        (void)rh_msg(
            e, 15151, 16, 1,
            "Cannot find the login '%.*s', because it does not exist or you do not have "
            "permission. (The login that runs this script is '%s'; --login names it when a "
            "node is new.)",
            RH_S(name), ((struct rh_login *)rh_list_at(&e->catalog.logins, 0))->name);
    return l;
}

bool rh_exec_create_login(struct rh_engine *e, const struct rh_statement *s)
{
    const struct rh_login_ddl *d = &s->as.login;
    const struct rh_key *k = rh_find_key(&e->catalog, RH_MASTER, d->key);
    if (rh_find_login(&e->catalog, d->name))
        return rh_msg(e, 15025, 16, 1, "The server principal '%.*s' already exists.",
                      RH_S(d->name));
    if (!k)
        return rh_msg(
            e, 15151, 16, 1,
            "Cannot find the asymmetric key '%.*s' in master, because it does not exist or "
            "you do not have permission.",
            RH_S(d->key));
    const int64_t key_id = k->id;
    struct rh_login *l = rh_list_add(&e->catalog.logins);
    if (!l)
        return rh_msg_memory(e);
    l->id = rh_catalog_new_id(&e->catalog);
    l->key_id = key_id;
    return rh_put_text(l->name, sizeof l->name, d->name);
}

static struct rh_mapping *find_mapping(struct rh_catalog *c, int64_t login_id,
                                       int64_t credential_id)
{
    for (size_t i = 0; i < c->mappings.n; i++) {
        struct rh_mapping *m = rh_list_at(&c->mappings, i);
        if (m->login_id == login_id && m->credential_id == credential_id)
            return m;
    }
    return NULL;
}

static bool add(struct rh_engine *e, const struct rh_login *l, const struct rh_credential *c)
{
    if (find_mapping(&e->catalog, l->id, c->id))
        return rh_msg(e, 15580, 16, 1, "Login '%s' has credential '%s' already.", l->name, c->name);
    if (!c->provider_id)
        return rh_msg(e, 15535, 16, 2,
                      "Credential '%s' is for no cryptographic provider; CREATE CREDENTIAL ... FOR "
                      "CRYPTOGRAPHIC PROVIDER makes one that a login can add.",
                      c->name);
    if (rh_credential_of(&e->catalog, l->id, c->provider_id))
        return rh_msg(e, 33043, 16, 1,
                      "Cannot add credential '%s' to login '%s': it has one for that cryptographic "
                      "provider already.",
                      c->name, l->name);
    struct rh_mapping *m = rh_list_add(&e->catalog.mappings);
    if (!m)
        return rh_msg_memory(e);
    *m = (struct rh_mapping){l->id, c->id};
    return true;
}

bool rh_exec_alter_login(struct rh_engine *e, const struct rh_statement *s)
{
    const struct rh_login_ddl *d = &s->as.login;
    const struct rh_login *l = find(e, d->name);
    if (!l)
        return false;
    const struct rh_credential *c = rh_find_credential(&e->catalog, d->credential);
    if (!c)
        return rh_msg(e, 15151, 16, 1,
                      "Cannot find the credential '%.*s', because it does not exist or you do not "
                      "have permission.",
                      RH_S(d->credential));
    if (!d->drop)
        return add(e, l, c);
    struct rh_mapping *m = find_mapping(&e->catalog, l->id, c->id);
    if (!m)
        return rh_msg(e, 15535, 16, 1, "Login '%s' does not have credential '%s'.", l->name,
                      c->name);
    rh_list_remove(&e->catalog.mappings, m);
    return true;
}

bool rh_exec_drop_login(struct rh_engine *e, const struct rh_statement *s)
{
    struct rh_login *l = find(e, s->as.login.name);
    if (!l)
        return false;
    if (l->id == RH_ADMIN)
        return rh_msg(e, 15434, 16, 1,
                      "Could not drop login '%s' as the user is currently logged in.", l->name);
    for (size_t i = e->catalog.mappings.n; i-- > 0;) {
        struct rh_mapping *m = rh_list_at(&e->catalog.mappings, i);
        if (m->login_id == l->id)
            rh_list_remove(&e->catalog.mappings, m);
    }
    rh_list_remove(&e->catalog.logins, l);
    return true;
}
