/* The file vault as a plugin whose wall clock is the emulator's. */
#ifndef KP_TOOLS_KP_EMULATOR_CLOCKED_PLUGIN_H
#define KP_TOOLS_KP_EMULATOR_CLOCKED_PLUGIN_H

#include <keyprovider/plugin.h>

/* See kp_plugin_get_fn. */
const struct kp_plugin *emu_clocked_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor);

#endif /* KP_TOOLS_KP_EMULATOR_CLOCKED_PLUGIN_H */
