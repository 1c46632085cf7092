#include "core/config_json.h"

#include <stdbool.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/config.h"

/* ---- Reading ---- */

/* Counts brackets outside strings; whether they match is Jansson's business. */
static bool is_too_deep(kp_span text)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c == '\\' && in_string)
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && depth)
            depth--;
        if (depth > KPI_CONFIG_MAX_DEPTH)
            return true;
    }
    return false;
}

/* In words of our own: Jansson's quote what stands near the mistake. */
static const char *syntax_problem(enum json_error_code code)
{
    switch (code) {
    case json_error_premature_end_of_input:
        return "the text ends too early";
    case json_error_end_of_input_expected:
        return "something follows the end of the object";
    case json_error_duplicate_key:
        return "a member of that name stands there already";
    case json_error_invalid_utf8:
        return "this is not UTF-8";
    case json_error_numeric_overflow:
        return "the number is too large";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a NUL is not allowed";
    default:
        return "this is not JSON";
    }
}

static kp_status fail_syntax(const json_error_t *found, struct kp_error *reterr)
{
    if (json_error_code(found) == json_error_out_of_memory)
        return kpb_fail_memory(reterr, "config.json");
    return kpb_fail(reterr, KP_CONFIG, "line %d, column %d: %s", found->line, found->column,
                    syntax_problem(json_error_code(found)));
}

kp_status kpi_json_read(kp_span text, json_t **ret_root, struct kp_error *reterr)
{
    json_error_t found;
    json_t *root;

    if (text.len > KPI_CONFIG_MAX_LEN)
        return kpb_fail(reterr, KP_CONFIG, "the configuration has more than %u bytes",
                        KPI_CONFIG_MAX_LEN);
    if (is_too_deep(text))
        return kpb_fail(reterr, KP_CONFIG, "objects and lists stand more than %u deep",
                        KPI_CONFIG_MAX_DEPTH);
    root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &found);
    if (!root)
        return fail_syntax(&found, reterr);
    if (!json_is_object(root)) {
        kpi_json_release(root);
        return kpb_fail(reterr, KP_CONFIG, "the configuration is not an object");
    }
    *ret_root = root;
    return KP_OK;
}

/* ---- Releasing ---- */

/* The characters are the value's own, const only towards its readers. */
static void wipe_string(json_t *value)
{
    kpb_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
}

static void wipe_tree(json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;

    if (json_is_string(value))
        wipe_string(value);
    json_object_foreach(value, key, member) {
        wipe_tree(member);
    }
    json_array_foreach(value, i, member) {
        wipe_tree(member);
    }
}

void kpi_json_release(json_t *root)
{
    if (!root)
        return;
    wipe_tree(root);
    json_decref(root);
}

/* ---- Writing ---- */

struct sink {
    kp_text_fn *write;
    void *ctx;
};

static int write_piece(const char *piece, size_t len, void *arg)
{
    const struct sink *sink = arg;

    sink->write(sink->ctx, kpb_span(piece, len));
    return 0;
}

kp_status kpi_json_write(const json_t *root, kp_text_fn *write, void *ctx)
{
    struct sink sink = {write, ctx};

    if (json_dump_callback(root, write_piece, &sink, JSON_INDENT(4)) != 0)
        return KP_NO_MEMORY;
    write(ctx, kpb_span_str("\n"));
    return KP_OK;
}

/* The object that is member `name`, made when it is missing; NULL when memory is out. */
static json_t *enter_object(json_t *object, const char *name, size_t len)
{
    json_t *inner = json_object_getn(object, name, len);

    if (inner)
        return inner;
    inner = json_object();
    return json_object_setn_new(object, name, len, inner) == 0 ? inner : NULL;
}

kp_status kpi_json_put(json_t *root, const char *path, json_t *value)
{
    json_t *object = root;
    const char *dot;

    while (object && (dot = strchr(path, '.')) != NULL) {
        object = enter_object(object, path, (size_t)(dot - path));
        path = dot + 1;
    }
    if (object)
        return json_object_set_new(object, path, value) == 0 ? KP_OK : KP_NO_MEMORY;
    json_decref(value);
    return KP_NO_MEMORY;
}

const char *kpi_json_kind(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "text";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    default:
        return "null";
    }
}
