#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/keymap.h"

static kp_status import_text(struct cli *c, kp_span text)
{
    struct ekm_put_report report = {0};
    ekm_map *map = NULL;
    kp_status st = cli_keymap_open(c, &map);
    if (st == KP_OK) {
        st = ekm_map_import(map, text, 0, &report, &c->fault.error);
    }
    ekm_map_close(map);
    return st == KP_OK ? cli_keymap_tell(c, &report) : st;
}

static kp_status run(struct cli *c)
{
    kp_buf text;
    kp_buf_init(&text, "cli.input", EKM_MAP_IMPORT_MAX_LEN);
    kp_status st = cli_read(cli_opt(c, CLI_OPT_IN), &text, &c->fault);
    if (st == KP_OK) {
        st = import_text(c, kp_buf_view(&text));
    }
    kp_buf_clear(&text);
    return st;
}

const struct cli_command cli_cmd_keymap_import = {
    .name = "keymap import",
    .operands = "",
    .summary = "take in another node's key map, or the connector's",
    .details =
        "Reads from --in or stdin what 'kp keymap export' wrote, or what regedit exported of\n"
        "HKLM\\SOFTWARE\\Microsoft\\SQL Server Cryptographic Provider (UTF-16 or text). All of it\n"
        "or nothing: a record in conflict with one that is there refuses the import. Run it as\n"
        "the account that SQL Server runs as.\n",
    .options = CLI_OPTS_KEYMAP | CLI_OPT_BIT(CLI_OPT_IN),
    .run = run,
};
