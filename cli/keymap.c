#include "cli/keymap.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/span.h"
#include "cli/io.h"
#include "cli/platform.h"
#include "cli/session.h"

#define CONFIG_TEXT_MAX_LEN (16u << 20)

static void receive(void *ctx, kp_span text)
{
    kp_buf *out = ctx;
    if (kp_buf_append(out, text) != KP_OK) {
        kp_buf_clear(out); /* no JSON is left, which its reader notices */
    }
}

/* Copies ekm.key_map of an effective configuration, where it has one. */
static void copy_path(kp_span config, char *path)
{
    json_t *root = json_loadb((const char *)config.ptr, config.len, 0, NULL);
    const json_t *value = json_object_get(json_object_get(root, "ekm"), "key_map");
    const char *text = json_string_value(value);
    if (text && strlen(text) < CLI_PATH_MAX_LEN) {
        memcpy(path, text, strlen(text) + 1);
    }
    json_decref(root);
}

static kp_status configured_path(struct cli *c, char *path)
{
    struct kp_options options;
    char config_path[CLI_PATH_MAX_LEN];
    char plugin_dir[CLI_PATH_MAX_LEN];
    kp_buf text;
    kp_buf_init(&text, "cli.keymap", CONFIG_TEXT_MAX_LEN);
    cli_options_fill(c, &options, config_path, plugin_dir);
    (void)snprintf(path, CLI_PATH_MAX_LEN, "%s", cli_platform_key_map());
    const kp_status st = kp_config_check(&options, receive, &text, &c->fault.error);
    if (st == KP_OK) {
        copy_path(kp_buf_view(&text), path);
    }
    kp_buf_clear(&text);
    return st;
}

kp_status cli_keymap_open(struct cli *c, ekm_map **ret_map)
{
    char path[CLI_PATH_MAX_LEN];
    if (cli_has(c, CLI_OPT_MAP)) {
        return ekm_map_open(cli_opt(c, CLI_OPT_MAP), ret_map, &c->fault.error);
    }
    const kp_status st = configured_path(c, path);
    return st == KP_OK ? ekm_map_open(path, ret_map, &c->fault.error) : st;
}

kp_status cli_keymap_vault(kp_span vault, char ret[EKM_VAULT_MAX_LEN + 1], struct kp_error *reterr)
{
    const bool is_name = !memchr(vault.ptr, '.', vault.len) && !memchr(vault.ptr, ':', vault.len);
    if (!is_name) {
        return ekm_vault_text(vault, ret, reterr);
    }
    kp_buf text;
    kp_buf_init(&text, "cli.keymap", EKM_VAULT_MAX_LEN);
    kp_status st = kp_buf_append_str(&text, "config:");
    if (st == KP_OK) {
        st = kp_buf_append(&text, vault);
    }
    if (st == KP_OK) {
        st = ekm_vault_text(kp_buf_view(&text), ret, reterr);
    } else {
        st = kpb_fail(reterr, st, "the vault's name is longer than %u bytes", EKM_VAULT_MAX_LEN);
    }
    kp_buf_clear(&text);
    return st;
}

static void add_count(struct cli_out *o, uint32_t n, const char *text)
{
    cli_out_uint(o, n);
    cli_out_text(o, text);
}

kp_status cli_keymap_tell(struct cli *c, const struct ekm_put_report *report)
{
    struct cli_out *o = &c->out;
    if (cli_has(c, CLI_OPT_JSON)) {
        cli_json_begin(o, '{');
        cli_json_member_int(o, "added", report->n_added);
        cli_json_member_int(o, "updated", report->n_updated);
        cli_json_member_int(o, "same", report->n_same);
        cli_json_end(o, '}');
        cli_out_text(o, "\n");
    } else {
        add_count(o, report->n_added, " added, ");
        add_count(o, report->n_updated, " updated, ");
        add_count(o, report->n_same, " known already\n");
    }
    return cli_flush(c);
}
