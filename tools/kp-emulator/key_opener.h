/*
 * The private part of a key of an emulated vault, by way of its backup: what release and the import
 * of wrapped keys need, and a file vault hands out in no other way.
 */
#ifndef KP_TOOLS_KP_EMULATOR_KEY_OPENER_H
#define KP_TOOLS_KP_EMULATOR_KEY_OPENER_H

#include "crypto/key.h"
#include "tools/kp-emulator/exchange.h"

/*
 * Opens version (empty: the current one) out of a backup blob of the file vault. *ret_key is the
 * caller's to release; *ret_version, of KP_KEY_VERSION_MAX_LEN + 1 bytes, gets the version's id.
 * Errors: not_found, and those of reading a backup.
 */
kp_status emu_key_open(const struct emu_exchange *x, kp_span blob, kp_span version,
                       struct kpc_key **ret_key, char *ret_version, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_TOOLS_KP_EMULATOR_KEY_OPENER_H */
