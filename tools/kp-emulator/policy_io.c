/* Rotation policies in and out. */
#include "tools/kp-emulator/operation.h"

#include "base/errors.h"
#include "base/iso8601.h"
#include "base/span.h"
#include "tools/kp-emulator/bundle.h"
#include "tools/kp-emulator/failure.h"

#define DAY_S INT64_C(86400)
#define HSM_MIN_DAYS 28

/* ---- In ---- */

static uint32_t action_from_text(kp_span text)
{
    if (kpb_span_eq_nocase(text, kpb_span_str("rotate")))
        return KP_ROTATION_ROTATE;
    return kpb_span_eq_nocase(text, kpb_span_str("notify")) ? KP_ROTATION_NOTIFY : 0u;
}

static bool take_rule(const json_t *item, struct kp_rotation_rule *rule)
{
    const json_t *trigger = json_object_get(item, "trigger");
    kp_span after = emu_json_member(trigger, "timeAfterCreate");
    kp_span before = emu_json_member(trigger, "timeBeforeExpiry");
    rule->action = action_from_text(emu_json_member(json_object_get(item, "action"), "type"));
    rule->trigger = after.len > 0 ? KP_TRIGGER_AFTER_CREATE : KP_TRIGGER_BEFORE_EXPIRY;
    rule->duration = after.len > 0 ? after : before;
    return rule->action != 0 && (after.len > 0) != (before.len > 0);
}

static int64_t length_s(kp_span text)
{
    struct kpb_duration d;
    return kpb_duration_parse(text, &d) == KP_OK ? kpb_duration_shift(0, d, 1) : -1;
}

/* The stricter minima of a Managed HSM. */
static bool check_hsm(struct emu_exchange *x, const struct kp_rotation_policy *policy)
{
    int64_t expiry = length_s(policy->expiry);
    for (uint32_t i = 0; i < policy->n_rules; i++) {
        const struct kp_rotation_rule *rule = &policy->rules[i];
        int64_t length = length_s(rule->duration);
        bool ok = rule->action == KP_ROTATION_ROTATE;
        if (rule->trigger == KP_TRIGGER_AFTER_CREATE)
            ok = ok && length >= HSM_MIN_DAYS * DAY_S;
        else
            ok = ok && expiry > 0 && length <= expiry - HSM_MIN_DAYS * DAY_S;
        if (!ok) {
            emu_fail_parameter(x,
                               "lifetimeActions[%u]: a Managed HSM rotates only, at least %d "
                               "days after creation and before expiry",
                               i, HSM_MIN_DAYS);
            return false;
        }
    }
    return true;
}

bool emu_fill_policy(struct emu_exchange *x, struct emu_order *order)
{
    struct kp_rotation_policy *policy = &order->policy;
    const json_t *actions = json_object_get(x->body, "lifetimeActions");
    policy->struct_size = sizeof *policy;
    policy->expiry = emu_json_member(json_object_get(x->body, "attributes"), "expiryTime");
    order->request.policy = policy;
    if (json_array_size(actions) > 2) {
        emu_fail_parameter(x, "a policy has at most two lifetimeActions");
        return false;
    }
    for (size_t i = 0; i < json_array_size(actions); i++) {
        if (!take_rule(json_array_get(actions, i), &policy->rules[policy->n_rules++])) {
            emu_fail_parameter(x, "lifetimeActions[%zu] needs one trigger and an action", i);
            return false;
        }
    }
    return !emu_is_hsm(x->vault) || check_hsm(x, policy);
}

/* ---- Out ---- */

static json_t *rule_out(const struct emu_exchange *x, const struct kp_rotation_rule *rule)
{
    bool rotates = rule->action == KP_ROTATION_ROTATE;
    const char *type = rotates ? "Rotate" : "Notify";
    if (emu_is_hsm(x->vault)) /* answers in lower case, whatever was sent */
        type = rotates ? "rotate" : "notify";
    return json_pack("{s:{s:o},s:{s:s}}", "trigger",
                     rule->trigger == KP_TRIGGER_AFTER_CREATE ? "timeAfterCreate"
                                                              : "timeBeforeExpiry",
                     emu_json_string(rule->duration), "action", "type", type);
}

static json_t *attributes_out(const struct kp_rotation_policy *policy)
{
    json_t *attributes = json_object();
    if (policy->expiry.len > 0)
        (void)json_object_set_new(attributes, "expiryTime", emu_json_string(policy->expiry));
    (void)json_object_set_new(attributes, "created", json_integer(policy->created_unix_s));
    (void)json_object_set_new(attributes, "updated", json_integer(policy->updated_unix_s));
    return attributes;
}

/* The policy a key has that was never given one. */
static json_t *default_out(const struct emu_exchange *x, json_t *actions)
{
    if (!emu_is_hsm(x->vault))
        return json_pack("{s:o,s:n}", "lifetimeActions", actions, "attributes");
    json_decref(actions);
    return json_pack("{s:[],s:{}}", "lifetimeActions", "attributes");
}

void emu_answer_policy(struct emu_exchange *x, struct kp_result *result)
{
    const struct kp_rotation_policy *policy = result->reply.policy;
    json_t *actions = json_array();
    for (uint32_t i = 0; i < policy->n_rules; i++)
        (void)json_array_append_new(actions, rule_out(x, &policy->rules[i]));
    if (policy->created_unix_s == KP_TIME_NONE) {
        emu_send_json(x, 200, default_out(x, actions));
        return;
    }
    if (x->operation->op == KP_OP_SET_ROTATION_POLICY)
        kpb_ignore(emu_book_set(&x->vault->book, x->name, "has_policy", policy->n_rules > 0));
    json_t *id = emu_kid(x, "keys", result->reply.name, kpb_span_str("rotationpolicy"));
    emu_send_json(x, 200,
                  json_pack("{s:o,s:o,s:o}", "id", id, "lifetimeActions", actions, "attributes",
                            attributes_out(policy)));
}
