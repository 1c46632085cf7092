#include "plugins/azure-rest/managed_identity.h"

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/arc.h"
#include "plugins/azure-rest/form.h"
#include "plugins/azure-rest/names.h"

#define URL_SITE "azure-rest.identity.url"
#define SECRET_SITE "azure-rest.identity.secret"
#define URL_MAX_LEN 4096u
#define ENDPOINT_MAX_LEN 1024u
#define SECRET_MAX_LEN (AZR_ARC_KEY_MAX_LEN + 16u)
#define RESOURCE_ID_MAX_LEN 1024u
#define IMDS_ORIGIN "http://169.254.169.254"
#define TOKEN_PATH "/metadata/identity/oauth2/token"
/* The agent's, where no variable names one. Source: Azure Arc managed identity page. */
#define ARC_ENDPOINT "http://127.0.0.1:40342" TOKEN_PATH

/* What each endpoint wants. */
struct source {
    const char *name;
    const char *variable; /* where its address stands */
    const char *api_version;
    const char *secret_header; /* NULL: proves itself otherwise */
    const char *selectors[4];  /* by enum azr_mi_selector; NULL: does not take that one */
    bool wants_metadata;
};

static const struct source SOURCES[AZR_MI_N_SOURCES] = {
    [AZR_MI_NONE] = {"no endpoint", "", "", NULL, {NULL, NULL, NULL, NULL}, false},
    [AZR_MI_IMDS] = {"IMDS",
                     "AZURE_POD_IDENTITY_AUTHORITY_HOST",
                     "2018-02-01",
                     NULL,
                     {NULL, "client_id", "object_id", "msi_res_id"},
                     true},
    [AZR_MI_APP_SERVICE] = {"App Service",
                            "IDENTITY_ENDPOINT",
                            "2019-08-01",
                            "X-IDENTITY-HEADER",
                            {NULL, "client_id", "principal_id", "mi_res_id"},
                            false},
    [AZR_MI_APP_SERVICE_2017] = {"App Service (2017-09-01)",
                                 "MSI_ENDPOINT",
                                 "2017-09-01",
                                 "secret",
                                 {NULL, "clientid", NULL, NULL},
                                 false},
    [AZR_MI_ARC] = {"Azure Arc",
                    "IDENTITY_ENDPOINT",
                    "2020-06-01",
                    "Authorization",
                    {NULL, NULL, NULL, NULL},
                    true},
    [AZR_MI_SERVICE_FABRIC] = {"Service Fabric",
                               "IDENTITY_ENDPOINT",
                               "2019-07-01-preview",
                               "Secret",
                               {NULL, NULL, NULL, NULL},
                               false},
};

const char *azr_mi_name(enum azr_mi_source source)
{
    return SOURCES[(unsigned)source < AZR_MI_N_SOURCES ? source : AZR_MI_NONE].name;
}

/* ---- Which ---- */

kp_status azr_mi_choose(const struct azr_mi_env *env, enum azr_mi_source *ret,
                        struct kp_error *reterr)
{
    if (env->identity_endpoint.len > 0 && env->identity_header.len > 0)
        *ret = env->identity_server_thumbprint.len > 0 ? AZR_MI_SERVICE_FABRIC : AZR_MI_APP_SERVICE;
    else if (env->msi_endpoint.len > 0 && env->msi_secret.len > 0)
        *ret = AZR_MI_APP_SERVICE_2017;
    else if (env->msi_endpoint.len > 0)
        return kpb_fail_code(reterr, KP_UNSUPPORTED, KP_CODE_ErrorGetTokenFailedToGetToken,
                             "MSI_ENDPOINT without MSI_SECRET is Cloud Shell's, whose identity is "
                             "a person's and not supported");
    else if ((env->identity_endpoint.len > 0 && env->imds_endpoint.len > 0) || env->has_arc_agent)
        *ret = AZR_MI_ARC;
    else
        *ret = AZR_MI_IMDS;
    return KP_OK;
}

/* ---- Its address ---- */

static kp_span endpoint_of(const struct azr_mi_ask *ask)
{
    switch (ask->source) {
    case AZR_MI_IMDS:
        return ask->env->imds_host.len > 0 ? ask->env->imds_host : kpb_span_str(IMDS_ORIGIN);
    case AZR_MI_APP_SERVICE_2017:
        return ask->env->msi_endpoint;
    case AZR_MI_ARC:
        return ask->env->identity_endpoint.len > 0 ? ask->env->identity_endpoint
                                                   : kpb_span_str(ARC_ENDPOINT);
    default:
        return ask->env->identity_endpoint;
    }
}

static kp_status refuse_endpoint(const struct azr_mi_ask *ask, const char *why,
                                 struct kp_error *reterr)
{
    return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_ErrorGetTokenFailedToGetToken,
                         "the environment variable %s of the managed identity (%s) is '%.*s', %s",
                         SOURCES[ask->source].variable, SOURCES[ask->source].name,
                         AZR_SHOW(endpoint_of(ask)), why);
}

static bool starts_with(kp_span text, const char *prefix)
{
    return kpb_span_starts_with(text, prefix);
}

/* An http or https URL without user information, query or fragment, and not too long. */
static bool is_endpoint(kp_span text)
{
    size_t scheme = starts_with(text, "https://") ? 8 : starts_with(text, "http://") ? 7 : 0;
    if (scheme == 0 || text.len == scheme || text.len > ENDPOINT_MAX_LEN)
        return false;
    for (size_t i = scheme; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f || strchr("@?#\\\"<>", text.ptr[i]))
            return false;
    return text.ptr[scheme] != '/';
}

/* What stands between scheme and path. */
static kp_span authority_of(kp_span endpoint)
{
    size_t from = starts_with(endpoint, "https://") ? 8 : 7;
    size_t to = from;
    while (to < endpoint.len && endpoint.ptr[to] != '/')
        to++;
    return kpb_span(endpoint.ptr + from, to - from);
}

/* The host without its port; brackets stay. */
static bool is_loopback(kp_span endpoint)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    kp_span at = authority_of(endpoint);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(names[i]);
        if (at.len >= n && kpb_span_eq_nocase(kpb_span(at.ptr, n), kpb_span_str(names[i])) &&
            (at.len == n || at.ptr[n] == ':'))
            return true;
    }
    return false;
}

static kp_status check_endpoint(const struct azr_mi_ask *ask, struct kp_error *reterr)
{
    kp_span endpoint = endpoint_of(ask);
    if (!is_endpoint(endpoint))
        return refuse_endpoint(ask, "which is no plain http or https address", reterr);
    if (ask->source == AZR_MI_ARC && !is_loopback(endpoint))
        return refuse_endpoint(ask, "but the Azure Arc agent is on this machine (127.0.0.1)",
                               reterr);
    if (ask->source == AZR_MI_SERVICE_FABRIC && !starts_with(endpoint, "https://"))
        return refuse_endpoint(ask, "but Service Fabric answers on https only", reterr);
    return KP_OK;
}

/* ---- The URL ---- */

static kp_status check_selector(const struct azr_mi_ask *ask, struct kp_error *reterr)
{
    bool is_known = ask->selector <= AZR_MI_RESOURCE_ID;
    if (ask->selector == AZR_MI_OWN)
        return KP_OK;
    if (!is_known || !SOURCES[ask->source].selectors[ask->selector])
        return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_ErrorGetTokenFailedToGetToken,
                             "%s cannot be asked for an identity chosen that way; leave the "
                             "choice out, or choose by what it takes",
                             SOURCES[ask->source].name);
    bool is_fine = ask->selector == AZR_MI_RESOURCE_ID
                       ? ask->identity.len > 0 && ask->identity.len <= RESOURCE_ID_MAX_LEN
                       : azr_is_guid(ask->identity);
    if (is_fine)
        return KP_OK;
    return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_ErrorGetTokenFailedToGetToken,
                         "'%.*s' names no managed identity: client id and object id are GUIDs",
                         AZR_SHOW(ask->identity));
}

static kp_status add_selector(const struct azr_mi_ask *ask, kp_buf *url)
{
    if (ask->selector == AZR_MI_OWN)
        return KP_OK;
    return azr_form_add(url, SOURCES[ask->source].selectors[ask->selector], ask->identity);
}

static kp_status write_url(const struct azr_mi_ask *ask, kp_buf *url)
{
    kp_span endpoint = endpoint_of(ask);
    while (endpoint.len > 0 && endpoint.ptr[endpoint.len - 1] == '/')
        endpoint.len--;
    kp_status st = kp_buf_append(url, endpoint);
    if (st == KP_OK && ask->source == AZR_MI_IMDS &&
        !kpb_span_ends_with_nocase(endpoint, TOKEN_PATH))
        st = kp_buf_append_str(url, TOKEN_PATH);
    if (st == KP_OK)
        st = kp_buf_append_fmt(url, "?api-version=%s", SOURCES[ask->source].api_version);
    if (st == KP_OK)
        st = azr_form_add(url, "resource", ask->resource);
    return st == KP_OK ? add_selector(ask, url) : st;
}

static kp_status make_url(const struct azr_mi_ask *ask, kp_buf *url, struct kp_error *reterr)
{
    if (write_url(ask, url) != KP_OK)
        return kpb_fail_code(reterr, KP_NO_MEMORY, KP_CODE_ErrorGetTokenOutOfMemoryConcatPath,
                             "out of memory at " URL_SITE);
    return KP_OK;
}

/* ---- Headers, pin, flags ---- */

static kp_span secret_of(const struct azr_mi_ask *ask)
{
    switch (ask->source) {
    case AZR_MI_APP_SERVICE:
    case AZR_MI_SERVICE_FABRIC:
        return ask->env->identity_header;
    case AZR_MI_APP_SERVICE_2017:
        return ask->env->msi_secret;
    case AZR_MI_ARC:
        return ask->arc_key;
    default:
        return kpb_span(NULL, 0);
    }
}

static bool is_header_value(kp_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f)
            return false;
    return text.len <= AZR_ARC_KEY_MAX_LEN;
}

static void add_header(struct azr_mi_request *r, const char *name, kp_span value)
{
    r->headers[r->http.n_headers].name = kpb_span_str(name);
    r->headers[r->http.n_headers].value = value;
    r->http.n_headers++;
}

static kp_status add_secret(const struct azr_mi_ask *ask, struct azr_mi_request *r,
                            struct kp_error *reterr)
{
    kp_span secret = secret_of(ask);
    if (secret.len == 0)
        return KP_OK;
    if (!is_header_value(secret))
        return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_ErrorGetTokenFailedToGetToken,
                             "the secret that goes with %s of the managed identity (%s) is no "
                             "header value: visible ASCII of at most %u bytes",
                             SOURCES[ask->source].variable, SOURCES[ask->source].name,
                             AZR_ARC_KEY_MAX_LEN);
    kp_status st = ask->source == AZR_MI_ARC ? kp_buf_append_str(&r->secret, "Basic ") : KP_OK;
    if (st == KP_OK)
        st = kp_buf_append(&r->secret, secret);
    if (st != KP_OK)
        return kpb_fail_code(reterr, KP_NO_MEMORY, KP_CODE_ErrorGetTokenOutOfMemoryConcatPath,
                             "out of memory at " SECRET_SITE);
    add_header(r, SOURCES[ask->source].secret_header, kp_buf_view(&r->secret));
    return KP_OK;
}

/* Hex of SHA-1, which is what Service Fabric gives, or of SHA-256. */
static kp_status add_pin(const struct azr_mi_ask *ask, struct azr_mi_request *r,
                         struct kp_error *reterr)
{
    kp_span hex = ask->env->identity_server_thumbprint;
    if (ask->source != AZR_MI_SERVICE_FABRIC)
        return KP_OK;
    if ((hex.len != 40 && hex.len != 64) || kpb_hex_decode(hex, r->pin, hex.len / 2) != KP_OK)
        return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_ErrorGetTokenFailedToGetToken,
                             "IDENTITY_SERVER_THUMBPRINT '%.*s' is not 40 or 64 hexadecimal digits",
                             AZR_SHOW(hex));
    r->http.pin = kpb_span(r->pin, hex.len / 2);
    return KP_OK;
}

static kp_status add_extras(const struct azr_mi_ask *ask, struct azr_mi_request *r,
                            struct kp_error *reterr)
{
    if (SOURCES[ask->source].wants_metadata)
        add_header(r, "Metadata", kpb_span_str("true"));
    kp_status st = add_secret(ask, r, reterr);
    return st == KP_OK ? add_pin(ask, r, reterr) : st;
}

static void fill_http(const struct azr_mi_ask *ask, struct azr_mi_request *r)
{
    r->http.struct_size = sizeof r->http;
    r->http.flags = KP_HTTP_NO_PROXY | KP_HTTP_SECRET_REPLY;
    if (starts_with(endpoint_of(ask), "http://"))
        r->http.flags |= KP_HTTP_CLEARTEXT_METADATA;
    r->http.method = kpb_span_str("GET");
    r->http.url = kp_buf_view(&r->url);
    r->http.headers = r->headers;
}

kp_status azr_mi_request_make(const struct azr_mi_ask *ask, struct azr_mi_request *ret,
                              struct kp_error *reterr)
{
    memset(ret, 0, sizeof *ret);
    kp_buf_init(&ret->url, URL_SITE, URL_MAX_LEN);
    kp_buf_init_secret(&ret->secret, SECRET_SITE, SECRET_MAX_LEN);
    kp_status st = check_endpoint(ask, reterr);
    if (st == KP_OK)
        st = check_selector(ask, reterr);
    if (st == KP_OK)
        st = make_url(ask, &ret->url, reterr);
    if (st == KP_OK)
        st = add_extras(ask, ret, reterr);
    if (st == KP_OK)
        fill_http(ask, ret);
    return st;
}

void azr_mi_request_clear(struct azr_mi_request *request)
{
    if (!request)
        return;
    kp_buf_clear(&request->url);
    kp_buf_clear(&request->secret);
    memset(request, 0, sizeof *request);
}

/* ---- When to ask again ---- */

static const uint32_t IMDS_WAITS_MS[] = {2000, 6000, 14000, 30000};
static const uint32_t OTHER_WAITS_MS[] = {1000, 1000};

static const struct {
    const uint32_t *waits_ms; /* before the second, third, ... attempt */
    uint32_t n_waits;
} RULES[AZR_MI_N_SOURCES] = {
    [AZR_MI_NONE] = {NULL, 0},
    [AZR_MI_IMDS] = {IMDS_WAITS_MS, 4},
    [AZR_MI_APP_SERVICE] = {OTHER_WAITS_MS, 2},
    [AZR_MI_APP_SERVICE_2017] = {OTHER_WAITS_MS, 2},
    [AZR_MI_ARC] = {OTHER_WAITS_MS, 2},
    [AZR_MI_SERVICE_FABRIC] = {OTHER_WAITS_MS, 2},
};

/* MSAL's list. 404 and 410: the endpoint is being updated. 509 is nobody's. */
static bool is_passing(uint32_t http_status)
{
    return http_status == 0 || http_status == 404 || http_status == 408 || http_status == 410 ||
           http_status == 429 || (http_status >= 500 && http_status <= 511 && http_status != 509);
}

bool azr_mi_may_retry(enum azr_mi_source source, uint32_t attempt, uint32_t http_status,
                      uint32_t *ret_wait_ms)
{
    if ((unsigned)source >= AZR_MI_N_SOURCES || attempt == 0 || attempt > RULES[source].n_waits ||
        !is_passing(http_status))
        return false;
    *ret_wait_ms = RULES[source].waits_ms[attempt - 1];
    return true;
}
