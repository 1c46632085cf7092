#include "cli/cmd.h"
#include "cli/key_call.h"
#include "cli/session.h"

static kp_status run(struct cli *c)
{
    struct kp_key_ref key;
    struct kp_request request;
    kp_status st = cli_key_open(c, cli_operand(c, 0), 0, &key);
    if (st == KP_OK) {
        st = cli_request_init(c, KP_OP_GET_KEY, &key, &request);
    }
    return st == KP_OK ? cli_key_call(c, &request, cli_key_tell_all) : st;
}

const struct cli_command cli_cmd_key_show = {
    .name = "key show",
    .operands = "KEY",
    .summary = "what a vault tells about a key",
    .details =
        "Shows the current version unless KEY names one. --json has the public part too, as\n"
        "JWK members. No command shows a private part.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT,
    .run = run,
};
