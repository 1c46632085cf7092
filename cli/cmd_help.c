#include <stdio.h>

#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/io.h"

static bool add_page(struct cli_out *o, const char *name)
{
    const struct cli_command *command = cli_command_named(name);
    if (command) {
        cli_help_command(o, command);
        return true;
    }
    return cli_help_topic(o, name);
}

static kp_status run(struct cli *c)
{
    const char *first = cli_operand(c, 0);
    const char *second = cli_operand(c, 1);
    char name[64];
    if (!first) {
        cli_help_overview(&c->out);
        return cli_flush_as(c, "help");
    }
    (void)snprintf(name, sizeof name, "%s%s%s", first, second ? " " : "", second ? second : "");
    if (!add_page(&c->out, name)) {
        return kpb_fail(&c->fault.error, KP_USAGE, "there is no help page '%s'", name);
    }
    return cli_flush_as(c, "help");
}

const struct cli_command cli_cmd_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "this page, or one about a command",
    .n_operands_min = 0,
    .n_operands_max = 2,
    .run = run,
};
