/* What reading and listing trusted files ask of a platform. Any thread; may block. */
#ifndef KP_CORE_TRUST_FILE_H
#define KP_CORE_TRUST_FILE_H

#include <stddef.h>

#include "core/trust.h"

/* Bytes read into chunk, 0 at the end, -1 with errno. */
ptrdiff_t kpi_trust_read_some(int fd, uint8_t *chunk, size_t n);

/*
 * Calls each with every name in the folder behind fd, in no order; each fails with no_memory alone.
 * Errors: config (unreadable), no_memory.
 */
kp_status kpi_trust_each_name(int fd, const char *path, kpi_trust_name_fn *each, void *ctx,
                              struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_CORE_TRUST_FILE_H */
