/* The listeners: one port for each role, TLS on all but the metadata endpoint's. */
#ifndef KP_TOOLS_KP_EMULATOR_SERVER_H
#define KP_TOOLS_KP_EMULATOR_SERVER_H

#include "tools/kp-emulator/emulator.h"

/*
 * Binds a role to address and port (0: any that is free). Requests are served once the loop runs.
 * Errors: config, no_memory.
 */
kp_status emu_listen(struct emu *emu, enum emu_role role, const char *address, uint16_t port,
                     struct kp_error *reterr) KP_MUST_USE;
/* Closes every listener with its connections; exchanges under way must have ended. */
void emu_unlisten(struct emu *emu);
/* The port a socket is bound to; 0: it cannot be told. */
uint16_t emu_socket_port(int fd);

#endif /* KP_TOOLS_KP_EMULATOR_SERVER_H */
