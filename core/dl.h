/*
 * The dynamic linker, one twin per platform. An object once opened stays, with its descriptor, for
 * the life of the process: a thread may be inside it, and the linker knows it by the descriptor's
 * name, which must not come to mean another file.
 *
 * Threads: any; calls are serialised inside. May block on files and runs the object's constructors.
 */
#ifndef KP_CORE_DL_H
#define KP_CORE_DL_H

#include <keyprovider/plugin.h>

#define KPI_DL_MAX 64u /* different objects a process may load */

/*
 * Loads the object behind fd, a descriptor of kpi_trust_open, or finds it loaded already. fd is
 * moved to this module in any case. path is for sentences.
 * *ret_handle belongs to the process; there is no close.
 * Errors: config (the linker's own words, too many objects, or the file was changed in place since
 * it was loaded).
 */
kp_status kpi_dl_open(int fd, const char *path, void **ret_handle, struct kp_error *reterr)
    KP_MUST_USE;

/* In a forked child: the lock may be held by a thread that is not here. */
void kpi_dl_recover_in_child(void);

/* The plugin entry point of that name, or NULL. */
kp_plugin_get_fn *kpi_dl_find(void *handle, const char *name);

#endif /* KP_CORE_DL_H */
