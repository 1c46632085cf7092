#include "base/span.h"
#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/key_call.h"

static kp_status tell(struct cli *c, const struct kp_reply *reply)
{
    (void)reply;
    const kp_span name = kpb_span_str(cli_operand(c, 0));
    if (cli_has(c, CLI_OPT_JSON)) {
        cli_json_begin(&c->out, '{');
        cli_json_member_str(&c->out, "purged", name);
        cli_json_end(&c->out, '}');
        cli_out_text(&c->out, "\n");
    } else {
        cli_out_text(&c->out, "purged ");
        cli_out_safe(&c->out, name);
        cli_out_text(&c->out, "\n");
    }
    return cli_flush(c);
}

static kp_status run(struct cli *c)
{
    if (!cli_has(c, CLI_OPT_YES)) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "purging destroys every version of '%s' for ever, and all that only they "
                        "can unwrap; say --yes",
                        cli_operand(c, 0));
    }
    return cli_key_run(c, KP_OP_PURGE, tell);
}

const struct cli_command cli_cmd_key_purge = {
    .name = "key purge",
    .operands = "NAME",
    .summary = "destroy a deleted key for ever",
    .details = "What its versions wrapped can never be unwrapped again. Needs --yes.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT | CLI_OPT_BIT(CLI_OPT_YES),
    .run = run,
};
