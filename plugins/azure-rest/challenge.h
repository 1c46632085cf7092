/*
 * The 401's WWW-Authenticate header: reading it, and deciding whether a credential may go where it
 * points. Pure functions over bytes, any thread; nothing is allocated but by azr_challenge_claims.
 *
 *   WWW-Authenticate: Bearer authorization="https://login.microsoftonline.com/TENANT",
 *                            resource="https://vault.azure.net"
 *   WWW-Authenticate: Bearer realm="", authorization_uri="...", error="insufficient_claims",
 *                            claims="BASE64"
 *
 * Source: RFC 9110 section 11; RFC 6750 section 3; challenge strings of the official SDKs' tests.
 */
#ifndef KP_PLUGINS_AZURE_REST_CHALLENGE_H
#define KP_PLUGINS_AZURE_REST_CHALLENGE_H

#include <keyprovider/plugin.h>

#include "base/buf.h"
#include "plugins/azure-rest/cloud.h"

#define AZR_CHALLENGE_MAX_LEN 16384u /* bytes of one header that are looked at; more: refused */
#define AZR_CHALLENGE_MAX_PARAMS 64u /* parameters of all headers of a reply */
#define AZR_CLAIMS_MAX_LEN 8192u     /* bytes of claims JSON */

/* One value. A value with no closing quote is cut at the header's end. */
struct azr_param {
    kp_span text; /* without quotes; empty ptr: absent */
    bool is_cut;  /* the closing quote is missing */
    bool is_odd;  /* has a backslash or a control character: nothing we expect has one */
};

/* What the Bearer challenges of a reply say; views into the headers. */
struct azr_challenge {
    bool has_bearer;
    struct azr_param authorization; /* authorization, or else authorization_uri */
    struct azr_param resource;      /* resource, or else the first word of scope */
    struct azr_param claims;        /* base64, only beside error="insufficient_claims" */
};

/*
 * Reads the n headers of one reply. Of several Bearer challenges the first that has a login address
 * and a resource counts, else the first; claims may come from any. Other schemes are passed over.
 * A parameter named twice counts once, as first written. Syntax errors end the reading: what stands
 * before them counts. Errors: protocol, code 3203: over the bounds above, or no Bearer challenge.
 */
kp_status azr_challenge_parse(const kp_span *headers, size_t n, struct azr_challenge *ret,
                              struct kp_error *reterr) KP_MUST_USE;

/* The same over the WWW-Authenticate headers of a reply, views into it; 3117 where it has none. */
kp_status azr_challenge_read(const struct kp_http_reply *reply, struct azr_challenge *ret,
                             struct kp_error *reterr) KP_MUST_USE;

/* True when it asks for a token with claims (continuous access evaluation, CAE). */
bool azr_challenge_has_claims(const struct azr_challenge *challenge);

/*
 * Decodes the claims (base64 of either alphabet, padded or not) and checks that they are one JSON
 * object. *ret_claims is initialised here; the caller clears it, also after a failure. All that a
 * CAE challenge contributes: its addresses are not to be used.
 * Errors: protocol, code 3203: not base64, not an object, too long; no_memory.
 */
kp_status azr_challenge_claims(const struct azr_challenge *challenge, kp_buf *ret_claims,
                               struct kp_error *reterr) KP_MUST_USE;

/*
 * Where to log in, for what, after every check. Holds no pointer but to static storage: copy it
 * freely, keep it per host and port.
 */
struct azr_target {
    const struct azr_cloud *cloud;         /* NULL: the configuration's authority, cloud unknown */
    uint32_t service;                      /* enum azr_service */
    bool is_relaxed;                       /* the configuration was needed: to be logged */
    char login[AZR_HOST_MAX_LEN + 7u];     /* HOST[:PORT] to be contacted; never an alias */
    char tenant[AZR_TENANT_MAX_LEN + 1u];  /* a GUID or a domain, lower case */
    char resource[AZR_HOST_MAX_LEN + 15u]; /* "https://vault.azure.net": no slash, no /.default */
};

/*
 * Decides whether a credential may be used as the challenge asks. The request host is under a
 * suffix of the table or of the configuration; the resource is https and the request host is below
 * it (or it is the configured resource); the login address is https on port 443 and names the
 * login host, or an alias, of the request host's cloud, or it is the configured authority; the
 * tenant, first segment of its path (second after /dstsv2/), is a GUID or a domain. A configured
 * authority is then the one that is contacted, whatever login host of the cloud was named.
 *
 * request: HOST[:PORT] of the request that got the challenge. trust: NULL for none.
 * Errors, each with a sentence, and nothing may be sent then:
 *   config   3206 the request host is of no known cloud
 *   protocol 3201 login address not https, 3202 cut or without tenant, 3203 missing, of another
 *            cloud or unknown, tenant no tenant; 3206 resource missing, not https or not the
 *            request host's, 3207 resource cut
 *   config   3203 the cloud is closed
 */
kp_status azr_challenge_check(const struct azr_challenge *challenge, kp_span request,
                              const struct azr_trust *trust, struct azr_target *ret,
                              struct kp_error *reterr) KP_MUST_USE;

/*
 * The target without a challenge, from table and configuration alone: for managed identities, which
 * need no tenant, and for a configured tenant. tenant may be empty. Errors: config, as above, and
 * for a tenant that is none (code 3203).
 */
kp_status azr_target_make(kp_span request, const struct azr_trust *trust, kp_span tenant,
                          struct azr_target *ret, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_CHALLENGE_H */
