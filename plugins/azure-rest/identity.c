#include "plugins/azure-rest/identity.h"

#include <stdlib.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "plugins/azure-rest/assertion.h"
#include "plugins/azure-rest/platform.h"
#include "plugins/azure-rest/token_request.h"

#define SITE "azure-rest.identity"

static const char *const KIND_TEXTS[] = {"none",
#define XX(symbol, number, text) text,
                                         AZR_KIND_MAP(XX)
#undef XX
};

const char *azr_kind_text(uint32_t kind)
{
    return KIND_TEXTS[kind < sizeof KIND_TEXTS / sizeof KIND_TEXTS[0] ? kind : AZR_KIND_NONE];
}

/* ---- Life ---- */

struct azr_identity *azr_identity_acquire(struct azr_identity *identity)
{
    identity->n_refs++;
    return identity;
}

void azr_identity_release(struct azr_identity *identity)
{
    if (!identity || --identity->n_refs > 0)
        return;
    char *texts[] = {identity->tenant,
                     identity->client_id,
                     identity->certificate,
                     identity->thumbprint,
                     identity->token_file,
                     identity->workload_tenant,
                     identity->workload_client_id,
                     identity->selector_id,
                     identity->imds_host};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        kpb_free(texts[i]);
    kp_buf_clear(&identity->secret);
    kp_buf_clear(&identity->password);
    kpb_free(identity);
}

static struct azr_identity *new_identity(void)
{
    struct azr_identity *identity = kpb_alloc(SITE, sizeof *identity);
    if (!identity)
        return NULL;
    identity->n_refs = 1;
    kp_buf_init_secret(&identity->secret, SITE, AZR_SECRET_MAX_LEN);
    kp_buf_init_secret(&identity->password, SITE, AZR_CREDENTIAL_PASSWORD_MAX_LEN);
    return identity;
}

/* ---- Copies ---- */

static kp_status take_text(char **member, kp_span text, struct kp_error *reterr)
{
    if (text.len == 0)
        return KP_OK;
    *member = kpb_strdup_span(SITE, text);
    return *member ? KP_OK : kpb_fail_memory(reterr, SITE);
}

static kp_status take_secret(kp_buf *member, kp_span secret, const char *name,
                             struct kp_error *reterr)
{
    kp_status st = kp_buf_append(member, secret);
    if (st == KP_USAGE)
        return kpb_fail(reterr, KP_CONFIG, "setting %s has more than %zu bytes", name,
                        member->limit);
    return st == KP_OK ? KP_OK : kpb_fail_memory(reterr, SITE);
}

struct text_row {
    char **member;
    kp_span text;
};

static kp_status take_texts(const struct text_row *rows, size_t n, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    for (size_t i = 0; st == KP_OK && i < n; i++)
        st = take_text(rows[i].member, rows[i].text, reterr);
    return st;
}

/* ---- Kinds ---- */

static uint32_t find_kind(kp_span text)
{
    for (uint32_t i = AZR_KIND_CLIENT_SECRET; i <= AZR_KIND_MANAGED_IDENTITY; i++) {
        if (kpb_span_eq_str(text, KIND_TEXTS[i]))
            return i;
    }
    return AZR_KIND_NONE;
}

static bool has_kind(const struct azr_identity *identity, uint32_t kind)
{
    for (uint32_t i = 0; i < identity->n_kinds; i++) {
        if (identity->kinds[i] == kind)
            return true;
    }
    return false;
}

static void add_kind(struct azr_identity *identity, uint32_t kind)
{
    identity->kinds[identity->n_kinds++] = kind;
}

static kp_span cut_word(kp_span *rest)
{
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != ',')
        n++;
    kp_span word = kpb_span(rest->ptr, n);
    size_t used = n < rest->len ? n + 1 : n;
    *rest = kpb_span(rest->ptr + used, rest->len - used);
    while (word.len > 0 && word.ptr[0] == ' ')
        word = kpb_span(word.ptr + 1, word.len - 1);
    while (word.len > 0 && word.ptr[word.len - 1] == ' ')
        word.len--;
    return word;
}

static kp_status take_kinds(struct azr_identity *identity, kp_span text, struct kp_error *reterr)
{
    while (text.len > 0) {
        uint32_t kind = find_kind(cut_word(&text));
        if (kind == AZR_KIND_NONE || has_kind(identity, kind))
            return kpb_fail(reterr, KP_CONFIG,
                            "setting identity.kind takes client_secret, certificate, workload and "
                            "managed_identity, each once, with commas between them");
        add_kind(identity, kind);
    }
    return KP_OK;
}

/* Where no kind is named, what was given decides, else what the machine offers. */
static void guess_kinds(struct azr_identity *identity, const struct azr_settings *settings)
{
    if (settings->certificate.len > 0)
        add_kind(identity, AZR_KIND_CERTIFICATE);
    else if (settings->secret.len > 0)
        add_kind(identity, AZR_KIND_CLIENT_SECRET);
    else if (settings->token_file.len > 0)
        add_kind(identity, AZR_KIND_WORKLOAD);
    if (identity->n_kinds > 0)
        return;
    identity->is_guessed = true;
    if (getenv("AZURE_FEDERATED_TOKEN_FILE"))
        add_kind(identity, AZR_KIND_WORKLOAD);
    add_kind(identity, AZR_KIND_MANAGED_IDENTITY);
}

/* ---- What each kind cannot do without ---- */

static kp_status need(const char *text, const char *name, const char *kind, struct kp_error *reterr)
{
    if (text)
        return KP_OK;
    return kpb_fail(reterr, KP_CONFIG, "identity %s needs the setting identity.%s", kind, name);
}

static kp_status check_kind(const struct azr_identity *identity, uint32_t kind,
                            struct kp_error *reterr)
{
    const char *text = azr_kind_text(kind);
    kp_status st = KP_OK;
    if (kind == AZR_KIND_CLIENT_SECRET || kind == AZR_KIND_CERTIFICATE)
        st = need(identity->client_id, "client_id", text, reterr);
    if (st == KP_OK && kind == AZR_KIND_CERTIFICATE)
        st = need(identity->certificate, "certificate", text, reterr);
    if (st == KP_OK && kind == AZR_KIND_CLIENT_SECRET && identity->secret.len == 0)
        st = need(NULL, "secret", text, reterr);
    return st;
}

static kp_status check_kinds(const struct azr_identity *identity, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    for (uint32_t i = 0; st == KP_OK && i < identity->n_kinds; i++)
        st = check_kind(identity, identity->kinds[i], reterr);
    return st;
}

static kp_status check_names(const struct azr_identity *identity, struct kp_error *reterr)
{
    if (identity->client_id && !azr_is_guid(kpb_span_str(identity->client_id)))
        return kpb_fail(reterr, KP_CONFIG,
                        "setting identity.client_id must be a GUID with its hyphens");
    if (identity->tenant && !azr_is_tenant(kpb_span_str(identity->tenant)))
        return kpb_fail(reterr, KP_CONFIG,
                        "setting identity.tenant must be a tenant's GUID or its domain");
    return KP_OK;
}

/* ---- From the configuration ---- */

static kp_status take_assertion(struct azr_identity *identity, kp_span text,
                                struct kp_error *reterr)
{
    bool is_rs256 = kpb_span_eq_str(text, "RS256");
    identity->assertion_alg = is_rs256 ? AZR_ASSERTION_RS256 : AZR_ASSERTION_PS256;
    if (is_rs256 || kpb_span_eq_str(text, "PS256"))
        return KP_OK;
    return kpb_fail(reterr, KP_CONFIG, "setting identity.assertion must be PS256 or RS256");
}

static const struct {
    const char *text;
    enum azr_mi_source source;
} SOURCES[] = {
    {"auto", AZR_MI_NONE},
    {"imds", AZR_MI_IMDS},
    {"app_service", AZR_MI_APP_SERVICE},
    {"arc", AZR_MI_ARC},
    {"service_fabric", AZR_MI_SERVICE_FABRIC},
};

static kp_status take_source(struct azr_identity *identity, kp_span text, struct kp_error *reterr)
{
    for (size_t i = 0; i < sizeof SOURCES / sizeof SOURCES[0]; i++) {
        if (!kpb_span_eq_str(text, SOURCES[i].text))
            continue;
        identity->source = SOURCES[i].source;
        return KP_OK;
    }
    return kpb_fail(reterr, KP_CONFIG,
                    "setting identity.managed_source must be auto, imds, app_service, arc or "
                    "service_fabric");
}

static kp_status take_selector(struct azr_identity *identity, const struct azr_settings *settings,
                               struct kp_error *reterr)
{
    kp_span id = settings->client_id;
    bool has_object = settings->object_id.len > 0;
    bool has_resource = settings->resource_id.len > 0;
    bool is_only_managed =
        identity->n_kinds == 1 && identity->kinds[0] == AZR_KIND_MANAGED_IDENTITY;
    if ((has_object && has_resource) ||
        ((has_object || has_resource) && is_only_managed && settings->client_id.len > 0))
        return kpb_fail(reterr, KP_CONFIG,
                        "a managed identity is named by one of identity.client_id, "
                        "identity.object_id and identity.resource_id");
    identity->selector = id.len > 0 ? AZR_MI_CLIENT_ID : AZR_MI_OWN;
    if (has_object) {
        identity->selector = AZR_MI_OBJECT_ID;
        id = settings->object_id;
    }
    if (has_resource) {
        identity->selector = AZR_MI_RESOURCE_ID;
        id = settings->resource_id;
    }
    return take_text(&identity->selector_id, id, reterr);
}

static kp_span given_or_env(kp_span given, const char *name)
{
    return given.len > 0 ? given : kpb_span_str(getenv(name));
}

static kp_status take_configured(struct azr_identity *identity, const struct azr_settings *s,
                                 struct kp_error *reterr)
{
    const struct text_row rows[] = {
        {&identity->tenant, s->tenant},
        {&identity->client_id, s->client_id},
        {&identity->certificate, s->certificate},
        {&identity->thumbprint, s->thumbprint},
        {&identity->token_file, given_or_env(s->token_file, "AZURE_FEDERATED_TOKEN_FILE")},
        {&identity->workload_tenant, given_or_env(s->tenant, "AZURE_TENANT_ID")},
        {&identity->workload_client_id, given_or_env(s->client_id, "AZURE_CLIENT_ID")},
        {&identity->imds_host, s->imds_host},
    };
    kp_status st = take_texts(rows, sizeof rows / sizeof rows[0], reterr);
    if (st == KP_OK)
        st = take_secret(&identity->secret, s->secret, "identity.secret", reterr);
    if (st == KP_OK)
        st = take_secret(&identity->password, s->certificate_password,
                         "identity.certificate_password", reterr);
    if (st == KP_OK)
        st = take_kinds(identity, s->kind, reterr);
    if (st == KP_OK && identity->n_kinds == 0)
        guess_kinds(identity, s);
    if (st == KP_OK)
        st = take_assertion(identity, s->assertion, reterr);
    if (st == KP_OK)
        st = take_source(identity, s->managed_source, reterr);
    if (st == KP_OK)
        st = take_selector(identity, s, reterr);
    if (st == KP_OK)
        st = check_names(identity, reterr);
    return st == KP_OK ? check_kinds(identity, reterr) : st;
}

/* ---- From the caller ---- */

static kp_status take_login(struct azr_identity *identity, const struct azr_login *login,
                            const struct azr_settings *s, struct kp_error *reterr)
{
    bool is_managed = login->kind == AZR_LOGIN_MANAGED_IDENTITY;
    add_kind(identity, is_managed ? AZR_KIND_MANAGED_IDENTITY : AZR_KIND_CLIENT_SECRET);
    identity->selector = login->client_id[0] ? AZR_MI_CLIENT_ID : AZR_MI_OWN;
    const struct text_row rows[] = {
        {&identity->client_id, kpb_span_str(login->client_id)},
        {&identity->selector_id, kpb_span_str(login->client_id)},
        {&identity->imds_host, s->imds_host},
    };
    kp_status st = take_texts(rows, sizeof rows / sizeof rows[0], reterr);
    if (st == KP_OK)
        st = take_source(identity, s->managed_source, reterr);
    if (st == KP_OK)
        st = take_secret(&identity->secret, login->secret, "identity.secret", reterr);
    return st;
}

kp_status azr_identity_make(const struct azr_login *login, const struct azr_settings *settings,
                            struct azr_identity **ret, struct kp_error *reterr)
{
    struct azr_identity *identity = new_identity();
    if (!identity)
        return kpb_fail_memory(reterr, SITE);
    kp_status st = login->kind != AZR_LOGIN_NONE ? take_login(identity, login, settings, reterr)
                                                 : take_configured(identity, settings, reterr);
    if (st != KP_OK) {
        azr_identity_release(identity);
        return st;
    }
    *ret = identity;
    return KP_OK;
}

/* ---- Environment ---- */

void azr_identity_env(const struct azr_identity *identity, const char *arc_agent,
                      struct azr_mi_env *ret)
{
    const struct azr_mi_env env = {
        .identity_endpoint = kpb_span_str(getenv("IDENTITY_ENDPOINT")),
        .identity_header = kpb_span_str(getenv("IDENTITY_HEADER")),
        .identity_server_thumbprint = kpb_span_str(getenv("IDENTITY_SERVER_THUMBPRINT")),
        .imds_endpoint = kpb_span_str(getenv("IMDS_ENDPOINT")),
        .msi_endpoint = kpb_span_str(getenv("MSI_ENDPOINT")),
        .msi_secret = kpb_span_str(getenv("MSI_SECRET")),
        .imds_host =
            given_or_env(kpb_span_str(identity->imds_host), "AZURE_POD_IDENTITY_AUTHORITY_HOST"),
        .has_arc_agent = azr_platform_is_there(arc_agent),
    };
    *ret = env;
}
