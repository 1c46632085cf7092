#define _GNU_SOURCE /* EAI_NODATA */
#include "core/resolve_error.h"

#include <netdb.h>

#include "base/errors.h"

kp_status kpi_platform_resolve_fail(int result, const char *host, struct kp_error *reterr)
{
    switch (result) {
    case EAI_NONAME:
#if defined(EAI_NODATA) && EAI_NODATA != EAI_NONAME
    case EAI_NODATA:
#endif
        return kpb_fail(reterr, KP_NOT_FOUND, "the host name %s does not exist", host);
    case EAI_MEMORY:
        return kpb_fail_memory(reterr, "resolver.getaddrinfo");
    default:
        return kpb_fail(reterr, KP_TRANSIENT, "the host name %s could not be looked up: %s", host,
                        gai_strerror(result));
    }
}
