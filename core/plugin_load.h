/*
 * The one door for plugins: loads a shared object or takes a linked-in table, checks versions and
 * sizes, fills in defaults, and keeps what passed in a registry.
 *
 * What is checked is what is loaded: one descriptor is judged by core/trust, hashed for the pin,
 * looked at for its signer where a platform has such (core/plugin_vouch.h) and given to the dynamic
 * linker. Nothing is ever unloaded: a thread may be inside a plugin, and a
 * refused one has already run its constructors. So objects stay mapped, with their descriptor, for
 * the life of the process, and are shared by all providers in it.
 *
 * Threads: a registry is filled by one thread and read-only afterwards; then any may read.
 * Source: the check follows the order of openssh-portable ssh-sk.c (open, symbol, version, slots).
 */
#ifndef KP_CORE_PLUGIN_LOAD_H
#define KP_CORE_PLUGIN_LOAD_H

#include <stdbool.h>

#include <keyprovider/plugin.h>

#include "core/config.h"

#define KPI_PLUGIN_SYMBOL "kp_plugin_get"
#if defined(_WIN32)
#define KPI_PLUGIN_SUFFIX ".dll"
#else
#define KPI_PLUGIN_SUFFIX ".so"
#endif
#define KPI_PLUGIN_STATIC "static"  /* origin of a linked-in plugin */
#define KPI_PLUGIN_NAME_MAX_LEN 64u /* bytes of a plugin's name */
#define KPI_PLUGIN_LIST_MAX 1024u   /* schemes, host suffixes or settings of one plugin */
#define KPI_PLUGIN_FILE_MAX_LEN (256u * 1024u * 1024u) /* bytes of a plugin's file */

/* ---- One plugin ---- */

/*
 * A plugin that passed the door. table is the host's own copy: no slot is NULL (see
 * core/plugin_defaults.h), nor is caps or one of its lists, and what the plugin's
 * version of the structs does not have reads as 0.
 */
struct kpi_plugin {
    struct kp_plugin table;
    struct kp_caps caps;
    struct kp_setting_spec *specs;
    const struct kp_setting_spec **spec_list;
    char *origin; /* path or KPI_PLUGIN_STATIC */
};

/*
 * Loads the plugin in the file path. wanted: whose pins it must hold, borrowed for the call; NULL:
 * a file that was merely found. Blocks on files.
 * Errors: config (every refusal; the sentence names the path, the slot, both versions where it is
 * about them), not_found (no such file), no_memory. Free with kpi_plugin_free.
 */
kp_status kpi_plugin_load_file(const char *path, const struct kpi_plugin_config *wanted,
                               struct kpi_plugin **ret_plugin, struct kp_error *reterr) KP_MUST_USE;

/* The same for a plugin linked into the program. */
kp_status kpi_plugin_load_static(kp_plugin_get_fn *get, struct kpi_plugin **ret_plugin,
                                 struct kp_error *reterr) KP_MUST_USE;

/*
 * The door itself: checks a table and copies it into *ret_plugin. origin names it in sentences.
 * Reads no byte beyond the sizes the plugin's structs state.
 */
kp_status kpi_plugin_admit(const struct kp_plugin *offered, const char *origin,
                           struct kpi_plugin **ret_plugin, struct kp_error *reterr) KP_MUST_USE;

/* Frees the host's copy; the object stays mapped. NULL is allowed. */
void kpi_plugin_free(struct kpi_plugin *plugin);

/* Whether caps names this scheme, or, for hosts, how long the longest suffix is that ends host. */
bool kpi_plugin_has_scheme(const struct kpi_plugin *plugin, kp_span scheme);
size_t kpi_plugin_suffix_len(const struct kpi_plugin *plugin, kp_span host);

/* ---- The registry ---- */

/* A plugin that was found but not admitted. */
struct kpi_plugin_refusal {
    char *origin;
    struct kp_error error;
};

struct kpi_plugins {
    struct kpi_plugin **items;
    size_t n_items;
    struct kpi_plugin_refusal *refusals;
    size_t n_refusals;
};

void kpi_plugins_init(struct kpi_plugins *plugins);
/* Frees all copies. NULL is allowed. */
void kpi_plugins_clear(struct kpi_plugins *plugins);

/* How to fill a registry. Borrowed for the call. */
struct kpi_plugin_sources {
    const struct kpi_config *config;         /* plugins the configuration insists on */
    kp_plugin_get_fn *const *static_plugins; /* NULL-terminated, or NULL */
    const char *dir;                         /* NULL: no folder is searched */
    bool dir_required;                       /* a missing folder is an error */
    bool no_files;                           /* linked-in plugins only */
};

/* What options and configuration say together; without a word of either the installed folder. */
struct kpi_plugin_sources kpi_plugin_sources_of(const struct kp_options *options,
                                                const struct kpi_config *config);

/*
 * Fills an initialised registry: linked-in plugins, then those the configuration lists, then every
 * *.so of dir in byte order of its name. One that is linked in or listed must load; one merely
 * found in dir is refused into refusals, and the others go on. Of two with one name the first
 * stays. Errors: config, no_memory; clear the registry in any case.
 */
kp_status kpi_plugins_load(struct kpi_plugins *plugins, const struct kpi_plugin_sources *sources,
                           struct kp_error *reterr) KP_MUST_USE;

/* By name; by scheme; by the longest suffix of host. NULL when there is none. */
const struct kpi_plugin *kpi_plugins_find(const struct kpi_plugins *plugins, kp_span name);
const struct kpi_plugin *kpi_plugins_for_scheme(const struct kpi_plugins *plugins, kp_span scheme);
const struct kpi_plugin *kpi_plugins_for_host(const struct kpi_plugins *plugins, kp_span host);

#endif /* KP_CORE_PLUGIN_LOAD_H */
