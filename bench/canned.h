/*
 * A vault behind HTTP that is none: wrap and unwrap send 400 bytes and a token of 1,000 to the
 * canned server and hand their input back when the answer has come; get_key does too, and describes
 * a key. For what the host costs, the plugin does next to nothing.
 *
 *     canned:URL
 */
#ifndef KP_BENCH_CANNED_H
#define KP_BENCH_CANNED_H

#include <keyprovider/plugin.h>

/* See kp_plugin_get_fn. */
const struct kp_plugin *bench_canned_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor);

#endif /* KP_BENCH_CANNED_H */
