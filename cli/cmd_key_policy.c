#include "base/iso8601.h"
#include "base/span.h"
#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/key_call.h"
#include "cli/key_out.h"
#include "cli/session.h"

#define OPTIONS                                                                                    \
    (CLI_OPT_BIT(CLI_OPT_ROTATE_AFTER) | CLI_OPT_BIT(CLI_OPT_ROTATE_BEFORE) |                      \
     CLI_OPT_BIT(CLI_OPT_NOTIFY_BEFORE) | CLI_OPT_BIT(CLI_OPT_VALID_FOR))

static kp_status tell(struct cli *c, const struct kp_reply *reply)
{
    if (!reply->policy) {
        return kpb_fail(&c->fault.error, KP_PROTOCOL, "the vault answered without a policy");
    }
    if (!cli_has(c, CLI_OPT_JSON)) {
        cli_policy_text(&c->out, reply->policy);
        return cli_flush(c);
    }
    cli_json_begin(&c->out, '{');
    cli_json_name(&c->out, "policy");
    cli_policy_json(&c->out, reply->policy);
    cli_json_end(&c->out, '}');
    cli_out_text(&c->out, "\n");
    return cli_flush(c);
}

/* The library would name a rule by its number, which nobody has typed. */
static kp_status check_duration(struct cli *c, enum cli_opt opt)
{
    struct kpb_duration duration;
    const char *text = cli_opt(c, opt);
    if (text && kpb_duration_parse(kpb_span_str(text), &duration) != KP_OK) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "--%s '%s' is no duration; write P90D, P18M or P2Y",
                        cli_opt_info(opt)->name, text);
    }
    return KP_OK;
}

static kp_status check_durations(struct cli *c)
{
    static const enum cli_opt opts[] = {CLI_OPT_ROTATE_AFTER, CLI_OPT_ROTATE_BEFORE,
                                        CLI_OPT_NOTIFY_BEFORE, CLI_OPT_VALID_FOR};
    kp_status st = KP_OK;
    for (size_t i = 0; st == KP_OK && i < sizeof opts / sizeof opts[0]; i++) {
        st = check_duration(c, opts[i]);
    }
    return st;
}

static void add_rule(const struct cli *c, enum cli_opt opt, uint32_t action, uint32_t trigger,
                     struct kp_rotation_policy *policy)
{
    if (cli_has(c, opt)) {
        struct kp_rotation_rule *rule = &policy->rules[policy->n_rules++];
        rule->action = action;
        rule->trigger = trigger;
        rule->duration = kpb_span_str(cli_opt(c, opt));
    }
}

static void fill_policy(const struct cli *c, struct kp_rotation_policy *policy)
{
    add_rule(c, CLI_OPT_ROTATE_AFTER, KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE, policy);
    add_rule(c, CLI_OPT_ROTATE_BEFORE, KP_ROTATION_ROTATE, KP_TRIGGER_BEFORE_EXPIRY, policy);
    add_rule(c, CLI_OPT_NOTIFY_BEFORE, KP_ROTATION_NOTIFY, KP_TRIGGER_BEFORE_EXPIRY, policy);
    policy->expiry = kpb_span_str(cli_opt(c, CLI_OPT_VALID_FOR));
}

static kp_status run(struct cli *c)
{
    struct kp_key_ref key;
    struct kp_request request;
    struct kp_rotation_policy policy = {.struct_size = sizeof policy,
                                        .created_unix_s = KP_TIME_NONE,
                                        .updated_unix_s = KP_TIME_NONE};
    const bool is_change = (c->args.given & OPTIONS) != 0;
    const uint32_t op = is_change ? KP_OP_SET_ROTATION_POLICY : KP_OP_GET_ROTATION_POLICY;
    kp_status st = check_durations(c);
    if (st == KP_OK) {
        st = cli_key_open_whole(c, cli_operand(c, 0), 0, &key);
    }
    if (st == KP_OK) {
        st = cli_request_init(c, op, &key, &request);
    }
    if (st != KP_OK) {
        return st;
    }
    fill_policy(c, &policy);
    request.policy = is_change ? &policy : NULL;
    return cli_key_call(c, &request, tell);
}

const struct cli_command cli_cmd_key_policy = {
    .name = "key policy",
    .operands = "NAME",
    .summary = "show or set the rotation policy of a key",
    .details =
        "Without options: shows the policy. With any of --rotate-after, --rotate-before,\n"
        "--notify-before and --valid-for: replaces the whole policy by what is given. SPAN is\n"
        "an ISO 8601 duration such as P90D, P18M or P2Y.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_OPTS_VAULT | OPTIONS,
    .run = run,
};
