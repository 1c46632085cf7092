#include "plugins/azure-rest/token_request.h"

#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/credential.h"
#include "plugins/azure-rest/form.h"
#include "plugins/azure-rest/json_scan.h"

#define URL_SITE "azure-rest.token.url"
#define BODY_SITE "azure-rest.token.body"
#define URL_MAX_LEN 1024u
#define CLAIMS_MAX_LEN (AZR_CLAIMS_MAX_LEN + 128u)

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
/* "cp1" is the one capability there is: this client handles CAE challenges. */
#define CAPABILITY "\"xms_cc\":{\"values\":[\"cp1\"]}"

enum azr_proof azr_proof_of(uint32_t container)
{
    switch (container) {
    case AZR_CONTAINER_PFX:
        return AZR_PROOF_PFX;
    case AZR_CONTAINER_PEM:
        return AZR_PROOF_PEM;
    default:
        return AZR_PROOF_BLOB;
    }
}

/* ---- The URL ---- */

static kp_status write_url(const struct azr_target *target, uint32_t endpoint, kp_buf *url)
{
    return kp_buf_append_fmt(url, "https://%s/%s/oauth2/%stoken", target->login, target->tenant,
                             endpoint == AZR_ENDPOINT_V1 ? "" : "v2.0/");
}

kp_status azr_token_url(const struct azr_target *target, uint32_t endpoint, kp_buf *ret_url,
                        struct kp_error *reterr)
{
    kp_buf_init(ret_url, URL_SITE, URL_MAX_LEN);
    if (target->login[0] == '\0' || target->tenant[0] == '\0')
        return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_ErrorGetAADDomainUrlMalformatted,
                             "no tenant is known to log in to for %s; set identity.tenant",
                             target->resource);
    if (write_url(target, endpoint, ret_url) != KP_OK)
        return kpb_fail_code(reterr, KP_NO_MEMORY, KP_CODE_ErrorGetTokenOutOfMemoryConcatPath,
                             "out of memory at " URL_SITE);
    return KP_OK;
}

/* ---- Claims ---- */

/*
 * Puts the capability into claims: into their access_token where that is an object without one, in
 * front of all else where there is none. The text is spliced, not written anew: what the vault
 * asked for goes to the login service byte by byte.
 */
static kp_status splice_capability(kp_span text, struct azr_json claims, kp_buf *out)
{
    struct azr_json access = azr_json_member(claims, "access_token");
    struct azr_json known = azr_json_member(access, "xms_cc");
    struct azr_json host = access.type == AZR_JSON_OBJECT ? access : claims;
    if (known.type != AZR_JSON_NONE ||
        (access.type != AZR_JSON_NONE && access.type != AZR_JSON_OBJECT))
        return kp_buf_append(out, text);
    size_t at = (size_t)(host.text.ptr + 1 - text.ptr);
    kp_span rest = kpb_span(text.ptr + at, text.len - at);
    bool is_alone = azr_json_is_empty(host);
    kp_status st = kp_buf_append(out, kpb_span(text.ptr, at));
    if (st == KP_OK)
        st = kp_buf_append_str(
            out, access.type == AZR_JSON_OBJECT ? CAPABILITY : "\"access_token\":{" CAPABILITY "}");
    if (st == KP_OK && !is_alone)
        st = kp_buf_append_byte(out, ',');
    return st == KP_OK ? kp_buf_append(out, rest) : st;
}

static kp_status write_claims(bool announces_cae, kp_span claims, kp_buf *out)
{
    struct azr_json parsed;
    if (claims.len == 0)
        return announces_cae ? kp_buf_append_str(out, "{\"access_token\":{" CAPABILITY "}}")
                             : KP_OK;
    if (claims.len > AZR_CLAIMS_MAX_LEN || !azr_json_parse(claims, &parsed) ||
        parsed.type != AZR_JSON_OBJECT)
        return KP_PROTOCOL;
    return announces_cae ? splice_capability(claims, parsed, out) : kp_buf_append(out, claims);
}

static kp_status fail_body(struct kp_error *reterr)
{
    return kpb_fail_code(reterr, KP_NO_MEMORY, KP_CODE_ErrorGetTokenOutOfMemoryConcatBody,
                         "out of memory at " BODY_SITE);
}

kp_status azr_token_claims(bool announces_cae, kp_span claims, kp_buf *ret, struct kp_error *reterr)
{
    kp_buf_init(ret, BODY_SITE, CLAIMS_MAX_LEN);
    kp_status st = write_claims(announces_cae, claims, ret);
    if (st == KP_PROTOCOL)
        return kpb_fail_code(reterr, KP_PROTOCOL, KP_CODE_ErrorGetAADDomainUrlMalformatted,
                             "the claims for the token request are no JSON object of at most %u "
                             "bytes",
                             AZR_CLAIMS_MAX_LEN);
    return st == KP_OK ? KP_OK : fail_body(reterr);
}

/* ---- The body ---- */

static const struct {
    uint32_t code;
    const char *what;
} PROOFS[] = {
    [AZR_PROOF_SECRET] = {KP_CODE_ErrorSecretAuthParamsGetRequestBody, "client secret"},
    [AZR_PROOF_PFX] = {KP_CODE_ErrorPfxCertAuthParamsCreateRequestBody, "PFX certificate"},
    [AZR_PROOF_PEM] = {KP_CODE_ErrorPEMCertAuthParamsCreateRequestBody, "PEM certificate"},
    [AZR_PROOF_BLOB] = {KP_CODE_ErrorLegacyPrivateKeyAuthParamsCreateRequestBody, "key blob"},
    [AZR_PROOF_FEDERATED] = {KP_CODE_ErrorSecretAuthParamsGetRequestBody, "federated token"},
};

static kp_status refuse_input(enum azr_proof proof, const char *why, struct kp_error *reterr)
{
    return kpb_fail_code(reterr, KP_AUTH, PROOFS[proof].code, "no token request with the %s: %s",
                         PROOFS[proof].what, why);
}

/* Three parts of base64url with dots between them. */
static bool is_jwt(kp_span text)
{
    size_t n_dots = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        n_dots += c == '.';
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-' && c != '_' && c != '.')
            return false;
    }
    return n_dots == 2;
}

static kp_status check_input(const struct azr_grant *grant, enum azr_proof proof, kp_span secret,
                             struct kp_error *reterr)
{
    if (!azr_is_guid(grant->client_id))
        return refuse_input(proof, "the client id is no GUID", reterr);
    if (secret.len == 0)
        return refuse_input(proof, "it is empty", reterr);
    if (proof == AZR_PROOF_SECRET && secret.len > AZR_SECRET_MAX_LEN)
        return refuse_input(proof, "it is longer than any real one", reterr);
    if (proof != AZR_PROOF_SECRET && (secret.len > AZR_FEDERATED_FILE_MAX_LEN || !is_jwt(secret)))
        return refuse_input(proof, "it is no JWT (three base64url parts with dots between them)",
                            reterr);
    return KP_OK;
}

static kp_status add_scope(const struct azr_grant *grant, kp_buf *body)
{
    char scope[sizeof grant->target->resource + 16];
    size_t n = strlen(grant->target->resource);
    if (grant->endpoint == AZR_ENDPOINT_V1)
        return azr_form_add(body, "resource", kpb_span(grant->target->resource, n));
    memcpy(scope, grant->target->resource, n);
    memcpy(scope + n, "/.default", 10);
    return azr_form_add(body, "scope", kpb_span_str(scope));
}

static kp_status add_proof(enum azr_proof proof, kp_span secret, kp_buf *body)
{
    if (proof == AZR_PROOF_SECRET)
        return azr_form_add(body, "client_secret", secret);
    kp_status st = azr_form_add(body, "client_assertion_type", kpb_span_str(ASSERTION_TYPE));
    return st == KP_OK ? azr_form_add(body, "client_assertion", secret) : st;
}

static kp_status write_body(const struct azr_grant *grant, enum azr_proof proof, kp_span secret,
                            kp_span claims, kp_buf *body)
{
    kp_status st = azr_form_add(body, "grant_type", kpb_span_str("client_credentials"));
    if (st == KP_OK)
        st = azr_form_add(body, "client_id", grant->client_id);
    if (st == KP_OK)
        st = add_proof(proof, secret, body);
    if (st == KP_OK)
        st = add_scope(grant, body);
    if (st == KP_OK && claims.len > 0)
        st = azr_form_add(body, "claims", claims);
    return st;
}

kp_status azr_token_body(const struct azr_grant *grant, enum azr_proof proof, kp_span secret,
                         kp_buf *ret_body, struct kp_error *reterr)
{
    kp_buf claims;
    kp_buf_init_secret(ret_body, BODY_SITE, AZR_TOKEN_BODY_MAX_LEN);
    if (proof == AZR_PROOF_FEDERATED)
        secret = azr_trim(secret);
    kp_status st = check_input(grant, proof, secret, reterr);
    if (st != KP_OK)
        return st;
    st = azr_token_claims(grant->announces_cae, grant->claims, &claims, reterr);
    if (st == KP_OK && write_body(grant, proof, secret, kp_buf_view(&claims), ret_body) != KP_OK)
        st = fail_body(reterr);
    kp_buf_clear(&claims);
    return st;
}
