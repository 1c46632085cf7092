/*
 * The host table: what a plugin calls. Every call enters through the vault's door, so one that
 * comes when the vault is gone is refused.
 */
#ifndef KP_CORE_HOST_H
#define KP_CORE_HOST_H

#include "core/door.h"

/* Fills in the table; door becomes its self. */
void kpi_host_fill(struct kp_host *host, struct kpi_door *door);

#endif /* KP_CORE_HOST_H */
