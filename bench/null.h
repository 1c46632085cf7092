/*
 * A vault that does nothing, linked in: what the host costs when the vault costs nothing. It hands
 * back what it is given and protects nothing.
 *
 *     null:now    finishes inside submit
 *     null:later  finishes in a later turn of the loop, many at once, as answers from a network do
 */
#ifndef KP_BENCH_NULL_H
#define KP_BENCH_NULL_H

#include <keyprovider/plugin.h>

/* See kp_plugin_get_fn. */
const struct kp_plugin *bench_null_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor);

#endif /* KP_BENCH_NULL_H */
