#include "cli/cmd.h"
#include "cli/protect.h"

static kp_status run(struct cli *c)
{
    return cli_protect(c, KP_OP_WRAP);
}

const struct cli_command cli_cmd_wrap = {
    .name = "wrap",
    .operands = "KEY",
    .summary = "wrap a data key",
    .details =
        "Reads a key (any bytes, at most 1 MiB) and writes an envelope: one line of JSON with\n"
        "the wrapped key and the key version that can unwrap it. --raw gives the bare bytes.\n\n"
        "Without --alg: RSA-OAEP-256 for RSA, A128KW, A192KW or A256KW for oct.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT | CLI_OPT_BIT(CLI_OPT_IN) | CLI_OPT_BIT(CLI_OPT_OUT) |
               CLI_OPT_BIT(CLI_OPT_RAW) | CLI_OPT_BIT(CLI_OPT_ALG),
    .run = run,
};
