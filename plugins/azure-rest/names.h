/*
 * Names that reach us from outside and decide where a credential goes: host names, GUIDs, tenants,
 * https URLs of an authority. Pure functions over bytes, any thread.
 */
#ifndef KP_PLUGINS_AZURE_REST_NAMES_H
#define KP_PLUGINS_AZURE_REST_NAMES_H

#include <stdbool.h>

#include <keyprovider/status.h>

#define AZR_HOST_MAX_LEN 253u   /* RFC 1035 section 2.3.4 as text, without the final dot */
#define AZR_GUID_LEN 36u        /* with its hyphens */
#define AZR_TENANT_MAX_LEN 253u /* a GUID or a domain */

/* The arguments of "%.*s" for text from outside, cut to what a sentence has room for. */
#define AZR_SHOWN_MAX_LEN 80
#define AZR_SHOW(span)                                                                             \
    ((span).len > AZR_SHOWN_MAX_LEN ? AZR_SHOWN_MAX_LEN : (int)(span).len), (const char *)(span).ptr

/* HOST[:PORT] taken apart; a view. */
struct azr_host_port {
    kp_span host;
    uint32_t port; /* 443 when the text names none */
};

/* An https URL taken apart; views into it. */
struct azr_url {
    struct azr_host_port at;
    kp_span path; /* with its first slash, or empty; query and fragment refused */
};

/* Without blanks, tabs and line ends at either end; a view. */
kp_span azr_trim(kp_span text);

/* Letters, digits and hyphens in labels of 1 to 63, dots between them; no dot at the end. */
bool azr_is_host_name(kp_span text);
/* 8-4-4-4-12 hex digits of either case. */
bool azr_is_guid(kp_span text);
/* A GUID, or a host name with at least one dot. `common`, `organizations`, `adfs` are none. */
bool azr_is_tenant(kp_span text);

/* True when host is suffix itself or ends in "." and suffix; letters without case. */
bool azr_host_is_under(kp_span host, kp_span suffix);
/* True when host ends in "." and suffix and something stands before it. */
bool azr_host_is_below(kp_span host, kp_span suffix);

/* Reads HOST or HOST:PORT, port 1 to 65535. False: it is none; *ret is then untouched. */
bool azr_host_port_parse(kp_span text, struct azr_host_port *ret);
/*
 * Reads https://HOST[:PORT][/PATH]. User information, query, fragment, backslashes, blanks,
 * non-ASCII and any other scheme are refused: such an address is a trap, never a vault's.
 */
bool azr_https_url_parse(kp_span text, struct azr_url *ret);

/*
 * Writes the 36 characters of a GUID in lower case and a NUL. text: 32 hex digits, or the form with
 * hyphens. False: it is neither.
 */
bool azr_guid_normalise(kp_span text, char out[AZR_GUID_LEN + 1u]);

#endif /* KP_PLUGINS_AZURE_REST_NAMES_H */
