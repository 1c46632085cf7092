/*
 * The module: a library of functions that somebody wrote for a token, loaded into this process.
 *
 * A process initialises a module once, however many vaults use it, and PKCS #11 keeps no count. So
 * we do. Whoever initialised it before us goes on using it: then we never finalise it. A module
 * stays mapped for the life of the process, for a thread of its own may still be inside it.
 *
 * Threads: any but the loop's; all of it may block.
 */
#ifndef KP_EXAMPLES_PLUGIN_PKCS11_MODULE_H
#define KP_EXAMPLES_PLUGIN_PKCS11_MODULE_H

#include "text.h"

struct p11_module;

/* Loads and initialises the file, or counts one user more. Errors: config, no_memory, vault. */
kp_status p11_module_acquire(const struct kp_memory *memory, const char *path,
                             struct p11_module **ret, struct kp_error *reterr);
/* The last user ends what we began. NULL is allowed. */
void p11_module_release(struct p11_module *module);
/* Its functions; valid until the release. */
CK_FUNCTION_LIST_PTR p11_module_functions(const struct p11_module *module);

#endif /* KP_EXAMPLES_PLUGIN_PKCS11_MODULE_H */
