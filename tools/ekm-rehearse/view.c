/* The views of the schema sys that the walkthroughs show. */
#include "base/span.h"
#include "tools/ekm-rehearse/engine.h"

#define NULL_VALUE ((struct rh_value){.type = RH_NULL})

/* ---- Building rows ---- */

static bool grow(struct rh_engine *e, struct rh_table *t)
{
    const size_t cap = t->cap ? t->cap * 2 : 16;
    struct rh_value *cells = rh_memory_take(&e->memory, cap * t->n_columns * sizeof *cells);
    if (!cells)
        return rh_msg_memory(e);
    if (t->n_rows)
        memcpy(cells, t->cells, t->n_rows * t->n_columns * sizeof *cells);
    t->cells = cells;
    t->cap = cap;
    return true;
}

static bool add_row(struct rh_engine *e, struct rh_table *t, const struct rh_value *values)
{
    if (t->n_rows == t->cap && !grow(e, t))
        return false;
    memcpy(t->cells + t->n_rows * t->n_columns, values, t->n_columns * sizeof *values);
    t->n_rows++;
    return true;
}

static struct rh_value rh_bit(bool b)
{
    return rh_int(b);
}

static struct rh_value blob(const struct rh_blob *b)
{
    return rh_bytes(rh_blob_view(b));
}

typedef bool view_fn(struct rh_engine *e, const struct rh_value *arg, struct rh_table *t);

/* ---- Catalogue views ---- */

static bool view_providers(struct rh_engine *e, const struct rh_value *arg, struct rh_table *t)
{
    (void)arg;
    for (size_t i = 0; i < e->catalog.providers.n; i++) {
        const struct rh_provider *p = rh_list_at(&e->catalog.providers, i);
        const struct rh_value row[] = {rh_int(p->id),    rh_text(p->name),
                                       rh_text(p->guid), rh_text(p->version),
                                       rh_text(p->path), rh_bit(p->is_enabled)};
        if (!add_row(e, t, row))
            return false;
    }
    return true;
}

static bool view_keys(struct rh_engine *e, const struct rh_value *arg, struct rh_table *t)
{
    (void)arg;
    for (size_t i = 0; i < e->catalog.keys.n; i++) {
        const struct rh_key *k = rh_list_at(&e->catalog.keys, i);
        const bool is_ekm = k->provider_guid[0] != '\0';
        const struct rh_value row[] = {
            rh_text(k->name),
            rh_int(k->id),
            is_ekm ? blob(&k->thumb) : NULL_VALUE,
            rh_text(k->algorithm),
            rh_int(k->bits),
            blob(&k->public_key),
            is_ekm ? rh_text("CRYPTOGRAPHIC PROVIDER") : NULL_VALUE,
            is_ekm ? rh_text(k->provider_guid) : NULL_VALUE,
            is_ekm ? rh_int(k->algorithm_id) : NULL_VALUE,
        };
        if (k->database_id == e->database_id && !add_row(e, t, row))
            return false;
    }
    return true;
}

static bool view_credentials(struct rh_engine *e, const struct rh_value *arg, struct rh_table *t)
{
    (void)arg;
    for (size_t i = 0; i < e->catalog.credentials.n; i++) {
        const struct rh_credential *c = rh_list_at(&e->catalog.credentials, i);
        const bool has_provider = c->provider_id != 0;
        const struct rh_value row[] = {rh_int(c->id), rh_text(c->name), rh_text(c->identity),
                                       has_provider ? rh_text("CRYPTOGRAPHIC PROVIDER")
                                                    : NULL_VALUE,
                                       has_provider ? rh_int(c->provider_id) : NULL_VALUE};
        if (!add_row(e, t, row))
            return false;
    }
    return true;
}

static int64_t dek_bits(const char *algorithm)
{
    if (strcmp(algorithm, "AES_128") == 0)
        return 128;
    return strcmp(algorithm, "AES_256") == 0 ? 256 : 192;
}

static bool view_deks(struct rh_engine *e, const struct rh_value *arg, struct rh_table *t)
{
    (void)arg;
    for (size_t i = 0; i < e->catalog.databases.n; i++) {
        const struct rh_database *d = rh_list_at(&e->catalog.databases, i);
        const bool is_aes = d->algorithm[0] == 'A';
        const struct rh_value row[] = {
            rh_int(d->id),
            rh_int(d->encryption),
            rh_text(d->encryption == RH_ENCRYPTED ? "ENCRYPTED" : "UNENCRYPTED"),
            rh_text(is_aes ? "AES" : "TRIPLE_DES"),
            rh_int(dek_bits(d->algorithm)),
            blob(&d->encryptor),
            rh_text("ASYMMETRIC KEY"),
            rh_int(0)};
        if (d->encryption != RH_NO_DEK && !add_row(e, t, row))
            return false;
    }
    return true;
}

static bool view_databases(struct rh_engine *e, const struct rh_value *arg, struct rh_table *t)
{
    (void)arg;
    for (size_t i = 0; i < e->catalog.databases.n; i++) {
        const struct rh_database *d = rh_list_at(&e->catalog.databases, i);
        const struct rh_value row[] = {
            rh_text(d->name), rh_int(d->id), rh_int(d->state),
            rh_text(d->state == RH_ONLINE ? "ONLINE" : "RECOVERY_PENDING"),
            rh_bit(d->encryption == RH_ENCRYPTED)};
        if (!add_row(e, t, row))
            return false;
    }
    return true;
}

/* ---- Views that ask the provider ---- */

static struct rh_value guid_text(struct rh_engine *e, const char *guid)
{
    char *copy = rh_memory_take(&e->memory, 37);
    if (!copy)
        return NULL_VALUE;
    (void)snprintf(copy, 37, "%s", guid);
    return rh_text(copy);
}

static bool add_properties(struct rh_engine *e, const struct rh_provider *p, struct rh_instance *i,
                           struct rh_table *t)
{
    struct rh_provider_info info = {.name = {NULL, 0}};
    const struct rh_verdict v = rh_dll_info(&i->dll, &e->memory, &info);
    if (!rh_verdict_ok(&v))
        return rh_msg_verdict(e, 33022, 2, &v,
                              "Cannot obtain information about cryptographic provider '%s'.",
                              p->name);
    const SqlCpKeyFlags s = info.raw.symmKeySupport;
    const SqlCpKeyFlags a = info.raw.asymmKeySupport;
    const struct rh_value row[] = {rh_int(p->id),
                                   guid_text(e, p->guid),
                                   rh_text(p->version),
                                   rh_text("1.01.0000.00"),
                                   (struct rh_value){.type = RH_NVARCHAR, .bytes = info.name},
                                   rh_text(info.raw.authType == scp_auth_Basic ? "BASIC" : "OTHER"),
                                   rh_bit(s & scp_kf_Supported),
                                   rh_bit(!(s & scp_kf_Volatile)),
                                   rh_bit((s & scp_kf_Exportable) != 0),
                                   rh_bit((s & scp_kf_Importable) != 0),
                                   rh_bit(a & scp_kf_Supported),
                                   rh_bit(!(a & scp_kf_Volatile)),
                                   rh_bit((a & scp_kf_Exportable) != 0),
                                   rh_bit((a & scp_kf_Importable) != 0)};
    return add_row(e, t, row);
}

static bool view_properties(struct rh_engine *e, const struct rh_value *arg, struct rh_table *t)
{
    (void)arg;
    for (size_t n = 0; n < e->catalog.providers.n; n++) {
        const struct rh_provider *p = rh_list_at(&e->catalog.providers, n);
        struct rh_instance *i = p->is_enabled ? rh_instance_of(e, p) : NULL;
        if (p->is_enabled && (!i || !add_properties(e, p, i, t)))
            return false;
    }
    return true;
}

/* The provider a view with an argument is asked of; NULL after a message. */
static const struct rh_provider *provider_of(struct rh_engine *e, const struct rh_value *arg)
{
    const struct rh_provider *p =
        arg && arg->type == RH_INT ? rh_provider_by_id(&e->catalog, arg->number) : NULL;
    if (!p)
        (void)rh_msg(
            e, 33030, 16, 1,
            "There is no cryptographic provider of that number; sys.cryptographic_providers "
            "lists them.");
    return p;
}

static struct rh_value keep_text(struct rh_engine *e, const char *text)
{
    char *copy = rh_memory_take(&e->memory, strlen(text) + 1);
    if (!copy)
        return NULL_VALUE;
    memcpy(copy, text, strlen(text) + 1);
    return rh_text(copy);
}

static bool view_algorithms(struct rh_engine *e, const struct rh_value *arg, struct rh_table *t)
{
    const struct rh_provider *p = provider_of(e, arg);
    struct rh_instance *i = p ? rh_instance_of(e, p) : NULL;
    SqlCpAlgId id = x_scp_AlgIdBad;
    while (i) {
        struct rh_algorithm a = {.id = id};
        struct rh_verdict v = rh_dll_next_algorithm(&i->dll, &id);
        if (!v.broken && v.code == scp_err_NotFound)
            return true;
        if (rh_verdict_ok(&v))
            v = rh_dll_algorithm(&i->dll, &e->memory, id, &a);
        if (!rh_verdict_ok(&v))
            return rh_msg_verdict(e, 33039, 4, &v, "The algorithms of '%s' cannot be read.",
                                  p->name);
        const struct rh_value row[] = {
            rh_int(a.id), keep_text(e, a.tag),
            rh_text(a.type == scp_kt_Asymmetric ? "ASYMMETRIC KEY" : "SYMMETRIC KEY"),
            rh_int(a.bits)};
        if (!add_row(e, t, row))
            return false;
    }
    return false;
}

static bool add_key(struct rh_engine *e, struct rh_session *s, SqlCpKeyId id, struct rh_table *t)
{
    struct rh_key_info k = {.flags = 0};
    struct rh_algorithm a = {.id = 0};
    struct rh_verdict v = rh_dll_key_by_id(&s->instance->dll, &e->memory, &s->handle, id, &k);
    if (rh_verdict_ok(&v))
        v = rh_dll_algorithm(&s->instance->dll, &e->memory, k.algorithm, &a);
    if (!rh_verdict_ok(&v))
        return rh_msg_verdict(e, 33049, 4, &v, "Key number %u of the provider cannot be read.", id);
    const struct rh_value row[] = {
        rh_int(id),
        (struct rh_value){.type = RH_NVARCHAR, .bytes = k.name},
        rh_bytes(k.thumb),
        rh_int(a.id),
        keep_text(e, a.tag),
        rh_int(a.bits),
        rh_text(a.type == scp_kt_Asymmetric ? "ASYMMETRIC KEY" : "SYMMETRIC KEY")};
    return add_row(e, t, row);
}

/* No rows when the login cannot authenticate or the provider lists no keys. */
static bool view_provider_keys(struct rh_engine *e, const struct rh_value *arg, struct rh_table *t)
{
    const struct rh_provider *p = provider_of(e, arg);
    struct rh_session *s = p ? rh_session_of_login(e, p) : NULL;
    SqlCpKeyId id = x_scp_KeyIdBad;
    while (s && t->n_rows < RH_RECORDS_MAX) {
        const struct rh_verdict v = rh_dll_next_key(&s->instance->dll, &s->handle, &id);
        if (v.broken)
            return rh_msg_verdict(e, 33049, 5, &v, "The keys of '%s' cannot be listed.", p->name);
        if (v.code != scp_err_Success)
            return true;
        if (!add_key(e, s, id, t))
            return false;
    }
    return s != NULL;
}

static bool view_sessions(struct rh_engine *e, const struct rh_value *arg, struct rh_table *t)
{
    (void)arg;
    for (size_t n = 0; n < RH_SESSIONS_MAX; n++) {
        const struct rh_session *s = &e->sessions[n];
        const struct rh_credential *c =
            s->instance ? rh_credential_by_id(&e->catalog, s->credential_id) : NULL;
        if (!s->instance)
            continue;
        const struct rh_value row[] = {rh_int(s->instance->provider_id),
                                       rh_bytes(kpb_span(&s->handle, sizeof s->handle)),
                                       c ? rh_text(c->identity) : NULL_VALUE, rh_int(51)};
        if (!add_row(e, t, row))
            return false;
    }
    return true;
}

/* ---- The table of views ---- */

static const struct {
    const char *name;
    view_fn *fill;
    const char *columns[RH_VIEW_COLUMNS_MAX];
} views[] = {
    {"cryptographic_providers",
     view_providers,
     {"provider_id", "name", "guid", "version", "dll_path", "is_enabled"}},
    {"dm_cryptographic_provider_properties",
     view_properties,
     {"provider_id", "guid", "provider_version", "sqlcrypt_version", "friendly_name",
      "authentication_type", "symmetric_key_support", "symmetric_key_persistance",
      "symmetric_key_export", "symmetric_key_import", "asymmetric_key_support",
      "asymmetric_key_persistance", "asymmetric_key_export", "asymmetric_key_import"}},
    {"dm_cryptographic_provider_algorithms",
     view_algorithms,
     {"algorithm_id", "algorithm_tag", "key_type", "key_length"}},
    {"dm_cryptographic_provider_keys",
     view_provider_keys,
     {"key_id", "key_name", "key_thumbprint", "algorithm_id", "algorithm_tag", "key_length",
      "key_type"}},
    {"dm_cryptographic_provider_sessions",
     view_sessions,
     {"provider_id", "session_handle", "identity", "spid"}},
    {"asymmetric_keys",
     view_keys,
     {"name", "asymmetric_key_id", "thumbprint", "algorithm_desc", "key_length", "public_key",
      "provider_type", "cryptographic_provider_guid", "cryptographic_provider_algid"}},
    {"credentials",
     view_credentials,
     {"credential_id", "name", "credential_identity", "target_type", "target_id"}},
    {"dm_database_encryption_keys",
     view_deks,
     {"database_id", "encryption_state", "encryption_state_desc", "key_algorithm", "key_length",
      "encryptor_thumbprint", "encryptor_type", "percent_complete"}},
    {"databases", view_databases, {"name", "database_id", "state", "state_desc", "is_encrypted"}},
};

bool rh_view(struct rh_engine *e, kp_span name, const struct rh_value *arg, struct rh_table *t)
{
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        if (!kpb_span_eq_nocase(name, kpb_span_str(views[i].name)))
            continue;
        while (views[i].columns[t->n_columns]) {
            t->names[t->n_columns] = views[i].columns[t->n_columns];
            t->n_columns++;
        }
        return views[i].fill(e, arg, t);
    }
    return rh_msg(e, 208, 16, 1, "Invalid object name 'sys.%.*s'.", RH_S(name));
}
