/* A shared library as the platform loads one. A twin per platform; one thread. */
#ifndef KP_TOOLS_EKM_REHEARSE_LIBRARY_H
#define KP_TOOLS_EKM_REHEARSE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include <keyprovider/status.h>

/* Loads path. Errors: not_found with the loader's reason. */
kp_status rh_library_load(const char *path, void **ret_library, struct kp_error *reterr)
    KP_MUST_USE;
/* Writes the function's pointer, of len bytes, at ret; false: there is none of that name. */
bool rh_library_find(void *library, const char *name, void *ret, size_t len);
void rh_library_free(void *library);

#endif /* KP_TOOLS_EKM_REHEARSE_LIBRARY_H */
