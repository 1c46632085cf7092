/* The certificate of an application: who signed an assertion is known by its thumbprints. */
#ifndef KP_TOOLS_KP_EMULATOR_APP_CERTIFICATE_H
#define KP_TOOLS_KP_EMULATOR_APP_CERTIFICATE_H

#include "tools/kp-emulator/settings.h"

/* Reads a PEM file; *ret's key is the caller's to release. Errors: config. */
kp_status emu_app_certificate_read(const char *path, struct emu_certificate *ret,
                                   struct kp_error *reterr) KP_MUST_USE;
/*
 * Whether thumbprint, the text of x5t (sha256 false) or x5t#S256, is this certificate's. Taken are
 * base64url and standard base64, padded or not, and hexadecimal: clients send all of these.
 */
bool emu_certificate_matches(const struct emu_certificate *certificate, kp_span thumbprint,
                             bool sha256);

#endif /* KP_TOOLS_KP_EMULATOR_APP_CERTIFICATE_H */
