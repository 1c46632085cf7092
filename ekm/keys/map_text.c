#include "ekm/keys/map_text.h"

#include <string.h>

#include <jansson.h>

#include "base/errors.h"
#include "base/span.h"

#define FORMAT_MEMBER "keyprovider_key_map"
#define FORMAT_NUMBER 1
#define DEPTH_MAX 3u /* document, records, record */

/* ---- Writing ---- */

static kp_status put(kp_buf *out, kp_status st, const char *text)
{
    return st == KP_OK ? kp_buf_append_str(out, text) : st;
}

/* Texts of records are free of controls; quotes and backslashes are left to escape. */
static kp_status put_quoted(kp_buf *out, kp_status st, const char *text)
{
    st = put(out, st, "\"");
    for (const char *c = text; st == KP_OK && *c; c++) {
        if (*c == '"' || *c == '\\')
            st = kp_buf_append_byte(out, '\\');
        if (st == KP_OK)
            st = kp_buf_append_byte(out, (uint8_t)*c);
    }
    return put(out, st, "\"");
}

static kp_status put_member(kp_buf *out, kp_status st, const char *name, const char *text)
{
    if (text[0] == '\0')
        return st;
    st = put(out, st, ", ");
    st = put_quoted(out, st, name);
    st = put(out, st, ": ");
    return put_quoted(out, st, text);
}

static kp_status put_record(kp_buf *out, kp_status st, const struct ekm_record *record)
{
    char hex[EKM_THUMB_HEX_LEN];

    ekm_thumb_format(&record->thumb, hex);
    st = put(out, st, "    {\"thumbprint\": ");
    st = put_quoted(out, st, hex);
    st = put_member(out, st, "scheme", ekm_scheme_text(record->scheme));
    st = put_member(out, st, "origin", ekm_origin_text(record->origin));
    st = put_member(out, st, "vault", record->vault);
    st = put_member(out, st, "name", record->name);
    st = put_member(out, st, "version", record->version);
    if (record->key.len > 0) {
        ekm_thumb_format(&record->key, hex);
        st = put_member(out, st, "key", hex);
    }
    if (st == KP_OK && record->reported_alg != 0)
        st = kp_buf_append_fmt(out, ", \"reported_alg\": %u", record->reported_alg);
    if (record->wrap_alg != 0)
        st = put_member(out, st, "wrap_alg", kp_alg_text(record->wrap_alg));
    return put(out, st, "}");
}

kp_status ekm_map_text_write(const struct ekm_table *table, kp_buf *out, struct kp_error *reterr)
{
    kp_status st = KP_OK;

    st = put(out, st, "{\n  \"" FORMAT_MEMBER "\": 1,\n  \"records\": [");
    for (uint32_t i = 0; i < table->n; i++) {
        st = put(out, st, i == 0 ? "\n" : ",\n");
        st = put_record(out, st, ekm_table_at(table, i));
    }
    st = put(out, st, table->n > 0 ? "\n  ]\n}\n" : "]\n}\n");
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, "ekm.map.text");
    return st == KP_OK
               ? KP_OK
               : kpb_fail(reterr, KP_USAGE, "the key map is longer than %zu bytes", out->limit);
}

/* ---- Reading: before the JSON library ---- */

static size_t end_of_string(kp_span text, size_t at)
{
    for (size_t i = at + 1; i < text.len; i++) {
        if (text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] == '"')
            return i;
    }
    return text.len;
}

/* The JSON library recurses: what is nested deeper than a map is refused first. */
static kp_status check_depth(kp_span text, struct kp_error *reterr)
{
    unsigned depth = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c == '"')
            i = end_of_string(text, i);
        else if ((c == '{' || c == '[') && ++depth > DEPTH_MAX)
            return kpb_fail(reterr, KP_CONFIG, "nested deeper than a key map is");
        else if ((c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return KP_OK;
}

static kp_status load(kp_span text, json_t **ret, struct kp_error *reterr)
{
    json_error_t error;
    kp_status st = check_depth(text, reterr);

    if (st != KP_OK)
        return st;
    *ret = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (*ret)
        return KP_OK;
    /* Most of its failures to allocate leave no text. */
    if (json_error_code(&error) == json_error_out_of_memory || !error.text[0])
        return kpb_fail_memory(reterr, "ekm.map.json");
    return kpb_fail(reterr, KP_CONFIG, "no valid JSON in line %d: %.100s", error.line, error.text);
}

/* ---- Reading: records ---- */

/* One record under way; the first failure stays. */
struct reading {
    const json_t *object;
    kp_status st;
    struct kp_error *err;
};

static kp_span text_of(struct reading *r, const char *name, bool is_required)
{
    const json_t *value = json_object_get(r->object, name);
    kp_span none = {NULL, 0};

    if (r->st != KP_OK || (!value && !is_required))
        return none;
    if (!json_is_string(value)) {
        r->st =
            kpb_fail(r->err, KP_CONFIG, "its \"%s\" is %s", name, value ? "no string" : "missing");
        return none;
    }
    return kpb_span(json_string_value(value), json_string_length(value));
}

static void thumb_of(struct reading *r, const char *name, bool is_required, struct ekm_thumb *ret)
{
    kp_span text = text_of(r, name, is_required);

    if (r->st != KP_OK || !text.ptr)
        return;
    r->st = ekm_thumb_parse(text, ret, r->err);
}

static uint32_t number_of(struct reading *r, const char *name)
{
    const json_t *value = json_object_get(r->object, name);
    json_int_t number = json_integer_value(value);

    if (r->st != KP_OK || !value)
        return 0;
    if (json_is_integer(value) && number >= 1 && number <= (json_int_t)UINT32_MAX)
        return (uint32_t)number;
    r->st = kpb_fail(r->err, KP_CONFIG, "its \"%s\" is no number from 1 on", name);
    return 0;
}

/* A word of a list of words; find gives 0 for one that is none. */
static uint32_t word_of(struct reading *r, const char *name, bool is_required,
                        uint32_t (*find)(kp_span text))
{
    kp_span text = text_of(r, name, is_required);
    uint32_t number = text.ptr ? find(text) : 0;

    if (r->st == KP_OK && text.ptr && number == 0)
        r->st = kpb_fail(r->err, KP_CONFIG, "its \"%s\" is unknown: %.*s", name,
                         (int)(text.len < 40 ? text.len : 40), (const char *)text.ptr);
    return number;
}

static void check_members(struct reading *r)
{
    static const char *const NAMES[] = {"thumbprint", "scheme", "origin",       "vault",   "name",
                                        "version",    "key",    "reported_alg", "wrap_alg"};
    size_t n_known = 0;

    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        n_known += json_object_get(r->object, NAMES[i]) ? 1 : 0;
    if (!json_is_object(r->object))
        r->st = kpb_fail(r->err, KP_CONFIG, "it is no object");
    else if (n_known != json_object_size(r->object))
        r->st = kpb_fail(r->err, KP_CONFIG, "it has a member that no record has");
}

static kp_status read_record(const json_t *object, struct ekm_record *ret, struct kp_error *reterr)
{
    struct reading r = {object, KP_OK, reterr};
    kp_span vault;
    kp_span name;
    kp_span version;

    check_members(&r);
    vault = text_of(&r, "vault", true);
    name = text_of(&r, "name", true);
    version = text_of(&r, "version", false);
    if (r.st == KP_OK)
        r.st = ekm_record_init(ret, vault, name, version, reterr);
    thumb_of(&r, "thumbprint", true, &ret->thumb);
    thumb_of(&r, "key", false, &ret->key);
    ret->scheme = word_of(&r, "scheme", true, ekm_scheme_from_text);
    ret->origin = word_of(&r, "origin", true, ekm_origin_from_text);
    ret->wrap_alg = word_of(&r, "wrap_alg", false, kp_alg_from_text);
    ret->reported_alg = number_of(&r, "reported_alg");
    return r.st;
}

static kp_status read_records(const json_t *records, struct ekm_table *table,
                              struct kp_error *reterr)
{
    struct ekm_put_report report = {0};
    struct ekm_record record;

    for (size_t i = 0; i < json_array_size(records); i++) {
        kp_status st = read_record(json_array_get(records, i), &record, reterr);

        if (st == KP_OK)
            st = ekm_table_put(table, &record, 0, &report, reterr);
        if (st == KP_NO_MEMORY)
            return st;
        if (st != KP_OK) {
            kpb_error_prefix(reterr, "record %zu", i + 1);
            return KP_CONFIG;
        }
    }
    return KP_OK;
}

static kp_status read_document(const json_t *root, struct ekm_table *table, struct kp_error *reterr)
{
    const json_t *format = json_object_get(root, FORMAT_MEMBER);
    const json_t *records = json_object_get(root, "records");

    if (!json_is_integer(format))
        return kpb_fail(reterr, KP_CONFIG, "no key map: it lacks \"" FORMAT_MEMBER "\"");
    if (json_integer_value(format) != FORMAT_NUMBER)
        return kpb_fail(reterr, KP_CONFIG,
                        "format %lld of the key map is not known here, only "
                        "format 1; update this program",
                        (long long)json_integer_value(format));
    if (!json_is_array(records) || json_object_size(root) != 2)
        return kpb_fail(reterr, KP_CONFIG,
                        "a key map has \"" FORMAT_MEMBER "\", \"records\" and nothing else");
    return read_records(records, table, reterr);
}

kp_status ekm_map_text_read(kp_span text, struct ekm_table *table, struct kp_error *reterr)
{
    json_t *root = NULL;
    kp_status st = load(text, &root, reterr);

    if (st == KP_OK)
        st = read_document(root, table, reterr);
    json_decref(root);
    /* A table's own refusals are about records; here the text is what is wrong. */
    if (st != KP_OK && st != KP_NO_MEMORY && reterr)
        reterr->status = KP_CONFIG;
    return st == KP_OK || st == KP_NO_MEMORY ? st : KP_CONFIG;
}
