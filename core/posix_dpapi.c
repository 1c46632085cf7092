#include "core/dpapi.h"

#include "base/errors.h"

bool kpi_dpapi_is_here(void)
{
    return false;
}

kp_status kpi_dpapi_open(kp_span sealed, const char *name, kp_buf *out, struct kp_error *reterr)
{
    (void)sealed;
    (void)out;
    return kpb_fail(reterr, KP_CONFIG, "%s: " KPI_DPAPI_SENTENCE, name);
}
