/* What the system's resolver says when it has no address. A twin per platform. Threads: any. */
#ifndef KP_CORE_RESOLVE_ERROR_H
#define KP_CORE_RESOLVE_ERROR_H

#include <keyprovider/status.h>

/*
 * Writes the error for result, which getaddrinfo gave for host, and returns its status: not_found
 * (there is no such name), no_memory, transient.
 */
kp_status kpi_platform_resolve_fail(int result, const char *host, struct kp_error *reterr);

#endif /* KP_CORE_RESOLVE_ERROR_H */
