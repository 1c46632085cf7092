/* Host names of the clouds, and what they stand for. Pure functions over a constant table. */
#ifndef KP_TOOLS_KP_EMULATOR_HOSTS_H
#define KP_TOOLS_KP_EMULATOR_HOSTS_H

#include <stdbool.h>

#include <keyprovider/types.h>

/*
 * What stands before the suffix of a vault or Managed HSM of any cloud, empty when host is none;
 * *ret_is_hsm tells which. Test suffixes count: NAME.vault.localhost, NAME.managedhsm.localhost.
 */
kp_span emu_vault_label(kp_span host, bool *ret_is_hsm);
/* The login host of the cloud a vault host belongs to; NULL for test suffixes and other names. */
const char *emu_login_host_for(kp_span host);
/* The audience of tokens for a vault or Managed HSM that is reached as host: its cloud's, the
 * public cloud's for test suffixes and other names. */
const char *emu_audience_for(kp_span host, bool is_hsm);
/* Whether host is a login service of some cloud, or one of its aliases. */
bool emu_is_login_host(kp_span host);

/* Whether host is one of a vault or Managed HSM. */
bool emu_is_vault_host(kp_span host);

#endif /* KP_TOOLS_KP_EMULATOR_HOSTS_H */
