#include "tools/kp-emulator/environment.h"

#include <stdio.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/hosts.h"
#include "tools/kp-emulator/proxy.h"

#define TEXT_MAX_LEN 2048u

struct writer {
    struct emu *emu;
    void (*each)(void *ctx, const char *name, const char *value);
    void *ctx;
};

static void put(const struct writer *w, const char *name, const char *value)
{
    w->each(w->ctx, name, value);
}

/* %u in format is the port of the role. */
static void put_url(const struct writer *w, const char *name, const char *scheme,
                    enum emu_role role, const char *path)
{
    char text[TEXT_MAX_LEN];
    (void)snprintf(text, sizeof text, "%s://localhost:%u%s", scheme, w->emu->listeners[role].port,
                   path);
    put(w, name, text);
}

static void put_proxy(const struct writer *w)
{
    char text[TEXT_MAX_LEN];
    (void)snprintf(text, sizeof text, "http://localhost:%u", emu_proxy_port(w->emu->proxy));
    put(w, "KP_EMULATOR_PROXY", text);
}

static void put_path(const struct writer *w, const char *name, const char *file)
{
    char text[TEXT_MAX_LEN];
    (void)snprintf(text, sizeof text, "%s/%s", w->emu->folder, file);
    put(w, name, text);
}

/* The first application with a secret, or NULL. */
static const struct emu_app *application(const struct emu *emu)
{
    for (size_t i = 0; i < emu->settings.n_apps; i++) {
        if (json_array_size(emu->settings.apps[i].secrets) > 0)
            return &emu->settings.apps[i];
    }
    return NULL;
}

static void put_application(const struct writer *w)
{
    const struct emu_app *app = application(w->emu);
    if (!app)
        return;
    put(w, "AZURE_CLIENT_ID", app->client_id);
    put(w, "AZURE_CLIENT_SECRET", json_string_value(json_array_get(app->secrets, 0)));
}

static void put_identities(const struct writer *w)
{
    char thumbprint[41];
    kpb_hex_encode(kpb_span(w->emu->tls_sha1, sizeof w->emu->tls_sha1), thumbprint);
    put_url(w, "KP_EMULATOR_IMDS", "http", EMU_ROLE_METADATA, "");
    put_url(w, "KP_EMULATOR_ARC_ENDPOINT", "http", EMU_ROLE_METADATA,
            "/metadata/identity/oauth2/token");
    put(w, "KP_EMULATOR_ARC_FOLDER", w->emu->arc_folder);
    put_url(w, "KP_EMULATOR_APP_SERVICE_ENDPOINT", "http", EMU_ROLE_METADATA, "/msi/token");
    put_url(w, "KP_EMULATOR_FABRIC_ENDPOINT", "https", EMU_ROLE_LOGIN, "/fabric/token");
    put(w, "KP_EMULATOR_FABRIC_THUMBPRINT", thumbprint);
    put(w, "KP_EMULATOR_IDENTITY_HEADER", w->emu->identity_secret);
}

/* ---- The configuration of kp ---- */

static json_t *vault_config(const struct emu *emu, const struct emu_vault *vault,
                            enum emu_role role)
{
    const struct emu_app *app = application(emu);
    return json_pack("{s:o,s:s,s:{s:s,s:s,s:o,s:{s:s,s:s,s:s,s:{s:s}}}}", "location",
                     json_sprintf("localhost:%u", emu->listeners[role].port), "plugin",
                     role == EMU_ROLE_HSM ? "managed-hsm" : "azure-keyvault", "settings",
                     "custom_suffix", "localhost", "custom_resource",
                     emu_audience_for(kpb_span_str("localhost"), emu_is_hsm(vault)), "authority",
                     json_sprintf("https://localhost:%u", emu->listeners[EMU_ROLE_LOGIN].port),
                     "identity", "kind", "client_secret", "tenant", emu->settings.tenant,
                     "client_id", app ? app->client_id : "", "secret", "env",
                     "AZURE_CLIENT_SECRET");
}

/* The first vault of a kind: the names of the others lead nowhere without a name service. */
static void add_vault(struct emu *emu, enum emu_role role, json_t *vaults)
{
    struct emu_vault *vault = emu_find_vault(emu, kpb_span_str("localhost"), role);
    if (vault)
        (void)json_object_set_new(vaults, vault->settings->name, vault_config(emu, vault, role));
}

static kp_status write_config(struct emu *emu, struct kp_error *reterr)
{
    char path[TEXT_MAX_LEN];
    char ca[TEXT_MAX_LEN];
    json_t *vaults = json_object();
    (void)snprintf(path, sizeof path, "%s/kp.json", emu->folder);
    (void)snprintf(ca, sizeof ca, "%s/ca.pem", emu->folder);
    add_vault(emu, EMU_ROLE_VAULT, vaults);
    add_vault(emu, EMU_ROLE_HSM, vaults);
    json_t *root = json_pack("{s:{s:s},s:o}", "http", "ca_file", ca, "vaults", vaults);
    bool ok = root && json_dump_file(root, path, JSON_INDENT(4)) == 0;
    json_decref(root);
    return ok ? KP_OK : kpb_fail(reterr, KP_VAULT, "%s could not be written", path);
}

kp_status emu_environment(struct emu *emu,
                          void (*each)(void *ctx, const char *name, const char *value), void *ctx,
                          struct kp_error *reterr)
{
    const struct writer w = {emu, each, ctx};
    kp_status st = write_config(emu, reterr);
    if (st != KP_OK)
        return st;
    put_path(&w, "KP_CONFIG", "kp.json");
    put_url(&w, "KP_EMULATOR_VAULT", "https", EMU_ROLE_VAULT, "");
    put_url(&w, "KP_EMULATOR_HSM", "https", EMU_ROLE_HSM, "");
    put_url(&w, "KP_EMULATOR_LOGIN", "https", EMU_ROLE_LOGIN, "");
    put_url(&w, "KP_EMULATOR_CONTROL", "http", EMU_ROLE_METADATA, "/emulator");
    put_proxy(&w);
    put_path(&w, "KP_EMULATOR_CA", "ca.pem");
    put_path(&w, "KP_EMULATOR_CLIENT_CERTIFICATE", "client.pem");
    put_url(&w, "AZURE_AUTHORITY_HOST", "https", EMU_ROLE_LOGIN, "");
    put(&w, "AZURE_TENANT_ID", emu->settings.tenant);
    put_application(&w);
    put_identities(&w);
    put_path(&w, "NODE_EXTRA_CA_CERTS", "ca.pem");
    put_path(&w, "SSL_CERT_FILE", "ca.pem");
    put_path(&w, "CURL_CA_BUNDLE", "ca.pem");
    put_path(&w, "REQUESTS_CA_BUNDLE", "ca.pem");
    return KP_OK;
}
