/*
 * What the library has counted, all vaults together: read at the beginning and at the end of a run,
 * the difference is the run's. Main thread, but cli_load_counters_read from any.
 */
#ifndef KP_CLI_LOAD_COUNTERS_H
#define KP_CLI_LOAD_COUNTERS_H

#include <keyprovider/keyprovider.h>

#include "base/histogram.h"

struct load_counters {
    uint64_t retries;
    uint64_t refused;       /* by a full queue */
    uint64_t coalesced;     /* joined another's fetch */
    uint64_t throttled;     /* attempts the vault answered with throttled */
    uint64_t breaker_trips; /* of the vaults' circuit breakers */
    uint64_t connections;   /* opened */
    struct kpb_histogram phases[KP_PHASE_COUNT];
};

/* The name of a phase, enum kp_phase. */
const char *cli_load_phase_text(uint32_t phase);

/* Overwrites *ret with what has been counted so far. */
void cli_load_counters_read(kp_provider *provider, struct load_counters *ret);
/* Takes what was counted before out of it; the maximum becomes the highest bucket that is left. */
void cli_load_counters_subtract(struct load_counters *counters, const struct load_counters *before);

#endif /* KP_CLI_LOAD_COUNTERS_H */
