/*
 * The test attestation authority: issues tokens over whatever claims a test wants, and publishes
 * its key. Its name as an authority in release policies is the login address, as the token's iss
 * says.
 */
#ifndef KP_TOOLS_KP_EMULATOR_ATTESTATION_H
#define KP_TOOLS_KP_EMULATOR_ATTESTATION_H

#include "tools/kp-emulator/exchange.h"

/* POST {"claims": {...}}: answers {"token": JWT}, valid for a day. */
void emu_serve_attestation(struct emu_exchange *x);
/* GET /certs of the authority. */
void emu_serve_attestation_keys(struct emu_exchange *x);
/* "https://localhost:PORT" of the authority. */
void emu_attestation_authority(const struct emu *emu, char out[EMU_BASE_MAX_LEN]);

#endif /* KP_TOOLS_KP_EMULATOR_ATTESTATION_H */
