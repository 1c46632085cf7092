/* The login service: discovery documents and the token endpoints, v1 and v2. */
#ifndef KP_TOOLS_KP_EMULATOR_LOGIN_H
#define KP_TOOLS_KP_EMULATOR_LOGIN_H

#include "tools/kp-emulator/exchange.h"

void emu_serve_login(struct emu_exchange *x);

/* Answers POST /TENANT/oauth2[/v2.0]/token (token_endpoint.c). */
void emu_serve_token(struct emu_exchange *x, bool is_v2);

#endif /* KP_TOOLS_KP_EMULATOR_LOGIN_H */
