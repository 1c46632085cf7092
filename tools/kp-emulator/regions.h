/*
 * Two regions of the Managed HSMs: one state behind two listeners, the second at an address of its
 * own with the first one's port (--region). A key version made in one shows in the other only after
 * a while, and a region can be cut off. The server's loop only.
 */
#ifndef KP_TOOLS_KP_EMULATOR_REGIONS_H
#define KP_TOOLS_KP_EMULATOR_REGIONS_H

#include "tools/kp-emulator/exchange.h"

/* Listens for the second region. Errors: config, no_memory. */
kp_status emu_regions_open(struct emu *emu, const char *address, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * What becomes of a request to a region: true when that decided the answer, which has been sent.
 * Counts the request.
 */
bool emu_region_meets(struct emu_exchange *x);
/* Likewise for one that is about a key: not found where it has not arrived. A request without a
 * version is about the newest that has. */
bool emu_region_hides(struct emu_exchange *x);
/* Whether a version has arrived (empty: any of the key's). */
bool emu_region_knows(const struct emu_exchange *x, kp_span name, kp_span version);

/* Notes where and when a version was made, in its facts; NULL: nothing happens. */
void emu_region_stamp(const struct emu_exchange *x, json_t *facts);
/* ... for all versions of an entry that a restore has brought. */
void emu_region_stamp_all(const struct emu_exchange *x, json_t *entry);

/*
 * GET: [{"requests", "state"}] of each region, "delay_s". POST {"delay_s": N} or
 * {"region": 0 or 1, "state": "open", "cut" or "silent"}.
 */
void emu_serve_regions(struct emu_exchange *x);

#endif /* KP_TOOLS_KP_EMULATOR_REGIONS_H */
