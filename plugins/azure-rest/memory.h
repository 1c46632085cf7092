/* Whose memory a plugin works in. */
#ifndef KP_PLUGINS_AZURE_REST_MEMORY_H
#define KP_PLUGINS_AZURE_REST_MEMORY_H

#include <keyprovider/plugin.h>

/*
 * Takes the host's memory into use, once per process: it stays valid, and other vaults may be at
 * work already. For plugins that are loaded; one linked into a program shares its base library.
 */
void azr_memory_use(const struct kp_host *host);

#endif /* KP_PLUGINS_AZURE_REST_MEMORY_H */
