/* States a size that does not even hold its version. */
#include "tests/contract/plugins/fixture.h"

static const struct kp_caps caps = {.struct_size = sizeof caps, .ops = KP_OP_BIT(KP_OP_RANDOM)};

static const struct kp_plugin table = {.struct_size = 4,
                                       .abi_major = KP_ABI_MAJOR,
                                       .abi_minor = KP_ABI_MINOR,
                                       .name = "truncated-head",
                                       .caps = &caps,
                                       .open = fixture_open,
                                       .submit = fixture_submit,
                                       .close = fixture_close};

const struct kp_plugin *kp_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_major;
    (void)host_abi_minor;
    return &table;
}
