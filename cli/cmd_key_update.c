#include "cli/cmd.h"
#include "cli/key_args.h"
#include "cli/key_call.h"
#include "cli/session.h"

#define OPTIONS (CLI_OPTS_ATTRIBUTES | CLI_OPT_BIT(CLI_OPT_NO_TAGS))

static kp_status run(struct cli *c)
{
    struct kp_key_ref key;
    struct kp_request request;
    struct kp_key_params params;
    struct kp_tag tags[KP_TAGS_MAX];
    kp_key_params_init(&params);
    kp_status st = cli_attributes_fill(c, tags, &params);
    if (st == KP_OK && params.set == 0) {
        st = kpb_fail(&c->fault.error, KP_USAGE, "nothing to change was given");
    }
    if (st == KP_OK) {
        st = cli_key_open(c, cli_operand(c, 0), 0, &key);
    }
    if (st == KP_OK) {
        st = cli_request_init(c, KP_OP_UPDATE, &key, &request);
    }
    if (st != KP_OK) {
        return st;
    }
    request.params = &params;
    return cli_key_call(c, &request, cli_key_tell_all);
}

const struct cli_command cli_cmd_key_update = {
    .name = "key update",
    .operands = "KEY",
    .summary = "change tags, operations, dates or state of a key version",
    .details =
        "Changes the current version unless KEY names one; what is not given stays as it is.\n"
        "--tag replaces all tags, --no-tags removes them.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT | OPTIONS,
    .run = run,
};
