#include "cli/cmd.h"
#include "cli/key_call.h"

static kp_status run(struct cli *c)
{
    return cli_key_run(c, KP_OP_RECOVER, cli_key_tell);
}

const struct cli_command cli_cmd_key_recover = {
    .name = "key recover",
    .operands = "NAME",
    .summary = "bring a deleted key back, with all its versions",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT,
    .run = run,
};
