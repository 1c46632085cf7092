/* What a process must know to reach the emulator. */
#ifndef KP_TOOLS_KP_EMULATOR_ENVIRONMENT_H
#define KP_TOOLS_KP_EMULATOR_ENVIRONMENT_H

#include "tools/kp-emulator/emulator.h"

/* Calls each with every name and value, in a fixed order. Errors: vault, for the files it
 * writes. */
kp_status emu_environment(struct emu *emu,
                          void (*each)(void *ctx, const char *name, const char *value), void *ctx,
                          struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_TOOLS_KP_EMULATOR_ENVIRONMENT_H */
