#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/keymap.h"

static kp_status deliver(struct cli *c, kp_buf *text)
{
    static const struct cli_subject subject = {.op = "keymap export"};
    return cli_deliver(c, &subject, kp_buf_view(text), CLI_DELIVER_TEXT);
}

static kp_status run(struct cli *c)
{
    kp_buf text;
    ekm_map *map = NULL;
    kp_buf_init(&text, "cli.keymap", EKM_MAP_FILE_MAX_LEN);
    kp_status st = cli_keymap_open(c, &map);
    if (st == KP_OK) {
        st = ekm_map_export(map, &text, &c->fault.error);
    }
    ekm_map_close(map);
    if (st == KP_OK) {
        st = deliver(c, &text);
    }
    kp_buf_clear(&text);
    return st;
}

const struct cli_command cli_cmd_keymap_export = {
    .name = "keymap export",
    .operands = "",
    .summary = "write the key map for other nodes",
    .details = "Writes JSON that 'kp keymap import' takes in there. No secret is in it.\n",
    .options = CLI_OPTS_KEYMAP | CLI_OPT_BIT(CLI_OPT_OUT),
    .run = run,
};
