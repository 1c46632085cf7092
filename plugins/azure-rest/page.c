#include "plugins/azure-rest/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "plugins/azure-rest/kid.h"

#define HASH_DIGITS 16u
#define COUNT_DIGITS 7u
#define HEAD_LEN (COUNT_DIGITS + 1u + HASH_DIGITS + 1u)
#define FNV_START UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

/* FNV-1a: tells links of an honest service apart; a hostile one gains nothing by a collision. */
static uint64_t hash_of(kp_span text)
{
    uint64_t hash = FNV_START;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ text.ptr[i]) * FNV_PRIME;
    return hash;
}

/* ---- Reading ---- */

static bool cut_count(kp_span *rest, uint32_t *ret)
{
    uint32_t value = 0;
    size_t i = 0;
    while (i < rest->len && i < COUNT_DIGITS && rest->ptr[i] >= '0' && rest->ptr[i] <= '9')
        value = value * 10 + (uint32_t)(rest->ptr[i++] - '0');
    if (i == 0 || i >= rest->len || rest->ptr[i] != '.')
        return false;
    *rest = kpb_span(rest->ptr + i + 1, rest->len - i - 1);
    *ret = value;
    return true;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool cut_mark(kp_span *rest, uint64_t *ret)
{
    uint64_t value = 0;
    if (rest->len <= HASH_DIGITS || rest->ptr[HASH_DIGITS] != '.')
        return false;
    for (size_t i = 0; i < HASH_DIGITS; i++) {
        int digit = hex_digit(rest->ptr[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    *rest = kpb_span(rest->ptr + HASH_DIGITS + 1, rest->len - HASH_DIGITS - 1);
    *ret = value;
    return true;
}

/* What a query may hold; RFC 3986 section 3.4. */
static bool is_query_char(uint8_t c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    return c != 0 && strchr("-._~%!$&'()*+,;=:@/?", c) != NULL;
}

static bool is_query(kp_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_query_char(text.ptr[i]))
            return false;
    }
    return text.len > 0;
}

kp_status azr_page_read(kp_span token, struct azr_page *ret, struct kp_error *reterr)
{
    struct azr_page page = {0};
    kp_span rest = token;
    if (token.len == 0) {
        *ret = page;
        return KP_OK;
    }
    if (token.len > AZR_PAGE_TOKEN_MAX_LEN || !cut_count(&rest, &page.count) ||
        !cut_mark(&rest, &page.mark) || !is_query(rest))
        return kpb_fail(reterr, KP_USAGE,
                        "this page token is none of this vault's; begin the list anew");
    page.query = rest;
    *ret = page;
    return KP_OK;
}

/* ---- Making the next ---- */

void azr_page_collection(const struct kp_request *request, char *out, size_t out_len)
{
    out[0] = '\0';
    if (request->op == KP_OP_LIST_KEYS)
        (void)snprintf(out, out_len, "/keys");
    if (request->op == KP_OP_LIST_DELETED)
        (void)snprintf(out, out_len, "/deletedkeys");
    if (request->op == KP_OP_LIST_VERSIONS)
        (void)snprintf(out, out_len, "/keys/%.*s/versions", (int)request->name.len,
                       (const char *)request->name.ptr);
}

static kp_status refuse(struct kp_error *reterr, const char *why)
{
    kp_status st =
        kpb_fail(reterr, KP_PROTOCOL, "the vault's list is not followed: its next page %s", why);
    if (reterr)
        reterr->exposure = KP_ANSWERED;
    return st;
}

/* Path and query of a link to our own host. */
static bool cut_link(const char *base, kp_span link, kp_span *ret_path, kp_span *ret_query)
{
    kp_span authority;
    kp_span rest;
    size_t n = 0;
    if (!azr_cut_authority(link, &authority, &rest) || !azr_is_authority_of(base, authority))
        return false;
    while (n < rest.len && rest.ptr[n] != '?')
        n++;
    size_t used = n < rest.len ? n + 1 : n;
    *ret_path = kpb_span(rest.ptr, n);
    *ret_query = kpb_span(rest.ptr + used, rest.len - used);
    return true;
}

static bool is_api_version(kp_span parameter)
{
    const kp_span name = kpb_span_str("api-version=");
    return parameter.len >= name.len && kpb_span_eq_nocase(kpb_span(parameter.ptr, name.len), name);
}

/* Appends the parameters but api-version, which is ours to say. */
static kp_status append_parameters(kp_span query, kp_buf *out)
{
    bool is_first = true;
    kp_status st = KP_OK;
    for (size_t at = 0; st == KP_OK && at < query.len;) {
        size_t n = 0;
        while (at + n < query.len && query.ptr[at + n] != '&')
            n++;
        kp_span parameter = kpb_span(query.ptr + at, n);
        at += n + 1;
        if (n == 0 || is_api_version(parameter))
            continue;
        if (!is_first)
            st = kp_buf_append_byte(out, '&');
        if (st == KP_OK)
            st = kp_buf_append(out, parameter);
        is_first = false;
    }
    return st;
}

static bool is_power_of_two(uint32_t n)
{
    return (n & (n - 1)) == 0;
}

/* COUNT and MARK have a fixed width here, so that they can be put in front when QUERY is known. */
static kp_status write_head(uint32_t count, uint64_t mark, uint8_t *out, size_t len)
{
    char text[HEAD_LEN + 1];
    int n = snprintf(text, sizeof text, "%07" PRIu32 ".%016" PRIx64 ".", count, mark);
    if (n != (int)len)
        return KP_INTERNAL;
    memcpy(out, text, len);
    return KP_OK;
}

static kp_status write_token(const struct azr_page *from, kp_span query, kp_buf *out,
                             struct kp_error *reterr)
{
    uint32_t count = from->count + 1;
    size_t start = out->len;
    uint8_t *head;
    kp_status st = kp_buf_extend(out, HEAD_LEN, &head);
    if (st == KP_OK)
        st = append_parameters(query, out);
    if (st != KP_OK)
        return kpb_fail_memory(reterr, "azure-rest.page");
    kp_span kept = kpb_span(out->ptr + start + HEAD_LEN, out->len - start - HEAD_LEN);
    uint64_t hash = hash_of(kept);
    if (kept.len == 0)
        return refuse(reterr, "is the first one again");
    if (from->count > 0 && (hash == from->mark || kpb_span_eq(kept, from->query)))
        return refuse(reterr, "was there before");
    return write_head(count, is_power_of_two(count) ? hash : from->mark, out->ptr + start,
                      HEAD_LEN);
}

kp_status azr_page_next(const char *base, kp_span collection, const struct azr_page *from,
                        kp_span next_link, kp_buf *out, struct kp_error *reterr)
{
    kp_span path;
    kp_span query;
    if (next_link.len > AZR_PAGE_TOKEN_MAX_LEN - HEAD_LEN)
        return refuse(reterr, "has an address that is too long");
    if (!cut_link(base, next_link, &path, &query))
        return refuse(reterr, "is on another host");
    if (!is_query(query) || !kpb_span_eq_nocase(path, collection))
        return refuse(reterr, "is not of this list");
    if (from->count >= AZR_PAGES_MAX)
        return refuse(reterr, "is one too many");
    return write_token(from, query, out, reterr);
}
