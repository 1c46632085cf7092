#include "base/errors.h"
#include "base/span.h"
#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/sql_script.h"

/* Where `kp install` puts it. The path is the server's, whatever machine this runs on. */
#define LIBRARY_DEFAULT "C:\\Program Files\\keyprovider\\keyprovider-ekm.dll"
#define LIBRARY_MAX_LEN 256u /* SQL Server's own bound */

static kp_status check_name(struct cli *c, enum cli_opt opt)
{
    const char *text = cli_opt(c, opt);
    return !text || sql_is_name(text)
               ? KP_OK
               : kpb_fail(&c->fault.error, KP_USAGE,
                          "--%s takes 1 to %u characters, none of them a control",
                          cli_opt_info(opt)->name, SQL_NAME_MAX_LEN);
}

static kp_status check_library(struct cli *c)
{
    const kp_span path = kpb_span_str(cli_opt(c, CLI_OPT_LIBRARY));
    return !path.ptr || (sql_is_clean(path) && path.len <= LIBRARY_MAX_LEN)
               ? KP_OK
               : kpb_fail(
                     &c->fault.error, KP_USAGE,
                     "--library takes the path on the server, 1 to %u characters, none of them "
                     "a control",
                     LIBRARY_MAX_LEN);
}

/* -V VAULT with NAME[/VERSION], or VAULT/NAME[/VERSION]; nothing is opened. */
static kp_status read_key(struct cli *c, struct sql_plan *plan)
{
    const kp_span text = kpb_span_str(cli_operand(c, 0));
    const char *vault = cli_opt(c, CLI_OPT_VAULT);
    struct kp_key_ref ref;
    kp_status st = vault ? kp_key_name_parse(text, &ref, &c->fault.error)
                         : kp_key_ref_parse(text, &ref, &c->fault.error);
    if (st == KP_OK) {
        st = sql_plan_set_vault(plan, vault ? kpb_span_str(vault) : ref.vault,
                                cli_has(c, CLI_OPT_MANAGED_IDENTITY), &c->fault.error);
    }
    if (st == KP_OK) {
        plan->key = ref.name;
        plan->version = ref.version;
    }
    return st;
}

static kp_status fill_plan(struct cli *c, struct sql_plan *plan)
{
    plan->library = cli_has(c, CLI_OPT_LIBRARY) ? cli_opt(c, CLI_OPT_LIBRARY) : LIBRARY_DEFAULT;
    plan->login = cli_has(c, CLI_OPT_LOGIN) ? cli_opt(c, CLI_OPT_LOGIN) : "sa";
    plan->database = cli_opt(c, CLI_OPT_DATABASE);
    plan->is_rotation = cli_has(c, CLI_OPT_ROTATE);
    kp_status st = check_name(c, CLI_OPT_LOGIN);
    if (st == KP_OK) {
        st = check_name(c, CLI_OPT_DATABASE);
    }
    return st == KP_OK ? check_library(c) : st;
}

static kp_status run(struct cli *c)
{
    struct sql_plan plan = {0};
    kp_status st = read_key(c, &plan);
    if (st == KP_OK) {
        st = fill_plan(c, &plan);
    }
    if (st != KP_OK) {
        return st;
    }
    sql_script_write(&plan, &c->out);
    return cli_flush_as(c, "sql");
}

const struct cli_command cli_cmd_sql_script = {
    .name = "sql script",
    .operands = "KEY",
    .summary = "the T-SQL by which SQL Server uses a key",
    .details =
        "Writes the statements that register the provider, make the key known and, with\n"
        "--database, encrypt a database; with --rotate those that move it to this key. Asks no\n"
        "vault and prints no secret: words in capitals stand where one belongs. Try the script\n"
        "with ekm-rehearse before a server runs it.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPT_BIT(CLI_OPT_VAULT) | CLI_OPT_BIT(CLI_OPT_DATABASE) |
               CLI_OPT_BIT(CLI_OPT_ROTATE) | CLI_OPT_BIT(CLI_OPT_LIBRARY) |
               CLI_OPT_BIT(CLI_OPT_LOGIN) | CLI_OPT_BIT(CLI_OPT_MANAGED_IDENTITY),
    .run = run,
};
