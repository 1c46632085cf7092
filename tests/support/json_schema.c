#include "support/json_schema.h"

#include <string.h>

static bool fits(const json_t *schema, const json_t *value, const json_t *root);

static bool is_type(const json_t *value, const char *type)
{
    return strcmp(type, "object") == 0    ? json_is_object(value)
           : strcmp(type, "array") == 0   ? json_is_array(value)
           : strcmp(type, "string") == 0  ? json_is_string(value)
           : strcmp(type, "integer") == 0 ? json_is_integer(value)
           : strcmp(type, "number") == 0  ? json_is_number(value)
           : strcmp(type, "boolean") == 0 ? json_is_boolean(value)
                                          : false;
}

static bool is_listed(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), value)) {
            return true;
        }
    }
    return list == NULL;
}

static bool has_all(const json_t *required, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(required); i++) {
        if (!json_object_get(value, json_string_value(json_array_get(required, i)))) {
            return false;
        }
    }
    return true;
}

static bool members_fit(const json_t *schema, json_t *value, const json_t *root)
{
    const json_t *others = json_object_get(schema, "additionalProperties");
    const char *name;
    json_t *member;
    json_object_foreach(value, name, member) {
        const json_t *known = json_object_get(json_object_get(schema, "properties"), name);
        if (!known && json_is_false(others)) {
            return false;
        }
        if (!fits(known ? known : others, member, root)) {
            return false;
        }
    }
    return has_all(json_object_get(schema, "required"), value);
}

static bool items_fit(const json_t *schema, const json_t *value, const json_t *root)
{
    const json_t *items = json_object_get(schema, "items");
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!fits(items, json_array_get(value, i), root)) {
            return false;
        }
    }
    return true;
}

static bool fits(const json_t *schema, const json_t *value, const json_t *root)
{
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    const json_t *minimum = json_object_get(schema, "minimum");
    if (reference) {
        const json_t *there =
            json_object_get(json_object_get(root, "$defs"), reference + strlen("#/$defs/"));
        return there && fits(there, value, root);
    }
    return is_type(value, json_string_value(json_object_get(schema, "type"))) &&
           is_listed(json_object_get(schema, "enum"), value) &&
           (!minimum || json_number_value(value) >= json_number_value(minimum)) &&
           (!json_is_object(value) || members_fit(schema, (json_t *)value, root)) &&
           items_fit(schema, value, root);
}

bool schema_fits(const json_t *schema, const json_t *value)
{
    return fits(schema, value, schema);
}
