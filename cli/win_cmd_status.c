/* kp status: what is installed, and what is not as kp install would have left it. */
#include "base/errors.h"
#include "base/win_folder.h"
#include "cli/io.h"
#include "cli/win_cmd.h"
#include "cli/win_install.h"

#define LABEL_WIDTH 16u

struct state {
    struct win_install w;
    char current[WIN_VERSION_LEN];
    char previous[WIN_VERSION_LEN];
    bool is_loaded;
    bool has_config;
    struct kp_error problems[5];
    uint32_t n_problems;
};

static struct kp_error *next_problem(struct state *s)
{
    kp_error_init(&s->problems[s->n_problems]);
    return &s->problems[s->n_problems];
}

static void note(struct state *s, kp_status st)
{
    s->n_problems += st != KP_OK ? 1 : 0;
}

static kp_status check_service(struct state *s, struct kp_error *reterr)
{
    struct win_install found = s->w;
    const kp_status st = win_find_service(&found, s->w.service, reterr);
    if (st == KP_OK) {
        s->w = found;
    }
    return st;
}

static kp_status look(struct state *s, struct kp_error *reterr)
{
    char path[WIN_PATH_LEN];
    struct kp_error ignored;
    kp_status st = win_default_folders(&s->w, reterr);
    if (st == KP_OK) {
        st = win_record_read(&s->w, s->current, reterr);
    }
    if (st != KP_OK) {
        return st;
    }
    note(s, win_dll_version(s->w.folder, s->current, next_problem(s)));
    if (win_path(path, s->w.folder, "previous", &ignored) == KP_OK) {
        kpb_ignore(win_dll_version(path, s->previous, &ignored)); /* none is no problem */
    }
    s->is_loaded = !win_dll_is_idle(&s->w);
    s->has_config =
        win_path(path, s->w.data, "keyprovider.json", &ignored) == KP_OK && kpb_win_is_there(path);
    st = check_service(s, next_problem(s));
    note(s, st);
    note(s, st == KP_OK ? win_map_check(&s->w, next_problem(s)) : KP_OK);
    note(s, win_data_check(&s->w, next_problem(s)));
    note(s, win_events_check(&s->w, next_problem(s)));
    return KP_OK;
}

static void line(struct cli_out *o, const char *label, const char *text)
{
    cli_out_text(o, label);
    cli_out_pad(o, LABEL_WIDTH);
    cli_out_text(o, text);
    cli_out_text(o, "\n");
}

static const char *or_none(const char *text)
{
    return text[0] ? text : "none";
}

static void tell_text(struct cli_out *o, const struct state *s)
{
    line(o, "folder", s->w.folder);
    line(o, "version", or_none(s->current));
    line(o, "before", or_none(s->previous));
    line(o, "loaded", s->is_loaded ? "yes" : "no");
    line(o, "service", s->w.service);
    line(o, "configuration", s->has_config ? s->w.data : "none: defaults hold");
    for (uint32_t i = 0; i < s->n_problems; i++) {
        line(o, "problem", s->problems[i].text);
    }
}

static void tell_json(struct cli_out *o, const struct state *s)
{
    cli_json_begin(o, '{');
    cli_json_member_text(o, "folder", s->w.folder);
    cli_json_member_text(o, "version", s->current);
    cli_json_member_text(o, "before", s->previous);
    cli_json_member_bool(o, "loaded", s->is_loaded);
    cli_json_member_text(o, "service", s->w.service);
    cli_json_member_bool(o, "configuration", s->has_config);
    cli_json_name(o, "problems");
    cli_json_begin(o, '[');
    for (uint32_t i = 0; i < s->n_problems; i++) {
        cli_json_begin(o, '{');
        cli_json_member_text(o, "text", s->problems[i].text);
        cli_json_end(o, '}');
    }
    cli_json_end(o, ']');
    cli_json_end(o, '}');
    cli_out_text(o, "\n");
}

static kp_status run(struct cli *c)
{
    struct state s = {0};
    const kp_status st = look(&s, &c->fault.error);
    if (st != KP_OK) {
        return st;
    }
    (cli_has(c, CLI_OPT_JSON) ? tell_json : tell_text)(&c->out, &s);
    c->exit_code = s.n_problems > 0 ? 1 : 0;
    return cli_flush(c);
}

const struct cli_command cli_win_cmd_status = {
    .name = "status",
    .operands = "",
    .summary = "what is installed here, and what is wrong with it",
    .details = "Exit code 1: something is not as kp install leaves it; a line says what.\n",
    .run = run,
};
