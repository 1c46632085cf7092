/* What a test tells the running emulator: http://HOST:METADATA/emulator/... */
#ifndef KP_TOOLS_KP_EMULATOR_CONTROL_H
#define KP_TOOLS_KP_EMULATOR_CONTROL_H

#include "tools/kp-emulator/exchange.h"

void emu_serve_control(struct emu_exchange *x);

#endif /* KP_TOOLS_KP_EMULATOR_CONTROL_H */
