/* The forms of WWW-Authenticate that clients must be able to read. Pure functions. */
#ifndef KP_TOOLS_KP_EMULATOR_CHALLENGE_H
#define KP_TOOLS_KP_EMULATOR_CHALLENGE_H

#include "base/buf.h"

/*
 * Appends the challenge of that variant ("resource", "scope", "both", "authorization_uri",
 * "reversed", "unquoted", "pop_first", "extra", "no_resource", "no_authorization"), or variant
 * itself with {A} and {R} replaced when it is none of these. authority: "https://HOST/TENANT";
 * resource: "https://vault.azure.net".
 */
kp_status emu_challenge_write(const char *variant, const char *authority, const char *resource,
                              kp_buf *out) KP_MUST_USE;

#endif /* KP_TOOLS_KP_EMULATOR_CHALLENGE_H */
