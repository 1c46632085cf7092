#include "cli/cmd.h"
#include "cli/key_call.h"

static kp_status run(struct cli *c)
{
    return cli_key_run(c, KP_OP_DELETE, cli_key_tell_all);
}

const struct cli_command cli_cmd_key_delete = {
    .name = "key delete",
    .operands = "NAME",
    .summary = "delete a key; 'kp key recover' brings it back",
    .details =
        "Deletes all versions. Until it is purged, by hand or at the time shown, the key can\n"
        "be recovered and its name is taken.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT,
    .run = run,
};
