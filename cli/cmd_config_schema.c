#include "cli/cmd.h"
#include "cli/io.h"

static kp_status run(struct cli *c)
{
    const kp_status st = kp_config_schema(cli_out_receive, &c->out);
    return st == KP_OK ? cli_flush(c)
                       : kpb_fail(&c->fault.error, st, "the schema could not be written");
}

const struct cli_command cli_cmd_config_schema = {
    .name = "config schema",
    .operands = "",
    .summary = "the JSON Schema of the configuration file",
    .run = run,
};
