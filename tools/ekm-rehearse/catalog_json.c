/* The catalogue as JSON and back, by one table per record: a field is read, checked and written. */
#include <stddef.h>

#include <jansson.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/span.h"
#include "tools/ekm-rehearse/catalog.h"
#include "tools/ekm-rehearse/catalog_record.h"

enum field_kind { FIELD_INT, FIELD_BOOL, FIELD_TEXT, FIELD_BLOB };

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    size_t len; /* room of a text */
};

#define INT(type, member)                                                                          \
    {                                                                                              \
#member, FIELD_INT, offsetof(struct type, member), 0                                       \
    }
#define BOOL(type, member)                                                                         \
    {                                                                                              \
#member, FIELD_BOOL, offsetof(struct type, member), 0                                      \
    }
#define BLOB(type, member)                                                                         \
    {                                                                                              \
#member, FIELD_BLOB, offsetof(struct type, member), 0                                      \
    }
#define TEXT(type, member)                                                                         \
    {                                                                                              \
#member, FIELD_TEXT, offsetof(struct type, member), sizeof(((struct type *)0)->member)     \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, FIELD_INT, 0, 0                                                                      \
    }

static const struct field server_fields[] = {
    INT(rh_catalog, next_id),
    BOOL(rh_catalog, ekm_enabled),
    BOOL(rh_catalog, ekm_configured),
    BOOL(rh_catalog, advanced),
    BOOL(rh_catalog, advanced_configured),
    END,
};
static const struct field provider_fields[] = {
    INT(rh_provider, id),
    TEXT(rh_provider, name),
    TEXT(rh_provider, path),
    TEXT(rh_provider, guid),
    TEXT(rh_provider, version),
    BOOL(rh_provider, is_enabled),
    END,
};
static const struct field credential_fields[] = {
    INT(rh_credential, id),
    TEXT(rh_credential, name),
    TEXT(rh_credential, identity),
    BOOL(rh_credential, has_secret),
    BLOB(rh_credential, secret),
    INT(rh_credential, provider_id),
    END,
};
static const struct field login_fields[] = {
    INT(rh_login, id),
    TEXT(rh_login, name),
    INT(rh_login, key_id),
    END,
};
static const struct field mapping_fields[] = {
    INT(rh_mapping, login_id),
    INT(rh_mapping, credential_id),
    END,
};
static const struct field key_fields[] = {
    INT(rh_key, id),           INT(rh_key, database_id),
    TEXT(rh_key, name),        TEXT(rh_key, algorithm),
    INT(rh_key, algorithm_id), INT(rh_key, bits),
    BLOB(rh_key, thumb),       TEXT(rh_key, provider_guid),
    BLOB(rh_key, public_key),  END,
};
static const struct field database_fields[] = {
    INT(rh_database, id),         TEXT(rh_database, name),      INT(rh_database, state),
    INT(rh_database, encryption), TEXT(rh_database, algorithm), BLOB(rh_database, encryptor),
    BLOB(rh_database, wrapped),   BLOB(rh_database, page),      END,
};

static const struct {
    const char *name;
    size_t offset;
    size_t size;
    const struct field *fields;
} lists[] = {
    {"providers", offsetof(struct rh_catalog, providers), sizeof(struct rh_provider),
     provider_fields},
    {"credentials", offsetof(struct rh_catalog, credentials), sizeof(struct rh_credential),
     credential_fields},
    {"logins", offsetof(struct rh_catalog, logins), sizeof(struct rh_login), login_fields},
    {"mappings", offsetof(struct rh_catalog, mappings), sizeof(struct rh_mapping), mapping_fields},
    {"keys", offsetof(struct rh_catalog, keys), sizeof(struct rh_key), key_fields},
    {"databases", offsetof(struct rh_catalog, databases), sizeof(struct rh_database),
     database_fields},
};

#define N_LISTS (sizeof lists / sizeof lists[0])

/* ---- Writing ---- */

static json_t *print_blob(const struct rh_blob *b)
{
    char hex[2 * RH_BYTES_LEN + 1];
    kpb_hex_encode(rh_blob_view(b), hex);
    return json_string(hex);
}

static json_t *print_field(const struct field *f, const void *record)
{
    const void *at = (const uint8_t *)record + f->offset;
    switch (f->kind) {
    case FIELD_INT:
        return json_integer(*(const int64_t *)at);
    case FIELD_BOOL:
        return json_boolean(*(const bool *)at);
    case FIELD_TEXT:
        return json_string(at);
    case FIELD_BLOB:
    default:
        return print_blob(at);
    }
}

static bool print_fields(const struct field *f, const void *record, json_t *object)
{
    for (; f->name; f++) {
        if (json_object_set_new(object, f->name, print_field(f, record)) != 0)
            return false;
    }
    return true;
}

static json_t *print_record(const struct field *fields, const void *record)
{
    json_t *object = json_object();
    if (object && print_fields(fields, record, object))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *print_list(const struct rh_list *list, const struct field *fields)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < list->n; i++) {
        if (json_array_append_new(array, print_record(fields, rh_list_at(list, i))) == 0)
            continue;
        json_decref(array);
        return NULL;
    }
    return array;
}

static json_t *print_catalog(const struct rh_catalog *c)
{
    json_t *root = print_record(server_fields, c);
    for (size_t i = 0; root && i < N_LISTS; i++) {
        const void *list = (const uint8_t *)c + lists[i].offset;
        if (json_object_set_new(root, lists[i].name, print_list(list, lists[i].fields)) == 0)
            continue;
        json_decref(root);
        return NULL;
    }
    return root;
}

static int append(const char *text, size_t len, void *ctx)
{
    return kp_buf_append(ctx, kpb_span(text, len)) == KP_OK ? 0 : -1;
}

kp_status rh_catalog_print(const struct rh_catalog *c, kp_buf *out)
{
    json_t *root = print_catalog(c);
    const bool ok = root && json_dump_callback(root, append, out, JSON_INDENT(1)) == 0;
    json_decref(root);
    return ok ? kp_buf_append_byte(out, '\n') : KP_NO_MEMORY;
}

/* ---- Reading ---- */

static bool read_blob(const json_t *value, struct rh_blob *b)
{
    const kp_span hex = kpb_span(json_string_value(value), json_string_length(value));
    if (!json_is_string(value) || hex.len % 2 || hex.len / 2 > sizeof b->data)
        return false;
    b->len = (uint32_t)(hex.len / 2);
    return kpb_hex_decode(hex, b->data, b->len) == KP_OK;
}

static bool read_field(const struct field *f, const json_t *value, void *record)
{
    void *at = (uint8_t *)record + f->offset;
    switch (f->kind) {
    case FIELD_INT:
        *(int64_t *)at = json_integer_value(value);
        return json_is_integer(value);
    case FIELD_BOOL:
        *(bool *)at = json_is_true(value);
        return json_is_boolean(value);
    case FIELD_TEXT:
        return json_is_string(value) &&
               rh_put_text(at, f->len,
                           kpb_span(json_string_value(value), json_string_length(value)));
    case FIELD_BLOB:
    default:
        return read_blob(value, at);
    }
}

static kp_status fail_member(struct kp_error *err, const char *list, const char *member)
{
    return kpb_fail(err, KP_CONFIG,
                    "the catalogue is no catalogue of this program: %s%s%s is missing "
                    "or no value of its kind",
                    list, *list ? "." : "", member);
}

static kp_status read_fields(const struct field *fields, const json_t *object, const char *list,
                             void *record, struct kp_error *err)
{
    for (const struct field *f = fields; f->name; f++) {
        if (!read_field(f, json_object_get(object, f->name), record))
            return fail_member(err, list, f->name);
    }
    return KP_OK;
}

static size_t count_fields(const struct field *f)
{
    size_t n = 0;
    while (f[n].name)
        n++;
    return n;
}

static kp_status read_list(struct rh_list *list, const json_t *array, const char *name,
                           const struct field *fields, struct kp_error *err)
{
    if (!json_is_array(array) || json_array_size(array) > RH_RECORDS_MAX)
        return fail_member(err, "", name);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *object = json_array_get(array, i);
        void *record = rh_list_add(list);
        if (!record)
            return kpb_fail_memory(err, "rehearse.catalog");
        if (json_object_size(object) != count_fields(fields))
            return fail_member(err, name, "(members)");
        const kp_status st = read_fields(fields, object, name, record, err);
        if (st != KP_OK)
            return st;
    }
    return KP_OK;
}

static kp_status read_catalog(struct rh_catalog *c, const json_t *root, struct kp_error *err)
{
    if (json_object_size(root) != count_fields(server_fields) + N_LISTS)
        return fail_member(err, "", "(members)");
    kp_status st = read_fields(server_fields, root, "", c, err);
    for (size_t i = 0; st == KP_OK && i < N_LISTS; i++) {
        struct rh_list *list = (struct rh_list *)(void *)((uint8_t *)c + lists[i].offset);
        list->size = lists[i].size;
        st = read_list(list, json_object_get(root, lists[i].name), lists[i].name, lists[i].fields,
                       err);
    }
    if (st == KP_OK && !rh_database_by_id(c, RH_MASTER))
        st = kpb_fail(err, KP_CONFIG, "the catalogue has no database master");
    return st;
}

kp_status rh_catalog_read(struct rh_catalog *c, kp_span json, struct kp_error *reterr)
{
    json_error_t problem;
    json_t *root = json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, &problem);
    memset(c, 0, sizeof *c);
    if (!root)
        return kpb_fail(reterr, KP_CONFIG, "the catalogue is no JSON: line %d: %s", problem.line,
                        problem.text);
    const kp_status st = read_catalog(c, root, reterr);
    json_decref(root);
    return st;
}

/* ---- One database ---- */

json_t *rh_database_to_json(const struct rh_database *d)
{
    return print_record(database_fields, d);
}

kp_status rh_database_from_json(const json_t *object, struct rh_database *ret,
                                struct kp_error *reterr)
{
    memset(ret, 0, sizeof *ret);
    return read_fields(database_fields, object, "database", ret, reterr);
}
