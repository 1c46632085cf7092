/* The key map of the SQL Server provider, as the keymap commands open it. Main thread. */
#ifndef KP_CLI_KEYMAP_H
#define KP_CLI_KEYMAP_H

#include "cli/cli.h"
#include "ekm/keys/key_map.h"

/* The options that say which map. */
#define CLI_OPTS_KEYMAP CLI_OPT_BIT(CLI_OPT_MAP)

/*
 * Opens the map of --map, else of ekm.key_map in the configuration, else the machine's. The caller
 * closes it with ekm_map_close. Errors: config, no_memory.
 */
kp_status cli_keymap_open(struct cli *c, ekm_map **ret_map) KP_MUST_USE;

/*
 * The vault of a key reference as the provider's records spell it: hosts and SCHEME:LOCATION as
 * they are, a configured name as config:NAME. Errors: usage, no_memory.
 */
kp_status cli_keymap_vault(kp_span vault, char ret[EKM_VAULT_MAX_LEN + 1], struct kp_error *reterr)
    KP_MUST_USE;

/* Writes what came of a put and flushes. Errors: io, no_memory. */
kp_status cli_keymap_tell(struct cli *c, const struct ekm_put_report *report) KP_MUST_USE;

#endif /* KP_CLI_KEYMAP_H */
