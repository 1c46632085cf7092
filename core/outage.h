/*
 * What the state of a vault's breaker means for its operations: who is refused, who waits for the
 * next probe, and what an attempt's outcome says about the vault. Loop thread only.
 */
#ifndef KP_CORE_OUTAGE_H
#define KP_CORE_OUTAGE_H

#include "core/op.h"

struct kp_vault;

/* Asks for op whether the vault may be bothered. False: op has been refused or waits for the
 * probe. */
bool kpi_outage_admit(struct kp_vault *vault, struct kpi_op *op, bool *ret_probe);

/* An attempt's (or with op NULL an opening's) outcome. probe says whether it was the probe. */
void kpi_outage_note(struct kp_vault *vault, bool probe, kp_status status,
                     const struct kp_error *error);
/* The probe ended without a verdict. */
void kpi_outage_probe_lost(struct kp_vault *vault);

#endif /* KP_CORE_OUTAGE_H */
