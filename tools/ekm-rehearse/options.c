#include "tools/ekm-rehearse/options.h"

#include "base/span.h"

static const char help[] =
    "usage: ekm-rehearse [OPTION]... SCRIPT.sql...\n"
    "\n"
    "Plays SQL Server's engine: loads an EKM provider and runs T-SQL set-up scripts against it.\n"
    "\n"
    "  --provider SO       the library here that stands for every FILE a script names\n"
    "  --map DLL=SO        the one that stands for this FILE\n"
    "  --folder DIR        where the nodes and their backups lie; default ./rehearsal\n"
    "  --node NAME         which server; default node1; a new name is a new server\n"
    "  --login NAME        who runs the scripts, on a new server; default sa\n"
    "  --restart           start the server first: every database is opened again\n"
    "  --seed N            repeat the chance of an earlier run, which printed N\n"
    "  --order NAME=a|b    one of the orders of calls below\n"
    "  --stop              end at the first error; otherwise go on, as sqlcmd does\n"
    "  --trace             show every call of the provider and its answer\n"
    "  --check             read the scripts and run nothing\n"
    "\n"
    "exit status: 0 no error; 1 a statement failed; 2 the command line or a script is not\n"
    "understood, nothing ran; 3 the folder or its files cannot be used\n"
    "\n"
    "orders (a is the default):\n";

void rh_options_help(FILE *out)
{
    const struct rh_order_info *row = NULL;
    (void)fputs(help, out);
    for (size_t i = 0; (row = rh_order_at(i)); i++)
        (void)fprintf(out, "  %-20s a: %-18s b: %s\n", row->name, row->choices[0], row->choices[1]);
}

/* ---- Values ---- */

static kp_status read_seed(const char *text, struct rh_command *c, struct kp_error *err)
{
    uint64_t n = 0;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9' || n > (UINT64_MAX - 9) / 10)
            return kpb_fail(err, KP_USAGE, "--seed takes a number, not '%s'", text);
        n = n * 10 + (uint64_t)(*p - '0');
    }
    c->options.seed = n;
    c->has_seed = true;
    return *text ? KP_OK : kpb_fail(err, KP_USAGE, "--seed takes a number");
}

static kp_status read_map(const char *text, struct rh_options *o, struct kp_error *err)
{
    const char *mark = strchr(text, '=');
    if (!mark || mark == text || !mark[1])
        return kpb_fail(err, KP_USAGE, "--map takes DLL=SO, not '%s'", text);
    if (o->n_maps == RH_MAPS_MAX)
        return kpb_fail(err, KP_USAGE, "--map stands here more than 16 times");
    o->maps[o->n_maps++] = (struct rh_map){kpb_span(text, (size_t)(mark - text)), mark + 1};
    return KP_OK;
}

static kp_status read_node(const char *text, struct rh_options *o, struct kp_error *err)
{
    if (!kpb_is_key_name(kpb_span_str(text)) || strcmp(text, "backup") == 0)
        return kpb_fail(err, KP_USAGE,
                        "--node takes letters, digits and hyphens, and not the name backup");
    o->node = text;
    return KP_OK;
}

/* ---- Options ---- */

static bool read_flag(const char *name, struct rh_command *c)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--restart", &c->options.restart}, {"--stop", &c->options.stop_at_error},
                 {"--trace", &c->options.trace},     {"--check", &c->check_only},
                 {"--help", &c->wants_help},         {"-h", &c->wants_help}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(name, flags[i].name) == 0) {
            *flags[i].flag = true;
            return true;
        }
    }
    return false;
}

static kp_status read_valued(const char *name, const char *value, struct rh_command *c,
                             struct kp_error *err)
{
    struct rh_options *o = &c->options;
    const struct {
        const char *name;
        const char **text;
    } texts[] = {{"--provider", &o->library}, {"--folder", &o->folder}, {"--login", &o->login}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].text = value;
            return *value ? KP_OK : kpb_fail(err, KP_USAGE, "%s takes a value", name);
        }
    }
    if (strcmp(name, "--seed") == 0)
        return read_seed(value, c, err);
    if (strcmp(name, "--map") == 0)
        return read_map(value, o, err);
    if (strcmp(name, "--node") == 0)
        return read_node(value, o, err);
    return rh_order_set(&o->orders, kpb_span_str(value), err);
}

static bool takes_value(const char *name)
{
    static const char *const names[] = {"--provider", "--folder", "--login", "--seed",
                                        "--map",      "--node",   "--order"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static kp_status add_script(const char *path, struct rh_command *c, struct kp_error *err)
{
    if (c->n_scripts == RH_SCRIPTS_MAX)
        return kpb_fail(err, KP_USAGE, "more than 64 scripts");
    c->scripts[c->n_scripts++] = path;
    return KP_OK;
}

static kp_status check(const struct rh_command *c, struct kp_error *err)
{
    if (c->wants_help || c->n_scripts || (c->options.restart && !c->check_only))
        return KP_OK;
    return kpb_fail(err, KP_USAGE, "no script is named; --help shows how");
}

kp_status rh_options_read(int argc, char **argv, struct rh_command *ret, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    *ret = (struct rh_command){.options = {.folder = "rehearsal", .node = "node1", .login = "sa"}};
    for (int i = 1; i < argc && st == KP_OK; i++) {
        if (argv[i][0] != '-') {
            st = add_script(argv[i], ret, reterr);
        } else if (takes_value(argv[i])) {
            st = i + 1 < argc ? read_valued(argv[i], argv[i + 1], ret, reterr)
                              : kpb_fail(reterr, KP_USAGE, "%s takes a value", argv[i]);
            i++;
        } else if (!read_flag(argv[i], ret)) {
            st = kpb_fail(reterr, KP_USAGE, "no option '%s'; --help lists them", argv[i]);
        }
    }
    return st == KP_OK ? check(ret, reterr) : st;
}
