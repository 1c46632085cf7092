/* From a path to an operation on keys. Pure functions. */
#ifndef KP_TOOLS_KP_EMULATOR_ROUTE_H
#define KP_TOOLS_KP_EMULATOR_ROUTE_H

#include "tools/kp-emulator/request.h"

enum emu_route_result {
    EMU_ROUTED = 0,
    EMU_NO_PATH,      /* 404: nothing is there */
    EMU_NO_METHOD,    /* 405: not with this method */
    EMU_NO_OPERATION, /* 400: the path lacks its operation, as POST /keys//create does */
};

struct emu_route {
    uint32_t op; /* enum kp_op */
    kp_span name;
    kp_span version;
};

/* Names and versions are views into request. is_hsm opens what a Managed HSM alone has. */
enum emu_route_result emu_route(const struct emu_request *request, bool is_hsm,
                                struct emu_route *ret);

#endif /* KP_TOOLS_KP_EMULATOR_ROUTE_H */
