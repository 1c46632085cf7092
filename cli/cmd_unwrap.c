#include "cli/cmd.h"
#include "cli/protect.h"

static kp_status run(struct cli *c)
{
    return cli_unprotect(c, KP_OP_UNWRAP);
}

const struct cli_command cli_cmd_unwrap = {
    .name = "unwrap",
    .operands = "[KEY]",
    .summary = "unwrap a data key",
    .details =
        "Reads an envelope of 'kp wrap' and writes the key, mode 0600. The envelope names key,\n"
        "version and algorithm; the vault is that of -V, else the one recorded. Say -V when\n"
        "the envelope comes from somebody else. KEY, when given, must be the key it names.\n\n"
        "--raw reads bare bytes and needs KEY/VERSION.\n",
    .n_operands_min = 0,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT | CLI_OPT_BIT(CLI_OPT_IN) | CLI_OPT_BIT(CLI_OPT_OUT) |
               CLI_OPT_BIT(CLI_OPT_RAW) | CLI_OPT_BIT(CLI_OPT_ALG),
    .run = run,
};
