#include "cli/cmd.h"
#include "cli/key_args.h"
#include "cli/key_call.h"
#include "cli/session.h"

static kp_status run(struct cli *c)
{
    struct kp_key_ref key;
    struct kp_request request;
    struct kp_key_params params;
    struct kp_tag tags[KP_TAGS_MAX];
    kp_key_params_init(&params);
    kp_status st = cli_shape_fill(c, &params);
    if (st == KP_OK) {
        st = cli_attributes_fill(c, tags, &params);
    }
    if (st == KP_OK) {
        st = cli_key_open_whole(c, cli_operand(c, 0), KP_VAULT_MAY_CREATE, &key);
    }
    if (st == KP_OK) {
        st = cli_request_init(c, KP_OP_CREATE, &key, &request);
    }
    if (st != KP_OK) {
        return st;
    }
    request.params = &params;
    return cli_key_call(c, &request, cli_key_tell);
}

const struct cli_command cli_cmd_key_create = {
    .name = "key create",
    .operands = "NAME",
    .summary = "make a key, or a new version of one",
    .details =
        "A directory named with -V file:DIR becomes a vault when it is none yet. Prints\n"
        "NAME/VERSION. The type is RSA unless --type says otherwise; RSA has 2048 bits, oct\n"
        "256 and EC curve P-256 unless --size or --curve says otherwise.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options =
        CLI_OPTS_VAULT | CLI_OPTS_SHAPE | CLI_OPTS_ATTRIBUTES | CLI_OPT_BIT(CLI_OPT_EXPORTABLE),
    .run = run,
};
