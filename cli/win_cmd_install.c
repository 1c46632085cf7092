/* kp install and kp upgrade: one list of steps, each of which can be undone. */
#include <stdio.h>

#include "base/errors.h"
#include "cli/io.h"
#include "cli/win_cmd.h"
#include "cli/win_install.h"
#include "cli/win_platform.h"

/* ---- Steps ---- */

struct step {
    kp_status (*make)(struct win_install *w, struct kp_error *reterr);
    void (*undo)(const struct win_install *w);
};

static void undo_files(const struct win_install *w)
{
    bool left = false;
    struct kp_error ignored;
    if (w->made & WIN_MADE_FILES) {
        kpb_ignore(win_files_remove(w, &left, &ignored)); /* the first failure is the one told */
    }
}

static void undo_map(const struct win_install *w)
{
    if (w->made & WIN_MADE_MAP) {
        win_map_undo();
    }
}

static void undo_events(const struct win_install *w)
{
    if (w->made & WIN_MADE_EVENTS) {
        win_events_remove();
    }
}

static kp_status record(struct win_install *w, struct kp_error *reterr)
{
    char version[WIN_VERSION_LEN];
    const kp_status st = win_dll_version(w->folder, version, reterr);
    return st == KP_OK ? win_record_write(w, version, reterr) : st;
}

static void undo_record(const struct win_install *w)
{
    if (w->made & WIN_MADE_RECORD) {
        win_record_remove();
    }
}

/* In the order of making. The record is last: what it names is all there. */
static const struct step STEPS[] = {
    {win_files_put, undo_files},    {win_data_make, win_data_undo}, {win_map_make, undo_map},
    {win_events_make, undo_events}, {record, undo_record},
};
#define N_STEPS (sizeof STEPS / sizeof STEPS[0])

static kp_status make_all(struct win_install *w, bool is_undone, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    size_t n = 0;
    while (st == KP_OK && n < N_STEPS) {
        st = STEPS[n++].make(w, reterr);
    }
    while (st != KP_OK && is_undone && n > 0) {
        STEPS[--n].undo(w);
    }
    return st;
}

/* ---- What is asked for ---- */

static kp_status take_folder(const char *text, char out[WIN_PATH_LEN], struct kp_error *reterr)
{
    if (!text) {
        return KP_OK;
    }
    return cli_platform_whole_path(text, out, WIN_PATH_LEN)
               ? KP_OK
               : kpb_fail(reterr, KP_USAGE, "'%s' is no folder, or its path is too long", text);
}

static kp_status fill(struct cli *c, struct win_install *w, const char *service)
{
    struct kp_error *err = &c->fault.error;
    kp_status st = take_folder(cli_opt(c, CLI_OPT_FROM), w->from, err);
    if (st == KP_OK) {
        st = win_find_service(
            w, cli_has(c, CLI_OPT_SERVICE) ? cli_opt(c, CLI_OPT_SERVICE) : service, err);
    }
    return st;
}

static kp_status tell(struct cli *c, const struct win_install *w, const char *what)
{
    char version[WIN_VERSION_LEN];
    const kp_status st = win_dll_version(w->folder, version, &c->fault.error);
    if (st != KP_OK) {
        return st;
    }
    if (cli_has(c, CLI_OPT_JSON)) {
        cli_json_begin(&c->out, '{');
        cli_json_member_text(&c->out, "folder", w->folder);
        cli_json_member_text(&c->out, "version", version);
        cli_json_member_text(&c->out, "service", w->service);
        cli_json_end(&c->out, '}');
        cli_out_text(&c->out, "\n");
        return cli_flush(c);
    }
    cli_out_text(&c->out, what);
    cli_out_text(&c->out, version);
    cli_out_text(&c->out, " in ");
    cli_out_text(&c->out, w->folder);
    cli_out_text(&c->out, "\n");
    return cli_flush(c);
}

/* ---- Commands ---- */

static kp_status run_install(struct cli *c)
{
    struct win_install w = {0};
    struct win_install found = {0};
    char version[WIN_VERSION_LEN];
    struct kp_error ignored;
    if (win_record_read(&found, version, &ignored) == KP_OK) {
        return kpb_fail(&c->fault.error, KP_CONFLICT,
                        "version %s is installed in %s; run kp upgrade, or kp uninstall first",
                        version, found.folder);
    }
    kp_status st = win_default_folders(&w, &c->fault.error);
    if (st == KP_OK) {
        st = take_folder(cli_opt(c, CLI_OPT_FOLDER), w.folder, &c->fault.error);
    }
    if (st == KP_OK && win_dll_version(w.folder, version, &ignored) == KP_OK) {
        st = kpb_fail(&c->fault.error, KP_CONFLICT,
                      "files of version %s lie in %s without being installed; delete the folder",
                      version, w.folder);
    }
    if (st == KP_OK) {
        st = fill(c, &w, WIN_SERVICE_DEFAULT);
    }
    if (st == KP_OK) {
        st = make_all(&w, true, &c->fault.error);
    }
    return st == KP_OK ? tell(c, &w, "installed ") : st;
}

/* What is there stays in force until a server restarts, so a failure undoes nothing: the files that
 * came before are in previous, and kp rollback brings them back. */
static kp_status run_upgrade(struct cli *c)
{
    struct win_install w = {0};
    char version[WIN_VERSION_LEN];
    char service[WIN_ACCOUNT_LEN];
    kp_status st = win_default_folders(&w, &c->fault.error);
    if (st == KP_OK) {
        st = win_record_read(&w, version, &c->fault.error);
    }
    if (st == KP_OK) {
        (void)snprintf(service, sizeof service, "%s", w.service);
        st = fill(c, &w, service);
    }
    if (st == KP_OK) {
        st = make_all(&w, false, &c->fault.error);
    }
    return st == KP_OK ? tell(c, &w, "restart SQL Server for ") : st;
}

const struct cli_command cli_win_cmd_install = {
    .name = "install",
    .operands = "",
    .summary = "put the provider in its place on this machine",
    .details =
        "Copies the files of --from (without it the folder of this program) to --folder\n"
        "(%ProgramFiles%\\keyprovider), makes %ProgramData%\\keyprovider and the key map's key in\n"
        "the registry with the rights that --service (NT SERVICE\\MSSQLSERVER) needs and no\n"
        "more, and registers the source of events. A failure undoes all of it.\n",
    .options =
        CLI_OPT_BIT(CLI_OPT_FROM) | CLI_OPT_BIT(CLI_OPT_FOLDER) | CLI_OPT_BIT(CLI_OPT_SERVICE),
    .run = run_install,
};

const struct cli_command cli_win_cmd_upgrade = {
    .name = "upgrade",
    .operands = "",
    .summary = "replace the installed files, and set rights anew",
    .details =
        "What was there goes to previous, where kp rollback finds it. A server that runs has\n"
        "the old provider until it restarts. --service: another account from now on.\n",
    .options = CLI_OPT_BIT(CLI_OPT_FROM) | CLI_OPT_BIT(CLI_OPT_SERVICE),
    .run = run_upgrade,
};
