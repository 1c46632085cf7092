/*
 * A proxy that leads the clouds' host names to the listeners here, so that a client which knows a
 * vault by its whole host name, and nothing of the emulator, reaches it with one setting.
 *
 * It speaks HTTP's CONNECT only. The name alone decides: vaults and Managed HSMs of any cloud,
 * their login hosts, localhost; what leads elsewhere is refused with 403. TLS passes through
 * unopened.
 *
 * Threads: the server's loop only.
 */
#ifndef KP_TOOLS_KP_EMULATOR_PROXY_H
#define KP_TOOLS_KP_EMULATOR_PROXY_H

#include "tools/kp-emulator/emulator.h"

struct emu_proxy;

/*
 * Binds to address and port (0: any that is free); the listeners it leads to are bound already.
 * Errors: config, no_memory.
 */
kp_status emu_proxy_open(struct emu *emu, const char *address, uint16_t port,
                         struct emu_proxy **ret, struct kp_error *reterr) KP_MUST_USE;
/* Closes it with every connection through it. NULL allowed. */
void emu_proxy_close(struct emu_proxy *proxy);
uint16_t emu_proxy_port(const struct emu_proxy *proxy);

#endif /* KP_TOOLS_KP_EMULATOR_PROXY_H */
