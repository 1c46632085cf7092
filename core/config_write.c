/* The effective configuration as JSON: what was read, with every default filled in. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/span.h"
#include "core/config.h"
#include "core/config_fields.h"
#include "core/config_json.h"

#define NOT_CHECKED "(not checked)"

/* ---- Values; NULL when memory is out ---- */

/* Source and presence; the value of an inline one is null, which no reader accepts. */
static json_t *secret_value(const struct kpi_secret_ref *ref)
{
    json_t *object = json_object();
    json_t *source = ref->kind == KPI_SECRET_INLINE ? json_null() : json_string(ref->source);
    const char *name = "inline";

    if (ref->kind == KPI_SECRET_FILE)
        name = "file";
    else if (ref->kind == KPI_SECRET_ENV)
        name = "env";
    else if (ref->kind == KPI_SECRET_DPAPI)
        name = "dpapi";
    if (json_object_set_new(object, name, source) == 0 &&
        json_object_set_new(object, "present", json_boolean(kpi_secret_is_present(ref))) == 0)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *limit_value(const struct kpi_field *f, uint32_t limit)
{
    return f->unit == KPI_UNIT_BOOLEAN ? json_boolean(limit) : json_integer(limit);
}

static json_t *setting_value(const struct kpi_vault_config *vault,
                             const struct kpi_setting *setting)
{
    switch (setting->type) {
    case KP_SETTING_INTEGER:
        return json_integer(strtoll(setting->text, NULL, 10));
    case KP_SETTING_BOOLEAN:
        return json_boolean(strcmp(setting->text, "true") == 0);
    case KP_SETTING_SECRET:
        return secret_value(&setting->secret);
    default:
        return json_string(vault->settings_checked ? setting->text : NOT_CHECKED);
    }
}

static json_t *settings_value(const struct kpi_vault_config *vault)
{
    json_t *object = json_object();

    for (size_t i = 0; i < vault->n_settings; i++) {
        const struct kpi_setting *setting = &vault->settings[i];

        if (kpi_json_put(object, setting->name, setting_value(vault, setting)) != KP_OK) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* ---- Structs by table ---- */

static json_t *vaults_value(const struct kpi_config *config);
static json_t *plugins_value(const struct kpi_config *config);

static json_t *pin_value(const struct kpi_pin *pin)
{
    char digits[2 * KPI_SHA256_LEN + 1];

    kpb_hex_encode(kpb_span(pin->sha256, KPI_SHA256_LEN), digits);
    return json_string(digits);
}

static json_t *texts_value(const struct kpi_field *f, const struct kpi_texts *texts)
{
    json_t *list = json_array();
    bool complete = list != NULL;

    if (texts->n == 0 && f->text_fallback)
        complete = json_array_append_new(list, json_string(f->text_fallback)) == 0;
    for (size_t i = 0; i < texts->n && complete; i++)
        complete = json_array_append_new(list, json_string(texts->at[i])) == 0;
    if (complete)
        return list;
    json_decref(list);
    return NULL;
}

/* Whether there is something to show: an absent text, secret or pin has no value. */
static bool is_set(const struct kpi_field *f, const void *from)
{
    const void *at = (const char *)from + f->offset;

    if (f->kind == KPI_FIELD_TEXT)
        return f->text_fallback || (*(char *const *)at && **(char *const *)at);
    if (f->kind == KPI_FIELD_SECRET)
        return ((const struct kpi_secret_ref *)at)->kind != KPI_SECRET_NONE;
    if (f->kind == KPI_FIELD_PIN)
        return ((const struct kpi_pin *)at)->is_set;
    return true;
}

static json_t *field_value(const struct kpi_field *f, const void *from)
{
    const void *at = (const char *)from + f->offset;

    switch (f->kind) {
    case KPI_FIELD_LIMIT:
        return limit_value(f, *(const uint32_t *)at);
    case KPI_FIELD_BOOLEAN:
        return json_boolean(*(const bool *)at);
    case KPI_FIELD_TEXT:
        return json_string(*(char *const *)at ? *(char *const *)at : f->text_fallback);
    case KPI_FIELD_TEXTS:
        return texts_value(f, at);
    case KPI_FIELD_CHOICE:
        return json_string(f->words[*(const bool *)at]);
    case KPI_FIELD_SECRET:
        return secret_value(at);
    case KPI_FIELD_SETTINGS:
        return settings_value(from);
    case KPI_FIELD_PIN:
        return pin_value(at);
    case KPI_FIELD_VAULTS:
        return vaults_value(from);
    case KPI_FIELD_PLUGINS:
        return plugins_value(from);
    }
    return NULL;
}

/* The fields below the path `within`, all for "". */
static json_t *part_value(const struct kpi_fields *fields, const void *from, const char *within)
{
    json_t *object = json_object();
    size_t within_len = strlen(within);

    for (size_t i = 0; i < fields->n; i++) {
        const struct kpi_field *f = &fields->at[i];

        if (within_len && (strncmp(f->path, within, within_len) != 0 || f->path[within_len] != '.'))
            continue;
        if (is_set(f, from) && kpi_json_put(object, f->path, field_value(f, from)) != KP_OK) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *struct_value(const struct kpi_fields *fields, const void *from)
{
    return part_value(fields, from, "");
}

static json_t *vaults_value(const struct kpi_config *config)
{
    json_t *object = json_object();

    for (size_t i = 0; i < config->n_vaults; i++) {
        const struct kpi_vault_config *vault = &config->vaults[i];

        if (json_object_set_new(object, vault->name, struct_value(&kpi_vault_fields, vault)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *plugins_value(const struct kpi_config *config)
{
    json_t *list = json_array();

    for (size_t i = 0; i < config->n_plugins; i++) {
        json_t *item = struct_value(&kpi_plugin_fields, &config->plugins[i]);

        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

kp_status kpi_config_write_effective(const struct kpi_config *config, kp_text_fn *write, void *ctx)
{
    json_t *root = struct_value(&kpi_config_fields, config);
    kp_status st = root ? kpi_json_write(root, write, ctx) : KP_NO_MEMORY;

    json_decref(root);
    return st;
}

kp_status kpi_config_write_section(const struct kpi_config *config, const char *name,
                                   kp_text_fn *write, void *ctx)
{
    json_t *root = part_value(&kpi_config_fields, config, name);
    json_t *section = json_object_get(root, name);
    kp_status st = root ? KP_USAGE : KP_NO_MEMORY;

    if (json_is_object(section))
        st = kpi_json_write(section, write, ctx);
    json_decref(root);
    return st;
}
