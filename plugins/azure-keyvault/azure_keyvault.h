/*
 * Azure Key Vault as a plugin linked into a program: its entry point under a name of its own. Hand
 * it to the provider in kp_options.static_plugins.
 */
#ifndef KP_PLUGINS_AZURE_KEYVAULT_AZURE_KEYVAULT_H
#define KP_PLUGINS_AZURE_KEYVAULT_AZURE_KEYVAULT_H

#include <keyprovider/plugin.h>

/* See kp_plugin_get_fn. */
const struct kp_plugin *kp_azure_keyvault_plugin_get(uint32_t host_abi_major,
                                                     uint32_t host_abi_minor);

#endif /* KP_PLUGINS_AZURE_KEYVAULT_AZURE_KEYVAULT_H */
