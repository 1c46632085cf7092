/* Opening secrets that DPAPI has sealed; one twin per platform, for only Windows has it. */
#ifndef KP_CORE_DPAPI_H
#define KP_CORE_DPAPI_H

#include <stdbool.h>

#include "base/buf.h"

#define KPI_DPAPI_SENTENCE "DPAPI is a part of Windows; give {\"file\": PATH} or {\"env\": NAME}"

/* Whether this platform has DPAPI; where it has not, the configuration is refused. */
bool kpi_dpapi_is_here(void);

/*
 * Appends the secret that was sealed to out, a secret buffer. name is for the sentence. Any thread;
 * may block. Errors: config (the sentence says what to do), no_memory.
 */
kp_status kpi_dpapi_open(kp_span sealed, const char *name, kp_buf *out, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_CORE_DPAPI_H */
