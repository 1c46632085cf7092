/*
 * Who may pass: the challenge, the token, permissions, api-version and throttle of a vault request.
 */
#ifndef KP_TOOLS_KP_EMULATOR_GUARD_H
#define KP_TOOLS_KP_EMULATOR_GUARD_H

#include "tools/kp-emulator/exchange.h"

/* Checks the bearer token; false when a 401 was sent and the exchange is over. */
bool emu_check_token(struct emu_exchange *x);
/* Checks that api-version is there and known; false when 400 was sent. */
bool emu_check_api_version(struct emu_exchange *x);
/* Checks firewall and permissions for the exchange's operation; false when 403 was sent. */
bool emu_check_permission(struct emu_exchange *x);
/* Counts the operation against the vault's limits; false when 429 was sent. */
bool emu_check_throttle(struct emu_exchange *x);
/* Sends 401 with a challenge in the given variant; see challenge.h. */
void emu_send_challenge(struct emu_exchange *x, const char *variant, const char *message);
/* Sends 401 that asks for further claims (continuous access evaluation). */
void emu_send_claims_challenge(struct emu_exchange *x);
/* Whether the api-version asked for has the members of 2025-07-01. */
bool emu_has_key_size(const struct emu_exchange *x);
/* Whether it has hsmPlatform, which recordings show from 7.5 on. */
bool emu_has_platform(const struct emu_exchange *x);

#endif /* KP_TOOLS_KP_EMULATOR_GUARD_H */
