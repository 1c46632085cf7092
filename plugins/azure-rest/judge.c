#include "plugins/azure-rest/judge.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/hint.h"

/* ---- The table ---- */

#define OP(name) KP_OP_BIT(KP_OP_##name)
#define DELETED_OPS (OP(GET_DELETED) | OP(RECOVER) | OP(PURGE))
#define USE_OPS (OP(ENCRYPT) | OP(DECRYPT) | OP(WRAP) | OP(UNWRAP) | OP(SIGN) | OP(VERIFY))

#define REFUSED KP_ANSWERED_REFUSED
#define AUTH KP_AUTH, KP_CODE_ErrorHttpResponseCodeUnauthorized, REFUSED, AZR_TROUBLE_TOKEN
#define REJECTED KP_AUTH, KP_CODE_ErrorGetTokenRejected, REFUSED, AZR_TROUBLE_TOKEN
#define FORBIDDEN KP_FORBIDDEN, KP_CODE_ErrorHttpOperationForbidden, REFUSED, AZR_TROUBLE_FORBIDDEN
#define NOT_FOUND KP_NOT_FOUND, KP_CODE_ErrorHttpResourceNotFound, REFUSED, AZR_TROUBLE_NOT_FOUND
#define USAGE KP_USAGE, KP_CODE_ErrorHttpResponseCodeClientError, REFUSED, AZR_TROUBLE_OTHER
#define DAMAGED KP_INTEGRITY, KP_CODE_ErrorHttpResponseCodeClientError, REFUSED, AZR_TROUBLE_OTHER
#define CONFLICT(trouble) KP_CONFLICT, KP_CODE_ErrorHttpResponseCodeClientError, REFUSED, trouble
#define NOT_SERVED                                                                                 \
    KP_UNSUPPORTED, KP_CODE_ErrorHttpResponseCodeClientError, REFUSED, AZR_TROUBLE_OTHER
#define THROTTLED                                                                                  \
    KP_THROTTLED, KP_CODE_ErrorHttpResponseCodeThrottled, REFUSED, AZR_TROUBLE_THROTTLED
/* What a server or a gateway gave up on may have been carried out all the same. */
#define TIMED_OUT                                                                                  \
    KP_TRANSIENT, KP_CODE_ErrorHttpResponseCodeClientError, KP_ANSWERED, AZR_TROUBLE_PASSING
#define PASSING                                                                                    \
    KP_TRANSIENT, KP_CODE_ErrorHttpResponseCodeServerError, KP_ANSWERED, AZR_TROUBLE_PASSING
#define BROKEN KP_VAULT, KP_CODE_ErrorHttpResponseCodeServerError, KP_ANSWERED, AZR_TROUBLE_OTHER
#define STRANGE KP_PROTOCOL, KP_CODE_ErrorUnknown, KP_ANSWERED, AZR_TROUBLE_OTHER

#define ALL AZR_ANY_OP

static const struct azr_verdict VERDICTS[] = {
    {401, 401, NULL, NULL, ALL, true, REJECTED,
     "it refuses a token that was just made for it; check that the identity is of the vault's "
     "tenant, and the clock"},
    {401, 401, NULL, NULL, ALL, false, AUTH,
     "it wants a token, or another one; check the identity, its secret, and the clock"},

    {403, 403, NULL, "ForbiddenByRbac", ALL, false, FORBIDDEN,
     "give the identity a role with this action, such as Key Vault Crypto User; that takes minutes "
     "to spread"},
    {403, 403, NULL, "ForbiddenByPolicy", ALL, false, FORBIDDEN,
     "give the identity this permission in the vault's access policy"},
    {403, 403, NULL, "AccessDenied", ALL, false, FORBIDDEN,
     "give the identity this permission in the vault's access policy"},
    {403, 403, NULL, "ForbiddenByFirewall", ALL, false, FORBIDDEN,
     "let this machine's address through the vault's firewall"},
    {403, 403, NULL, "ForbiddenByConnection", ALL, false, FORBIDDEN,
     "public access is off: reach the vault through its private link"},
    {403, 403, NULL, "KeyOperationForbidden", ALL, false, FORBIDDEN,
     "the key's key_ops do not name this operation; update them, or use another key"},
    {403, 403, NULL, "KeyDisabled", ALL, false, FORBIDDEN, "the key is disabled; enable it first"},
    {403, 403, "AccessDenied", NULL, ALL, false, FORBIDDEN,
     "give the identity a local role of the HSM with this action, such as Managed HSM Crypto User"},
    {403, 403, NULL, NULL, OP(PURGE), false, FORBIDDEN,
     "the identity may not purge, or purge protection is on and the key goes at its date"},
    {403, 403, NULL, NULL, USE_OPS, false, FORBIDDEN,
     "the identity may not do this, or the key is disabled, outside its dates or not for this use"},
    {403, 403, NULL, NULL, ALL, false, FORBIDDEN,
     "the identity may not do this; give it the permission, and minutes to spread"},

    {404, 404, NULL, NULL, OP(RANDOM), false, NOT_SERVED, "only a Managed HSM makes random bytes"},
    {404, 404, NULL, NULL, DELETED_OPS, false, NOT_FOUND,
     "there is no deleted key of that name; one just deleted shows after some seconds"},
    {404, 404, NULL, NULL, ALL, false, NOT_FOUND,
     "there is no such key or version; see `kp key list`, also for deleted ones"},
    {405, 405, NULL, NULL, ALL, false, NOT_SERVED, "it does not offer that under this api_version"},
    {408, 408, NULL, NULL, ALL, false, TIMED_OUT, "it gave up waiting; repeat"},

    {409, 409, NULL, "ObjectIsBeingDeleted", ALL, false, CONFLICT(AZR_TROUBLE_BEING_DELETED),
     "a key of that name is still being deleted; repeat in some seconds"},
    {409, 409, NULL, "ObjectIsDeletedButRecoverable", ALL, false,
     CONFLICT(AZR_TROUBLE_DELETED_RECOVERABLE),
     "a deleted key still holds the name; recover it, or purge it"},
    {409, 409, NULL, NULL, OP(RESTORE), false, CONFLICT(AZR_TROUBLE_NAME_TAKEN),
     "a key of that name is there, live or deleted; purge it, wait some seconds and repeat"},
    {409, 409, NULL, NULL, ALL, false, CONFLICT(AZR_TROUBLE_OTHER),
     "the state of the key or of its name is in the way"},

    {400, 400, "Malformed backup blob", NULL, ALL, false, DAMAGED,
     "the backup is damaged, or of another subscription or geography"},
    {400, 400, "MalformedBackupBlob", NULL, ALL, false, DAMAGED,
     "the backup is damaged, or of another security domain"},
    {400, 400, NULL, NULL, OP(RESTORE), false, USAGE,
     "this is no backup it can take: the same subscription and geography, or security domain"},
    {400, 400, NULL, NULL, USE_OPS, false, USAGE,
     "algorithm, size or encoding of the value does not go with the key"},
    {400, 400, NULL, NULL, ALL, false, USAGE,
     "it takes a parameter for wrong: type, size, dates, policy, name or api_version"},
    {413, 413, NULL, NULL, ALL, false, USAGE, "the request is too large for it"},
    {429, 429, NULL, NULL, ALL, false, THROTTLED,
     "too many requests; spread them, or use more vaults"},
    {400, 499, NULL, NULL, ALL, false, USAGE, "it refuses the request as it is"},

    {501, 501, NULL, NULL, ALL, false, BROKEN, "it says that it cannot do this at all"},
    {505, 505, NULL, NULL, ALL, false, BROKEN, "it does not take this version of HTTP"},
    {500, 599, NULL, NULL, ALL, false, PASSING, "it fails for a passing reason; repeat"},
    {300, 399, NULL, NULL, ALL, false, STRANGE,
     "redirects are never followed; a proxy or a wrong host may be answering"},
    {0, UINT32_MAX, NULL, NULL, ALL, false, STRANGE, "no vault answers like that"},
};

#define N_VERDICTS (sizeof VERDICTS / sizeof VERDICTS[0])

const struct azr_verdict *azr_verdict_at(size_t i)
{
    return i < N_VERDICTS ? &VERDICTS[i] : NULL;
}

/* ---- Steps ---- */

#define KEY_STEP                                                                                   \
    {                                                                                              \
        KP_CODE_ErrorGetKeyByNameOutOfMemoryConcatPath, KP_CODE_scp_err_OutOfMemory,               \
            KP_CODE_ErrorGetKeyByNameOutOfMemoryConvertResponseString,                             \
            KP_CODE_ErrorGetKeyByNameNoResponse, KP_CODE_ErrorGetKeyByNameJsonParser,              \
            KP_CODE_ErrorGetKeyByNameExtractKeyNode, KP_CODE_ErrorUnknown,                         \
            KP_CODE_ErrorGetKeyByNameOutOfMemoryConcatHeader                                       \
    }
#define WRAP_STEP                                                                                  \
    {                                                                                              \
        KP_CODE_ErrorWrapKeyOutOfMemoryConcatPath, KP_CODE_ErrorWrapKeyOutOfMemoryConcatBody,      \
            KP_CODE_ErrorWrapKeyOutOfMemoryConvertResponseString, KP_CODE_ErrorWrapKeyNoResponse,  \
            KP_CODE_ErrorWrapKeyJsonParser, KP_CODE_ErrorWrapKeyExtractValue,                      \
            KP_CODE_ErrorWrapKeyBase64DecodeValue, KP_CODE_ErrorWrapKeyOutOfMemoryConcatHeader     \
    }
#define UNWRAP_STEP                                                                                \
    {                                                                                              \
        KP_CODE_ErrorUnwrapKeyOutOfMemoryConcatPath, KP_CODE_ErrorUnwrapKeyOutOfMemoryConcatBody,  \
            KP_CODE_ErrorUnwrapKeyOutOfMemoryConvertResponseString,                                \
            KP_CODE_ErrorUnwrapKeyNoResponse, KP_CODE_ErrorUnwrapKeyJsonParser,                    \
            KP_CODE_ErrorUnwrapKeyExtractValue, KP_CODE_ErrorUnwrapKeyBase64DecodeValue,           \
            KP_CODE_ErrorUnwrapKeyOutOfMemoryConcatHeader                                          \
    }

/* In the order of enum azr_fault; a row of zeros is a step without numbers of its own. */
static const uint32_t STEPS[KP_OP_MAX + 1][AZR_FAULTS] = {
    [KP_OP_GET_KEY] = KEY_STEP,
    [KP_OP_CREATE] = KEY_STEP,
    [KP_OP_IMPORT] = KEY_STEP,
    [KP_OP_IMPORT_BYOK] = KEY_STEP,
    [KP_OP_UPDATE] = KEY_STEP,
    [KP_OP_DELETE] = KEY_STEP,
    [KP_OP_GET_DELETED] = KEY_STEP,
    [KP_OP_RECOVER] = KEY_STEP,
    [KP_OP_RESTORE] = KEY_STEP,
    [KP_OP_ROTATE] = KEY_STEP,
    [KP_OP_ATTEST] = KEY_STEP,
    [KP_OP_BACKUP] = {KP_CODE_ErrorBackupKeyOutOfMemoryConcatPath, KP_CODE_scp_err_OutOfMemory,
                      KP_CODE_ErrorBackupKeyOutOfMemoryConvertResponseString,
                      KP_CODE_ErrorBackupKeyNoResponse, KP_CODE_ErrorBackupKeyJsonParser,
                      KP_CODE_ErrorBackupKeyExtractValue, KP_CODE_ErrorBackupKeyBase64DecodeValue,
                      KP_CODE_ErrorBackupKeyOutOfMemoryConcatHeader},
    [KP_OP_WRAP] = WRAP_STEP,
    [KP_OP_ENCRYPT] = WRAP_STEP,
    [KP_OP_UNWRAP] = UNWRAP_STEP,
    [KP_OP_DECRYPT] = UNWRAP_STEP,
};

static const uint32_t NO_STEP[AZR_FAULTS] = {
    KP_CODE_scp_err_OutOfMemory, KP_CODE_scp_err_OutOfMemory,
    KP_CODE_scp_err_OutOfMemory, KP_CODE_ErrorHttpGetResponseCode,
    KP_CODE_ErrorUnknown,        KP_CODE_ErrorUnknown,
    KP_CODE_ErrorUnknown,        KP_CODE_scp_err_OutOfMemory,
};

uint32_t azr_fault_code(uint32_t op, enum azr_fault fault)
{
    if (op > KP_OP_MAX || STEPS[op][0] == 0)
        return NO_STEP[fault];
    return STEPS[op][fault];
}

/* ---- Sentences ---- */

#define SHOWN_HOST_LEN 96
#define SHOWN_REGION_LEN 32u
#define HTTPS_LEN 8u

static bool is_visible(kp_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f)
            return false;
    }
    return true;
}

/* The first header of this name that may be shown: 1 to max_len visible characters; else empty. */
static kp_span shown_header(const struct kp_http_reply *reply, const char *name, size_t max_len)
{
    for (uint32_t i = 0; i < reply->n_headers; i++) {
        kp_span value = reply->headers[i].value;
        if (kpb_span_eq_nocase(reply->headers[i].name, kpb_span_str(name)) && value.len > 0 &&
            value.len <= max_len && is_visible(value))
            return value;
    }
    return kpb_span(NULL, 0);
}

/* "wrap with key app at HOST", cut where names are long. */
static void describe(const struct azr_exchange *x, char *out, size_t cap)
{
    const struct kp_request *request = x->request;
    kp_span name = request->name;
    const char *host = strlen(x->base) > HTTPS_LEN ? x->base + HTTPS_LEN : x->base;
    bool has_key = (kp_op_traits(request->op) & KP_TRAIT_NEEDS_KEY) && name.len > 0;
    int shown = name.len < 64 ? (int)name.len : 64;
    (void)snprintf(out, cap, "%s%s%.*s at %.*s", kp_op_text(request->op), has_key ? " of key " : "",
                   has_key ? shown : 0, has_key ? (const char *)name.ptr : "", SHOWN_HOST_LEN,
                   host);
}

static void write_sentence(const struct azr_exchange *x, const struct azr_verdict *verdict,
                           const struct azr_service_error *error, const struct kp_http_reply *reply,
                           struct kp_error *reterr)
{
    char what[192];
    kp_span region = shown_header(reply, "x-ms-keyvault-region", SHOWN_REGION_LEN);
    describe(x, what, sizeof what);
    kpb_ignore(kpb_fail_code(reterr, verdict->status, verdict->number,
                             "%s: HTTP %u%s%s%s%s%s%.*s: %s", what, (unsigned)reply->http_status,
                             error->code[0] ? " " : "", error->code, error->inner[0] ? "/" : "",
                             error->inner, region.len > 0 ? " in " : "", (int)region.len,
                             region.len > 0 ? (const char *)region.ptr : "", verdict->advice));
}

/* ---- Judging ---- */

static bool is_text(const char *wanted, const char *text)
{
    return !wanted || strcmp(wanted, text) == 0;
}

static bool fits(const struct azr_verdict *v, const struct azr_exchange *x, uint32_t http_status,
                 const struct azr_service_error *error)
{
    return http_status >= v->http_from && http_status <= v->http_to &&
           is_text(v->code, error->code) && is_text(v->inner, error->inner) &&
           (v->ops == AZR_ANY_OP || (v->ops & KP_OP_BIT(x->request->op)) != 0) &&
           (!v->fresh_only || x->is_token_fresh);
}

/* The last row fits everything. */
static const struct azr_verdict *find_verdict(const struct azr_exchange *x, uint32_t http_status,
                                              const struct azr_service_error *error)
{
    size_t i = 0;
    while (i < N_VERDICTS - 1 && !fits(&VERDICTS[i], x, http_status, error))
        i++;
    return &VERDICTS[i];
}

static void keep_request_id(const struct kp_http_reply *reply, struct kp_error *reterr)
{
    kp_span id = shown_header(reply, "x-ms-request-id", sizeof reterr->request_id - 1);
    if (id.len == 0)
        return;
    memcpy(reterr->request_id, id.ptr, id.len);
    reterr->request_id[id.len] = '\0';
}

_Static_assert(AZR_SERVICE_CODE_LEN <= KP_SERVICE_CODE_LEN, "a service code fits");

/* "Forbidden", or "Forbidden/ForbiddenByRbac" where the service says more and there is room. */
static void keep_service_code(const struct azr_service_error *error, struct kp_error *reterr)
{
    size_t len = strlen(error->code);
    memcpy(reterr->service_code, error->code, len + 1);
    if (error->inner[0] != '\0' && len + 1 + strlen(error->inner) < sizeof reterr->service_code)
        (void)snprintf(reterr->service_code + len, sizeof reterr->service_code - len, "/%s",
                       error->inner);
}

kp_status azr_judge(const struct azr_exchange *exchange, const struct kp_http_reply *reply,
                    enum azr_trouble *ret_trouble, struct kp_error *reterr)
{
    struct azr_service_error error;
    azr_service_error_read(reply->body, &error);
    const struct azr_verdict *verdict = find_verdict(exchange, reply->http_status, &error);
    if (ret_trouble)
        *ret_trouble = verdict->trouble;
    if (!reterr)
        return verdict->status;
    write_sentence(exchange, verdict, &error, reply, reterr);
    reterr->http_status = reply->http_status;
    reterr->exposure = verdict->exposure;
    reterr->retry_after_ms = azr_hint_ms(reply, exchange->now_unix_s);
    keep_request_id(reply, reterr);
    keep_service_code(&error, reterr);
    return verdict->status;
}

kp_status azr_judge_silence(const struct azr_exchange *exchange, kp_status status,
                            struct kp_error *error)
{
    char what[192];
    if (!error)
        return status;
    describe(exchange, what, sizeof what);
    if (error->text[0] == '\0')
        (void)snprintf(error->text, sizeof error->text, "no answer came: %s",
                       kp_status_meaning(status));
    kpb_error_prefix(error, "%s", what);
    error->status = (uint32_t)status;
    if (error->code == KP_CODE_ErrorHttpGetResponseCode)
        error->code = azr_fault_code(exchange->request->op, AZR_FAULT_NO_RESPONSE);
    return status;
}
