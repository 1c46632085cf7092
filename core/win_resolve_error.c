#include "core/resolve_error.h"

#include <winsock2.h>

#include "base/errors.h"
#include "base/win_text.h"

#define REASON_LEN 160u

kp_status kpi_platform_resolve_fail(int result, const char *host, struct kp_error *reterr)
{
    char why[REASON_LEN];
    switch (result) {
    case WSAHOST_NOT_FOUND:
    case WSANO_DATA:
        return kpb_fail(reterr, KP_NOT_FOUND, "the host name %s does not exist", host);
    case WSA_NOT_ENOUGH_MEMORY:
        return kpb_fail_memory(reterr, "resolver.getaddrinfo");
    default:
        kpb_win_reason((uint32_t)result, why, sizeof why);
        return kpb_fail(reterr, KP_TRANSIENT, "the host name %s could not be looked up: %s", host,
                        why);
    }
}
