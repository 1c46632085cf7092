/* Whether one configuration may take another's place while the provider runs. */
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "core/config.h"
#include "core/config_fields.h"

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_secret(const struct kpi_secret_ref *a, const struct kpi_secret_ref *b)
{
    return a->kind == b->kind && same_text(a->source, b->source) &&
           kpb_span_eq_secret(kp_buf_view(&a->literal), kp_buf_view(&b->literal));
}

static bool same_pin(const struct kpi_pin *a, const struct kpi_pin *b)
{
    return a->is_set == b->is_set && memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0;
}

static bool same_plugin(const struct kpi_plugin_config *a, const struct kpi_plugin_config *b)
{
    return same_text(a->path, b->path) && same_text(a->name, b->name) &&
           same_pin(&a->file, &b->file) && same_pin(&a->signer, &b->signer);
}

static bool same_plugins(const struct kpi_config *a, const struct kpi_config *b)
{
    if (a->n_plugins != b->n_plugins)
        return false;
    for (size_t i = 0; i < a->n_plugins; i++) {
        if (!same_plugin(&a->plugins[i], &b->plugins[i]))
            return false;
    }
    return true;
}

/* Whether b has the setting just as a has it, or the plugin does not mind. */
static bool is_kept(const struct kpi_setting *setting, const struct kpi_vault_config *b)
{
    if (setting->reloadable)
        return true;
    for (size_t i = 0; i < b->n_settings; i++) {
        const struct kpi_setting *other = &b->settings[i];

        if (strcmp(setting->name, other->name) == 0)
            return setting->type == other->type && same_text(setting->text, other->text) &&
                   same_secret(&setting->secret, &other->secret);
    }
    return false;
}

static bool are_kept(const struct kpi_vault_config *a, const struct kpi_vault_config *b)
{
    for (size_t i = 0; i < a->n_settings; i++) {
        if (!is_kept(&a->settings[i], b))
            return false;
    }
    return true;
}

static bool same_settings(const struct kpi_vault_config *a, const struct kpi_vault_config *b)
{
    return are_kept(a, b) && are_kept(b, a);
}

static bool same_texts(const struct kpi_texts *a, const struct kpi_texts *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (!same_text(a->at[i], b->at[i]))
            return false;
    }
    return true;
}

static bool same_field(const struct kpi_field *f, const void *a, const void *b)
{
    const void *in_a = (const char *)a + f->offset;
    const void *in_b = (const char *)b + f->offset;

    switch (f->kind) {
    case KPI_FIELD_LIMIT:
        return *(const uint32_t *)in_a == *(const uint32_t *)in_b;
    case KPI_FIELD_BOOLEAN:
    case KPI_FIELD_CHOICE:
        return *(const bool *)in_a == *(const bool *)in_b;
    case KPI_FIELD_TEXT:
        return same_text(*(char *const *)in_a, *(char *const *)in_b);
    case KPI_FIELD_TEXTS:
        return same_texts(in_a, in_b);
    case KPI_FIELD_SECRET:
        return same_secret(in_a, in_b);
    case KPI_FIELD_SETTINGS:
        return same_settings(a, b);
    case KPI_FIELD_PLUGINS:
        return same_plugins(a, b);
    case KPI_FIELD_PIN: /* part of a plugin */
    case KPI_FIELD_VAULTS:
        return true;
    }
    return false;
}

/* The first field that differs and must not, or NULL. */
static const struct kpi_field *find_change(const struct kpi_fields *fields, const void *a,
                                           const void *b)
{
    for (size_t i = 0; i < fields->n; i++) {
        if (!fields->at[i].reloadable && !same_field(&fields->at[i], a, b))
            return &fields->at[i];
    }
    return NULL;
}

static kp_status check_vault(const struct kpi_vault_config *a, const struct kpi_config *next,
                             struct kp_error *reterr)
{
    const struct kpi_vault_config *b = kpi_config_find_vault(next, kpb_span_str(a->name));
    const struct kpi_field *f = b ? find_change(&kpi_vault_fields, a, b) : NULL;

    if (!f)
        return KP_OK;
    return kpb_fail(reterr, KP_CONFIG, "vaults.%s.%s cannot change while running; restart for it",
                    a->name, f->path);
}

kp_status kpi_config_check_reload(const struct kpi_config *running, const struct kpi_config *next,
                                  struct kp_error *reterr)
{
    const struct kpi_field *f = find_change(&kpi_config_fields, running, next);
    kp_status st = KP_OK;

    if (f)
        return kpb_fail(reterr, KP_CONFIG, "%s cannot change while running; restart for it",
                        f->path);
    for (size_t i = 0; i < running->n_vaults && st == KP_OK; i++)
        st = check_vault(&running->vaults[i], next, reterr);
    return st;
}
