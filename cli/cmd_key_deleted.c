#include "cli/cmd.h"
#include "cli/key_call.h"
#include "cli/session.h"

static kp_status run(struct cli *c)
{
    struct kp_request request;
    if (cli_operand(c, 0)) {
        return cli_key_run(c, KP_OP_GET_DELETED, cli_key_tell_all);
    }
    kp_status st = cli_vault_open_named(c, 0);
    if (st == KP_OK) {
        st = cli_request_init(c, KP_OP_LIST_DELETED, NULL, &request);
    }
    return st == KP_OK ? cli_key_list(c, &request) : st;
}

const struct cli_command cli_cmd_key_deleted = {
    .name = "key deleted",
    .operands = "[NAME]",
    .summary = "the deleted keys of a vault, or one of them",
    .n_operands_min = 0,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT,
    .run = run,
};
