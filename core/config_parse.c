/*
 * From a JSON tree to struct kpi_config: members by table, then what tables cannot say about
 * vaults, plugins and settings.
 */
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/config.h"
#include "core/config_fields.h"
#include "core/config_json.h"
#include "core/config_reader.h"
#include "core/log.h"

/* A struct being filled: its table, and where in reader.path the table's own paths begin. */
struct scope {
    const struct kpi_fields *fields;
    void *target;
    size_t start;
};

/* ---- Settings ---- */

static size_t count_settings(json_t *object)
{
    const char *key;
    json_t *value;
    size_t n = 0;

    json_object_foreach(object, key, value) {
        n += json_is_object(value) ? count_settings(value) : 1;
    }
    return n;
}

static kp_status fill_setting(struct kpi_reader *r, const json_t *value,
                              struct kpi_setting *setting)
{
    char digits[24];
    const char *text = json_string_value(value);

    if (json_is_boolean(value)) {
        setting->type = KP_SETTING_BOOLEAN;
        text = json_is_true(value) ? "true" : "false";
    } else if (json_is_integer(value)) {
        setting->type = KP_SETTING_INTEGER;
        (void)snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(value));
        text = digits;
    } else if (json_is_string(value)) {
        setting->type = KP_SETTING_TEXT;
    } else {
        return kpi_reader_refuse_kind(r, "text, a whole number, true or false", value);
    }
    setting->text = kpb_strdup_span("config.setting", kpb_span_str(text));
    return setting->text ? KP_OK : kpi_reader_fail_memory(r);
}

static kp_status add_setting(struct kpi_reader *r, struct scope *s, const json_t *value)
{
    struct kpi_vault_config *vault = s->target;
    struct kpi_setting *setting = &vault->settings[vault->n_settings];
    kp_span name = kpb_span(r->path + s->start, r->len - s->start);

    if (name.len > KPI_SETTING_NAME_MAX_LEN)
        return kpi_reader_refuse(r, "the name has more than %u bytes", KPI_SETTING_NAME_MAX_LEN);
    setting->name = kpb_strdup_span("config.setting", name);
    if (!setting->name)
        return kpi_reader_fail_memory(r);
    vault->n_settings++; /* from now on clear frees it */
    return fill_setting(r, value, setting);
}

static kp_status add_settings(struct kpi_reader *r, struct scope *s, json_t *object)
{
    const char *key;
    json_t *value;
    kp_status st = KP_OK;

    json_object_foreach(object, key, value) {
        size_t before = kpi_reader_enter(r, key);

        if (key[0] == '\0' || strchr(key, '.'))
            st =
                kpi_reader_refuse(r, "a name has letters and no dot; write nested objects instead");
        else if (json_is_object(value))
            st = add_settings(r, s, value);
        else
            st = add_setting(r, s, value);
        kpi_reader_leave(r, before);
        if (st != KP_OK)
            return st;
    }
    return KP_OK;
}

static kp_status read_settings(struct kpi_reader *r, json_t *value, struct kpi_vault_config *vault)
{
    struct scope s = {NULL, vault, r->len + 1};

    if (!json_is_object(value))
        return kpi_reader_refuse_kind(r, "an object", value);
    vault->settings =
        kpb_alloc_array("config.settings", count_settings(value), sizeof *vault->settings);
    if (!vault->settings)
        return kpi_reader_fail_memory(r);
    return add_settings(r, &s, value);
}

/* ---- Members by table ---- */

static kp_status read_field(struct kpi_reader *r, struct scope *s, const struct kpi_field *f,
                            json_t *value)
{
    void *at = (char *)s->target + f->offset;

    switch (f->kind) {
    case KPI_FIELD_LIMIT:
        return kpi_read_limit(r, f, value, at);
    case KPI_FIELD_BOOLEAN:
        return kpi_read_flag(r, value, at);
    case KPI_FIELD_TEXT:
        return kpi_read_text(r, f, value, at);
    case KPI_FIELD_TEXTS:
        return kpi_read_texts(r, f, value, at);
    case KPI_FIELD_CHOICE:
        return kpi_read_choice(r, f, value, at);
    case KPI_FIELD_SECRET:
        return kpi_read_secret(r, value, at);
    case KPI_FIELD_SETTINGS:
        return read_settings(r, value, s->target);
    case KPI_FIELD_PIN:
        return kpi_read_pin(r, value, at);
    case KPI_FIELD_VAULTS: /* read last: they build on "defaults" */
    case KPI_FIELD_PLUGINS:
        return KP_OK;
    }
    return kpb_fail(r->err, KP_INTERNAL, "%s: a table has no reader for it", r->path);
}

static kp_status read_members(struct kpi_reader *r, struct scope *s, json_t *object);

static kp_status read_member(struct kpi_reader *r, struct scope *s, const char *key, json_t *value)
{
    const char *path = r->path + s->start;
    bool is_plain = !strchr(key, '.');
    const struct kpi_field *f = is_plain ? kpi_field_find(s->fields, path) : NULL;
    struct kpi_guess guess;

    if (f)
        return read_field(r, s, f, value);
    if (is_plain && kpi_field_is_group(s->fields, path))
        return read_members(r, s, value);
    kpi_guess_init(&guess, key);
    kpi_guess_offer_fields(&guess, s->fields, path);
    return kpi_reader_refuse_unknown(r, &guess);
}

static kp_status read_members(struct kpi_reader *r, struct scope *s, json_t *object)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return kpi_reader_refuse_kind(r, "an object", object);
    json_object_foreach(object, key, value) {
        size_t before = kpi_reader_enter(r, key);
        kp_status st = read_member(r, s, key, value);

        kpi_reader_leave(r, before);
        if (st != KP_OK)
            return st;
    }
    return KP_OK;
}

/* ---- Vaults ---- */

static bool is_vault_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(name);

    return len > 0 && len <= KPI_VAULT_NAME_MAX_LEN && strspn(name, allowed) == len &&
           !strchr("._-", name[0]);
}

static kp_status check_order(struct kpi_reader *r, const char *low_name, uint32_t low,
                             const char *high_name, uint32_t high)
{
    size_t before = kpi_reader_enter(r, low_name);
    kp_status st =
        low <= high ? KP_OK : kpi_reader_refuse(r, "%u is above %s, %u", low, high_name, high);

    kpi_reader_leave(r, before);
    return st;
}

static kp_status check_limits(struct kpi_reader *r, const struct kpi_vault_limits *l)
{
    kp_status st = check_order(r, "retry.base_ms", l->retry_base_ms, "cap_ms", l->retry_cap_ms);

    if (st != KP_OK)
        return st;
    return check_order(r, "breaker.open_ms", l->breaker_open_ms, "open_max_ms",
                       l->breaker_open_max_ms);
}

static kp_status read_vault(struct kpi_reader *r, const char *name, json_t *value)
{
    struct kpi_vault_config *vault = &r->config->vaults[r->config->n_vaults];
    struct scope s = {&kpi_vault_fields, vault, r->len + 1};
    kp_status st;

    if (!is_vault_name(name))
        return kpi_reader_refuse(r,
                                 "a vault's name has 1 to %u letters, digits, hyphens, dots and "
                                 "underscores and begins with a letter or digit",
                                 KPI_VAULT_NAME_MAX_LEN);
    if (kpi_vault_config_init(vault, r->config, kpb_span_str(name), kpb_span(NULL, 0)) != KP_OK)
        return kpi_reader_fail_memory(r);
    r->config->n_vaults++; /* from now on clear frees it */
    st = read_members(r, &s, value);
    if (st != KP_OK)
        return st;
    if (vault->location[0] == '\0')
        return kpi_reader_refuse(r, "location is missing");
    return check_limits(r, &vault->limits);
}

static kp_status read_vaults(struct kpi_reader *r, json_t *object)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return kpi_reader_refuse_kind(r, "an object", object);
    r->config->vaults =
        kpb_alloc_array("config.vaults", json_object_size(object), sizeof *r->config->vaults);
    if (!r->config->vaults)
        return kpi_reader_fail_memory(r);
    json_object_foreach(object, key, value) {
        size_t before = kpi_reader_enter(r, key);
        kp_status st = read_vault(r, key, value);

        kpi_reader_leave(r, before);
        if (st != KP_OK)
            return st;
    }
    return KP_OK;
}

/* ---- Plugins ---- */

static kp_status read_plugin(struct kpi_reader *r, json_t *value)
{
    struct kpi_plugin_config *plugin = &r->config->plugins[r->config->n_plugins++];
    struct scope s = {&kpi_plugin_fields, plugin, r->len + 1};
    kp_status st = read_members(r, &s, value);

    if (st != KP_OK)
        return st;
    if (!plugin->path == !plugin->name)
        return kpi_reader_refuse(r, "expected exactly one of path and name");
    if (plugin->name && strpbrk(plugin->name, "/\\:"))
        return kpi_reader_refuse(r, "a name is not a path");
    return KP_OK;
}

static kp_status read_plugins(struct kpi_reader *r, json_t *list)
{
    json_t *value;
    size_t i;

    if (!json_is_array(list))
        return kpi_reader_refuse_kind(r, "a list", list);
    r->config->plugins =
        kpb_alloc_array("config.plugins", json_array_size(list), sizeof *r->config->plugins);
    if (!r->config->plugins)
        return kpi_reader_fail_memory(r);
    json_array_foreach(list, i, value) {
        size_t before = kpi_reader_enter_item(r, i);
        kp_status st = read_plugin(r, value);

        kpi_reader_leave(r, before);
        if (st != KP_OK)
            return st;
    }
    return KP_OK;
}

/* ---- The whole ---- */

typedef kp_status read_fn(struct kpi_reader *r, json_t *value);

static kp_status read_if_there(struct kpi_reader *r, json_t *root, const char *name, read_fn *read)
{
    json_t *value = json_object_get(root, name);
    size_t before;
    kp_status st;

    if (!value)
        return KP_OK;
    before = kpi_reader_enter(r, name);
    st = read(r, value);
    kpi_reader_leave(r, before);
    return st;
}

static kp_status check_defaults(struct kpi_reader *r)
{
    size_t before = kpi_reader_enter(r, "defaults");
    kp_status st = check_limits(r, &r->config->defaults);

    kpi_reader_leave(r, before);
    return st;
}

static kp_status check_log_levels(struct kpi_reader *r)
{
    uint32_t levels[KPI_LOG_MODULES];
    kp_status st = KP_OK;

    if (r->config->log_levels)
        st = kpi_log_levels_parse(r->config->log_levels, levels, r->err);
    if (st != KP_OK)
        kpb_error_prefix(r->err, "log.levels");
    return st;
}

/* Wrapping for the one key type SQL Server gets from a provider. */
static bool is_rsa_algorithm(const char *text)
{
    return kp_alg_family_of(kp_alg_from_text(kpb_span_str(text))) == KP_FAMILY_RSA_CRYPT;
}

static kp_status check_wrap_algorithm(struct kpi_reader *r, const char *text)
{
    if (!text || (is_rsa_algorithm(text) && strcmp(text, "RSA1_5") != 0))
        return KP_OK;
    return kpb_fail(r->err, KP_CONFIG, "ekm.wrap_algorithm: expected RSA-OAEP-256 or RSA-OAEP");
}

static kp_status check_ekm(struct kpi_reader *r)
{
    const struct kpi_ekm_config *ekm = &r->config->ekm;

    for (size_t i = 0; i < ekm->decrypt_algorithms.n; i++) {
        if (!is_rsa_algorithm(ekm->decrypt_algorithms.at[i]))
            return kpb_fail(r->err, KP_CONFIG,
                            "ekm.decrypt_algorithms[%zu]: expected RSA-OAEP-256, RSA-OAEP or "
                            "RSA1_5",
                            i);
    }
    return check_wrap_algorithm(r, ekm->wrap_algorithm);
}

static kp_status read_root(struct kpi_reader *r, json_t *root)
{
    struct scope s = {&kpi_config_fields, r->config, 0};
    kp_status st = read_members(r, &s, root);

    if (st == KP_OK)
        st = check_log_levels(r);
    if (st == KP_OK)
        st = check_defaults(r);
    if (st == KP_OK)
        st = check_ekm(r);
    if (st == KP_OK)
        st = read_if_there(r, root, "plugins", read_plugins);
    if (st == KP_OK)
        st = read_if_there(r, root, "vaults", read_vaults);
    return st;
}

kp_status kpi_config_parse(kp_span text, struct kpi_config *ret_config, struct kp_error *reterr)
{
    struct kpi_config config;
    struct kpi_reader r = {.config = &config, .err = reterr};
    json_t *root = NULL;
    kp_status st = kpi_json_read(text, &root, reterr);

    if (st != KP_OK)
        return st;
    kpi_config_init(&config);
    st = read_root(&r, root);
    kpi_json_release(root);
    if (st == KP_OK)
        *ret_config = config; /* moved to the caller */
    else
        kpi_config_clear(&config);
    return st;
}
