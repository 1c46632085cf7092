#include "base/span.h"
#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/keymap.h"

static kp_status remove_thumb(struct cli *c, const struct ekm_thumb *thumb, const char *vault)
{
    ekm_map *map = NULL;
    kp_status st = cli_keymap_open(c, &map);
    if (st == KP_OK) {
        st = ekm_map_remove(map, thumb, vault, &c->fault.error);
    }
    ekm_map_close(map);
    return st;
}

static kp_status tell(struct cli *c, const struct ekm_thumb *thumb)
{
    char hex[EKM_THUMB_HEX_LEN];
    ekm_thumb_format(thumb, hex);
    if (cli_has(c, CLI_OPT_JSON)) {
        cli_json_begin(&c->out, '{');
        cli_json_member_text(&c->out, "removed", hex);
        cli_json_end(&c->out, '}');
    } else {
        cli_out_text(&c->out, "removed ");
        cli_out_text(&c->out, hex);
    }
    cli_out_text(&c->out, "\n");
    return cli_flush(c);
}

static kp_status run(struct cli *c)
{
    struct ekm_thumb thumb;
    char vault[EKM_VAULT_MAX_LEN + 1];
    const char *named = cli_opt(c, CLI_OPT_VAULT);
    kp_status st = ekm_thumb_parse(kpb_span_str(cli_operand(c, 0)), &thumb, &c->fault.error);
    if (st == KP_OK && named) {
        st = cli_keymap_vault(kpb_span_str(named), vault, &c->fault.error);
    }
    if (st == KP_OK && !cli_has(c, CLI_OPT_YES)) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "what is recorded for '%s' may be known nowhere else; keep a 'kp keymap "
                        "export' and say --yes",
                        cli_operand(c, 0));
    }
    if (st == KP_OK) {
        st = remove_thumb(c, &thumb, named ? vault : NULL);
    }
    return st == KP_OK ? tell(c, &thumb) : st;
}

const struct cli_command cli_cmd_keymap_remove = {
    .name = "keymap remove",
    .operands = "THUMBPRINT",
    .summary = "forget a thumbprint",
    .details = "Of every vault, or of the one of -V. Needs --yes. The key itself is not touched.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_KEYMAP | CLI_OPT_BIT(CLI_OPT_VAULT) | CLI_OPT_BIT(CLI_OPT_YES),
    .run = run,
};
