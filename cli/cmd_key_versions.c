#include "cli/cmd.h"
#include "cli/key_call.h"
#include "cli/session.h"

static kp_status run(struct cli *c)
{
    struct kp_key_ref key;
    struct kp_request request;
    kp_status st = cli_key_open_whole(c, cli_operand(c, 0), 0, &key);
    if (st == KP_OK) {
        st = cli_request_init(c, KP_OP_LIST_VERSIONS, &key, &request);
    }
    return st == KP_OK ? cli_key_list(c, &request) : st;
}

const struct cli_command cli_cmd_key_versions = {
    .name = "key versions",
    .operands = "NAME",
    .summary = "the versions of a key",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT,
    .run = run,
};
