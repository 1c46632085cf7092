/* The mandatory slots and nothing else. */
#include "tests/contract/plugins/fixture.h"

static const char *const schemes[] = {"minimal", NULL};
static const struct kp_caps caps = {.struct_size = sizeof caps,
                                    .ops = KP_OP_BIT(KP_OP_RANDOM),
                                    .run_ops = KP_OP_BIT(KP_OP_RANDOM), /* but there is no run */
                                    .schemes = schemes};

static const struct kp_plugin table = {.struct_size = sizeof table,
                                       .abi_major = KP_ABI_MAJOR,
                                       .abi_minor = KP_ABI_MINOR,
                                       .name = "good-minimal",
                                       .caps = &caps,
                                       .open = fixture_open,
                                       .submit = fixture_submit,
                                       .close = fixture_close};

const struct kp_plugin *kp_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == KP_ABI_MAJOR ? &table : NULL;
}
