#include "tools/kp-emulator/settings.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/app_certificate.h"
#include "tools/kp-emulator/guid.h"

/* ---- Members of known kinds ---- */

static kp_status check_members(const json_t *object, const char *what, const char *const *known,
                               struct kp_error *reterr)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object))
        return kpb_fail(reterr, KP_CONFIG, "%s must be an object", what);
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], name) != 0)
            i++;
        if (!known[i])
            return kpb_fail(reterr, KP_CONFIG, "%s has no member '%.40s'", what, name);
    }
    return KP_OK;
}

static kp_status read_text(const json_t *object, const char *name, const char *fallback,
                           const char **ret, struct kp_error *reterr)
{
    const json_t *value = json_object_get(object, name);
    if (value && !json_is_string(value))
        return kpb_fail(reterr, KP_CONFIG, "%s must be a string", name);
    *ret = value ? json_string_value(value) : fallback;
    return KP_OK;
}

static kp_status read_number(const json_t *object, const char *name, int64_t min, int64_t max,
                             int64_t *value, struct kp_error *reterr)
{
    const json_t *member = json_object_get(object, name);
    if (!member)
        return KP_OK;
    int64_t number = json_is_integer(member) ? (int64_t)json_integer_value(member) : min - 1;
    if (number < min || number > max)
        return kpb_fail(reterr, KP_CONFIG, "%s must be a number from %lld to %lld", name,
                        (long long)min, (long long)max);
    *value = number;
    return KP_OK;
}

static kp_status read_flag(const json_t *object, const char *name, bool *value,
                           struct kp_error *reterr)
{
    const json_t *member = json_object_get(object, name);
    if (member && !json_is_boolean(member))
        return kpb_fail(reterr, KP_CONFIG, "%s must be true or false", name);
    if (member)
        *value = json_is_true(member);
    return KP_OK;
}

static kp_status read_texts(const json_t *object, const char *name, const json_t **ret,
                            struct kp_error *reterr)
{
    *ret = json_object_get(object, name);
    bool ok = !*ret || json_is_array(*ret);
    for (size_t i = 0; ok && i < json_array_size(*ret); i++)
        ok = json_is_string(json_array_get(*ret, i));
    return ok ? KP_OK : kpb_fail(reterr, KP_CONFIG, "%s must be a list of strings", name);
}

/* ---- Applications ---- */

static kp_status read_certificates(const json_t *object, struct emu_app *app,
                                   struct kp_error *reterr)
{
    const json_t *paths;
    kp_status st = read_texts(object, "certificates", &paths, reterr);
    if (st == KP_OK && json_array_size(paths) > EMU_CERTIFICATES_MAX)
        st = kpb_fail(reterr, KP_CONFIG, "an application has at most %u certificates",
                      EMU_CERTIFICATES_MAX);
    for (size_t i = 0; st == KP_OK && i < json_array_size(paths); i++) {
        st = emu_app_certificate_read(json_string_value(json_array_get(paths, i)),
                                      &app->certificates[i], reterr);
        if (st == KP_OK)
            app->n_certificates++;
    }
    return st;
}

static kp_status read_permissions(const json_t *object, struct emu_app *app,
                                  struct kp_error *reterr)
{
    app->permissions = json_object_get(object, "permissions");
    if (!app->permissions || json_is_array(app->permissions) || json_is_object(app->permissions))
        return KP_OK;
    return kpb_fail(reterr, KP_CONFIG,
                    "permissions must be a list of names, or an object of lists by vault");
}

static kp_status read_app(const json_t *object, struct emu_app *app, struct kp_error *reterr)
{
    static const char *const KNOWN[] = {
        "client_id",   "object_id",       "secrets",       "expired_secrets", "certificates",
        "permissions", "system_identity", "user_identity", "federated",       NULL};
    kp_status st = check_members(object, "an application", KNOWN, reterr);
    if (st == KP_OK)
        st = read_text(object, "client_id", NULL, &app->client_id, reterr);
    if (st == KP_OK && !app->client_id)
        st = kpb_fail(reterr, KP_CONFIG, "an application has no client_id");
    if (st == KP_OK)
        st = read_text(object, "object_id", app->client_id, &app->object_id, reterr);
    if (st == KP_OK)
        st = read_texts(object, "secrets", &app->secrets, reterr);
    if (st == KP_OK)
        st = read_texts(object, "expired_secrets", &app->old_secrets, reterr);
    if (st == KP_OK)
        st = read_texts(object, "federated", &app->federated, reterr);
    if (st == KP_OK)
        st = read_flag(object, "system_identity", &app->is_system_identity, reterr);
    if (st == KP_OK)
        st = read_flag(object, "user_identity", &app->is_user_identity, reterr);
    if (st == KP_OK)
        st = read_permissions(object, app, reterr);
    return st == KP_OK ? read_certificates(object, app, reterr) : st;
}

static kp_status read_apps(struct emu_settings *s, struct kp_error *reterr)
{
    const json_t *apps = json_object_get(s->root, "apps");
    kp_status st = KP_OK;
    if (!json_is_array(apps) || json_array_size(apps) > EMU_APPS_MAX)
        return kpb_fail(reterr, KP_CONFIG, "apps must be a list of at most %u applications",
                        EMU_APPS_MAX);
    for (size_t i = 0; st == KP_OK && i < json_array_size(apps); i++) {
        s->n_apps++; /* before it is read: its certificates are freed in any case */
        st = read_app(json_array_get(apps, i), &s->apps[i], reterr);
        if (st != KP_OK)
            kpb_error_prefix(reterr, "apps[%zu]", i);
    }
    return st;
}

/* ---- Vaults ---- */

/* The name becomes a folder and a DNS label. */
static bool is_vault_name(kp_span name)
{
    return name.len > 0 && name.len < EMU_NAME_MAX_LEN && kpb_is_key_name(name);
}

static kp_status read_name_and_mode(const json_t *object, struct emu_vault_settings *v,
                                    struct kp_error *reterr)
{
    kp_span name = emu_json_member(object, "name");
    kp_span mode = emu_json_member(object, "mode");
    if (!is_vault_name(name))
        return kpb_fail(reterr, KP_CONFIG, "name must be letters, digits and hyphens");
    memcpy(v->name, name.ptr, name.len);
    v->mode = kpb_span_eq_str(mode, "hsm") ? EMU_HSM : EMU_VAULT;
    if (v->mode == EMU_VAULT && mode.len > 0 && !kpb_span_eq_str(mode, "vault"))
        return kpb_fail(reterr, KP_CONFIG, "mode must be vault or hsm");
    return KP_OK;
}

static kp_status read_authorization(const json_t *object, struct emu_vault_settings *v,
                                    struct kp_error *reterr)
{
    const char *text = "rbac";
    kp_status st = read_text(object, "authorization", "rbac", &text, reterr);
    if (st != KP_OK)
        return st;
    v->is_rbac = strcmp(text, "rbac") == 0;
    if (!v->is_rbac && strcmp(text, "policy") != 0)
        return kpb_fail(reterr, KP_CONFIG, "authorization must be rbac or policy");
    return KP_OK;
}

static kp_status read_vault(const json_t *object, struct emu_vault_settings *v,
                            struct kp_error *reterr)
{
    static const char *const KNOWN[] = {"name",
                                        "mode",
                                        "hosts",
                                        "domain",
                                        "authorization",
                                        "purge_protection",
                                        "retention_days",
                                        "delete_delay_s",
                                        "firewall",
                                        "latency_percent",
                                        NULL};
    kp_status st = check_members(object, "a vault", KNOWN, reterr);
    if (st == KP_OK)
        st = read_name_and_mode(object, v, reterr);
    if (st != KP_OK)
        return st;
    v->retention_days = 90;
    v->delete_delay_s = 0;
    v->latency_percent = 0;
    st = read_authorization(object, v, reterr);
    if (st == KP_OK)
        st = read_texts(object, "hosts", &v->hosts, reterr);
    if (st == KP_OK)
        st = read_text(object, "domain", "default", &v->domain, reterr);
    if (st == KP_OK)
        st = read_flag(object, "purge_protection", &v->purge_protection, reterr);
    if (st == KP_OK)
        st = read_flag(object, "firewall", &v->blocks_clients, reterr);
    if (st == KP_OK)
        st = read_number(object, "retention_days", 7, 90, &v->retention_days, reterr);
    if (st == KP_OK)
        st = read_number(object, "delete_delay_s", 0, 3600, &v->delete_delay_s, reterr);
    if (st == KP_OK)
        st = read_number(object, "latency_percent", 0, 10000, &v->latency_percent, reterr);
    if (st == KP_OK && !is_vault_name(kpb_span_str(v->domain)))
        st = kpb_fail(reterr, KP_CONFIG, "domain must be letters, digits and hyphens");
    return st;
}

static bool is_taken(const struct emu_settings *s, const char *name)
{
    for (size_t i = 0; i < s->n_vaults; i++) {
        if (kpb_span_eq_nocase(kpb_span_str(s->vaults[i].name), kpb_span_str(name)))
            return true;
    }
    return false;
}

static kp_status read_vaults(struct emu_settings *s, struct kp_error *reterr)
{
    const json_t *vaults = json_object_get(s->root, "vaults");
    kp_status st = KP_OK;
    if (!json_is_array(vaults) || json_array_size(vaults) > EMU_VAULTS_MAX)
        return kpb_fail(reterr, KP_CONFIG, "vaults must be a list of at most %u vaults",
                        EMU_VAULTS_MAX);
    for (size_t i = 0; st == KP_OK && i < json_array_size(vaults); i++) {
        struct emu_vault_settings *v = &s->vaults[i];
        st = read_vault(json_array_get(vaults, i), v, reterr);
        if (st == KP_OK && is_taken(s, v->name))
            st = kpb_fail(reterr, KP_CONFIG, "name %s is taken", v->name);
        if (st != KP_OK)
            kpb_error_prefix(reterr, "vaults[%zu]", i);
        s->n_vaults += st == KP_OK;
    }
    return st;
}

/* ---- All of it ---- */

static kp_status read_root(struct emu_settings *s, struct kp_error *reterr)
{
    static const char *const KNOWN[] = {"tenant",      "token_lifetime_s", "throttle_percent",
                                        "retry_after", "challenge",        "empty_pages",
                                        "apps",        "vaults",           NULL};
    kp_status st = check_members(s->root, "the file", KNOWN, reterr);
    s->token_lifetime_s = EMU_TOKEN_LIFETIME_S;
    if (st == KP_OK)
        st = read_text(s->root, "tenant", NULL, &s->tenant, reterr);
    if (st == KP_OK && (!s->tenant || !emu_guid_is(kpb_span_str(s->tenant))))
        st = kpb_fail(reterr, KP_CONFIG, "tenant must be a guid");
    if (st == KP_OK)
        st = read_text(s->root, "challenge", "resource", &s->challenge, reterr);
    if (st == KP_OK)
        st = read_number(s->root, "token_lifetime_s", 1, 86400, &s->token_lifetime_s, reterr);
    if (st == KP_OK)
        st = read_number(s->root, "throttle_percent", 0, 100000, &s->throttle_percent, reterr);
    if (st == KP_OK)
        st = read_flag(s->root, "retry_after", &s->sends_retry_after, reterr);
    if (st == KP_OK)
        st = read_flag(s->root, "empty_pages", &s->empty_pages, reterr);
    return st;
}

kp_status emu_settings_read(json_t *root, struct emu_settings *ret, struct kp_error *reterr)
{
    memset(ret, 0, sizeof *ret);
    ret->root = root;
    kp_status st = read_root(ret, reterr);
    if (st == KP_OK)
        st = read_apps(ret, reterr);
    if (st == KP_OK)
        st = read_vaults(ret, reterr);
    if (st != KP_OK)
        emu_settings_clear(ret);
    return st;
}

void emu_settings_clear(struct emu_settings *settings)
{
    for (size_t i = 0; i < settings->n_apps; i++) {
        for (size_t k = 0; k < settings->apps[i].n_certificates; k++)
            kpc_key_release(settings->apps[i].certificates[k].key);
    }
    json_decref(settings->root);
    memset(settings, 0, sizeof *settings);
}

const struct emu_app *emu_settings_app(const struct emu_settings *settings, kp_span client_id)
{
    for (size_t i = 0; i < settings->n_apps; i++) {
        if (kpb_span_eq_nocase(client_id, kpb_span_str(settings->apps[i].client_id)))
            return &settings->apps[i];
    }
    return NULL;
}

bool emu_app_may(const struct emu_app *app, const char *vault, const char *permission)
{
    const json_t *list = app->permissions;
    if (!list)
        return true;
    if (json_is_object(list))
        list = json_object_get(list, vault);
    for (size_t i = 0; i < json_array_size(list); i++) {
        kp_span name = emu_json_text(json_array_get(list, i));
        if (kpb_span_eq_nocase(name, kpb_span_str(permission)) || kpb_span_eq_str(name, "all"))
            return true;
    }
    return false;
}
