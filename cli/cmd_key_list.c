#include "cli/cmd.h"
#include "cli/key_call.h"
#include "cli/session.h"

static kp_status run(struct cli *c)
{
    struct kp_request request;
    kp_status st = cli_vault_open_named(c, 0);
    if (st == KP_OK) {
        st = cli_request_init(c, KP_OP_LIST_KEYS, NULL, &request);
    }
    return st == KP_OK ? cli_key_list(c, &request) : st;
}

const struct cli_command cli_cmd_key_list = {
    .name = "key list",
    .operands = "",
    .summary = "the keys of a vault",
    .options = CLI_OPTS_VAULT,
    .run = run,
};
