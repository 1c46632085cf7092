/*
 * The entry point of a plugin that comes with the project: the one exported symbol of the shared
 * object or, linked into a program (KP_PLUGIN_STATIC), a function with a name of its own, which the
 * plugin's header declares. At the end of a source file:
 *
 *     KPB_PLUGIN_ENTRY(kp_file_test_plugin_get, ft_plugin)
 */
#ifndef KP_BASE_PLUGIN_ENTRY_H
#define KP_BASE_PLUGIN_ENTRY_H

#include <keyprovider/plugin.h>

#ifdef KP_PLUGIN_STATIC
#define KPB_PLUGIN_ENTRY(static_name, table) KPB_PLUGIN_ENTRY_AS(static_name, table)
#else
KP_PLUGIN_EXPORT const struct kp_plugin *kp_plugin_get(uint32_t host_abi_major,
                                                       uint32_t host_abi_minor);
#define KPB_PLUGIN_ENTRY(static_name, table) KPB_PLUGIN_ENTRY_AS(kp_plugin_get, table)
#endif

/* NULL for a host of another major version: there is no table for it. */
#define KPB_PLUGIN_ENTRY_AS(name, table)                                                           \
    const struct kp_plugin *name(uint32_t host_abi_major, uint32_t host_abi_minor)                 \
    {                                                                                              \
        (void)host_abi_minor;                                                                      \
        return host_abi_major == KP_ABI_MAJOR ? &(table) : NULL;                                   \
    }

#endif /* KP_BASE_PLUGIN_ENTRY_H */
