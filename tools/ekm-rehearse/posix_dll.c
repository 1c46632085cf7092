/* Loading a provider library with dlopen. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "tools/ekm-rehearse/dll.h"

/* ISO C has no cast from an object pointer to a function; POSIX promises that they are alike. */
#define FIND(d, field, name) find_symbol((d)->handle, name, (void *)&(field), sizeof(field))

static bool find_symbol(void *handle, const char *name, void *ret, size_t len)
{
    void *p = dlsym(handle, name);
    if (p)
        memcpy(ret, &p, len);
    return p != NULL;
}

/* The number of the first function that is missing, 0 if none is. */
static unsigned find_functions(struct rh_dll *d)
{
#define XX(number, name, parameters)                                                               \
    if (!FIND(d, d->call.name, "SqlCrypt" #name))                                                  \
        return number;
    KP_EKM_EXPORT_MAP(XX)
#undef XX
    return 0;
}

kp_status rh_dll_open(struct rh_dll *d, const char *path, unsigned *ret_missing,
                      struct kp_error *reterr)
{
    *ret_missing = 0;
    d->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!d->handle)
        return kpb_fail(reterr, KP_NOT_FOUND, "%s", dlerror());
    *ret_missing = find_functions(d);
    if (*ret_missing == 0)
        return KP_OK;
    (void)dlclose(d->handle);
    d->handle = NULL;
    return kpb_fail(reterr, KP_UNSUPPORTED, "%s lacks function %u of the interface", path,
                    *ret_missing);
}

void rh_dll_close(struct rh_dll *d)
{
    if (!d->handle)
        return;
    if (d->is_initialized) {
        const uint32_t code = d->call.FreeProvider();
        if (d->seen)
            d->seen(d->seen_ctx, "FreeProvider", code);
    }
    d->is_initialized = false;
    (void)dlclose(d->handle);
    d->handle = NULL;
}
