#include "core/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/config_fields.h"
#include "core/config_json.h"

#define DIALECT "https://json-schema.org/draft/2020-12/schema"
#define DOC_MAX_LEN 400u

/* Every function here answers NULL when memory is out, and takes NULL for that: json_pack and the
 * setters of Jansson then release what they were handed. */

/* ---- Kinds of values ---- */

static json_t *text_schema(uint32_t min, uint32_t max)
{
    return json_pack("{s:s, s:I, s:I}", "type", "string", "minLength", (json_int_t)min, "maxLength",
                     (json_int_t)max);
}

static json_t *limit_schema(const struct kpi_field *f)
{
    if (f->unit == KPI_UNIT_BOOLEAN)
        return json_pack("{s:s, s:b}", "type", "boolean", "default", (int)f->fallback);
    return json_pack("{s:s, s:I, s:I, s:I}", "type", "integer", "minimum", (json_int_t)f->min,
                     "maximum", (json_int_t)f->max, "default", (json_int_t)f->fallback);
}

static json_t *choice_schema(const struct kpi_field *f)
{
    return json_pack("{s:[s, s], s:s}", "enum", f->words[0], f->words[1], "default", f->words[0]);
}

static json_t *text_field_schema(const struct kpi_field *f)
{
    json_t *schema = text_schema(f->min, f->max);

    if (f->text_fallback && json_object_set_new(schema, "default", json_string(f->text_fallback))) {
        json_decref(schema);
        return NULL;
    }
    return schema;
}

static json_t *texts_schema(const struct kpi_field *f)
{
    json_t *schema = json_pack("{s:s, s:I, s:o}", "type", "array", "maxItems",
                               (json_int_t)KPI_TEXTS_MAX, "items", text_schema(f->min, f->max));

    if (f->text_fallback &&
        json_object_set_new(schema, "default", json_pack("[s]", f->text_fallback)) != 0) {
        json_decref(schema);
        return NULL;
    }
    return schema;
}

static json_t *ref_schema(const char *target)
{
    return json_pack("{s:s}", "$ref", target);
}

static json_t *vaults_schema(void)
{
    return json_pack("{s:s, s:{s:s}, s:o}", "type", "object", "propertyNames", "pattern",
                     KPI_VAULT_NAME_PATTERN, "additionalProperties", ref_schema("#/$defs/vault"));
}

static json_t *field_schema(const struct kpi_field *f)
{
    switch (f->kind) {
    case KPI_FIELD_LIMIT:
        return limit_schema(f);
    case KPI_FIELD_BOOLEAN:
        return json_pack("{s:s, s:b}", "type", "boolean", "default", 0);
    case KPI_FIELD_TEXT:
        return text_field_schema(f);
    case KPI_FIELD_TEXTS:
        return texts_schema(f);
    case KPI_FIELD_CHOICE:
        return choice_schema(f);
    case KPI_FIELD_SECRET:
        return ref_schema("#/$defs/secret");
    case KPI_FIELD_SETTINGS:
        return json_pack("{s:s}", "type", "object");
    case KPI_FIELD_PIN:
        return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9A-Fa-f]{64}$");
    case KPI_FIELD_VAULTS:
        return vaults_schema();
    case KPI_FIELD_PLUGINS:
        return json_pack("{s:s, s:o}", "type", "array", "items", ref_schema("#/$defs/plugin"));
    }
    return NULL;
}

/* ---- Objects ---- */

static json_t *empty_object_schema(void)
{
    return json_pack("{s:s, s:b, s:{}}", "type", "object", "additionalProperties", 0, "properties");
}

/* The object schema of member `name`, made when it is missing. */
static json_t *enter_member(json_t *schema, const char *name, size_t len)
{
    json_t *properties = json_object_get(schema, "properties");
    json_t *inner = json_object_getn(properties, name, len);

    if (inner)
        return inner;
    inner = empty_object_schema();
    return json_object_setn_new(properties, name, len, inner) == 0 ? inner : NULL;
}

/* Puts the schema of a member, described by doc, at a dotted path. False when memory is out. */
static bool put_member(json_t *schema, const char *path, json_t *member, const char *doc)
{
    const char *dot;
    json_t *properties;

    if (json_object_set_new(member, "description", json_string(doc)) != 0) {
        json_decref(member);
        return false;
    }
    while ((dot = strchr(path, '.')) != NULL) {
        schema = enter_member(schema, path, (size_t)(dot - path));
        path = dot + 1;
    }
    properties = json_object_get(schema, "properties");
    return json_object_set_new(properties, path, member) == 0;
}

static bool put_field(json_t *schema, const struct kpi_field *f)
{
    const char *unit = f->unit == KPI_UNIT_BOOLEAN ? "" : kpi_unit_text(f->unit);
    char doc[DOC_MAX_LEN];

    (void)snprintf(doc, sizeof doc, "%s%s%s", f->doc, unit[0] ? "; " : "", unit);
    return put_member(schema, f->path, field_schema(f), doc);
}

static json_t *required_names(const struct kpi_fields *fields)
{
    json_t *names = json_array();

    for (size_t i = 0; i < fields->n; i++) {
        if (fields->at[i].required && json_array_append_new(names, json_string(fields->at[i].path)))
            break; /* memory is out, and the next step will tell */
    }
    return names;
}

static json_t *struct_schema(const struct kpi_fields *fields)
{
    json_t *schema = empty_object_schema();
    bool complete = json_object_set_new(schema, "required", required_names(fields)) == 0;

    for (size_t i = 0; i < fields->n && complete; i++)
        complete = put_field(schema, &fields->at[i]);
    if (complete)
        return schema;
    json_decref(schema);
    return NULL;
}

/* ---- Secrets ---- */

static json_t *secret_schema(void)
{
    json_t *schema =
        json_pack("{s:s, s:b, s:{s:o, s:{s:s, s:s}, s:o, s:o, s:{s:s}}, s:[{s:[s]}, {s:[s]}, "
                  "{s:[s]}, {s:[s]}]}",
                  "type", "object", "additionalProperties", 0, "properties", "file",
                  text_schema(1, KP_VAULT_TEXT_MAX_LEN), "env", "type", "string", "pattern",
                  KPI_VARIABLE_NAME_PATTERN, "inline", text_schema(1, KPI_SECRET_MAX_LEN), "dpapi",
                  text_schema(1, KP_VAULT_TEXT_MAX_LEN), "present", "type", "boolean", "oneOf",
                  "required", "file", "required", "env", "required", "inline", "required", "dpapi");

    return schema;
}

/* ---- Settings of plugins ---- */

static json_t *setting_kind_schema(const struct kp_setting_spec *spec)
{
    switch (spec->type) {
    case KP_SETTING_INTEGER:
        return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)spec->min,
                         "maximum", (json_int_t)spec->max);
    case KP_SETTING_BOOLEAN:
        return json_pack("{s:s}", "type", "boolean");
    case KP_SETTING_SECRET:
        return json_pack("{s:s, s:{s:b}}", "$ref", "#/$defs/secret", "properties", "inline", 0);
    default:
        return json_pack("{s:s}", "type", "string");
    }
}

static json_t *fallback_value(const struct kp_setting_spec *spec)
{
    if (spec->type == KP_SETTING_INTEGER)
        return json_integer(strtoll(spec->fallback, NULL, 10));
    if (spec->type == KP_SETTING_BOOLEAN)
        return json_boolean(strcmp(spec->fallback, "true") == 0);
    return json_string(spec->fallback);
}

static json_t *setting_schema(const struct kp_setting_spec *spec)
{
    json_t *schema = setting_kind_schema(spec);

    if (!spec->fallback || spec->type == KP_SETTING_SECRET)
        return schema;
    if (json_object_set_new(schema, "default", fallback_value(spec)) == 0)
        return schema;
    json_decref(schema);
    return NULL;
}

static json_t *settings_schema(const struct kp_caps *caps)
{
    json_t *schema = empty_object_schema();
    bool complete = schema != NULL;

    for (size_t i = 0; caps->settings[i] && complete; i++) {
        const struct kp_setting_spec *spec = caps->settings[i];

        complete = put_member(schema, spec->name, setting_schema(spec), spec->doc ? spec->doc : "");
    }
    if (complete)
        return schema;
    json_decref(schema);
    return NULL;
}

/* True of a vault without "plugin" whose location has that scheme. */
static json_t *scheme_condition(const char *scheme)
{
    char pattern[KPI_PLUGIN_NAME_MAX_LEN + 3];

    (void)snprintf(pattern, sizeof pattern, "^%s:", scheme);
    return json_pack("{s:{s:{s:s}}, s:{s:[s]}}", "properties", "location", "pattern", pattern,
                     "not", "required", "plugin");
}

static json_t *plugin_condition(const struct kp_plugin *table)
{
    json_t *any = json_pack("[{s:{s:{s:s}}, s:[s]}]", "properties", "plugin", "const", table->name,
                            "required", "plugin");

    for (size_t i = 0; table->caps->schemes[i]; i++) {
        if (json_array_append_new(any, scheme_condition(table->caps->schemes[i])) != 0) {
            json_decref(any);
            return NULL;
        }
    }
    return json_pack("{s:o}", "anyOf", any);
}

static json_t *plugin_rule(const struct kp_plugin *table)
{
    return json_pack("{s:o, s:{s:{s:o}}}", "if", plugin_condition(table), "then", "properties",
                     "settings", settings_schema(table->caps));
}

static json_t *plugin_rules(const struct kpi_plugins *plugins)
{
    json_t *rules = json_array();

    for (size_t i = 0; i < plugins->n_items; i++) {
        if (json_array_append_new(rules, plugin_rule(&plugins->items[i]->table)) != 0) {
            json_decref(rules);
            return NULL;
        }
    }
    return rules;
}

/* ---- The whole ---- */

static json_t *vault_schema(const struct kpi_plugins *plugins)
{
    json_t *schema = struct_schema(&kpi_vault_fields);

    /* An empty allOf is no schema. */
    if (plugins && plugins->n_items &&
        json_object_set_new(schema, "allOf", plugin_rules(plugins)) != 0) {
        json_decref(schema);
        return NULL;
    }
    return schema;
}

static json_t *plugin_schema(void)
{
    json_t *schema = struct_schema(&kpi_plugin_fields);
    json_t *either = json_pack("[{s:[s]}, {s:[s]}]", "required", "path", "required", "name");

    if (json_object_set_new(schema, "oneOf", either) == 0)
        return schema;
    json_decref(schema);
    return NULL;
}

static json_t *whole_schema(const struct kpi_plugins *plugins)
{
    json_t *head =
        json_pack("{s:s, s:s}", "$schema", DIALECT, "title", "keyprovider configuration");
    json_t *body = struct_schema(&kpi_config_fields);
    json_t *parts = json_pack("{s:o, s:o, s:o}", "secret", secret_schema(), "vault",
                              vault_schema(plugins), "plugin", plugin_schema());
    bool complete = body && json_object_update(head, body) == 0;

    json_decref(body);
    complete = json_object_set_new(head, "$defs", parts) == 0 && complete;
    if (complete)
        return head;
    json_decref(head);
    return NULL;
}

kp_status kpi_schema_write(const struct kpi_plugins *plugins, kp_text_fn *write, void *ctx)
{
    json_t *schema = whole_schema(plugins);
    kp_status st = schema ? kpi_json_write(schema, write, ctx) : KP_NO_MEMORY;

    json_decref(schema);
    return st;
}
