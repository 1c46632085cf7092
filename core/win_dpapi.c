#include "core/dpapi.h"

#include "base/win_dpapi.h"

bool kpi_dpapi_is_here(void)
{
    return true;
}

kp_status kpi_dpapi_open(kp_span sealed, const char *name, kp_buf *out, struct kp_error *reterr)
{
    return kpb_win_dpapi_open(sealed, name, out, reterr);
}
