/* Rotation policies. */
#include <string.h>

#include "base/span.h"
#include "plugins/azure-rest/answer_parts.h"

static kp_status read_trigger(const struct azr_reading *r, struct azr_json trigger,
                              struct kp_rotation_rule *rule)
{
    rule->trigger = KP_TRIGGER_AFTER_CREATE;
    kp_status st = azr_keep_text(r, azr_json_member(trigger, "timeAfterCreate"), &rule->duration);
    if (st != KP_OK || rule->duration.len > 0)
        return st;
    rule->trigger = KP_TRIGGER_BEFORE_EXPIRY;
    st = azr_keep_text(r, azr_json_member(trigger, "timeBeforeExpiry"), &rule->duration);
    if (st == KP_OK && rule->duration.len == 0)
        st = azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "holds a rule without a time");
    return st;
}

/* A Managed HSM answers "rotate" where "Rotate" was sent. */
static kp_status read_action(const struct azr_reading *r, struct azr_json action,
                             struct kp_rotation_rule *rule)
{
    kp_span type = {NULL, 0};
    kp_status st = azr_keep_text(r, azr_json_member(action, "type"), &type);
    if (st != KP_OK)
        return st;
    if (kpb_span_eq_nocase(type, kpb_span_str("Rotate")))
        rule->action = KP_ROTATION_ROTATE;
    else if (kpb_span_eq_nocase(type, kpb_span_str("Notify")))
        rule->action = KP_ROTATION_NOTIFY;
    else
        st = azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "holds a rule that is no Rotate or Notify");
    return st;
}

static kp_status read_rules(const struct azr_reading *r, struct azr_json actions,
                            struct kp_rotation_policy *policy)
{
    kp_status st = KP_OK;
    for (size_t i = 0; st == KP_OK; i++) {
        struct azr_json action = azr_json_element(actions, i);
        if (action.type == AZR_JSON_NONE)
            break;
        if (policy->n_rules == KP_ROTATION_ACTIONS_MAX)
            return azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "holds more rules than are known");
        struct kp_rotation_rule *rule = &policy->rules[policy->n_rules++];
        st = read_trigger(r, azr_json_member(action, "trigger"), rule);
        if (st == KP_OK)
            st = read_action(r, azr_json_member(action, "action"), rule);
    }
    return st;
}

/*
 * 200
 * {"id":"https://HOST/keys/NAME/rotationpolicy",
 *  "lifetimeActions":[{"trigger":{"timeBeforeExpiry":"P30D"},"action":{"type":"Notify"}}],
 *  "attributes":{"expiryTime":"P2Y","created":1735689600,"updated":1735689600}}
 * The default policy of a vault has no id and its attributes are null.
 */
kp_status azr_read_policy(const struct azr_reading *r, struct azr_json body)
{
    struct kp_rotation_policy *policy = &r->answer->policy;
    struct azr_json attributes = azr_json_member(body, "attributes");
    memset(policy, 0, sizeof *policy);
    policy->struct_size = sizeof *policy;
    kp_status st = read_rules(r, azr_json_member(body, "lifetimeActions"), policy);
    if (st == KP_OK)
        st = azr_keep_text(r, azr_json_member(attributes, "expiryTime"), &policy->expiry);
    policy->created_unix_s = azr_read_time(attributes, "created");
    policy->updated_unix_s = azr_read_time(attributes, "updated");
    r->answer->reply.policy = policy;
    return st;
}
