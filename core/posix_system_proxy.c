#include "base/errors.h"
#include "core/system_proxy.h"

/* Desktops have such settings, machines do not: there the environment says it. */
kp_status kpi_platform_system_proxy(void *ctx, kp_buf *proxy, kp_buf *bypass,
                                    struct kp_error *reterr)
{
    (void)ctx;
    (void)proxy;
    (void)bypass;
    return kpb_fail(reterr, KP_CONFIG,
                    "this system keeps no settings for a proxy; write http.proxy as environment, "
                    "none or http://HOST:PORT");
}
