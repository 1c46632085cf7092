#include "core/config.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/trust.h"

/* ---- Clearing ---- */

static void free_texts(struct kpi_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++)
        kpb_free(texts->at[i]);
    kpb_free(texts->at);
    memset(texts, 0, sizeof *texts);
}

static void clear_secret(struct kpi_secret_ref *ref)
{
    kpb_free(ref->source);
    kp_buf_clear(&ref->literal);
    memset(ref, 0, sizeof *ref);
}

void kpi_settings_free(struct kpi_setting *settings, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        kpb_free(settings[i].name);
        kpb_free(settings[i].text);
        clear_secret(&settings[i].secret);
    }
    kpb_free(settings);
}

void kpi_vault_config_clear(struct kpi_vault_config *vault)
{
    if (!vault)
        return;
    kpb_free(vault->name);
    kpb_free(vault->plugin);
    kpb_free(vault->location);
    kpb_free(vault->identity);
    clear_secret(&vault->secret);
    clear_secret(&vault->access_secret);
    kpi_settings_free(vault->settings, vault->n_settings);
    memset(vault, 0, sizeof *vault);
}

static void free_plugins(struct kpi_plugin_config *plugins, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        kpb_free(plugins[i].path);
        kpb_free(plugins[i].name);
    }
    kpb_free(plugins);
}

void kpi_config_init(struct kpi_config *config)
{
    memset(config, 0, sizeof *config);
    kpi_provider_limits_init(&config->provider);
    kpi_vault_limits_init(&config->defaults);
    kpi_ekm_limits_init(&config->ekm.limits);
}

static void clear_ekm(struct kpi_ekm_config *ekm)
{
    free_texts(&ekm->allow);
    free_texts(&ekm->decrypt_algorithms);
    free_texts(&ekm->key_names);
    kpb_free(ekm->managed_identity_vault);
    kpb_free(ekm->wrap_algorithm);
    kpb_free(ekm->key_map);
    kpb_free(ekm->log_file);
}

void kpi_config_clear(struct kpi_config *config)
{
    if (!config)
        return;
    kpb_free(config->path);
    kpb_free(config->plugin_dir);
    kpb_free(config->log_levels);
    kpb_free(config->http_proxy);
    kpb_free(config->http_no_proxy);
    kpb_free(config->http_ca_file);
    kpb_free(config->http_crl_file);
    kpb_free(config->http_cleartext_hosts);
    for (size_t i = 0; i < config->n_vaults; i++)
        kpi_vault_config_clear(&config->vaults[i]);
    kpb_free(config->vaults);
    free_plugins(config->plugins, config->n_plugins);
    clear_ekm(&config->ekm);
    kpi_config_init(config);
}

/* ---- Vaults ---- */

static kp_status settle(struct kpi_vault_config *vault, bool complete)
{
    if (complete)
        return KP_OK;
    kpi_vault_config_clear(vault);
    return KP_NO_MEMORY;
}

kp_status kpi_vault_config_init(struct kpi_vault_config *vault, const struct kpi_config *config,
                                kp_span name, kp_span location)
{
    kp_span none = kpb_span(NULL, 0);

    memset(vault, 0, sizeof *vault);
    vault->limits = config->defaults;
    vault->name = kpb_strdup_span("config.vault", name);
    vault->plugin = kpb_strdup_span("config.vault", none);
    vault->location = kpb_strdup_span("config.vault", location);
    vault->identity = kpb_strdup_span("config.vault", none);
    return settle(vault, vault->name && vault->plugin && vault->location && vault->identity);
}

/* True, with *ret_copy NULL, for no text. */
static bool copy_text(const char *text, char **ret_copy)
{
    *ret_copy = text ? kpb_strdup_span("config.vault", kpb_span_str(text)) : NULL;
    return !text || *ret_copy;
}

static bool copy_secret(const struct kpi_secret_ref *ref, struct kpi_secret_ref *ret_copy)
{
    ret_copy->kind = ref->kind;
    kp_buf_init_secret(&ret_copy->literal, "config.secret", KPI_SECRET_MAX_LEN);
    return copy_text(ref->source, &ret_copy->source) &&
           kp_buf_append(&ret_copy->literal, kp_buf_view(&ref->literal)) == KP_OK;
}

static bool copy_setting(const struct kpi_setting *setting, struct kpi_setting *ret_copy)
{
    ret_copy->type = setting->type;
    ret_copy->reloadable = setting->reloadable;
    ret_copy->trusted_file = setting->trusted_file;
    return copy_text(setting->name, &ret_copy->name) && copy_text(setting->text, &ret_copy->text) &&
           copy_secret(&setting->secret, &ret_copy->secret);
}

static bool copy_settings(const struct kpi_vault_config *vault, struct kpi_vault_config *copy)
{
    copy->settings = kpb_alloc_array("config.settings", vault->n_settings, sizeof *copy->settings);
    if (!copy->settings)
        return false;
    while (copy->n_settings < vault->n_settings) {
        size_t i = copy->n_settings++; /* counted first: also half of one is to be freed */

        if (!copy_setting(&vault->settings[i], &copy->settings[i]))
            return false;
    }
    return true;
}

kp_status kpi_vault_config_copy(const struct kpi_vault_config *vault,
                                struct kpi_vault_config *ret_copy)
{
    struct kpi_vault_config copy = {.may_create = vault->may_create,
                                    .settings_checked = vault->settings_checked,
                                    .limits = vault->limits};
    bool complete =
        copy_text(vault->name, &copy.name) && copy_text(vault->plugin, &copy.plugin) &&
        copy_text(vault->location, &copy.location) && copy_text(vault->identity, &copy.identity) &&
        copy_secret(&vault->secret, &copy.secret) &&
        copy_secret(&vault->access_secret, &copy.access_secret) && copy_settings(vault, &copy);
    kp_status st = settle(&copy, complete);

    if (st == KP_OK)
        *ret_copy = copy; /* moved to the caller */
    return st;
}

const struct kpi_vault_config *kpi_config_find_vault(const struct kpi_config *config, kp_span name)
{
    for (size_t i = 0; i < config->n_vaults; i++) {
        if (kpb_span_eq_str(name, config->vaults[i].name))
            return &config->vaults[i];
    }
    return NULL;
}

/* ---- Loading ---- */

static kp_status parse_file(const char *path, kp_buf *text, struct kpi_config *config,
                            struct kp_error *reterr)
{
    kp_status st = kpi_trust_read(path, text, reterr);

    if (st != KP_OK)
        return st == KP_NOT_FOUND ? kpb_fail(reterr, KP_CONFIG, "%s: there is no such file", path)
                                  : st;
    st = kpi_config_parse(kp_buf_view(text), config, reterr);
    if (st == KP_CONFIG)
        kpb_error_prefix(reterr, "%s", path);
    return st;
}

/* The text goes through secret memory, for inline secrets may stand in it. */
static kp_status load_file(const char *path, struct kpi_config *ret_config, struct kp_error *reterr)
{
    struct kpi_config config;
    kp_buf text;
    kp_status st;

    kp_buf_init_secret(&text, "config.text", KPI_CONFIG_MAX_LEN);
    st = parse_file(path, &text, &config, reterr);
    kp_buf_clear(&text);
    if (st != KP_OK)
        return st;
    config.path = kpb_strdup_span("config.path", kpb_span_str(path));
    if (!config.path) {
        kpi_config_clear(&config);
        return kpb_fail_memory(reterr, "config.path");
    }
    *ret_config = config; /* moved to the caller */
    return KP_OK;
}

kp_status kpi_config_load(const struct kp_options *options, struct kpi_config *ret_config,
                          struct kp_error *reterr)
{
    const char *path = options ? options->config_path : NULL;
    const char *text = options ? options->config_text : NULL;

    if (path && text)
        return kpb_fail(reterr, KP_USAGE, "config_path and config_text exclude each other");
    if (path)
        return load_file(path, ret_config, reterr);
    if (text)
        return kpi_config_parse(kpb_span_str(text), ret_config, reterr);
    kpi_config_init(ret_config);
    return KP_OK;
}
