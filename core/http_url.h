/*
 * The parts of an address of the web, and which hosts may be spoken to in clear text. Pure
 * functions over bytes, any thread; spans point into the text that was parsed.
 */
#ifndef KP_CORE_HTTP_URL_H
#define KP_CORE_HTTP_URL_H

#include <stdbool.h>

#include <keyprovider/status.h>

#define KPI_URL_MAX_LEN 8192u
#define KPI_HOST_MAX_LEN 253u /* RFC 1035, section 2.3.4, in text */

struct kpi_url {
    bool tls;
    bool is_literal; /* the host is an address */
    uint16_t port;
    kp_span host; /* without the brackets of an IPv6 address */
    kp_span path; /* what follows: path and query, or nothing */
};

/*
 * Reads scheme://host[:port][/...]: scheme http or https, printable ASCII, no user name, no
 * fragment. Source: RFC 3986, section 3; RFC 9110, section 4.2.
 * Errors: usage, with a sentence that names the part and quotes nothing.
 */
kp_status kpi_url_parse(kp_span text, struct kpi_url *ret_url, struct kp_error *reterr) KP_MUST_USE;

/* "localhost", or an address of the loopback. */
bool kpi_host_is_loopback(kp_span host);
/* An address that is never routed: 169.254.0.0/16, where clouds keep their metadata, or fe80::/10.
 */
bool kpi_host_is_link_local(kp_span host);
/* An address in text, IPv4 in four decimal parts or IPv6. */
bool kpi_host_is_literal(kp_span host);

/*
 * Whether a list like that of NO_PROXY names the host: entries between commas or blanks, each a
 * name (which stands for its subdomains too, with or without a dot before it), an address, a range
 * of addresses ("10.0.0.0/8"), or "*" for all.
 */
bool kpi_host_is_listed(kp_span host, const char *list);
/* Whether one of the entries between commas or blanks is the host itself, in either case. */
bool kpi_host_is_named(kp_span host, const char *list);

#endif /* KP_CORE_HTTP_URL_H */
