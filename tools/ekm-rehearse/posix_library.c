#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "tools/ekm-rehearse/library.h"

/* dlopen looks for a name without a slash in the system's folders; a path means the one here. */
static void *open_path(const char *path)
{
    char here[NAME_MAX + sizeof "./"];
    if (!strchr(path, '/') && strlen(path) <= NAME_MAX) {
        (void)snprintf(here, sizeof here, "./%s", path);
        path = here;
    }
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

kp_status rh_library_load(const char *path, void **ret_library, struct kp_error *reterr)
{
    *ret_library = open_path(path);
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
