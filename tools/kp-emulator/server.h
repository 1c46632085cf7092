/* The listeners: one port for each role, TLS on all but the metadata endpoint's. */
#ifndef KP_TOOLS_KP_EMULATOR_SERVER_H
#define KP_TOOLS_KP_EMULATOR_SERVER_H

#include "tools/kp-emulator/emulator.h"

/*
 * Binds a listener of a role to address, which is borrowed, and port (0: any that is free).
 * Requests are served once the loop runs. Errors: config, no_memory.
 */
kp_status emu_listen(struct emu *emu, struct emu_listener *listener, enum emu_role role,
                     const char *address, uint16_t port, struct kp_error *reterr) KP_MUST_USE;
/* Takes no new connections until resumed; those there are stay. */
void emu_listener_pause(struct emu_listener *listener);
/* Takes them again, at its address and port. False: it cannot. */
bool emu_listener_resume(struct emu_listener *listener) KP_MUST_USE;
/* Closes every listener with its connections; exchanges under way must have ended. */
void emu_unlisten(struct emu *emu);
/* The port a socket is bound to; 0: it cannot be told. */
uint16_t emu_socket_port(int fd);

#endif /* KP_TOOLS_KP_EMULATOR_SERVER_H */
