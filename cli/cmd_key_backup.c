#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/key_call.h"

static kp_status deliver(struct cli *c, const struct kp_reply *reply)
{
    const struct cli_subject subject = {.op = "backup", .key = reply->name};
    return cli_deliver(c, &subject, reply->value, CLI_DELIVER_SECRET);
}

static kp_status run(struct cli *c)
{
    return cli_key_run(c, KP_OP_BACKUP, deliver);
}

const struct cli_command cli_cmd_key_backup = {
    .name = "key backup",
    .operands = "NAME",
    .summary = "save a key with all its versions",
    .details = "Writes a sealed blob that 'kp key restore' takes. A file vault seals it under the\n"
               "backup key of its configuration, which both vaults must be given.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT | CLI_OPT_BIT(CLI_OPT_OUT),
    .run = run,
};
