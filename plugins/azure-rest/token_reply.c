/* Taking the token and its life out of a successful reply. */
#include "plugins/azure-rest/token_reply.h"

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "plugins/azure-rest/json_scan.h"
#include "plugins/azure-rest/token_date.h"

#define SITE "azure-rest.token.reply"
#define HALF_TIME_FROM_S 7200 /* lifetimes from here on are renewed at half time; MSAL's rule */

static const char *who(uint32_t source)
{
    return source == AZR_SOURCE_MANAGED_IDENTITY ? "the managed identity endpoint"
                                                 : "the login service";
}

/* ---- The token ---- */

/* It becomes a header line: nothing that could end one, or that a token never has. */
static bool is_token(kp_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f)
            return false;
    return text.len > 0;
}

static kp_status refuse_token(uint32_t source, struct kp_error *reterr)
{
    return kpb_fail_code(reterr, KP_PROTOCOL, KP_CODE_ErrorGetTokenExtractToken,
                         "the access_token in the answer of %s is no text of 1 to %u visible "
                         "characters",
                         who(source), AZR_TOKEN_MAX_LEN);
}

static kp_status take_token(struct azr_json reply, uint32_t source, kp_buf *ret_token,
                            struct kp_error *reterr)
{
    struct azr_json token = azr_json_member(reply, "access_token");
    if (token.type == AZR_JSON_NONE || token.type == AZR_JSON_NULL)
        return kpb_fail_code(reterr, KP_PROTOCOL, KP_CODE_ErrorGetTokenNotFound,
                             "the answer of %s has no access_token in it", who(source));
    kp_status st = azr_json_string(token, ret_token);
    if (st == KP_NO_MEMORY)
        return kpb_fail_code(reterr, KP_NO_MEMORY,
                             KP_CODE_ErrorGetTokenOutOfMemoryConvertResponseString,
                             "out of memory at " SITE);
    if (st == KP_OK && is_token(kp_buf_view(ret_token)))
        return KP_OK;
    return refuse_token(source, reterr);
}

static kp_status check_type(struct azr_json reply, uint32_t source, struct kp_error *reterr)
{
    kp_span name;
    struct azr_json type = azr_json_member(reply, "token_type");
    if (type.type == AZR_JSON_NONE || type.type == AZR_JSON_NULL)
        return KP_OK; /* asked for Bearer, and nothing else is said */
    if (azr_json_plain(type, &name) && kpb_span_eq_nocase(name, kpb_span_str("Bearer")))
        return KP_OK;
    return kpb_fail_code(reterr, KP_AUTH, KP_CODE_ErrorGetTokenFailedToGetToken,
                         "%s gave a token of another type than Bearer", who(source));
}

/* ---- Its life ---- */

static bool read_moment(struct azr_json value, int64_t *ret)
{
    kp_span text;
    return azr_json_integer(value, ret) ||
           (azr_json_plain(value, &text) && azr_date_parse(text, ret));
}

/* a - b, saturating. */
static int64_t difference(int64_t a, int64_t b)
{
    if (b < 0)
        return a > INT64_MAX + b ? INT64_MAX : a - b;
    return a < INT64_MIN + b ? INT64_MIN : a - b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/*
 * Seconds from now. expires_in needs no clock of ours and comes first. A clock that is behind makes
 * expires_on look further away than it is; the span from not_before to it is a bound that holds
 * whatever the clock says.
 */
static int64_t read_lifetime(struct azr_json reply, int64_t now_unix_s)
{
    int64_t left;
    int64_t end;
    int64_t begin;
    bool has_left = azr_json_integer(azr_json_member(reply, "expires_in"), &left);
    bool has_end = read_moment(azr_json_member(reply, "expires_on"), &end);
    if (!has_left && !has_end)
        return AZR_TOKEN_UNKNOWN_LIFETIME_S;
    if (!has_left)
        left = difference(end, now_unix_s);
    if (has_end && read_moment(azr_json_member(reply, "not_before"), &begin))
        left = smaller(left, difference(end, begin));
    return left;
}

/* Seconds until renewal of a token that is long enough to be renewed ahead of its end. */
static int64_t renewal_of(int64_t expires_s, int64_t refresh_in_s)
{
    int64_t latest = expires_s - AZR_TOKEN_REFRESH_AHEAD_S;
    if (refresh_in_s > 0)
        return smaller(larger(refresh_in_s, AZR_TOKEN_REFRESH_AHEAD_S), latest);
    return expires_s >= HALF_TIME_FROM_S ? expires_s / 2 : latest;
}

struct azr_lifetime azr_lifetime_make(int64_t expires_s, int64_t refresh_in_s)
{
    struct azr_lifetime life = {larger(1, smaller(expires_s, AZR_TOKEN_MAX_LIFETIME_S)), 0};
    life.refresh_s = life.expires_s > 2 * AZR_TOKEN_REFRESH_AHEAD_S
                         ? renewal_of(life.expires_s, refresh_in_s)
                         : life.expires_s / 2;
    return life;
}

static kp_status take_lifetime(struct azr_json reply, uint32_t source, int64_t now_unix_s,
                               struct azr_lifetime *ret, struct kp_error *reterr)
{
    int64_t refresh_in = 0;
    int64_t left = read_lifetime(reply, now_unix_s);
    if (left <= 0)
        return kpb_fail_code(reterr, KP_AUTH, KP_CODE_ErrorGetTokenFailedToGetToken,
                             "the token that %s gave had already expired; compare this machine's "
                             "clock with the true time",
                             who(source));
    if (!azr_json_integer(azr_json_member(reply, "refresh_in"), &refresh_in))
        refresh_in = 0;
    *ret = azr_lifetime_make(left, refresh_in);
    return KP_OK;
}

kp_status azr_token_read(kp_span body, uint32_t source, int64_t now_unix_s, kp_buf *ret_token,
                         struct azr_lifetime *ret_lifetime, struct kp_error *reterr)
{
    struct azr_json reply;
    struct azr_lifetime life = {0, 0};
    kp_buf_init_secret(ret_token, SITE, AZR_TOKEN_MAX_LEN);
    if (body.len > AZR_TOKEN_REPLY_MAX_LEN || !azr_json_parse(body, &reply) ||
        reply.type != AZR_JSON_OBJECT)
        return kpb_fail_code(reterr, KP_PROTOCOL, KP_CODE_ErrorGetTokenJsonParser,
                             "the answer of %s is no JSON object; a proxy may have answered in "
                             "its place",
                             who(source));
    kp_status st = check_type(reply, source, reterr);
    if (st == KP_OK)
        st = take_lifetime(reply, source, now_unix_s, &life, reterr);
    if (st == KP_OK)
        st = take_token(reply, source, ret_token, reterr);
    if (st == KP_OK)
        *ret_lifetime = life;
    else
        kp_buf_clear(ret_token);
    return st;
}
