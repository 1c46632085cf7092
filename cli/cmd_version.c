#include "cli/cmd.h"
#include "cli/dependencies.h"
#include "cli/io.h"

static void add_json(struct cli_out *o)
{
    struct cli_dependency list[CLI_N_DEPENDENCIES];
    cli_dependencies(list);
    cli_json_begin(o, '{');
    cli_json_member_text(o, "kp", KP_VERSION_BUILT);
    cli_json_member_text(o, "libkeyprovider", kp_version());
    cli_json_member_int(o, "abi_major", KP_ABI_MAJOR);
    cli_json_member_int(o, "abi_minor", KP_ABI_MINOR);
    cli_json_name(o, "dependencies");
    cli_json_begin(o, '{');
    for (size_t i = 0; i < CLI_N_DEPENDENCIES; i++) {
        cli_json_member_text(o, list[i].name, list[i].version);
    }
    cli_json_end(o, '}');
    cli_json_end(o, '}');
    cli_out_text(o, "\n");
}

static void add_text(struct cli_out *o)
{
    struct cli_dependency list[CLI_N_DEPENDENCIES];
    cli_dependencies(list);
    cli_out_text(o, "kp " KP_VERSION_BUILT "\nlibkeyprovider ");
    cli_out_text(o, kp_version());
    cli_out_text(o, "\nplugin abi ");
    cli_out_uint(o, KP_ABI_MAJOR);
    cli_out_text(o, ".");
    cli_out_uint(o, KP_ABI_MINOR);
    cli_out_text(o, "\n");
    for (size_t i = 0; i < CLI_N_DEPENDENCIES; i++) {
        cli_out_text(o, list[i].name);
        cli_out_text(o, " ");
        cli_out_text(o, list[i].version);
        cli_out_text(o, "\n");
    }
}

static kp_status run(struct cli *c)
{
    (cli_has(c, CLI_OPT_JSON) ? add_json : add_text)(&c->out);
    return cli_flush(c);
}

const struct cli_command cli_cmd_version = {
    .name = "version",
    .operands = "",
    .summary = "versions of kp, the library, the plugin interface and what they stand on",
    .run = run,
};
