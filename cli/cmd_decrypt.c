#include "cli/cmd.h"
#include "cli/protect.h"

static kp_status run(struct cli *c)
{
    return cli_unprotect(c, KP_OP_DECRYPT);
}

const struct cli_command cli_cmd_decrypt = {
    .name = "decrypt",
    .operands = "[KEY]",
    .summary = "decrypt what 'kp encrypt' made",
    .details = "Reads an envelope and writes the plaintext, mode 0600. Vault and KEY as in\n"
               "'kp unwrap'. --aad, when given, must be the text that --aad of 'kp encrypt' was.\n",
    .n_operands_min = 0,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT | CLI_OPT_BIT(CLI_OPT_IN) | CLI_OPT_BIT(CLI_OPT_OUT) |
               CLI_OPT_BIT(CLI_OPT_RAW) | CLI_OPT_BIT(CLI_OPT_ALG) | CLI_OPT_BIT(CLI_OPT_AAD),
    .run = run,
};
