#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/platform.h"
#include "cli/session.h"

static kp_status run(struct cli *c)
{
    struct kp_options options;
    char config_path[CLI_PATH_MAX_LEN];
    char plugin_dir[CLI_PATH_MAX_LEN];
    cli_options_fill(c, &options, config_path, plugin_dir);
    const kp_status st = kp_config_check(&options, cli_out_receive, &c->out, &c->fault.error);
    if (st != KP_OK) {
        return st;
    }
    if (!cli_has(c, CLI_OPT_JSON)) {
        (void)fprintf(stderr, "kp: %s is good; with every default:\n",
                      options.config_path ? options.config_path : "no configuration file: that");
    }
    return cli_flush(c);
}

const struct cli_command cli_cmd_config_check = {
    .name = "config check",
    .operands = "",
    .summary = "check the configuration and print it with every default",
    .details = "Writes the effective configuration as JSON with every default filled in. Secrets\n"
               "show where they come from and whether they are there, never what they are.\n\n"
               "The file is the first of: --config, KP_CONFIG (ignored when privileges were\n"
               "raised), $XDG_CONFIG_HOME/keyprovider/keyprovider.json (or below ~/.config),\n"
               "/etc/keyprovider/keyprovider.json. None at all is fine too.\n",
    .run = run,
};
