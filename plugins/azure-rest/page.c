#include "plugins/azure-rest/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "plugins/azure-rest/names.h"

#define HTTPS "https://"
#define HASH_DIGITS 16u
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
    while (i < rest->len && i < 7 && rest->ptr[i] >= '0' && rest->ptr[i] <= '9')
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

/* It becomes part of a request line: visible ASCII, from a slash on. */
static bool is_target(kp_span text)
{
    if (text.len < 2 || text.ptr[0] != '/' || text.ptr[1] == '/')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f || text.ptr[i] == '#' || text.ptr[i] == '\\')
            return false;
    }
    return true;
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
        !cut_mark(&rest, &page.mark) || !is_target(rest))
        return kpb_fail(reterr, KP_USAGE, "this page token is none of this vault's");
    page.target = rest;
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
    kp_status st = kpb_fail(reterr, KP_PROTOCOL, "the vault's list is not followed: its next page %s",
                            why);
    if (reterr)
        reterr->exposure = KP_ANSWERED;
    return st;
}

/* The part of a link behind its host, when that is ours; 443 may be named or not. */
static bool cut_host(const char *base, kp_span link, kp_span *ret)
{
    struct azr_host_port ours;
    struct azr_host_port theirs;
    size_t from = strlen(HTTPS);
    size_t to = from;
    if (!kpb_span_starts_with(link, HTTPS))
        return false;
    while (to < link.len && link.ptr[to] != '/')
        to++;
    if (!azr_host_port_parse(kpb_span_str(base + strlen(HTTPS)), &ours) ||
        !azr_host_port_parse(kpb_span(link.ptr + from, to - from), &theirs))
        return false;
    *ret = kpb_span(link.ptr + to, link.len - to);
    return kpb_span_eq_nocase(ours.host, theirs.host) && ours.port == theirs.port;
}

static kp_span path_of(kp_span target)
{
    size_t n = 0;
    while (n < target.len && target.ptr[n] != '?')
        n++;
    return kpb_span(target.ptr, n);
}

static bool is_power_of_two(uint32_t n)
{
    return (n & (n - 1)) == 0;
}

static kp_status write_token(uint32_t count, uint64_t mark, kp_span target, kp_buf *out,
                             struct kp_error *reterr)
{
    kp_status st = kp_buf_append_fmt(out, "%" PRIu32 ".%016" PRIx64 ".", count, mark);
    if (st == KP_OK)
        st = kp_buf_append(out, target);
    if (st == KP_USAGE)
        return refuse(reterr, "has an address that is too long");
    return st == KP_OK ? KP_OK : kpb_fail_memory(reterr, "azure-rest.page");
}

kp_status azr_page_next(const char *base, kp_span collection, const struct azr_page *from,
                        kp_span next_link, kp_buf *out, struct kp_error *reterr)
{
    kp_span target;
    uint32_t count = from->count + 1;
    if (next_link.len > AZR_PAGE_TOKEN_MAX_LEN - 32 || !cut_host(base, next_link, &target))
        return refuse(reterr, "is on another host");
    if (!is_target(target) || !kpb_span_eq_nocase(path_of(target), collection))
        return refuse(reterr, "is not of this list");
    uint64_t hash = hash_of(target);
    if (from->count > 0 && (hash == from->mark || kpb_span_eq(target, from->target)))
        return refuse(reterr, "was there before");
    if (count > AZR_PAGES_MAX)
        return refuse(reterr, "is one too many");
    return write_token(count, is_power_of_two(count) ? hash : from->mark, target, out, reterr);
}
