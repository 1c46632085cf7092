#include <dlfcn.h>
#include <string.h>

#include "base/errors.h"
#include "tools/ekm-rehearse/library.h"

kp_status rh_library_load(const char *path, void **ret_library, struct kp_error *reterr)
{
    *ret_library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return *ret_library ? KP_OK : kpb_fail(reterr, KP_NOT_FOUND, "%s", dlerror());
}

/* ISO C has no cast from an object pointer to a function; POSIX promises that they are alike. */
bool rh_library_find(void *library, const char *name, void *ret, size_t len)
{
    void *p = dlsym(library, name);
    if (p)
        memcpy(ret, &p, len);
    return p != NULL;
}

void rh_library_free(void *library)
{
    (void)dlclose(library);
}
