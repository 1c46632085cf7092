/*
 * Requests to the login service: URL and form body of the client credentials grant.
 *
 *   POST https://LOGIN/TENANT/oauth2/v2.0/token        Content-Type: AZR_FORM_CONTENT_TYPE
 *   grant_type=client_credentials&client_id=GUID&client_secret=S&scope=RESOURCE%2F.default
 *
 * Pure functions over bytes, any thread. Every body holds a credential: it is in a secret buffer,
 * goes to azr_target's login host and nowhere else. Source: RFC 6749 section 4.4, RFC 7523.
 */
#ifndef KP_PLUGINS_AZURE_REST_TOKEN_REQUEST_H
#define KP_PLUGINS_AZURE_REST_TOKEN_REQUEST_H

#include "plugins/azure-rest/challenge.h"

#define AZR_FORM_CONTENT_TYPE "application/x-www-form-urlencoded"
#define AZR_SECRET_MAX_LEN 4096u          /* bytes of a client secret */
#define AZR_FEDERATED_FILE_MAX_LEN 65536u /* bytes of a federated token's file */
#define AZR_TOKEN_BODY_MAX_LEN 262144u    /* bytes of a body */

enum azr_token_endpoint {
    AZR_ENDPOINT_V2 = 0, /* /oauth2/v2.0/token with scope */
    AZR_ENDPOINT_V1 = 1  /* /oauth2/token with resource; for AD FS like authorities */
};

/* What every token request says. Borrowed for the call. */
struct azr_grant {
    const struct azr_target *target;
    uint32_t endpoint;  /* enum azr_token_endpoint */
    bool announces_cae; /* tells that we handle CAE challenges: long-lived tokens */
    kp_span client_id;  /* GUID */
    kp_span claims;     /* JSON of a CAE challenge (azr_challenge_claims), or empty */
};

/* How the identity proves itself; the number of a failure depends on it. */
enum azr_proof {
    AZR_PROOF_SECRET = 0,   /* client secret: 3800 */
    AZR_PROOF_PFX = 1,      /* assertion: 3814 */
    AZR_PROOF_PEM = 2,      /* assertion: 3819 */
    AZR_PROOF_BLOB = 3,     /* assertion: 3822 */
    AZR_PROOF_FEDERATED = 4 /* content of the federated token file: 3800 */
};

/* The proof of a container (enum azr_container). */
enum azr_proof azr_proof_of(uint32_t container);

/*
 * Writes the token URL, which is an assertion's audience too. *ret_url is initialised here; the
 * caller clears it, also after a failure. Errors: no_memory 3300; config 3203 no tenant.
 */
kp_status azr_token_url(const struct azr_target *target, uint32_t endpoint, kp_buf *ret_url,
                        struct kp_error *reterr) KP_MUST_USE;

/*
 * Writes the body. secret: the client secret, the assertion, or the federated token file as read
 * (blanks around its one JWT are dropped). *ret_body is initialised here as a secret buffer; the
 * caller clears it, also after a failure.
 * Errors: auth, code of the proof: client id no GUID, secret empty, too long or no JWT; protocol
 * 3203 claims that are no JSON object; no_memory 3301.
 */
kp_status azr_token_body(const struct azr_grant *grant, enum azr_proof proof, kp_span secret,
                         kp_buf *ret_body, struct kp_error *reterr) KP_MUST_USE;

/*
 * Writes the claims parameter: claims with the announcement of CAE put in, the announcement alone,
 * or nothing. *ret is initialised here; the caller clears it, also after a failure. Part of a token
 * cache's key. Errors: protocol 3203, no_memory 3301.
 */
kp_status azr_token_claims(bool announces_cae, kp_span claims, kp_buf *ret, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_TOKEN_REQUEST_H */
