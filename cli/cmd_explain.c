#include <string.h>

#include "base/span.h"
#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/values.h"

static const char *origin_text(uint32_t origin)
{
    switch (origin) {
    case KP_ORIGIN_EMITTED:
        return "returned by keyprovider";
    case KP_ORIGIN_SUCCESS:
        return "means success";
    case KP_ORIGIN_ENGINE:
        return "printed by SQL Server itself";
    case KP_ORIGIN_EVENT_LOG:
        return "an HTTP status in the event log, never returned";
    case KP_ORIGIN_LEGACY:
        return "numbering of connectors up to 1.0.4.0";
    default:
        return "?";
    }
}

static void line(struct cli_out *o, const char *label, const char *text)
{
    if (text && text[0] != '\0') {
        cli_out_text(o, label);
        cli_out_pad(o, 10);
        cli_out_text(o, text);
        cli_out_text(o, "\n");
    }
}

static void add_code_text(struct cli_out *o, const struct kp_code_info *info)
{
    cli_out_uint(o, info->code);
    cli_out_text(o, " ");
    cli_out_text(o, info->symbol);
    cli_out_text(o, "\n");
    line(o, "class", kp_status_text((kp_status)info->status));
    line(o, "area", info->area);
    line(o, "origin", origin_text(info->origin));
    line(o, "cause", info->cause);
    line(o, "advice", info->advice);
}

static void add_code_json(struct cli_out *o, const struct kp_code_info *info)
{
    cli_json_begin(o, '{');
    cli_json_member_int(o, "code", info->code);
    cli_json_member_text(o, "symbol", info->symbol);
    cli_json_member_text(o, "class", kp_status_text((kp_status)info->status));
    cli_json_member_text(o, "area", info->area);
    cli_json_member_text(o, "origin", origin_text(info->origin));
    cli_json_member_text(o, "cause", info->cause);
    cli_json_member_text(o, "advice", info->advice);
    cli_json_end(o, '}');
    cli_out_text(o, "\n");
}

static kp_status tell_code(struct cli *c, const struct kp_code_info *info)
{
    (cli_has(c, CLI_OPT_JSON) ? add_code_json : add_code_text)(&c->out, info);
    return cli_flush(c);
}

/* ---- Classes ---- */

static void add_class_text(struct cli_out *o, kp_status status)
{
    cli_out_text(o, kp_status_text(status));
    cli_out_text(o, "\n");
    line(o, "meaning", kp_status_meaning(status));
    cli_out_text(o, "exit code");
    cli_out_pad(o, 10);
    cli_out_int(o, cli_exit_of_status(status));
    cli_out_text(o, "\n");
    for (size_t i = 0; kp_code_at(i); i++) {
        const struct kp_code_info *info = kp_code_at(i);
        if (info->status == (uint32_t)status) {
            cli_out_uint(o, info->code);
            cli_out_pad(o, 10);
            cli_out_text(o, info->symbol);
            cli_out_text(o, "\n");
        }
    }
}

static void add_class_json(struct cli_out *o, kp_status status)
{
    cli_json_begin(o, '{');
    cli_json_member_text(o, "class", kp_status_text(status));
    cli_json_member_text(o, "meaning", kp_status_meaning(status));
    cli_json_member_int(o, "exit", cli_exit_of_status(status));
    cli_json_name(o, "codes");
    cli_json_begin(o, '[');
    for (size_t i = 0; kp_code_at(i); i++) {
        if (kp_code_at(i)->status == (uint32_t)status) {
            cli_json_int(o, kp_code_at(i)->code);
        }
    }
    cli_json_end(o, ']');
    cli_json_end(o, '}');
    cli_out_text(o, "\n");
}

static bool class_of(const char *text, kp_status *ret)
{
    for (int i = 0; i < KP_STATUS_COUNT; i++) {
        if (strcmp(text, kp_status_text((kp_status)i)) == 0) {
            *ret = (kp_status)i;
            return true;
        }
    }
    return false;
}

static const struct kp_code_info *code_of_symbol(const char *text)
{
    for (size_t i = 0; kp_code_at(i); i++) {
        if (strcmp(text, kp_code_at(i)->symbol) == 0) {
            return kp_code_at(i);
        }
    }
    return NULL;
}

static kp_status run(struct cli *c)
{
    const char *text = cli_operand(c, 0);
    uint32_t number = 0;
    kp_status status = KP_OK;
    const bool is_number = cli_parse_u32(text, 0, UINT32_MAX, &number);
    const struct kp_code_info *info = is_number ? kp_code_find(number) : code_of_symbol(text);
    if (info) {
        return tell_code(c, info);
    }
    if (class_of(text, &status)) {
        (cli_has(c, CLI_OPT_JSON) ? add_class_json : add_class_text)(&c->out, status);
        return cli_flush(c);
    }
    return kpb_fail(&c->fault.error, KP_NOT_FOUND,
                    "'%s' is no documented code, symbol or class; 'kp help exit-codes' lists the "
                    "classes",
                    text);
}

const struct cli_command cli_cmd_explain = {
    .name = "explain",
    .operands = "CODE",
    .summary = "what an error means and what to do about it",
    .details = "CODE is a documented number (3112), its symbol, or a class (throttled).\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .run = run,
};
