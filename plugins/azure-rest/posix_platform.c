#include "plugins/azure-rest/platform.h"

#include "base/span.h"

kp_span azr_platform_program_data(void)
{
    return kpb_span(NULL, 0);
}
