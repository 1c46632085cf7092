/* kp rollback and kp uninstall. */
#include "base/errors.h"
#include "cli/io.h"
#include "cli/win_cmd.h"
#include "cli/win_install.h"

static kp_status tell(struct cli *c, const char *member, const char *text)
{
    if (cli_has(c, CLI_OPT_JSON)) {
        cli_json_begin(&c->out, '{');
        cli_json_member_text(&c->out, member, text);
        cli_json_end(&c->out, '}');
    } else {
        cli_out_text(&c->out, member);
        cli_out_text(&c->out, ": ");
        cli_out_text(&c->out, text);
    }
    cli_out_text(&c->out, "\n");
    return cli_flush(c);
}

static kp_status run_rollback(struct cli *c)
{
    struct win_install w = {0};
    char version[WIN_VERSION_LEN];
    kp_status st = win_record_read(&w, version, &c->fault.error);
    if (st == KP_OK) {
        st = win_files_swap(&w, &c->fault.error);
    }
    if (st == KP_OK) {
        st = win_dll_version(w.folder, version, &c->fault.error);
    }
    if (st == KP_OK) {
        st = win_record_write(&w, version, &c->fault.error);
    }
    return st == KP_OK ? tell(c, "version", version) : st;
}

static kp_status run_uninstall(struct cli *c)
{
    struct win_install w = {0};
    char version[WIN_VERSION_LEN];
    bool left = false;
    kp_status st = win_default_folders(&w, &c->fault.error);
    if (st == KP_OK) {
        st = win_record_read(&w, version, &c->fault.error);
    }
    if (st == KP_OK && !win_dll_is_idle(&w)) {
        return kpb_fail(&c->fault.error, KP_CONFLICT,
                        "%s\\%s is loaded by a process; stop SQL Server first", w.folder, WIN_DLL);
    }
    if (st == KP_OK) {
        st = win_files_remove(&w, &left, &c->fault.error);
    }
    if (st != KP_OK) {
        return st;
    }
    win_events_remove();
    win_map_undo();
    w.made = WIN_MADE_DATA | WIN_MADE_LOG;
    win_data_undo(&w); /* nothing but empty folders goes */
    win_record_remove();
    return tell(c, "uninstalled",
                left ? "this program itself goes with the next start of the machine" : version);
}

const struct cli_command cli_win_cmd_rollback = {
    .name = "rollback",
    .operands = "",
    .summary = "bring back the files from before the last upgrade",
    .details =
        "The two change places, so a second rollback takes the first one back. A server that\n"
        "runs has what it has loaded until it restarts.\n",
    .run = run_rollback,
};

const struct cli_command cli_win_cmd_uninstall = {
    .name = "uninstall",
    .operands = "",
    .summary = "take the provider away from this machine",
    .details = "Refused while a process has it loaded. The configuration, the log and a key map\n"
               "with records in it stay: databases and backups may still need them.\n",
    .run = run_uninstall,
};
