#include "base/span.h"
#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/keymap.h"

#define THUMB_WIDTH 44u
#define SCHEME_WIDTH 56u
#define VAULT_WIDTH 88u

static bool add_line(void *ctx, const struct ekm_record *record)
{
    struct cli_out *o = ctx;
    char hex[EKM_THUMB_HEX_LEN];
    ekm_thumb_format(&record->thumb, hex);
    cli_out_text(o, hex);
    cli_out_pad(o, THUMB_WIDTH);
    cli_out_text(o, ekm_scheme_text(record->scheme));
    cli_out_pad(o, SCHEME_WIDTH);
    cli_out_safe(o, kpb_span_str(record->vault));
    cli_out_pad(o, VAULT_WIDTH);
    cli_out_text(o, record->name);
    cli_out_text(o, record->version[0] ? "/" : "");
    cli_out_text(o, record->version);
    cli_out_text(o, "\n");
    return true;
}

static bool add_json(void *ctx, const struct ekm_record *record)
{
    struct cli_out *o = ctx;
    char hex[EKM_THUMB_HEX_LEN];
    ekm_thumb_format(&record->thumb, hex);
    cli_json_begin(o, '{');
    cli_json_member_text(o, "thumbprint", hex);
    cli_json_member_text(o, "scheme", ekm_scheme_text(record->scheme));
    cli_json_member_text(o, "origin", ekm_origin_text(record->origin));
    cli_json_member_str(o, "vault", kpb_span_str(record->vault));
    cli_json_member_text(o, "name", record->name);
    cli_json_member_text(o, "version", record->version);
    cli_json_end(o, '}');
    return true;
}

static kp_status run(struct cli *c)
{
    const bool json = cli_has(c, CLI_OPT_JSON);
    ekm_map *map = NULL;
    const kp_status st = cli_keymap_open(c, &map);
    if (st != KP_OK) {
        return st;
    }
    cli_out_text(&c->out, json ? "{\"records\":[" : "");
    ekm_map_each(map, json ? add_json : add_line, &c->out);
    cli_out_text(&c->out, json ? "]}\n" : "");
    ekm_map_close(map);
    return cli_flush(c);
}

const struct cli_command cli_cmd_keymap_list = {
    .name = "keymap list",
    .operands = "",
    .summary = "the thumbprints SQL Server knows keys by",
    .details = "Each line: thumbprint, how it came about, vault, NAME/VERSION. The map is the one\n"
               "of --map, else of ekm.key_map in the configuration.\n",
    .options = CLI_OPTS_KEYMAP,
    .run = run,
};
