/* Leaves the slot submit empty. */
#include "tests/contract/plugins/fixture.h"

static const struct kp_caps caps = {.struct_size = sizeof caps, .ops = KP_OP_BIT(KP_OP_RANDOM)};

static const struct kp_plugin table = {.struct_size = sizeof table,
                                       .abi_major = KP_ABI_MAJOR,
                                       .abi_minor = KP_ABI_MINOR,
                                       .name = "missing-slot",
                                       .caps = &caps,
                                       .open = fixture_open,
                                       .close = fixture_close};

const struct kp_plugin *kp_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_major;
    (void)host_abi_minor;
    return &table;
}
