#include "tools/kp-emulator/environment.h"

#include <stdio.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"

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

static void put_path(const struct writer *w, const char *name, const char *file)
{
    char text[TEXT_MAX_LEN];
    (void)snprintf(text, sizeof text, "%s/%s", w->emu->folder, file);
    put(w, name, text);
}

/* The first application that proves itself, for clients that read AZURE_*. */
static void put_application(const struct writer *w)
{
    const struct emu_settings *s = &w->emu->settings;
    for (size_t i = 0; i < s->n_apps; i++) {
        const struct emu_app *app = &s->apps[i];
        if (json_array_size(app->secrets) == 0)
            continue;
        put(w, "AZURE_CLIENT_ID", app->client_id);
        put(w, "AZURE_CLIENT_SECRET", json_string_value(json_array_get(app->secrets, 0)));
        return;
    }
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

kp_status emu_environment(struct emu *emu,
                          void (*each)(void *ctx, const char *name, const char *value), void *ctx,
                          struct kp_error *reterr)
{
    const struct writer w = {emu, each, ctx};
    (void)reterr;
    put_url(&w, "KP_EMULATOR_VAULT", "https", EMU_ROLE_VAULT, "");
    put_url(&w, "KP_EMULATOR_HSM", "https", EMU_ROLE_HSM, "");
    put_url(&w, "KP_EMULATOR_LOGIN", "https", EMU_ROLE_LOGIN, "");
    put_url(&w, "KP_EMULATOR_CONTROL", "http", EMU_ROLE_METADATA, "/emulator");
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
