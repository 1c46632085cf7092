#include "base/span.h"
#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/session.h"

static void add_names(struct cli *c, const char *label, const char *const *names)
{
    for (size_t i = 0; names && names[i]; i++) {
        cli_out_text(&c->out, i == 0 ? label : ", ");
        cli_out_safe(&c->out, kpb_span_str(names[i]));
    }
    cli_out_text(&c->out, names && names[0] ? "\n" : "");
}

static void add_ops(struct cli *c, const struct kp_caps *caps)
{
    const char *separator = "  operations ";
    for (uint32_t op = 1; op <= KP_OP_MAX; op++) {
        if (caps->ops & KP_OP_BIT(op)) {
            cli_out_text(&c->out, separator);
            cli_out_text(&c->out, kp_op_text(op));
            separator = ", ";
        }
    }
    cli_out_text(&c->out, "\n");
}

static const char *type_text(uint32_t type)
{
    static const char *const texts[] = {
        [KP_SETTING_TEXT] = "text",
        [KP_SETTING_INTEGER] = "integer",
        [KP_SETTING_BOOLEAN] = "boolean",
        [KP_SETTING_SECRET] = "secret",
    };
    return type < sizeof texts / sizeof texts[0] && texts[type] ? texts[type] : "?";
}

static void add_setting(struct cli *c, const struct kp_setting_spec *spec)
{
    cli_out_safe(&c->out, kpb_span_str(spec->name));
    cli_out_text(&c->out, " (");
    cli_out_text(&c->out, type_text(spec->type));
    if (spec->type == KP_SETTING_INTEGER) {
        cli_out_text(&c->out, " ");
        cli_out_int(&c->out, spec->min);
        cli_out_text(&c->out, "..");
        cli_out_int(&c->out, spec->max);
    }
    if (spec->fallback) {
        cli_out_text(&c->out, ", default ");
        cli_out_safe(&c->out, kpb_span_str(spec->fallback));
    }
    cli_out_text(&c->out, spec->flags & KP_SETTING_RELOADABLE ? ", reloadable) " : ") ");
    cli_out_safe(&c->out, kpb_span_str(spec->doc));
    cli_out_text(&c->out, "\n");
}

static void add_settings(struct cli *c, const struct kp_caps *caps)
{
    for (size_t i = 0; caps->settings && caps->settings[i]; i++) {
        cli_out_text(&c->out, i == 0 ? "  settings   " : "             ");
        add_setting(c, caps->settings[i]);
    }
}

static void add_text(void *ctx, const struct kp_plugin *plugin, const char *origin)
{
    struct cli *c = ctx;
    cli_out_safe(&c->out, kpb_span_str(plugin->name));
    cli_out_text(&c->out, " ");
    cli_out_safe(&c->out, kpb_span_str(plugin->version));
    cli_out_text(&c->out, " (");
    cli_out_safe(&c->out, kpb_span_str(origin));
    cli_out_text(&c->out, ")\n  ");
    cli_out_safe(&c->out, kpb_span_str(plugin->doc));
    cli_out_text(&c->out, "\n");
    add_names(c, "  schemes    ", plugin->caps->schemes);
    add_names(c, "  hosts      ", plugin->caps->host_suffixes);
    add_ops(c, plugin->caps);
    add_settings(c, plugin->caps);
}

static void json_names(struct cli *c, const char *name, const char *const *names)
{
    cli_json_name(&c->out, name);
    cli_json_begin(&c->out, '[');
    for (size_t i = 0; names && names[i]; i++) {
        cli_json_str(&c->out, kpb_span_str(names[i]));
    }
    cli_json_end(&c->out, ']');
}

static void json_ops(struct cli *c, uint64_t ops)
{
    cli_json_name(&c->out, "operations");
    cli_json_begin(&c->out, '[');
    for (uint32_t op = 1; op <= KP_OP_MAX; op++) {
        if (ops & KP_OP_BIT(op)) {
            cli_json_str(&c->out, kpb_span_str(kp_op_text(op)));
        }
    }
    cli_json_end(&c->out, ']');
}

static void json_algs(struct cli *c, uint64_t algs)
{
    cli_json_name(&c->out, "algorithms");
    cli_json_begin(&c->out, '[');
    for (uint32_t alg = 1; alg <= KP_ALG_MAX; alg++) {
        if (algs & KP_ALG_BIT(alg)) {
            cli_json_str(&c->out, kpb_span_str(kp_alg_text(alg)));
        }
    }
    cli_json_end(&c->out, ']');
}

static void json_setting(struct cli *c, const struct kp_setting_spec *spec)
{
    cli_json_begin(&c->out, '{');
    cli_json_member_text(&c->out, "name", spec->name);
    cli_json_member_text(&c->out, "type", type_text(spec->type));
    cli_json_member_bool(&c->out, "reloadable", (spec->flags & KP_SETTING_RELOADABLE) != 0);
    if (spec->type == KP_SETTING_INTEGER) {
        cli_json_member_int(&c->out, "min", spec->min);
        cli_json_member_int(&c->out, "max", spec->max);
    }
    if (spec->fallback) {
        cli_json_member_text(&c->out, "default", spec->fallback);
    }
    cli_json_member_text(&c->out, "doc", spec->doc);
    cli_json_end(&c->out, '}');
}

static void json_settings(struct cli *c, const struct kp_caps *caps)
{
    cli_json_name(&c->out, "settings");
    cli_json_begin(&c->out, '[');
    for (size_t i = 0; caps->settings && caps->settings[i]; i++) {
        json_setting(c, caps->settings[i]);
    }
    cli_json_end(&c->out, ']');
}

static void add_json(void *ctx, const struct kp_plugin *plugin, const char *origin)
{
    struct cli *c = ctx;
    cli_json_begin(&c->out, '{');
    cli_json_member_text(&c->out, "name", plugin->name);
    cli_json_member_text(&c->out, "version", plugin->version);
    cli_json_member_text(&c->out, "doc", plugin->doc);
    cli_json_member_text(&c->out, "origin", origin);
    cli_json_member_int(&c->out, "abi_major", plugin->abi_major);
    cli_json_member_int(&c->out, "abi_minor", plugin->abi_minor);
    json_names(c, "schemes", plugin->caps->schemes);
    json_names(c, "hosts", plugin->caps->host_suffixes);
    json_ops(c, plugin->caps->ops);
    json_algs(c, plugin->caps->algs);
    json_settings(c, plugin->caps);
    cli_json_end(&c->out, '}');
}

static kp_status run(struct cli *c)
{
    const bool json = cli_has(c, CLI_OPT_JSON);
    const kp_status st = cli_provider_open(c);
    if (st != KP_OK) {
        return st;
    }
    cli_out_text(&c->out, json ? "{\"plugins\":[" : "");
    kp_plugins_each(c->provider, json ? add_json : add_text, c);
    cli_out_text(&c->out, json ? "]}\n" : "");
    return cli_flush(c);
}

const struct cli_command cli_cmd_plugins = {
    .name = "plugins",
    .operands = "",
    .summary = "the plugins that were loaded and what they serve",
    .details = "A plugin that was found but refused is named on stderr, with the reason.\n",
    .log_levels = "warn",
    .run = run,
};
