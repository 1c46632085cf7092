/*
 * What the state of a vault's breaker means for its operations: who is refused, who waits for the
 * next probe, and what an attempt's outcome says about the vault. Loop thread only.
 */
#ifndef KP_CORE_OUTAGE_H
#define KP_CORE_OUTAGE_H

#include "core/op.h"
#include "core/vault.h"

/* Both for a breaker that is not calm. */
bool kpi_outage_ask(struct kp_vault *vault, struct kpi_op *op, bool *ret_probe);
void kpi_outage_tell(struct kp_vault *vault, bool probe, kp_status status,
                     const struct kp_error *error);

/* Asks for op whether the vault may be bothered. False: op has been refused or waits for the
 * probe. */
static inline bool kpi_outage_admit(struct kp_vault *vault, struct kpi_op *op, bool *ret_probe)
{
    *ret_probe = false;
    return kpi_breaker_calm(&vault->breaker) || kpi_outage_ask(vault, op, ret_probe);
}

/* The outcome of an attempt or an opening. probe says whether it was the probe. */
static inline void kpi_outage_note(struct kp_vault *vault, bool probe, kp_status status,
                                   const struct kp_error *error)
{
    if (status != KP_OK || !kpi_breaker_calm(&vault->breaker))
        kpi_outage_tell(vault, probe, status, error);
}

/* The probe ended without a verdict. */
void kpi_outage_probe_lost(struct kp_vault *vault);

#endif /* KP_CORE_OUTAGE_H */
