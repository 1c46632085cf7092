/* Every command's row; each is defined in the file that implements it. */
#ifndef KP_CLI_CMD_H
#define KP_CLI_CMD_H

#include "cli/cli.h"

extern const struct cli_command cli_cmd_bench;
extern const struct cli_command cli_cmd_config_check;
extern const struct cli_command cli_cmd_config_schema;
extern const struct cli_command cli_cmd_decrypt;
extern const struct cli_command cli_cmd_doctor;
extern const struct cli_command cli_cmd_encrypt;
extern const struct cli_command cli_cmd_explain;
extern const struct cli_command cli_cmd_help;
extern const struct cli_command cli_cmd_key_backup;
extern const struct cli_command cli_cmd_key_create;
extern const struct cli_command cli_cmd_key_delete;
extern const struct cli_command cli_cmd_key_deleted;
extern const struct cli_command cli_cmd_key_import;
extern const struct cli_command cli_cmd_key_list;
extern const struct cli_command cli_cmd_key_policy;
extern const struct cli_command cli_cmd_key_purge;
extern const struct cli_command cli_cmd_key_recover;
extern const struct cli_command cli_cmd_key_restore;
extern const struct cli_command cli_cmd_key_rotate;
extern const struct cli_command cli_cmd_key_show;
extern const struct cli_command cli_cmd_key_update;
extern const struct cli_command cli_cmd_key_versions;
extern const struct cli_command cli_cmd_keymap_add;
extern const struct cli_command cli_cmd_keymap_export;
extern const struct cli_command cli_cmd_keymap_import;
extern const struct cli_command cli_cmd_keymap_list;
extern const struct cli_command cli_cmd_keymap_remove;
extern const struct cli_command cli_cmd_metrics;
extern const struct cli_command cli_cmd_plugin_inspect;
extern const struct cli_command cli_cmd_plugins;
extern const struct cli_command cli_cmd_random;
extern const struct cli_command cli_cmd_sign;
extern const struct cli_command cli_cmd_sql_script;
extern const struct cli_command cli_cmd_unwrap;
extern const struct cli_command cli_cmd_vaults;
extern const struct cli_command cli_cmd_verify;
extern const struct cli_command cli_cmd_version;
extern const struct cli_command cli_cmd_wrap;

#endif /* KP_CLI_CMD_H */
