#include "cli/commands.h"
#include "cli/win_cmd.h"

const struct cli_command *const cli_platform_commands[] = {
    &cli_win_cmd_install,
    &cli_win_cmd_upgrade,
    &cli_win_cmd_rollback,
    &cli_win_cmd_uninstall,
    &cli_win_cmd_status,
    &cli_win_cmd_secret_protect,
    NULL,
};
