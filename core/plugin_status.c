#include "core/plugin_status.h"

#include "base/errors.h"

kp_status kpi_plugin_status(kp_status returned, struct kp_error *error, const char *slot)
{
    if ((unsigned)returned >= KP_STATUS_COUNT)
        return kpb_fail(error, KP_INTERNAL, "the plugin's %s gave %d, which is no status", slot,
                        (int)returned);
    error->struct_size = sizeof *error;
    error->status = (uint32_t)returned;
    error->text[sizeof error->text - 1] = '\0';
    error->request_id[sizeof error->request_id - 1] = '\0';
    error->service_code[sizeof error->service_code - 1] = '\0';
    return returned;
}
