#include "tools/ekm-rehearse/catalog.h"

#include "base/mem.h"
#include "base/span.h"

/* ---- Lists ---- */

void *rh_list_at(const struct rh_list *list, size_t i)
{
    return i < list->n ? (uint8_t *)list->items + i * list->size : NULL;
}

static bool grow(struct rh_list *list)
{
    const size_t cap = list->cap ? list->cap * 2 : 8;
    void *items = kpb_secret_alloc("rehearse.catalog", cap * list->size);
    if (!items)
        return false;
    if (list->n)
        memcpy(items, list->items, list->n * list->size);
    kpb_secret_free(list->items, list->cap * list->size);
    list->items = items;
    list->cap = cap;
    return true;
}

void *rh_list_add(struct rh_list *list)
{
    if (list->n == RH_RECORDS_MAX || (list->n == list->cap && !grow(list)))
        return NULL;
    list->n++;
    return memset(rh_list_at(list, list->n - 1), 0, list->size);
}

void rh_list_remove(struct rh_list *list, void *item)
{
    uint8_t *p = item;
    const size_t behind = (size_t)((uint8_t *)list->items + list->n * list->size - p) - list->size;
    if (behind)
        memmove(p, p + list->size, behind);
    list->n--;
    kpb_wipe((uint8_t *)list->items + list->n * list->size, list->size);
}

/* ---- Lifecycle ---- */

static void set_sizes(struct rh_catalog *c)
{
    c->providers.size = sizeof(struct rh_provider);
    c->credentials.size = sizeof(struct rh_credential);
    c->logins.size = sizeof(struct rh_login);
    c->mappings.size = sizeof(struct rh_mapping);
    c->keys.size = sizeof(struct rh_key);
    c->databases.size = sizeof(struct rh_database);
}

kp_status rh_catalog_init(struct rh_catalog *c, const char *login)
{
    memset(c, 0, sizeof *c);
    set_sizes(c);
    c->next_id = 100; /* below are the numbers the engine itself uses */
    struct rh_login *l = rh_list_add(&c->logins);
    struct rh_database *d = l ? rh_list_add(&c->databases) : NULL;
    if (!d)
        return KP_NO_MEMORY;
    l->id = RH_ADMIN;
    d->id = RH_MASTER;
    if (!rh_put_text(l->name, sizeof l->name, kpb_span_str(login)) ||
        !rh_put_text(d->name, sizeof d->name, kpb_span_str("master")))
        return KP_USAGE;
    return KP_OK;
}

static void clear_list(struct rh_list *list)
{
    kpb_secret_free(list->items, list->cap * list->size);
    list->items = NULL;
    list->n = 0;
    list->cap = 0;
}

void rh_catalog_clear(struct rh_catalog *c)
{
    clear_list(&c->providers);
    clear_list(&c->credentials);
    clear_list(&c->logins);
    clear_list(&c->mappings);
    clear_list(&c->keys);
    clear_list(&c->databases);
}

int64_t rh_catalog_new_id(struct rh_catalog *c)
{
    return c->next_id++;
}

/* ---- Finding ---- */

static bool has_name(const char *name, kp_span wanted)
{
    return kpb_span_eq_nocase(kpb_span_str(name), wanted);
}

#define FIND(list, record, condition)                                                              \
    for (size_t i = 0; i < (list).n; i++) {                                                        \
        struct record *r = rh_list_at(&(list), i);                                                 \
        if (condition)                                                                             \
            return r;                                                                              \
    }                                                                                              \
    return NULL

struct rh_provider *rh_find_provider(const struct rh_catalog *c, kp_span name)
{
    FIND(c->providers, rh_provider, has_name(r->name, name));
}

struct rh_provider *rh_provider_by_id(const struct rh_catalog *c, int64_t id)
{
    FIND(c->providers, rh_provider, r->id == id);
}

struct rh_provider *rh_provider_by_guid(const struct rh_catalog *c, const char *guid)
{
    FIND(c->providers, rh_provider, strcmp(r->guid, guid) == 0);
}

struct rh_credential *rh_find_credential(const struct rh_catalog *c, kp_span name)
{
    FIND(c->credentials, rh_credential, has_name(r->name, name));
}

struct rh_credential *rh_credential_by_id(const struct rh_catalog *c, int64_t id)
{
    FIND(c->credentials, rh_credential, r->id == id);
}

struct rh_login *rh_find_login(const struct rh_catalog *c, kp_span name)
{
    FIND(c->logins, rh_login, has_name(r->name, name));
}

struct rh_key *rh_find_key(const struct rh_catalog *c, int64_t database_id, kp_span name)
{
    FIND(c->keys, rh_key, r->database_id == database_id && has_name(r->name, name));
}

struct rh_key *rh_key_by_id(const struct rh_catalog *c, int64_t id)
{
    FIND(c->keys, rh_key, r->id == id);
}

struct rh_key *rh_key_by_thumb(const struct rh_catalog *c, int64_t database_id, kp_span thumb)
{
    FIND(c->keys, rh_key,
         r->database_id == database_id && kpb_span_eq(rh_blob_view(&r->thumb), thumb));
}

struct rh_database *rh_find_database(const struct rh_catalog *c, kp_span name)
{
    FIND(c->databases, rh_database, has_name(r->name, name));
}

struct rh_database *rh_database_by_id(const struct rh_catalog *c, int64_t id)
{
    FIND(c->databases, rh_database, r->id == id);
}

static bool is_for(const struct rh_catalog *c, const struct rh_mapping *m, int64_t provider_id)
{
    const struct rh_credential *credential = rh_credential_by_id(c, m->credential_id);
    return credential && credential->provider_id == provider_id;
}

struct rh_credential *rh_credential_of(const struct rh_catalog *c, int64_t login_id,
                                       int64_t provider_id)
{
    for (size_t i = 0; i < c->mappings.n; i++) {
        const struct rh_mapping *m = rh_list_at(&c->mappings, i);
        if (m->login_id == login_id && is_for(c, m, provider_id))
            return rh_credential_by_id(c, m->credential_id);
    }
    return NULL;
}

/* ---- Texts and bytes ---- */

bool rh_put_text(char *out, size_t len, kp_span text)
{
    if (text.len >= len || (text.len && memchr(text.ptr, 0, text.len)))
        return false;
    if (text.len)
        memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

bool rh_put_blob(struct rh_blob *out, kp_span bytes)
{
    if (bytes.len > sizeof out->data)
        return false;
    if (bytes.len)
        memcpy(out->data, bytes.ptr, bytes.len);
    out->len = (uint32_t)bytes.len;
    return true;
}

kp_span rh_blob_view(const struct rh_blob *b)
{
    return kpb_span(b->data, b->len);
}
