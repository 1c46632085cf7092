/* CREATE and DROP ASYMMETRIC KEY. */
#include "base/span.h"
#include "tools/ekm-rehearse/engine.h"

/* What becomes the row, while the provider is asked. */
struct making {
    struct rh_engine *e;
    const struct rh_key_ddl *ddl;
    struct rh_session *session;
    struct rh_instance *instance;
    struct rh_key_info info;
    struct rh_algorithm algorithm;
    kp_span public_key;
};

/* ---- Steps of both dispositions ---- */

static bool read_algorithm(struct making *m)
{
    if (!rh_check_algorithm(m->e, m->instance, m->info.algorithm, &m->algorithm))
        return false;
    if (m->algorithm.type != scp_kt_Asymmetric)
        return rh_msg(m->e, 33033, 16, 1, "The key of the provider is not asymmetric.");
    if (m->info.thumb.len > m->instance->thumb_len)
        return rh_msg(m->e, 33087, 16, 5,
                      "Property thumbprint of the key returned by the provider is longer than the "
                      "provider announced.");
    return true;
}

static bool export_public(struct making *m)
{
    const struct rh_verdict v = rh_dll_export(&m->instance->dll, &m->e->memory, &m->session->handle,
                                              m->info.thumb, &m->public_key);
    return rh_verdict_ok(&v) ||
           rh_msg_verdict(m->e, 33037, 1, &v, "Cannot export the public key of '%.*s'.",
                          RH_S(m->ddl->key_name));
}

static bool learn(struct making *m)
{
    if (m->e->options->orders.is_b[RH_ORDER_OPEN_KEY])
        return export_public(m) && read_algorithm(m);
    return read_algorithm(m) && export_public(m);
}

/* ---- OPEN_EXISTING ---- */

static bool open_existing(struct making *m)
{
    if (m->ddl->algorithm.len)
        return rh_msg(m->e, 33034, 16, 1,
                      "Cannot specify an algorithm for an existing key; leave ALGORITHM out.");
    const struct rh_verdict v = rh_dll_key_by_name(&m->instance->dll, &m->e->memory,
                                                   &m->session->handle, m->ddl->key_name, &m->info);
    if (!rh_verdict_ok(&v))
        return rh_msg_verdict(m->e, 33049, 1, &v,
                              "Key with name '%.*s' does not exist in the provider or access is "
                              "denied.",
                              RH_S(m->ddl->key_name));
    return learn(m);
}

/* ---- CREATE_NEW ---- */

static bool find_algorithm(struct making *m, SqlCpAlgId *ret)
{
    SqlCpAlgId id = x_scp_AlgIdBad;
    for (;;) {
        struct rh_algorithm a;
        struct rh_verdict v = rh_dll_next_algorithm(&m->instance->dll, &id);
        if (rh_verdict_ok(&v))
            v = rh_dll_algorithm(&m->instance->dll, &m->e->memory, id, &a);
        if (!rh_verdict_ok(&v))
            return rh_msg_verdict(m->e, 33039, 1, &v,
                                  "The provider offers no algorithm '%.*s' for new keys.",
                                  RH_S(m->ddl->algorithm));
        *ret = id;
        if (kpb_span_eq_nocase(m->ddl->algorithm, kpb_span_str(a.tag)))
            return true;
    }
}

static bool create(struct making *m)
{
    const struct rh_new_key key = {.name = m->ddl->key_name,
                                   .algorithm = m->info.algorithm,
                                   .thumb_len = m->instance->thumb_len,
                                   .ask_size = m->e->options->orders.is_b[RH_ORDER_NEW_KEY_SIZE]};
    const struct rh_verdict v = rh_dll_create_key(&m->instance->dll, &m->e->memory,
                                                  &m->session->handle, &key, &m->info.thumb);
    return rh_verdict_ok(&v) ||
           rh_msg_verdict(m->e, 33035, 1, &v, "Cannot create key '%.*s' in the provider.",
                          RH_S(m->ddl->key_name));
}

static bool look_up_new(struct making *m)
{
    if (m->e->options->orders.is_b[RH_ORDER_NEW_KEY])
        return true;
    const SqlCpAlgId asked = m->info.algorithm;
    const struct rh_verdict v = rh_dll_key_by_thumb(&m->instance->dll, &m->e->memory,
                                                    &m->session->handle, m->info.thumb, &m->info);
    if (!rh_verdict_ok(&v))
        return rh_msg_verdict(
            m->e, 33049, 3, &v,
            "The new key '%.*s' does not exist in the provider or access is denied.",
            RH_S(m->ddl->key_name));
    return m->info.algorithm == asked ||
           rh_msg(m->e, 33087, 16, 3,
                  "Property algorithm id of the new key returned by the provider is %u, asked for "
                  "was %u.",
                  m->info.algorithm, asked);
}

static bool create_new(struct making *m)
{
    if (!m->ddl->algorithm.len)
        return rh_msg(m->e, 33039, 16, 2,
                      "A new key needs ALGORITHM. (CREATE_NEW is what the engine does when "
                      "CREATION_DISPOSITION is left out; OPEN_EXISTING uses a key that is there.)");
    if (!m->instance->accepts_names)
        return rh_msg(m->e, 33050, 16, 1, "The provider does not accept names for new keys.");
    return find_algorithm(m, &m->info.algorithm) && create(m) && look_up_new(m) && learn(m);
}

/* ---- The statement ---- */

static bool keep(struct making *m, const char *guid)
{
    struct rh_catalog *c = &m->e->catalog;
    struct rh_key *k = rh_list_add(&c->keys);
    if (!k)
        return rh_msg_memory(m->e);
    k->id = rh_catalog_new_id(c);
    k->database_id = m->e->database_id;
    k->algorithm_id = m->info.algorithm;
    k->bits = m->algorithm.bits;
    return (rh_put_text(k->name, sizeof k->name, m->ddl->name) &&
            rh_put_text(k->algorithm, sizeof k->algorithm, kpb_span_str(m->algorithm.tag)) &&
            rh_put_text(k->provider_guid, sizeof k->provider_guid, kpb_span_str(guid)) &&
            rh_put_blob(&k->thumb, m->info.thumb) && rh_put_blob(&k->public_key, m->public_key)) ||
           rh_msg_memory(m->e);
}

static bool create_from_provider(struct making *m)
{
    const struct rh_provider *p = rh_find_provider(&m->e->catalog, m->ddl->provider);
    if (!p)
        return rh_msg(m->e, 15151, 16, 1,
                      "Cannot find the cryptographic provider '%.*s', because it does not exist or "
                      "you do not have permission.",
                      RH_S(m->ddl->provider));
    m->session = rh_session_of_login(m->e, p);
    if (!m->session)
        return false;
    m->instance = m->session->instance;
    const bool made = m->ddl->disposition == RH_CREATE_NEW ? create_new(m) : open_existing(m);
    return made && keep(m, p->guid);
}

/* A key of the server itself has a row and no more: it can do nothing here but be refused. */
static bool create_native(struct making *m)
{
    static const char *const tags[] = {"RSA_512", "RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096"};
    static const uint32_t bits[] = {512, 1024, 2048, 3072, 4096};
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        if (!kpb_span_eq_nocase(m->ddl->algorithm, kpb_span_str(tags[i])))
            continue;
        m->algorithm.bits = bits[i];
        (void)snprintf(m->algorithm.tag, sizeof m->algorithm.tag, "%s", tags[i]);
        return keep(m, "");
    }
    return rh_msg(m->e, 33039, 16, 3, "'%.*s' is no algorithm of an asymmetric key.",
                  RH_S(m->ddl->algorithm));
}

bool rh_exec_create_key(struct rh_engine *e, const struct rh_statement *s)
{
    struct making m = {.e = e, .ddl = &s->as.key};
    if (rh_find_key(&e->catalog, e->database_id, m.ddl->name))
        return rh_msg(e, 15282, 16, 1, "A key with name '%.*s' already exists.", RH_S(m.ddl->name));
    return m.ddl->provider.len ? create_from_provider(&m) : create_native(&m);
}

/* ---- Dropping ---- */

static bool is_in_use(struct rh_engine *e, const struct rh_key *k)
{
    for (size_t i = 0; i < e->catalog.databases.n; i++) {
        const struct rh_database *d = rh_list_at(&e->catalog.databases, i);
        if (k->database_id == RH_MASTER && d->encryption != RH_NO_DEK &&
            kpb_span_eq(rh_blob_view(&d->encryptor), rh_blob_view(&k->thumb)))
            return !rh_msg(
                e, 15352, 16, 1,
                "The asymmetric key '%s' cannot be dropped: it protects the encryption key "
                "of database '%s'.",
                k->name, d->name);
    }
    for (size_t i = 0; i < e->catalog.logins.n; i++) {
        const struct rh_login *l = rh_list_at(&e->catalog.logins, i);
        if (l->key_id == k->id)
            return !rh_msg(
                e, 15352, 16, 2,
                "The asymmetric key '%s' cannot be dropped: login '%s' was made from it.", k->name,
                l->name);
    }
    return false;
}

/* A key that the provider will not drop loses its row all the same. */
static void drop_in_provider(struct rh_engine *e, const struct rh_key *k)
{
    const struct rh_provider *p = rh_provider_by_guid(&e->catalog, k->provider_guid);
    struct rh_session *s = p ? rh_session_of_login(e, p) : NULL;
    struct rh_verdict v = {scp_err_NotFound, "DropKey", NULL};
    if (s)
        v = rh_dll_drop_key(&s->instance->dll, &s->handle, rh_blob_view(&k->thumb));
    if (!rh_verdict_ok(&v))
        (void)rh_msg(
            e, 33036, 10, 1,
            "The key '%s' could not be dropped in the provider (code %u); its row is gone.",
            k->name, v.code);
}

bool rh_exec_drop_key(struct rh_engine *e, const struct rh_statement *s)
{
    struct rh_key *k = rh_find_key(&e->catalog, e->database_id, s->as.key.name);
    if (!k)
        return rh_msg(
            e, 15151, 16, 1,
            "Cannot drop the asymmetric key '%.*s', because it does not exist or you do not "
            "have permission.",
            RH_S(s->as.key.name));
    if (is_in_use(e, k))
        return false;
    if (s->as.key.remove_provider_key)
        drop_in_provider(e, k);
    else if (k->provider_guid[0])
        rh_note(e, "Warning: The key '%s' still is in the provider.", k->name);
    rh_list_remove(&e->catalog.keys, k);
    return true;
}
