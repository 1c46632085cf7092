/*
 * The verdict on what stat found, apart from the walk that finds it, so that owners and modes can
 * be tested without being root. POSIX twin only.
 */
#ifndef KP_CORE_POSIX_TRUST_H
#define KP_CORE_POSIX_TRUST_H

#include <sys/stat.h>
#include <sys/types.h>

#include <keyprovider/status.h>

/*
 * Judges the object named path for a process of effective user euid. Pure function, any thread.
 * Errors: config, with the sentence described in core/trust.h.
 */
kp_status kpi_trust_judge(const char *path, const struct stat *found, uid_t euid,
                          struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_CORE_POSIX_TRUST_H */
