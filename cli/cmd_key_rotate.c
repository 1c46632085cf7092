#include "cli/cmd.h"
#include "cli/key_call.h"

static kp_status run(struct cli *c)
{
    return cli_key_run(c, KP_OP_ROTATE, cli_key_tell);
}

const struct cli_command cli_cmd_key_rotate = {
    .name = "key rotate",
    .operands = "NAME",
    .summary = "make a new version of a key",
    .details =
        "New work uses the new version; what older versions wrapped still unwraps with them.\n"
        "Prints NAME/VERSION of the new one.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT,
    .run = run,
};
