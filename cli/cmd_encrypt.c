#include "cli/cmd.h"
#include "cli/protect.h"

static kp_status run(struct cli *c)
{
    return cli_protect(c, KP_OP_ENCRYPT);
}

const struct cli_command cli_cmd_encrypt = {
    .name = "encrypt",
    .operands = "KEY",
    .summary = "encrypt a small file",
    .details = "Reads at most 1 MiB (for RSA, what the modulus holds) and writes an envelope: one\n"
               "line of JSON with ciphertext, iv, tag and key version. AES-CBC protects no\n"
               "integrity; prefer AES-GCM. For large files wrap a data key instead.\n\n"
               "Without --alg: RSA-OAEP-256 for RSA, A128GCM, A192GCM or A256GCM for oct.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT | CLI_OPT_BIT(CLI_OPT_IN) | CLI_OPT_BIT(CLI_OPT_OUT) |
               CLI_OPT_BIT(CLI_OPT_RAW) | CLI_OPT_BIT(CLI_OPT_ALG) | CLI_OPT_BIT(CLI_OPT_AAD),
    .run = run,
};
