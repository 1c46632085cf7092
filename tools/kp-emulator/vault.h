/*
 * One emulated vault: a file vault behind it, a book of what a file vault does not keep, and the
 * state of its throttle. The server's loop only.
 */
#ifndef KP_TOOLS_KP_EMULATOR_VAULT_H
#define KP_TOOLS_KP_EMULATOR_VAULT_H

#include <keyprovider/keyprovider.h>

#include "tools/kp-emulator/book.h"
#include "tools/kp-emulator/settings.h"
#include "tools/kp-emulator/throttle.h"

struct emu_vault {
    const struct emu_vault_settings *settings;
    kp_vault *handle;
    struct emu_book book;
    struct emu_throttle throttle;
};

static inline bool emu_is_hsm(const struct emu_vault *vault)
{
    return vault->settings->mode == EMU_HSM;
}

#endif /* KP_TOOLS_KP_EMULATOR_VAULT_H */
