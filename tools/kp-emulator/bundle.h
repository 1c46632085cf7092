/* Keys as the services describe them. Results are new references, NULL when memory is out. */
#ifndef KP_TOOLS_KP_EMULATOR_BUNDLE_H
#define KP_TOOLS_KP_EMULATOR_BUNDLE_H

#include "tools/kp-emulator/exchange.h"

/* "https://HOST/keys/NAME[/VERSION]"; section is "keys" or "deletedkeys". */
json_t *emu_kid(const struct emu_exchange *x, const char *section, kp_span name, kp_span version);
/* KeyBundle: key, attributes, tags, release policy. */
json_t *emu_bundle(const struct emu_exchange *x, const struct kp_key_info *info);
/* KeyItem of a list. */
json_t *emu_item(const struct emu_exchange *x, const struct kp_key_info *info);
/* Adds recoveryId, deletedDate and scheduledPurgeDate to a bundle or an item. */
void emu_add_deleted(const struct emu_exchange *x, const struct kp_key_info *info, json_t *object);

#endif /* KP_TOOLS_KP_EMULATOR_BUNDLE_H */
