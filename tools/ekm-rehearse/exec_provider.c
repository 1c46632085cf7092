/* CREATE, ALTER and DROP CRYPTOGRAPHIC PROVIDER. */
#include "base/span.h"
#include "tools/ekm-rehearse/engine.h"

static struct rh_provider *find(struct rh_engine *e, kp_span name)
{
    struct rh_provider *p = rh_find_provider(&e->catalog, name);
    if (!p)
        (void)rh_msg(
            e, 15151, 16, 1,
            "Cannot find the cryptographic provider '%.*s', because it does not exist or you "
            "do not have permission.",
            RH_S(name));
    return p;
}

static bool check_new(struct rh_engine *e, const struct rh_provider_ddl *d)
{
    if (!e->catalog.ekm_enabled)
        return rh_msg(e, 33053, 16, 2,
                      "Extensible Key Management is disabled. Use sp_configure 'EKM provider "
                      "enabled' to enable it.");
    if (rh_find_provider(&e->catalog, d->name))
        return rh_msg(e, 15025, 16, 1, "The cryptographic provider '%.*s' already exists.",
                      RH_S(d->name));
    return true;
}

static bool put_path(struct rh_engine *e, struct rh_provider *p, kp_span file)
{
    if (file.len && rh_put_text(p->path, sizeof p->path, file))
        return true;
    return rh_msg(e, 33023, 16, 1, "The path of the provider library is empty or too long.");
}

bool rh_exec_create_provider(struct rh_engine *e, const struct rh_statement *s)
{
    const struct rh_provider_ddl *d = &s->as.provider;
    struct rh_provider row = {.is_enabled = true};
    if (!check_new(e, d) || !put_path(e, &row, d->file))
        return false;
    if (!rh_put_text(row.name, sizeof row.name, d->name))
        return rh_msg(e, 33023, 16, 2, "The name of the provider is too long.");
    row.id = rh_catalog_new_id(&e->catalog);
    struct rh_instance *i = rh_instance_register(e, &row);
    if (!i)
        return false;
    struct rh_provider *kept = NULL;
    if (rh_provider_by_guid(&e->catalog, row.guid))
        (void)rh_msg(e, 33026, 16, 1,
                     "A cryptographic provider with GUID %s is registered already.", row.guid);
    else if (!(kept = rh_list_add(&e->catalog.providers)))
        (void)rh_msg_memory(e);
    if (!kept) {
        rh_instance_unload(e, i);
        return false;
    }
    *kept = row;
    return true;
}

static bool has_session(const struct rh_engine *e, int64_t provider_id)
{
    for (size_t n = 0; n < RH_SESSIONS_MAX; n++) {
        const struct rh_instance *i = e->sessions[n].instance;
        if (i && i->provider_id == provider_id)
            return true;
    }
    return false;
}

static void disable(struct rh_engine *e, struct rh_provider *p)
{
    p->is_enabled = false;
    if (has_session(e, p->id))
        (void)rh_msg(e, 33057, 10, 1,
                     "Cryptographic provider '%s' is disabled now; sessions that are open go on "
                     "until the server restarts.",
                     p->name);
}

/* The file must hold the same provider; its version is taken over. The engine disables the provider
 * first, and nobody but ENABLE makes it usable again. Open sessions end: the engine asks for a
 * restart instead, which here is the next run. */
static bool replace_file(struct rh_engine *e, struct rh_provider *p, kp_span file)
{
    struct rh_provider row = *p;
    if (!put_path(e, &row, file))
        return false;
    if (p->is_enabled)
        disable(e, p);
    row.is_enabled = false;
    rh_instance_unload(e, rh_instance_find(e, p->id));
    struct rh_instance *i = rh_instance_register(e, &row);
    if (!i)
        return false;
    if (strcmp(row.guid, p->guid) == 0) {
        *p = row;
        return true;
    }
    rh_instance_unload(e, i);
    return rh_msg(e, 33024, 16, 3,
                  "The GUID of the library is %s; cryptographic provider '%s' has %s.", row.guid,
                  p->name, p->guid);
}

bool rh_exec_alter_provider(struct rh_engine *e, const struct rh_statement *s)
{
    const struct rh_provider_ddl *d = &s->as.provider;
    struct rh_provider *p = find(e, d->name);
    if (!p)
        return false;
    if (d->file.len)
        return replace_file(e, p, d->file);
    if (d->enabled == RH_ON)
        p->is_enabled = true;
    else
        disable(e, p);
    return true;
}

static bool is_mapped(const struct rh_catalog *c, int64_t provider_id)
{
    for (size_t i = 0; i < c->credentials.n; i++) {
        const struct rh_credential *r = rh_list_at(&c->credentials, i);
        if (r->provider_id == provider_id)
            return true;
    }
    return false;
}

bool rh_exec_drop_provider(struct rh_engine *e, const struct rh_statement *s)
{
    struct rh_provider *p = find(e, s->as.provider.name);
    if (!p)
        return false;
    if (is_mapped(&e->catalog, p->id))
        return rh_msg(
            e, 33044, 16, 1,
            "Cannot drop cryptographic provider '%s' because there is a credential mapped "
            "to it.",
            p->name);
    if (has_session(e, p->id))
        (void)rh_msg(e, 33058, 10, 1,
                     "Cryptographic provider '%s' is dropped now; sessions that are open end with "
                     "this rehearsal.",
                     p->name);
    rh_instance_unload(e, rh_instance_find(e, p->id));
    rh_list_remove(&e->catalog.providers, p);
    return true;
}
