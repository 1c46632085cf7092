/*
 * What a refused token request means. Decided by status, `error` and the service's number alone:
 * its text changes, is translated, and may hold anything.
 */
#include <stdio.h>

#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/json_scan.h"
#include "plugins/azure-rest/token_reply.h"

/* What a number or an error word stands for. */
struct meaning {
    int64_t number; /* behind AADSTS; 0: the word decides */
    const char *error;
    uint32_t status; /* kp_status */
    uint32_t code;
    const char *text; /* what is wrong, and what to do */
};

#define REFUSED KP_AUTH, KP_CODE_ErrorGetTokenBadCredentials
#define NO_TOKEN KP_AUTH, KP_CODE_ErrorGetTokenFailedToGetToken
#define THROTTLED KP_THROTTLED, KP_CODE_ErrorHttpResponseCodeThrottled
#define PASSING KP_TRANSIENT, KP_CODE_ErrorHttpResponseCodeServerError

/* Entra's list of AADSTS numbers, read for those a client credentials grant can meet. */
static const struct meaning NUMBERS[] = {
    {7000215, NULL, REFUSED,
     "the client secret is wrong; use the secret's value, not its id, of the app with that client "
     "id"},
    {7000222, NULL, REFUSED, "the client secret has expired; make a new one and set it everywhere"},
    {700016, NULL, REFUSED,
     "the tenant has no application with that client id; check both, and that it was consented to"},
    {700027, NULL, REFUSED,
     "the certificate or the signature was not accepted; upload the certificate to the app "
     "registration, or configure the one that is there"},
    {700021, NULL, REFUSED, "the assertion's issuer is not the client id"},
    {700023, NULL, REFUSED, "the assertion's audience is not the login address"},
    {700024, NULL, REFUSED,
     "the assertion is outside its validity; set this machine's clock right"},
    {7000229, NULL, REFUSED, "the application has no service principal in the tenant"},
    {7000112, NULL, REFUSED, "the application is disabled in the tenant"},
    {700211, NULL, REFUSED, "no federated credential of the app matches the token's issuer"},
    {700213, NULL, REFUSED, "no federated credential of the app matches the token's subject"},
    {700212, NULL, REFUSED, "no federated credential of the app matches the token's audience"},
    {50027, NULL, REFUSED, "the assertion is no proper JWT"},
    {90002, NULL, REFUSED, "the tenant does not exist in this cloud"},
    {900023, NULL, REFUSED, "the tenant is neither a GUID nor a domain of its own"},
    {50049, NULL, NO_TOKEN, "the login address is of no cloud it knows"},
    {70011, NULL, NO_TOKEN, "it knows no such scope; the vault may be of another cloud"},
    {1002012, NULL, NO_TOKEN, "it knows no such scope; the vault may be of another cloud"},
    {500011, NULL, NO_TOKEN, "the tenant has no Key Vault service of that resource"},
    {53003, NULL, NO_TOKEN, "a Conditional Access policy blocks this identity here"},
    {90033, NULL, PASSING, "it fails for a passing reason"},
    {90055, NULL, THROTTLED, "it has too many requests"},
};

static const struct meaning WORDS[] = {
    {0, "temporarily_unavailable", PASSING, "it fails for a passing reason"},
    {0, "invalid_client", REFUSED, "client id, secret or certificate are not accepted"},
    {0, "unauthorized_client", REFUSED, "the application may not log in to this tenant"},
    {0, "invalid_tenant", REFUSED, "the tenant does not exist in this cloud"},
    {0, "invalid_scope", NO_TOKEN, "it knows no such scope; the vault may be of another cloud"},
    {0, "invalid_resource", NO_TOKEN,
     "it knows no such resource; the vault may be of another cloud"},
    {0, "interaction_required", NO_TOKEN, "a policy of the tenant wants a person to log in"},
};

static const struct meaning OTHER = {0, "", NO_TOKEN,
                                     "the reason is in the sign-in log of the application"};
static const struct meaning NO_IDENTITY = {
    0, "", REFUSED,
    "this machine has no such managed identity; assign one, or correct the client id"};
static const struct meaning TOO_MANY = {0, "", THROTTLED, "it has too many requests"};
static const struct meaning FAILING = {0, "", PASSING, "it fails for a passing reason"};

/* What the reply says, taken out of it; views. */
struct refusal {
    bool is_json;
    int64_t number;
    kp_span error;
    kp_span trace_id;
};

/* ---- Reading ---- */

/* The number behind "AADSTS" at the start of the description. */
static int64_t number_in_text(struct azr_json description)
{
    const kp_span prefix = kpb_span_str("\"AADSTS");
    int64_t number = 0;
    if (description.type != AZR_JSON_STRING || description.text.len < prefix.len ||
        !kpb_span_eq(kpb_span(description.text.ptr, prefix.len), prefix))
        return 0;
    for (size_t i = prefix.len; i < description.text.len && i < prefix.len + 9; i++) {
        uint8_t c = description.text.ptr[i];
        if (c < '0' || c > '9')
            break;
        number = number * 10 + (c - '0');
    }
    return number;
}

static int64_t read_number(struct azr_json reply)
{
    int64_t number;
    struct azr_json first = azr_json_element(azr_json_member(reply, "error_codes"), 0);
    if (azr_json_integer(first, &number) && number > 0 && number <= 999999999)
        return number;
    return number_in_text(azr_json_member(reply, "error_description"));
}

static bool is_word(kp_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!(text.ptr[i] >= 'a' && text.ptr[i] <= 'z') && text.ptr[i] != '_')
            return false;
    return text.len > 0 && text.len <= 40;
}

static bool is_id(kp_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F') &&
            c != '-')
            return false;
    }
    return text.len > 0 && text.len < KP_REQUEST_ID_LEN;
}

static struct refusal read_refusal(kp_span body)
{
    struct refusal r = {0};
    struct azr_json reply;
    kp_span text;
    if (body.len > AZR_TOKEN_REPLY_MAX_LEN || !azr_json_parse(body, &reply) ||
        reply.type != AZR_JSON_OBJECT)
        return r;
    r.is_json = true;
    r.number = read_number(reply);
    if (azr_json_plain(azr_json_member(reply, "error"), &text) && is_word(text))
        r.error = text;
    if (azr_json_plain(azr_json_member(reply, "trace_id"), &text) && is_id(text))
        r.trace_id = text;
    return r;
}

/* ---- Deciding ---- */

static const struct meaning *find_number(int64_t number)
{
    for (size_t i = 0; number > 0 && i < sizeof NUMBERS / sizeof NUMBERS[0]; i++)
        if (NUMBERS[i].number == number)
            return &NUMBERS[i];
    return NULL;
}

static const struct meaning *find_word(kp_span error)
{
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
        if (kpb_span_eq_str(error, WORDS[i].error))
            return &WORDS[i];
    return NULL;
}

static const struct meaning *by_status(uint32_t http_status, uint32_t source)
{
    if (http_status == 429)
        return &TOO_MANY;
    if (http_status == 408 || http_status == 410 || http_status >= 500)
        return &FAILING;
    return http_status == 404 && source == AZR_SOURCE_MANAGED_IDENTITY ? &FAILING : NULL;
}

/* IMDS says invalid_request when there is no identity, and when there is none of that id. */
static bool lacks_identity(const struct refusal *r, uint32_t http_status, uint32_t source)
{
    return source == AZR_SOURCE_MANAGED_IDENTITY && http_status >= 400 && http_status < 500 &&
           (r->error.len == 0 || kpb_span_eq_str(r->error, "invalid_request"));
}

static const struct meaning *find_meaning(const struct refusal *r, uint32_t http_status,
                                          uint32_t source)
{
    const struct meaning *found = by_status(http_status, source);
    if (!found)
        found = find_number(r->number);
    if (!found)
        found = find_word(r->error);
    if (!found && lacks_identity(r, http_status, source))
        found = &NO_IDENTITY;
    return found ? found : &OTHER;
}

/* ---- Saying it ---- */

/* "AADSTS7000215" or "invalid_client" or nothing. */
static void name_reason(const struct refusal *r, char *out, size_t cap)
{
    out[0] = '\0';
    if (r->number > 0)
        (void)snprintf(out, cap, "AADSTS%lld", (long long)r->number);
    else if (r->error.len > 0)
        (void)snprintf(out, cap, "%.*s", (int)r->error.len, (const char *)r->error.ptr);
}

static void add_details(const struct refusal *r, uint32_t http_status, struct kp_error *reterr)
{
    if (!reterr)
        return;
    reterr->http_status = http_status;
    if (r->trace_id.len > 0)
        memcpy(reterr->request_id, r->trace_id.ptr, r->trace_id.len);
    name_reason(r, reterr->service_code, sizeof reterr->service_code);
}

kp_status azr_token_error(kp_span body, uint32_t http_status, uint32_t source,
                          struct kp_error *reterr)
{
    struct refusal r = read_refusal(body);
    const char *who = source == AZR_SOURCE_MANAGED_IDENTITY ? "the managed identity endpoint"
                                                            : "the login service";
    char reason[48];
    kp_status st;
    if (!r.is_json && !by_status(http_status, source)) {
        st = kpb_fail_code(reterr, KP_PROTOCOL, KP_CODE_ErrorGetTokenJsonParser,
                           "%s answered with HTTP %u and no JSON; a proxy may have answered in its "
                           "place",
                           who, (unsigned)http_status);
    } else {
        const struct meaning *m = find_meaning(&r, http_status, source);
        name_reason(&r, reason, sizeof reason);
        st = kpb_fail_code(reterr, (kp_status)m->status, m->code,
                           "%s gave no token (%s%sHTTP %u): %s", who, reason, reason[0] ? ", " : "",
                           (unsigned)http_status, m->text);
    }
    add_details(&r, http_status, reterr);
    return st;
}
