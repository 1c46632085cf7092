/*
 * From the text that names a vault to the vault's configuration and the plugin that serves it.
 *
 * In this order: a name from the configuration; SCHEME:LOCATION with a scheme some plugin serves; a
 * host name that ends in a suffix some plugin serves, the longest winning. A scheme has two letters
 * at least, so that a drive letter is none. A "file" location is a path and made absolute from the
 * current folder at the moment of the call.
 *
 * Threads: any, given that configuration and registry are read-only.
 */
#ifndef KP_CORE_ROUTE_H
#define KP_CORE_ROUTE_H

#include "core/config.h"
#include "core/plugin_load.h"

struct kpi_route {
    const struct kpi_plugin *plugin; /* borrowed from the registry */
    const struct kpi_vault_config
        *configured; /* borrowed from the configuration; NULL: by location */
    char *name;      /* the configured name, else the text in its canonical form */
    char *location;  /* what the plugin gets: what follows the scheme, or the host in lower case */
};

/*
 * Finds the way for text. Clear *ret_route. Two texts with one name (and credential) mean one
 * vault. Errors: config (no such name and no plugin for it; the sentence lists what is known),
 * usage (empty or longer than KP_VAULT_TEXT_MAX_LEN, a NUL), no_memory.
 */
kp_status kpi_route_find(const struct kpi_config *config, const struct kpi_plugins *plugins,
                         kp_span text, struct kpi_route *ret_route, struct kp_error *reterr)
    KP_MUST_USE;
/* Frees what the route owns. NULL and zeroed routes are allowed. */
void kpi_route_clear(struct kpi_route *route);

#endif /* KP_CORE_ROUTE_H */
