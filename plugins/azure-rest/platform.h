/* What differs between systems. Twin files. Any thread. */
#ifndef KP_PLUGINS_AZURE_REST_PLATFORM_H
#define KP_PLUGINS_AZURE_REST_PLATFORM_H

#include <keyprovider/types.h>

/* %ProgramData% on Windows; empty elsewhere. Borrowed from the environment. */
kp_span azr_platform_program_data(void);

#endif /* KP_PLUGINS_AZURE_REST_PLATFORM_H */
