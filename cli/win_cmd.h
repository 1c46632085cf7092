/* The commands that only Windows has; each is defined in the file that implements it. */
#ifndef KP_CLI_WIN_CMD_H
#define KP_CLI_WIN_CMD_H

#include "cli/cli.h"

extern const struct cli_command cli_win_cmd_install;
extern const struct cli_command cli_win_cmd_rollback;
extern const struct cli_command cli_win_cmd_secret_protect;
extern const struct cli_command cli_win_cmd_status;
extern const struct cli_command cli_win_cmd_uninstall;
extern const struct cli_command cli_win_cmd_upgrade;

#endif /* KP_CLI_WIN_CMD_H */
