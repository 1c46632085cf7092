/* Random ids. Any thread. */
#ifndef KP_TOOLS_KP_EMULATOR_GUID_H
#define KP_TOOLS_KP_EMULATOR_GUID_H

#include <stdbool.h>

#include <keyprovider/status.h>

#define EMU_GUID_LEN 37u /* text and NUL */

/* A random guid (RFC 9562 version 4), in lower case. Without random bytes: all zeros. */
void emu_guid_new(char out[EMU_GUID_LEN]);
/* Whether text is a guid in the usual form, of either case. */
bool emu_guid_is(kp_span text);

#endif /* KP_TOOLS_KP_EMULATOR_GUID_H */
