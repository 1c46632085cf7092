/* Token endpoints of managed identities: IMDS, App Service, Azure Arc, Service Fabric. */
#ifndef KP_TOOLS_KP_EMULATOR_IDENTITY_H
#define KP_TOOLS_KP_EMULATOR_IDENTITY_H

#include "tools/kp-emulator/exchange.h"

/*
 * Serves
 *   /metadata/identity/oauth2/token  IMDS, and Azure Arc by its api-versions
 *   /msi/token                       App Service, both versions
 *   /fabric/token                    Service Fabric
 */
void emu_serve_identity(struct emu_exchange *x);

#endif /* KP_TOOLS_KP_EMULATOR_IDENTITY_H */
