/*
 * How long a Managed HSM works at an operation: what recorded answers say in x-ms-server-latency. A
 * vault does not say, so its answers take no longer than they do here.
 */
#ifndef KP_TOOLS_KP_EMULATOR_LATENCY_H
#define KP_TOOLS_KP_EMULATOR_LATENCY_H

#include "tools/kp-emulator/exchange.h"

/* Milliseconds that the answer takes, by the vault's latency_percent; 0: as long as it does. */
int64_t emu_latency_ms(const struct emu_exchange *x);

#endif /* KP_TOOLS_KP_EMULATOR_LATENCY_H */
