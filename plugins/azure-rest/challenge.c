/* Reading WWW-Authenticate. Views into the headers; nothing is judged here but the syntax. */
#include "plugins/azure-rest/challenge.h"

#include "base/errors.h"
#include "base/span.h"

/* Where the reader stands, and how many parameters it may still take. */
struct reader {
    const uint8_t *p;
    const uint8_t *end;
    size_t params_left;
};

/* One Bearer challenge as it is read. */
struct bearer {
    struct azr_param authorization;
    struct azr_param authorization_uri;
    struct azr_param resource;
    struct azr_param scope;
    struct azr_param error;
    struct azr_param claims;
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* RFC 9110 section 5.6.2 */
static bool is_token_char(uint8_t c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static void skip_blanks(struct reader *r)
{
    while (r->p < r->end && is_blank(*r->p))
        r->p++;
}

static void skip_separators(struct reader *r)
{
    while (r->p < r->end && (is_blank(*r->p) || *r->p == ','))
        r->p++;
}

static void skip_to_comma(struct reader *r)
{
    while (r->p < r->end && *r->p != ',')
        r->p++;
}

static kp_span take_token(struct reader *r)
{
    const uint8_t *from = r->p;
    while (r->p < r->end && is_token_char(*r->p))
        r->p++;
    return kpb_span(from, (size_t)(r->p - from));
}

static bool is_present(const struct azr_param *param)
{
    return param->text.ptr != NULL;
}

static bool has_text(const struct azr_param *param)
{
    return param->text.len > 0;
}

/* ---- Values ---- */

static void note_oddities(struct azr_param *param)
{
    for (size_t i = 0; i < param->text.len; i++) {
        uint8_t c = param->text.ptr[i];
        if (c == '\\' || c < 0x20 || c >= 0x7f)
            param->is_odd = true;
    }
}

/* Behind the opening quote. */
static struct azr_param take_quoted(struct reader *r)
{
    struct azr_param value = {{r->p, 0}, false, false};
    while (r->p < r->end && *r->p != '"')
        r->p += *r->p == '\\' && r->end - r->p > 1 ? 2 : 1;
    value.text.len = (size_t)(r->p - value.text.ptr);
    value.is_cut = r->p == r->end;
    if (!value.is_cut)
        r->p++;
    return value;
}

static struct azr_param take_unquoted(struct reader *r)
{
    struct azr_param value = {{r->p, 0}, false, false};
    while (r->p < r->end && *r->p != ',' && !is_blank(*r->p))
        r->p++;
    value.text.len = (size_t)(r->p - value.text.ptr);
    return value;
}

/* Behind the equals sign. */
static struct azr_param take_value(struct reader *r)
{
    struct azr_param value;
    skip_blanks(r);
    if (r->p < r->end && *r->p == '"') {
        r->p++;
        value = take_quoted(r);
    } else {
        value = take_unquoted(r);
    }
    note_oddities(&value);
    return value;
}

/* ---- Challenges ---- */

static void keep_param(struct bearer *b, kp_span name, const struct azr_param *value)
{
    const struct {
        const char *name;
        struct azr_param *slot;
    } slots[] = {
        {"authorization", &b->authorization},
        {"authorization_uri", &b->authorization_uri},
        {"resource", &b->resource},
        {"scope", &b->scope},
        {"error", &b->error},
        {"claims", &b->claims},
    };
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
        if (kpb_span_eq_nocase(name, kpb_span_str(slots[i].name)) && !is_present(slots[i].slot))
            *slots[i].slot = *value;
}

/* A scope may list several; the first is the vault's. */
static struct azr_param first_word(struct azr_param scope)
{
    size_t n = 0;
    while (n < scope.text.len && !is_blank(scope.text.ptr[n]))
        n++;
    scope.is_cut = scope.is_cut && n == scope.text.len;
    scope.text.len = n;
    return scope;
}

static void end_bearer(const struct bearer *b, struct azr_challenge *ret)
{
    struct azr_param address =
        is_present(&b->authorization) ? b->authorization : b->authorization_uri;
    struct azr_param resource = is_present(&b->resource) ? b->resource : first_word(b->scope);
    bool had_all = has_text(&ret->authorization) && has_text(&ret->resource);
    bool has_all = has_text(&address) && has_text(&resource);
    if (!ret->has_bearer || (has_all && !had_all)) {
        ret->authorization = address;
        ret->resource = resource;
    }
    ret->has_bearer = true;
    if (kpb_span_eq_str(b->error.text, "insufficient_claims") && has_text(&b->claims) &&
        !is_present(&ret->claims))
        ret->claims = b->claims;
}

/*
 * The parameters behind a scheme's name, up to the next scheme's: a word without "=" is one. False:
 * the end of the header, or of what can be understood in it.
 */
static bool take_params(struct reader *r, struct bearer *ret)
{
    for (;;) {
        skip_separators(r);
        const uint8_t *from = r->p;
        kp_span name = take_token(r);
        skip_blanks(r);
        if (name.len == 0)
            return false;
        if (r->p == r->end || *r->p != '=') {
            r->p = from;
            return true;
        }
        if (r->params_left == 0)
            return false;
        r->params_left--;
        r->p++;
        struct azr_param value = take_value(r);
        keep_param(ret, name, &value);
        if (value.is_cut)
            return false;
    }
}

/* Right behind a scheme's name: drops a token68 (RFC 9110 section 11.2), if that is what stands
 * there: a run without quotes that ends, "=" padding aside, at a comma or the end. */
static void skip_token68(struct reader *r)
{
    struct reader ahead = *r;
    skip_blanks(&ahead);
    const uint8_t *from = ahead.p;
    while (ahead.p < ahead.end && (is_token_char(*ahead.p) || *ahead.p == '/'))
        ahead.p++;
    if (ahead.p == from)
        return;
    while (ahead.p < ahead.end && *ahead.p == '=')
        ahead.p++;
    skip_blanks(&ahead);
    if (ahead.p == ahead.end || *ahead.p == ',')
        *r = ahead;
}

/* One scheme with what belongs to it. False: the header's end. */
static bool take_challenge(struct reader *r, struct azr_challenge *ret)
{
    struct bearer b = {0};
    skip_separators(r);
    if (r->p == r->end)
        return false;
    kp_span scheme = take_token(r);
    if (scheme.len == 0) {
        skip_to_comma(r);
        return true;
    }
    skip_token68(r);
    bool more = take_params(r, &b);
    if (kpb_span_eq_nocase(scheme, kpb_span_str("Bearer")))
        end_bearer(&b, ret);
    return more;
}

static kp_status refuse(struct kp_error *reterr, const char *sentence)
{
    return kpb_fail_code(reterr, KP_PROTOCOL, KP_CODE_ErrorGetAADDomainUrlMalformatted,
                         "the vault's WWW-Authenticate challenge %s", sentence);
}

kp_status azr_challenge_parse(const kp_span *headers, size_t n, struct azr_challenge *ret,
                              struct kp_error *reterr)
{
    struct azr_challenge challenge = {0};
    size_t params_left = AZR_CHALLENGE_MAX_PARAMS;
    for (size_t i = 0; i < n; i++) {
        if (headers[i].len > AZR_CHALLENGE_MAX_LEN)
            return refuse(reterr, "is longer than any real one");
        if (headers[i].len == 0)
            continue;
        struct reader r = {headers[i].ptr, headers[i].ptr + headers[i].len, params_left};
        while (take_challenge(&r, &challenge))
            ;
        params_left = r.params_left;
        if (params_left == 0)
            return refuse(reterr, "has more parameters than any real one");
    }
    if (!challenge.has_bearer)
        return refuse(reterr, "is missing or offers no Bearer login; does the address lead to a "
                              "vault, or to a proxy that answered in its place?");
    *ret = challenge;
    return KP_OK;
}

#define HEADERS_MAX 8u /* WWW-Authenticate headers of one reply that are looked at */

kp_status azr_challenge_read(const struct kp_http_reply *reply, struct azr_challenge *ret,
                             struct kp_error *reterr)
{
    kp_span values[HEADERS_MAX];
    size_t n = 0;
    for (uint32_t i = 0; i < reply->n_headers && n < HEADERS_MAX; i++)
        if (kpb_span_eq_nocase(reply->headers[i].name, kpb_span_str("WWW-Authenticate")))
            values[n++] = reply->headers[i].value;
    if (n == 0)
        return kpb_fail_code(reterr, KP_PROTOCOL, KP_CODE_ErrorHttpQueryHeaderNotFound,
                             "the vault refuses a request without a token, but has no "
                             "WWW-Authenticate header that says where to get one; a proxy may have "
                             "answered in its place, or taken the header away");
    return azr_challenge_parse(values, n, ret, reterr);
}

bool azr_challenge_has_claims(const struct azr_challenge *challenge)
{
    return is_present(&challenge->claims);
}
