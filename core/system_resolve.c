/* Host names through the system: hosts file, cache, name servers, whatever it is set up for. */
#include "base/errors.h"
#include "base/span.h"
#include "core/resolve.h"
#include "core/resolve_error.h"

/* RFC 6761, section 6.3: this name is never anybody else's. */
static void answer_localhost(struct kpi_addresses *ret)
{
    *ret = (struct kpi_addresses){.n = 2, .at = {"127.0.0.1", "::1"}};
}

/* False for an address we cannot name in a few letters: an interface's own, or of another
 * family. */
static bool read_address(const struct sockaddr *from, char *out)
{
    if (from->sa_family == AF_INET)
        return uv_ip4_name((const struct sockaddr_in *)(const void *)from, out,
                           KPI_ADDRESS_TEXT_LEN) == 0;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;
    return from->sa_family == AF_INET6 && v6->sin6_scope_id == 0 &&
           uv_ip6_name(v6, out, KPI_ADDRESS_TEXT_LEN) == 0;
}

static void read_addresses(const struct addrinfo *list, struct kpi_addresses *addresses)
{
    for (; list && addresses->n < KPI_ADDRESSES_MAX; list = list->ai_next)
        if (read_address(list->ai_addr, addresses->at[addresses->n]))
            addresses->n++;
}

kp_status kpi_system_resolve(void *ctx, const char *host, struct kpi_addresses *ret,
                             struct kp_error *reterr)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct kpi_addresses addresses = {.n = 0};
    struct addrinfo *list = NULL;
    (void)ctx;
    if (kpb_span_eq_nocase(kpb_span_str(host), kpb_span_str("localhost"))) {
        answer_localhost(ret);
        return KP_OK;
    }
    int result = getaddrinfo(host, NULL, &hints, &list);
    if (result != 0)
        return kpi_platform_resolve_fail(result, host, reterr);
    read_addresses(list, &addresses);
    freeaddrinfo(list);
    if (addresses.n == 0)
        return kpb_fail(reterr, KP_NOT_FOUND, "the host name %s has no address", host);
    *ret = addresses;
    return KP_OK;
}
