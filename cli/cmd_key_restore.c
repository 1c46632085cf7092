#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/key_call.h"
#include "cli/session.h"

static kp_status restore(struct cli *c, kp_buf *blob)
{
    struct kp_request request;
    kp_status st = cli_read(cli_opt(c, CLI_OPT_IN), blob, &c->fault);
    if (st == KP_OK) {
        st = cli_vault_open_named(c, KP_VAULT_MAY_CREATE);
    }
    if (st == KP_OK) {
        st = cli_request_init(c, KP_OP_RESTORE, NULL, &request);
    }
    if (st != KP_OK) {
        return st;
    }
    request.value = kp_buf_view(blob);
    return cli_key_call(c, &request, cli_key_tell);
}

static kp_status run(struct cli *c)
{
    kp_buf blob;
    kp_buf_init_secret(&blob, "cli.input", KP_BACKUP_MAX_LEN);
    const kp_status st = restore(c, &blob);
    kp_buf_clear(&blob);
    return st;
}

const struct cli_command cli_cmd_key_restore = {
    .name = "key restore",
    .operands = "",
    .summary = "bring a saved key back",
    .details =
        "Reads a blob of 'kp key backup'. A name that is taken is refused, also by a deleted\n"
        "key. A directory named with -V file:DIR becomes a vault when it is none yet.\n",
    .options = CLI_OPTS_VAULT | CLI_OPT_BIT(CLI_OPT_IN),
    .run = run,
};
