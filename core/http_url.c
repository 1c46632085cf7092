#include "core/http_url.h"

#include <string.h>

#include <uv.h>

#include "base/errors.h"
#include "base/span.h"

#define ADDRESS_TEXT_LEN 46u /* the longest IPv6 address, with its NUL */
#define IPV4_LEN 4u
#define IPV6_LEN 16u

/* ---- Addresses ---- */

struct address {
    uint8_t bytes[IPV6_LEN];
    size_t len; /* IPV4_LEN, IPV6_LEN, or 0: none */
};

static struct address read_address(kp_span text)
{
    struct address address = {.len = 0};
    char copy[ADDRESS_TEXT_LEN];
    if (text.len == 0 || text.len >= sizeof copy)
        return address;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (strlen(copy) != text.len)
        return address;
    if (uv_inet_pton(AF_INET, copy, address.bytes) == 0)
        address.len = IPV4_LEN;
    else if (!strchr(copy, '%') && uv_inet_pton(AF_INET6, copy, address.bytes) == 0)
        address.len = IPV6_LEN;
    return address;
}

bool kpi_host_is_literal(kp_span host)
{
    return read_address(host).len != 0;
}

static bool has_prefix(const struct address *a, const struct address *prefix, uint32_t bits)
{
    size_t whole = bits / 8;
    uint32_t rest = bits % 8;
    if (a->len != prefix->len || memcmp(a->bytes, prefix->bytes, whole) != 0)
        return false;
    uint8_t mask = (uint8_t)(0xff00u >> rest);
    return rest == 0 || ((a->bytes[whole] ^ prefix->bytes[whole]) & mask) == 0;
}

bool kpi_host_is_loopback(kp_span host)
{
    const struct address v4 = {{127}, IPV4_LEN};
    const struct address v6 = {{[IPV6_LEN - 1] = 1}, IPV6_LEN};
    struct address address = read_address(host);
    return kpb_span_eq_nocase(host, kpb_span_str("localhost")) || has_prefix(&address, &v4, 8) ||
           has_prefix(&address, &v6, 8 * IPV6_LEN);
}

bool kpi_host_is_link_local(kp_span host)
{
    const struct address v4 = {{169, 254}, IPV4_LEN};
    const struct address v6 = {{0xfe, 0x80}, IPV6_LEN};
    struct address address = read_address(host);
    return has_prefix(&address, &v4, 16) || has_prefix(&address, &v6, 10);
}

/* ---- Lists ---- */

static bool is_gap(char c)
{
    return c == ',' || c == ' ' || c == '\t';
}

/* The next entry of *list, which moves behind it; empty at the end. */
static kp_span next_entry(const char **list)
{
    const char *start = *list;
    while (is_gap(*start))
        start++;
    const char *end = start;
    while (*end && !is_gap(*end))
        end++;
    *list = end;
    return kpb_span(start, (size_t)(end - start));
}

/* The number after the slash of a range; false where it is none up to max. */
static bool read_bits(kp_span text, uint32_t max, uint32_t *ret_bits)
{
    uint32_t bits = 0;
    if (text.len == 0 || text.len > 3)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        bits = 10 * bits + (uint32_t)(text.ptr[i] - '0');
    }
    *ret_bits = bits;
    return bits <= max;
}

static bool is_in_range(kp_span host, kp_span entry)
{
    const uint8_t *slash = memchr(entry.ptr, '/', entry.len);
    if (!slash)
        return false;
    size_t at = (size_t)(slash - entry.ptr);
    struct address range = read_address(kpb_span(entry.ptr, at));
    struct address address = read_address(host);
    uint32_t bits;
    return range.len != 0 &&
           read_bits(kpb_span(slash + 1, entry.len - at - 1), (uint32_t)(8 * range.len), &bits) &&
           has_prefix(&address, &range, bits);
}

static bool is_below(kp_span host, kp_span domain)
{
    if (domain.len > 0 && domain.ptr[0] == '.')
        domain = kpb_span(domain.ptr + 1, domain.len - 1);
    if (domain.len == 0 || domain.len > host.len)
        return false;
    size_t before = host.len - domain.len;
    return kpb_span_eq_nocase(kpb_span(host.ptr + before, domain.len), domain) &&
           (before == 0 || host.ptr[before - 1] == '.');
}

bool kpi_host_is_listed(kp_span host, const char *list)
{
    if (!list)
        return false;
    for (kp_span entry; (entry = next_entry(&list)).len > 0;)
        if (kpb_span_eq_str(entry, "*") || is_below(host, entry) || is_in_range(host, entry))
            return true;
    return false;
}

bool kpi_host_is_named(kp_span host, const char *list)
{
    if (!list)
        return false;
    for (kp_span entry; (entry = next_entry(&list)).len > 0;)
        if (kpb_span_eq_nocase(host, entry))
            return true;
    return false;
}

/* ---- Parsing ---- */

static bool is_host_byte(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_';
}

static bool is_host_name(kp_span host)
{
    if (host.len == 0 || host.len > KPI_HOST_MAX_LEN || host.ptr[0] == '.')
        return false;
    for (size_t i = 0; i < host.len; i++)
        if (!is_host_byte(host.ptr[i]))
            return false;
    return true;
}

/* Takes the prefix off *text, in either case; false when it does not begin with it. */
static bool skip_nocase(kp_span *text, const char *prefix)
{
    size_t len = strlen(prefix);
    if (text->len < len || !kpb_span_eq_nocase(kpb_span(text->ptr, len), kpb_span(prefix, len)))
        return false;
    *text = kpb_span(text->ptr + len, text->len - len);
    return true;
}

static kp_status check_bytes(kp_span text, struct kp_error *reterr)
{
    if (text.len == 0 || text.len > KPI_URL_MAX_LEN)
        return kpb_fail(reterr, KP_USAGE, "http: the URL is empty or longer than %u bytes",
                        KPI_URL_MAX_LEN);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || text.ptr[i] == '#')
            return kpb_fail(reterr, KP_USAGE,
                            "http: the URL has a byte that must be percent-encoded, at %zu", i);
    return KP_OK;
}

static kp_status read_port(kp_span text, uint16_t *ret_port, struct kp_error *reterr)
{
    uint32_t port = 0;
    for (size_t i = 0; i < text.len && port <= UINT16_MAX; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return kpb_fail(reterr, KP_USAGE, "http: the port of the URL is no number");
        port = 10 * port + (uint32_t)(text.ptr[i] - '0');
    }
    if (port == 0 || port > UINT16_MAX)
        return kpb_fail(reterr, KP_USAGE, "http: the port of the URL is not in 1..65535");
    *ret_port = (uint16_t)port;
    return KP_OK;
}

static kp_status fail_host(struct kp_error *reterr)
{
    return kpb_fail(reterr, KP_USAGE, "http: the URL has no host name or address");
}

/* "[address]" and what follows it. */
static kp_status read_bracketed(kp_span authority, struct kpi_url *url, kp_span *ret_rest,
                                struct kp_error *reterr)
{
    const uint8_t *end = memchr(authority.ptr, ']', authority.len);
    if (!end)
        return fail_host(reterr);
    size_t at = (size_t)(end - authority.ptr);
    url->host = kpb_span(authority.ptr + 1, at - 1);
    url->is_literal = read_address(url->host).len == IPV6_LEN;
    *ret_rest = kpb_span(end + 1, authority.len - at - 1);
    return url->is_literal ? KP_OK : fail_host(reterr);
}

static kp_status read_name(kp_span authority, struct kpi_url *url, kp_span *ret_rest,
                           struct kp_error *reterr)
{
    const uint8_t *colon = memchr(authority.ptr, ':', authority.len);
    size_t len = colon ? (size_t)(colon - authority.ptr) : authority.len;
    url->host = kpb_span(authority.ptr, len);
    url->is_literal = kpi_host_is_literal(url->host);
    *ret_rest = kpb_span(authority.ptr + len, authority.len - len);
    return is_host_name(url->host) ? KP_OK : fail_host(reterr);
}

static kp_status read_authority(kp_span authority, struct kpi_url *url, struct kp_error *reterr)
{
    kp_span rest = {NULL, 0};
    if (authority.len == 0)
        return fail_host(reterr);
    if (memchr(authority.ptr, '@', authority.len))
        return kpb_fail(reterr, KP_USAGE, "http: a user name has no place in a URL");
    kp_status st = authority.ptr[0] == '[' ? read_bracketed(authority, url, &rest, reterr)
                                           : read_name(authority, url, &rest, reterr);
    if (st != KP_OK || rest.len == 0)
        return st;
    if (rest.ptr[0] != ':')
        return fail_host(reterr);
    return read_port(kpb_span(rest.ptr + 1, rest.len - 1), &url->port, reterr);
}

kp_status kpi_url_parse(kp_span text, struct kpi_url *ret_url, struct kp_error *reterr)
{
    struct kpi_url url = {.tls = true, .port = 443};
    kp_status st = check_bytes(text, reterr);
    if (st != KP_OK)
        return st;
    if (!skip_nocase(&text, "https://")) {
        if (!skip_nocase(&text, "http://"))
            return kpb_fail(reterr, KP_USAGE,
                            "http: the URL begins with neither https:// nor "
                            "http://");
        url.tls = false;
        url.port = 80;
    }
    size_t len = 0;
    while (len < text.len && text.ptr[len] != '/' && text.ptr[len] != '?')
        len++;
    if (memchr(text.ptr, '\\', len))
        return fail_host(reterr);
    url.path = kpb_span(text.ptr + len, text.len - len);
    st = read_authority(kpb_span(text.ptr, len), &url, reterr);
    if (st == KP_OK)
        *ret_url = url;
    return st;
}
