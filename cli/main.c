/* kp: reads the arguments, runs one command, reports. */
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/io.h"
#include "cli/json_memory.h"
#include "cli/platform.h"
#include "cli/session.h"

static kp_status run_command(struct cli *c)
{
    kp_status st = cli_command_find(&c->args, &c->command, &c->fault.error);
    if (st == KP_OK && cli_has(c, CLI_OPT_HELP)) {
        cli_help_command(&c->out, c->command);
        return cli_flush(c);
    }
    if (st == KP_OK) {
        st = cli_command_check(c->command, &c->args, &c->fault.error);
    }
    return st == KP_OK ? c->command->run(c) : st;
}

static kp_status run(struct cli *c, int argc, char *const *argv)
{
    const kp_status st = cli_args_parse(argc, argv, &c->args, &c->fault.error);
    if (st != KP_OK) {
        return st;
    }
    if (c->args.n_words == 0 && cli_has(c, CLI_OPT_HELP)) {
        cli_help_overview(&c->out);
        return cli_flush(c);
    }
    if (c->args.n_words == 0 && cli_has(c, CLI_OPT_VERSION)) {
        c->command = &cli_cmd_version;
        return c->command->run(c);
    }
    return run_command(c);
}

int main(int argc, char **argv)
{
    struct cli c;
    memset(&c, 0, sizeof c);
    kp_error_init(&c.fault.error);
    cli_out_init(&c.out);
    cli_platform_harden();
    cli_json_memory_use();
    const kp_status st = cli_platform_args(&argc, &argv)
                             ? run(&c, argc, argv)
                             : kpb_fail(&c.fault.error, KP_USAGE, "the arguments are no text");
    if (st != KP_OK) {
        cli_report(stderr, c.command ? c.command->name : NULL, st, &c.fault,
                   cli_has(&c, CLI_OPT_JSON));
    }
    cli_session_close(&c);
    cli_out_clear(&c.out);
    return st == KP_OK ? c.exit_code : cli_exit_of(st, &c.fault);
}
