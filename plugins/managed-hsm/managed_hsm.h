/*
 * Azure Managed HSM as a plugin linked into a program: its entry point under a name of its own.
 * Hand it to the provider in kp_options.static_plugins.
 */
#ifndef KP_PLUGINS_MANAGED_HSM_MANAGED_HSM_H
#define KP_PLUGINS_MANAGED_HSM_MANAGED_HSM_H

#include <keyprovider/plugin.h>

/* See kp_plugin_get_fn. */
const struct kp_plugin *kp_managed_hsm_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor);

#endif /* KP_PLUGINS_MANAGED_HSM_MANAGED_HSM_H */
