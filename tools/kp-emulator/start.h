/* From options to a running emulator and back. */
#ifndef KP_TOOLS_KP_EMULATOR_START_H
#define KP_TOOLS_KP_EMULATOR_START_H

#include "tools/kp-emulator/emulator.h"
#include "tools/kp-emulator/options.h"

/* Makes the loop, so that signals can be watched from the beginning. Errors: no_memory. */
kp_status emu_init(struct emu *emu, struct kp_error *reterr) KP_MUST_USE;
/* Sets everything up and listens. Stop it in every case. Errors: config, vault, no_memory. */
kp_status emu_start(struct emu *emu, const struct emu_options *options, struct kp_error *reterr)
    KP_MUST_USE;
/* Ends everything; an ephemeral state folder is removed. */
void emu_stop(struct emu *emu, const struct emu_options *options);

#endif /* KP_TOOLS_KP_EMULATOR_START_H */
