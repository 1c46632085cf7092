/* Release policies: which a key may have, and whether an attestation satisfies one. */
#ifndef KP_TOOLS_KP_EMULATOR_RELEASE_POLICY_H
#define KP_TOOLS_KP_EMULATOR_RELEASE_POLICY_H

#include "tools/kp-emulator/exchange.h"

/*
 * Notes "exportable" and "release_policy" of the body in the exchange's facts, which are there. old
 * holds those of the version that is changed, or NULL for a new one. False when a failure was sent.
 */
bool emu_release_policy_note(struct emu_exchange *x, const json_t *old);
/*
 * Whether the claims of a token of authority satisfy the policy, its parsed JSON: one of anyOf
 * whose authority it is and whose allOf and anyOf hold. Depth is bounded; beyond it nothing holds.
 */
bool emu_release_policy_holds(const json_t *policy, kp_span authority, const json_t *claims);

#endif /* KP_TOOLS_KP_EMULATOR_RELEASE_POLICY_H */
