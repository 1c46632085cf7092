/* What differs between systems. Twin files. Any thread. */
#ifndef KP_PLUGINS_AZURE_REST_PLATFORM_H
#define KP_PLUGINS_AZURE_REST_PLATFORM_H

#include <stdbool.h>

#include <keyprovider/types.h>

/* %ProgramData% on Windows; empty elsewhere. Borrowed from the environment. */
kp_span azr_platform_program_data(void);

/*
 * Where Azure Arc's agent has its program; static storage. Empty: nowhere known.
 * Source: MSAL Go, managed identity.
 */
const char *azr_platform_arc_agent(void);
/* Whether there is a file or folder of this path; looks at its name only. */
bool azr_platform_is_there(const char *path);

/*
 * The one lock of this library, around the tokens that vaults share. Held for a few hundred
 * instructions, never during input or output.
 */
void azr_platform_lock(void);
void azr_platform_unlock(void);

#endif /* KP_PLUGINS_AZURE_REST_PLATFORM_H */
