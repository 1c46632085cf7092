/* Client assertions: who holds the key of a registered certificate (RFC 7523). */
#ifndef KP_TOOLS_KP_EMULATOR_ASSERTION_H
#define KP_TOOLS_KP_EMULATOR_ASSERTION_H

#include "tools/kp-emulator/exchange.h"

/*
 * Checks an assertion: thumbprint of a registered certificate (x5t#S256, x5t or kid), PS256 with a
 * salt as long as the digest or RS256, audience, issuer, subject and times. False when an error was
 * sent.
 */
bool emu_check_assertion(struct emu_exchange *x, const struct emu_app *app, kp_span text);

#endif /* KP_TOOLS_KP_EMULATOR_ASSERTION_H */
