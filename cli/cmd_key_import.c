#include "cli/cmd.h"
#include "cli/import.h"
#include "cli/io.h"
#include "cli/key_args.h"
#include "cli/key_call.h"
#include "cli/session.h"

static kp_status read_material(struct cli *c, struct cli_import *material)
{
    kp_buf text;
    kp_buf_init_secret(&text, "cli.input", CLI_IMPORT_MAX_LEN);
    kp_status st = cli_read(cli_opt(c, CLI_OPT_IN), &text, &c->fault);
    if (st == KP_OK) {
        st = cli_import_read(kp_buf_view(&text), material, &c->fault.error);
    }
    kp_buf_clear(&text);
    return st;
}

static kp_status import_key(struct cli *c, const struct cli_import *material)
{
    struct kp_key_ref key;
    struct kp_request request;
    struct kp_key_params params;
    struct kp_tag tags[KP_TAGS_MAX];
    kp_key_params_init(&params);
    cli_import_view(material, &params);
    if (material->key_ops != 0 && !cli_has(c, CLI_OPT_OPS)) {
        params.set |= KP_SET_KEY_OPS;
        params.key_ops = material->key_ops;
    }
    kp_status st = cli_attributes_fill(c, tags, &params);
    if (st == KP_OK) {
        st = cli_key_open_whole(c, cli_operand(c, 0), KP_VAULT_MAY_CREATE, &key);
    }
    if (st == KP_OK) {
        st = cli_request_init(c, KP_OP_IMPORT, &key, &request);
    }
    if (st != KP_OK) {
        return st;
    }
    request.params = &params;
    return cli_key_call(c, &request, cli_key_tell);
}

/* The file is read before the vault is opened: see cli/json_memory.h. */
static kp_status run(struct cli *c)
{
    struct cli_import material;
    cli_import_init(&material);
    kp_status st = read_material(c, &material);
    if (st == KP_OK) {
        st = import_key(c, &material);
    }
    cli_import_clear(&material);
    return st;
}

const struct cli_command cli_cmd_key_import = {
    .name = "key import",
    .operands = "NAME",
    .summary = "bring a key of your own",
    .details = "Reads a private JWK, or an unencrypted PEM private key (RSA, EC), from --in or\n"
               "stdin. The JWK's key_ops apply unless --ops is given. A directory named with\n"
               "-V file:DIR becomes a vault when it is none yet. Prints NAME/VERSION.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT | CLI_OPTS_ATTRIBUTES | CLI_OPT_BIT(CLI_OPT_IN) |
               CLI_OPT_BIT(CLI_OPT_EXPORTABLE),
    .run = run,
};
