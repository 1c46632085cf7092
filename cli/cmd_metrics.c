#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/session.h"

static kp_status run(struct cli *c)
{
    kp_status st = cli_has(c, CLI_OPT_VAULT) ? cli_vault_open_named(c, 0) : cli_provider_open(c);
    if (st != KP_OK) {
        return st;
    }
    st = kp_metrics_text(c->provider, cli_out_receive, &c->out);
    if (st != KP_OK) {
        return kpb_fail(&c->fault.error, st, "the metrics could not be written");
    }
    return cli_flush_as(c, "metrics");
}

const struct cli_command cli_cmd_metrics = {
    .name = "metrics",
    .operands = "",
    .summary = "the metrics a program with this library can export",
    .details =
        "Writes Prometheus text. Counters live in the process that counts, so here they are\n"
        "those of this run of kp: names and labels to look for, with next to no counts.\n",
    .options = CLI_OPTS_VAULT,
    .run = run,
};
