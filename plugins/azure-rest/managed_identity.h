/*
 * Managed identity: which endpoint this machine has, what to ask it, when to ask again. Requests as
 * data for host->http; nothing is sent from here. Pure functions, any thread.
 * Source: Entra managed identity REST page; MSAL Go and azure-sdk-for-cpp.
 */
#ifndef KP_PLUGINS_AZURE_REST_MANAGED_IDENTITY_H
#define KP_PLUGINS_AZURE_REST_MANAGED_IDENTITY_H

#include <keyprovider/plugin.h>

#include "base/buf.h"

enum azr_mi_source {
    AZR_MI_NONE = 0,
    AZR_MI_IMDS = 1,             /* virtual machines, and whatever else has none of these */
    AZR_MI_APP_SERVICE = 2,      /* App Service, Functions, Container Apps, 2019-08-01 */
    AZR_MI_APP_SERVICE_2017 = 3, /* the same before, and Azure Machine Learning: MSI_SECRET */
    AZR_MI_ARC = 4,              /* Azure Arc agent: two steps */
    AZR_MI_SERVICE_FABRIC = 5    /* https with a pinned certificate */
};
#define AZR_MI_N_SOURCES 6

/* Environment variables as found; empty spans: not set. Borrowed for the call. */
struct azr_mi_env {
    kp_span identity_endpoint;          /* IDENTITY_ENDPOINT */
    kp_span identity_header;            /* IDENTITY_HEADER; secret */
    kp_span identity_server_thumbprint; /* IDENTITY_SERVER_THUMBPRINT */
    kp_span imds_endpoint;              /* IMDS_ENDPOINT: only tells that Arc is here */
    kp_span msi_endpoint;               /* MSI_ENDPOINT */
    kp_span msi_secret;                 /* MSI_SECRET; secret */
    kp_span imds_host;                  /* AZURE_POD_IDENTITY_AUTHORITY_HOST, http://HOST[:PORT] */
    bool has_arc_agent;                 /* the Arc agent is installed */
};

/*
 * Chooses the endpoint in the documented order: IDENTITY_ENDPOINT with IDENTITY_HEADER (Service
 * Fabric with a thumbprint, else App Service); MSI_ENDPOINT with MSI_SECRET; Arc; IMDS.
 * Errors: unsupported, code 3304: MSI_ENDPOINT without MSI_SECRET (Cloud Shell).
 */
kp_status azr_mi_choose(const struct azr_mi_env *env, enum azr_mi_source *ret,
                        struct kp_error *reterr) KP_MUST_USE;

/* Which of several identities; none: the machine's own. */
enum azr_mi_selector {
    AZR_MI_OWN = 0,
    AZR_MI_CLIENT_ID = 1,
    AZR_MI_OBJECT_ID = 2,
    AZR_MI_RESOURCE_ID = 3
};

/* Borrowed for the call. */
struct azr_mi_ask {
    enum azr_mi_source source;
    const struct azr_mi_env *env;
    kp_span resource;  /* azr_target's: no slash at its end, no /.default */
    uint32_t selector; /* enum azr_mi_selector */
    kp_span identity;  /* GUID, or resource id for AZR_MI_RESOURCE_ID */
    kp_span arc_key;   /* Arc, second step: content of the key file; otherwise empty */
};

#define AZR_MI_MAX_HEADERS 2u
#define AZR_MI_PIN_MAX_LEN 32u

/*
 * A request in parts, all owned: `http` points into them, stands at GET, with its headers, pin and
 * flags (NO_PROXY, SECRET_REPLY, for http:// CLEARTEXT_METADATA) set, and lasts as long as this
 * struct stays where it is. Zeroed: empty.
 */
struct azr_mi_request {
    struct kp_http_request http;
    struct kp_http_header headers[AZR_MI_MAX_HEADERS];
    kp_buf url;
    kp_buf secret; /* the header value that proves who asks */
    uint8_t pin[AZR_MI_PIN_MAX_LEN];
};

/* Wipes and frees. NULL allowed. */
void azr_mi_request_clear(struct azr_mi_request *request);

/*
 * Fills *ret in place, which the caller clears, also after a failure.
 *   IMDS            GET http://169.254.169.254/metadata/identity/oauth2/token, Metadata: true
 *   App Service     GET IDENTITY_ENDPOINT, X-IDENTITY-HEADER; 2017: GET MSI_ENDPOINT, secret
 *   Service Fabric  GET IDENTITY_ENDPOINT (https only, certificate pinned), Secret
 *   Arc             GET IDENTITY_ENDPOINT (loopback only), Metadata: true, [Authorization: Basic]
 * Errors: config 3304, with the variable's name: an endpoint that is no such URL, a bad thumbprint
 * or header value; config for a selector the source does not take or an identity that is none;
 * no_memory 3300.
 */
kp_status azr_mi_request_make(const struct azr_mi_ask *ask, struct azr_mi_request *ret,
                              struct kp_error *reterr) KP_MUST_USE;

/*
 * Whether to ask again after a failed attempt. attempt counts from 1; http_status 0: no answer.
 * *ret_wait_ms: before the next attempt. Data stands in one table: IMDS five attempts, waits of 2,
 * 6, 14 and 30 s, at least 1 s, also after 404 and 410; the others three attempts 1 s apart.
 */
bool azr_mi_may_retry(enum azr_mi_source source, uint32_t attempt, uint32_t http_status,
                      uint32_t *ret_wait_ms);

/* "IMDS", "App Service", ...: for sentences. */
const char *azr_mi_name(enum azr_mi_source source);

#endif /* KP_PLUGINS_AZURE_REST_MANAGED_IDENTITY_H */
