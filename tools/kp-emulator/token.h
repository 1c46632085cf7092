/* Access tokens of the emulated login service. */
#ifndef KP_TOOLS_KP_EMULATOR_TOKEN_H
#define KP_TOOLS_KP_EMULATOR_TOKEN_H

#include "tools/kp-emulator/exchange.h"

/*
 * Appends a token for that audience, valid lifetime_s seconds from now. Errors: no_memory,
 * internal.
 */
kp_status emu_token_make(const struct emu *emu, const struct emu_app *app, const char *audience,
                         int64_t lifetime_s, kp_buf *out) KP_MUST_USE;
/* The audience a resource or scope stands for, without "/.default" and slash; NULL for none. */
const char *emu_audience_of(kp_span resource);

#endif /* KP_TOOLS_KP_EMULATOR_TOKEN_H */
