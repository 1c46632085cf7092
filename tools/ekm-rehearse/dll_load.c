/* A provider library and the seventeen functions it must have. */
#include "base/errors.h"
#include "tools/ekm-rehearse/dll.h"
#include "tools/ekm-rehearse/library.h"

/* The number of the first function that is missing, 0 if none is. */
static unsigned find_functions(struct rh_dll *d)
{
#define XX(number, name, parameters)                                                               \
    if (!rh_library_find(d->handle, "SqlCrypt" #name, (void *)&d->call.name, sizeof d->call.name)) \
        return number;
    KP_EKM_EXPORT_MAP(XX)
#undef XX
    return 0;
}

kp_status rh_dll_open(struct rh_dll *d, const char *path, unsigned *ret_missing,
                      struct kp_error *reterr)
{
    *ret_missing = 0;
    kp_status st = rh_library_load(path, &d->handle, reterr);
    if (st != KP_OK)
        return st;
    *ret_missing = find_functions(d);
    if (*ret_missing == 0)
        return KP_OK;
    rh_library_free(d->handle);
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
    rh_library_free(d->handle);
    d->handle = NULL;
}
