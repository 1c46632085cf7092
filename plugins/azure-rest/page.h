/*
 * Page tokens. Of the service's nextLink only the query is kept, without its api-version: host and
 * path of the next request are ours again, whatever a link or a caller says. A chain of pages that
 * comes back to where it was is noticed without any memory between calls: the token carries the
 * number of pages seen and the hash of one link seen before, which moves at each power of two
 * (R. P. Brent, 1980).
 *
 *     TOKEN = COUNT "." HASH-OF-A-QUERY "." QUERY        COUNT decimal, HASH 16 hex digits
 *
 * Pure functions over bytes, any thread.
 */
#ifndef KP_PLUGINS_AZURE_REST_PAGE_H
#define KP_PLUGINS_AZURE_REST_PAGE_H

#include <keyprovider/types.h>

#include "base/buf.h"

#define AZR_PAGES_MAX 1000000u /* of one list */
#define AZR_PAGE_TOKEN_MAX_LEN 6144u

/* A token taken apart; query is a view. A zeroed one stands before the first page. */
struct azr_page {
    uint32_t count;
    uint64_t mark;
    kp_span query;
};

/* The empty token gives the zeroed page. Errors: usage: not a token of ours. */
kp_status azr_page_read(kp_span token, struct azr_page *ret, struct kp_error *reterr) KP_MUST_USE;

/* Writes the path that every page of a list has; empty for an operation that is no list. */
void azr_page_collection(const struct kp_request *request, char *out, size_t out_len);

/*
 * Appends the token for the page that next_link names, after the page `from`. collection: the path
 * every page of this list has, such as "/keys" ("/keys/NAME/versions").
 * Errors: protocol: the link leads to another host, another scheme or another collection, back to a
 * page seen before, or on for ever; no_memory.
 */
kp_status azr_page_next(const char *base, kp_span collection, const struct azr_page *from,
                        kp_span next_link, kp_buf *out, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_PAGE_H */
