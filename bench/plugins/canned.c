/* The plugin of bench/canned.h as a file, for `kp bench --plugin-dir`. */
#include "bench/canned.h"

/* The one exported symbol; declared first so that its type is checked against the contract. */
KP_PLUGIN_EXPORT kp_plugin_get_fn kp_plugin_get;

const struct kp_plugin *kp_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return bench_canned_plugin_get(host_abi_major, host_abi_minor);
}
