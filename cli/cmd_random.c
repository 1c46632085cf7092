#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/session.h"
#include "cli/values.h"

static kp_status run(struct cli *c)
{
    struct kp_request request;
    struct kp_result result;
    uint32_t count = 0;
    if (!cli_parse_u32(cli_operand(c, 0), 1, KP_RANDOM_MAX_LEN, &count)) {
        return kpb_fail(&c->fault.error, KP_USAGE, "COUNT '%s' is no number from 1 to %u",
                        cli_operand(c, 0), KP_RANDOM_MAX_LEN);
    }
    kp_status st = cli_vault_open_named(c, 0);
    if (st == KP_OK) {
        st = cli_request_init(c, KP_OP_RANDOM, NULL, &request);
    }
    if (st != KP_OK) {
        return st;
    }
    request.count = count;
    st = cli_call(c, &request, &result);
    if (st == KP_OK) {
        const struct cli_subject subject = {.op = "random"};
        st = cli_deliver(c, &subject, result.reply.value, CLI_DELIVER_SECRET);
    }
    kp_result_clear(&result);
    return st;
}

const struct cli_command cli_cmd_random = {
    .name = "random",
    .operands = "COUNT",
    .summary = "random bytes from a vault",
    .details = "Writes COUNT bytes, 1 to 128, mode 0600 with --out.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT | CLI_OPT_BIT(CLI_OPT_OUT),
    .run = run,
};
