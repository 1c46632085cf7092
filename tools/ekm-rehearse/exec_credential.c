/* CREATE, ALTER and DROP CREDENTIAL. No call to the provider, unless the order says otherwise. */
#include "base/span.h"
#include "tools/ekm-rehearse/engine.h"

static struct rh_credential *find(struct rh_engine *e, kp_span name)
{
    struct rh_credential *c = rh_find_credential(&e->catalog, name);
    if (!c)
        (void)rh_msg(e, 15151, 16, 1,
                     "Cannot find the credential '%.*s', because it does not exist or you do not "
                     "have permission.",
                     RH_S(name));
    return c;
}

static bool fill(struct rh_engine *e, struct rh_credential *c, const struct rh_credential_ddl *d)
{
    if (!rh_put_text(c->identity, sizeof c->identity, d->identity))
        return rh_msg(e, 15583, 16, 2, "The IDENTITY is too long.");
    c->has_secret = d->has_secret;
    c->secret.len = 0;
    return !d->has_secret || rh_secret_seal(e, c, d->secret);
}

/* Order `credential`: the engine would try the credential at once. */
static bool try_it(struct rh_engine *e, const struct rh_credential *c)
{
    const struct rh_provider *p = rh_provider_by_id(&e->catalog, c->provider_id);
    if (!e->options->orders.is_b[RH_ORDER_CREDENTIAL] || !p)
        return true;
    return rh_session_of(e, p, c) != NULL;
}

bool rh_exec_create_credential(struct rh_engine *e, const struct rh_statement *s)
{
    const struct rh_credential_ddl *d = &s->as.credential;
    const struct rh_provider *p =
        d->provider.len ? rh_find_provider(&e->catalog, d->provider) : NULL;
    struct rh_credential row = {.id = rh_catalog_new_id(&e->catalog)};
    if (rh_find_credential(&e->catalog, d->name))
        return rh_msg(e, 15028, 16, 1, "The credential '%.*s' already exists.", RH_S(d->name));
    if (d->provider.len && !p)
        return rh_msg(e, 15151, 16, 2,
                      "Cannot find the cryptographic provider '%.*s', because it does not exist or "
                      "you do not have permission.",
                      RH_S(d->provider));
    row.provider_id = p ? p->id : 0;
    if (!rh_put_text(row.name, sizeof row.name, d->name) || !fill(e, &row, d) || !try_it(e, &row))
        return false;
    struct rh_credential *kept = rh_list_add(&e->catalog.credentials);
    if (!kept)
        return rh_msg_memory(e);
    *kept = row;
    return true;
}

bool rh_exec_alter_credential(struct rh_engine *e, const struct rh_statement *s)
{
    struct rh_credential *c = find(e, s->as.credential.name);
    if (!c || !fill(e, c, &s->as.credential))
        return false;
    if (e->options->orders.is_b[RH_ORDER_ALTERED])
        rh_sessions_close(e, c->id);
    return try_it(e, c);
}

bool rh_exec_drop_credential(struct rh_engine *e, const struct rh_statement *s)
{
    struct rh_credential *c = find(e, s->as.credential.name);
    if (!c)
        return false;
    for (size_t i = 0; i < e->catalog.mappings.n; i++) {
        const struct rh_mapping *m = rh_list_at(&e->catalog.mappings, i);
        if (m->credential_id == c->id)
            return rh_msg(
                e, 15591, 16, 1,
                "Cannot drop credential '%s' because a login has it; ALTER LOGIN ... DROP "
                "CREDENTIAL comes first.",
                c->name);
    }
    rh_sessions_close(e, c->id);
    rh_list_remove(&e->catalog.credentials, c);
    return true;
}
