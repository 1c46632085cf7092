/* kp secret protect: a secret for the configuration, sealed by DPAPI. */
#include <string.h>

#include "base/win_dpapi.h"
#include "cli/io.h"
#include "cli/win_cmd.h"
#include "cli/win_secret.h"

#define SECRET_MAX_LEN (64u * 1024u) /* what the configuration takes */
#define SEALED_MAX_LEN (SECRET_MAX_LEN + 4096u)

static kp_status parse_scope(const char *word, enum kpb_win_dpapi_scope *ret,
                             struct kp_error *reterr)
{
    if (strcmp(word, "machine") == 0) {
        *ret = KPB_WIN_DPAPI_MACHINE;
    } else if (strcmp(word, "user") == 0) {
        *ret = KPB_WIN_DPAPI_USER;
    } else {
        return kpb_fail(reterr, KP_USAGE, "'%s' is neither machine nor user", word);
    }
    return KP_OK;
}

static kp_status seal_and_deliver(struct cli *c, enum kpb_win_dpapi_scope scope, kp_span secret)
{
    const struct cli_subject subject = {.op = "protect"};
    kp_buf sealed;
    kp_buf_init(&sealed, "cli.sealed", SEALED_MAX_LEN);
    kp_status st = kpb_win_dpapi_seal(secret, scope, &sealed, &c->fault.error);
    if (st == KP_OK) {
        st = cli_deliver(c, &subject, kp_buf_view(&sealed), CLI_DELIVER_SECRET);
    }
    kp_buf_clear(&sealed);
    return st;
}

static kp_status run(struct cli *c)
{
    enum kpb_win_dpapi_scope scope = KPB_WIN_DPAPI_MACHINE;
    kp_buf secret;
    kp_buf_init_secret(&secret, "cli.secret", SECRET_MAX_LEN + 2); /* and a line end */
    kp_status st = parse_scope(cli_operand(c, 0), &scope, &c->fault.error);
    if (st == KP_OK) {
        st = win_secret_read(&secret, &c->fault);
    }
    if (st == KP_OK && secret.len > SECRET_MAX_LEN) {
        st = kpb_fail(&c->fault.error, KP_USAGE, "the secret has more than %u bytes",
                      SECRET_MAX_LEN);
    }
    if (st == KP_OK) {
        st = seal_and_deliver(c, scope, kp_buf_view(&secret));
    }
    kp_buf_clear(&secret);
    return st;
}

const struct cli_command cli_win_cmd_secret_protect = {
    .name = "secret protect",
    .operands = "SCOPE",
    .summary = "seal a secret of the configuration by DPAPI",
    .details = "Reads the secret from stdin; at a console it asks for a line and shows nothing.\n"
               "SCOPE machine: every account of this machine that can read the file opens it.\n"
               "SCOPE user: the account that runs this opens it, and no other.\n"
               "The configuration names the file: \"secret\": {\"dpapi\": FILE}. A file of --out\n"
               "can be read by this account, SYSTEM and administrators; give the account of the\n"
               "service its right: icacls FILE /grant \"NT SERVICE\\MSSQLSERVER:R\"\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPT_BIT(CLI_OPT_OUT),
    .run = run,
};
