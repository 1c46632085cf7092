#include "base/span.h"
#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/session.h"

#define NAME_WIDTH 24u
#define PLUGIN_WIDTH 40u

static void add_line(void *ctx, const struct kp_vault_info *info)
{
    struct cli *c = ctx;
    cli_out_safe(&c->out, kpb_span_str(info->name));
    cli_out_pad(&c->out, NAME_WIDTH);
    cli_out_safe(&c->out, kpb_span_str(info->plugin));
    cli_out_pad(&c->out, PLUGIN_WIDTH);
    cli_out_safe(&c->out, kpb_span_str(info->location));
    cli_out_text(&c->out, "\n");
}

static void add_json(void *ctx, const struct kp_vault_info *info)
{
    struct cli *c = ctx;
    cli_json_begin(&c->out, '{');
    cli_json_member_text(&c->out, "name", info->name);
    cli_json_member_text(&c->out, "plugin", info->plugin);
    cli_json_member_text(&c->out, "location", info->location);
    cli_json_member_text(&c->out, "state", info->state);
    cli_json_end(&c->out, '}');
}

static kp_status run(struct cli *c)
{
    const bool json = cli_has(c, CLI_OPT_JSON);
    const kp_status st = cli_provider_open(c);
    if (st != KP_OK) {
        return st;
    }
    cli_out_text(&c->out, json ? "{\"vaults\":[" : "");
    kp_vaults_each(c->provider, json ? add_json : add_line, c);
    cli_out_text(&c->out, json ? "]}\n" : "");
    return cli_flush(c);
}

const struct cli_command cli_cmd_vaults = {
    .name = "vaults",
    .operands = "",
    .summary = "the vaults of the configuration",
    .run = run,
};
