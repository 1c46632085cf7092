#include "plugins/file-test/policy.h"

#include "base/errors.h"
#include "base/iso8601.h"
#include "base/span.h"
#include "plugins/file-test/keyfile.h"

#define DAY_S INT64_C(86400)
/* Durations are compared by the dates they lead to from here, 1 January 2001. */
#define EPOCH_UNIX_S INT64_C(978307200)

static const char *const ACTION_TEXTS[] = {
    [KP_ROTATION_NOTIFY] = "Notify",
    [KP_ROTATION_ROTATE] = "Rotate",
};
static const char *const TRIGGER_TEXTS[] = {
    [KP_TRIGGER_AFTER_CREATE] = "timeAfterCreate",
    [KP_TRIGGER_BEFORE_EXPIRY] = "timeBeforeExpiry",
};

const char *ft_policy_action_text(uint32_t action)
{
    return action == KP_ROTATION_NOTIFY || action == KP_ROTATION_ROTATE ? ACTION_TEXTS[action]
                                                                        : "?";
}

uint32_t ft_policy_action_from_text(kp_span text)
{
    for (uint32_t i = KP_ROTATION_NOTIFY; i <= KP_ROTATION_ROTATE; i++) {
        if (kpb_span_eq_str(text, ACTION_TEXTS[i]))
            return i;
    }
    return 0;
}

const char *ft_policy_trigger_text(uint32_t trigger)
{
    return trigger == KP_TRIGGER_AFTER_CREATE || trigger == KP_TRIGGER_BEFORE_EXPIRY
               ? TRIGGER_TEXTS[trigger]
               : "?";
}

uint32_t ft_policy_trigger_from_text(kp_span text)
{
    for (uint32_t i = KP_TRIGGER_AFTER_CREATE; i <= KP_TRIGGER_BEFORE_EXPIRY; i++) {
        if (kpb_span_eq_str(text, TRIGGER_TEXTS[i]))
            return i;
    }
    return 0;
}

/* Length of a duration in seconds, counted from a fixed date; -1 when it is no duration. */
static int64_t length_s(kp_span text)
{
    struct kpb_duration d;
    if (kpb_duration_parse(text, &d) != KP_OK)
        return -1;
    return kpb_duration_shift(EPOCH_UNIX_S, d, 1) - EPOCH_UNIX_S;
}

static kp_status check_expiry(const struct kp_rotation_policy *policy, struct kp_error *reterr)
{
    if (policy->expiry.len == 0 || length_s(policy->expiry) >= FT_POLICY_EXPIRY_MIN_DAYS * DAY_S)
        return KP_OK;
    return kpb_fail(reterr, KP_USAGE,
                    "the policy's expiry time must be an ISO 8601 duration of at least %d days, "
                    "such as P2Y",
                    FT_POLICY_EXPIRY_MIN_DAYS);
}

static kp_status check_rule(const struct kp_rotation_policy *policy,
                            const struct kp_rotation_rule *rule, struct kp_error *reterr)
{
    if (ft_policy_action_text(rule->action)[0] == '?' ||
        ft_policy_trigger_text(rule->trigger)[0] == '?')
        return kpb_fail(reterr, KP_USAGE, "the policy has an unknown action or trigger");
    int64_t length = length_s(rule->duration);
    if (length < FT_POLICY_DELAY_MIN_DAYS * DAY_S)
        return kpb_fail(reterr, KP_USAGE,
                        "%s of a policy must be an ISO 8601 duration of at least %d days, such as "
                        "P90D",
                        ft_policy_trigger_text(rule->trigger), FT_POLICY_DELAY_MIN_DAYS);
    if (rule->action != KP_ROTATION_ROTATE)
        return KP_OK;
    if (rule->trigger == KP_TRIGGER_BEFORE_EXPIRY && policy->expiry.len == 0)
        return kpb_fail(reterr, KP_USAGE,
                        "a policy that rotates before expiry must set an expiry time");
    if (policy->expiry.len > 0 && length >= length_s(policy->expiry))
        return kpb_fail(reterr, KP_USAGE, "the policy would rotate at or after the expiry it sets");
    return KP_OK;
}

kp_status ft_policy_check(const struct kp_rotation_policy *policy, struct kp_error *reterr)
{
    uint32_t seen = 0;
    if (policy->n_rules > KP_ROTATION_ACTIONS_MAX)
        return kpb_fail(reterr, KP_USAGE, "a policy has at most one rule for each action");
    kp_status st = check_expiry(policy, reterr);
    for (uint32_t i = 0; st == KP_OK && i < policy->n_rules; i++) {
        st = check_rule(policy, &policy->rules[i], reterr);
        if (st == KP_OK && seen & 1u << policy->rules[i].action)
            st = kpb_fail(reterr, KP_USAGE, "a policy has at most one rule for each action");
        if (st == KP_OK)
            seen |= 1u << policy->rules[i].action;
    }
    return st;
}

void ft_policy_default(struct kp_rotation_policy *ret)
{
    const struct kp_rotation_policy policy = {
        .struct_size = sizeof policy,
        .n_rules = 1,
        .rules = {{.action = KP_ROTATION_NOTIFY,
                   .trigger = KP_TRIGGER_BEFORE_EXPIRY,
                   .duration = kpb_span_str("P30D")}},
        .created_unix_s = KP_TIME_NONE,
        .updated_unix_s = KP_TIME_NONE,
    };
    *ret = policy;
}

static int64_t due_unix_s(const struct kp_rotation_rule *rule, const struct ft_version *version)
{
    struct kpb_duration d;
    if (rule->action != KP_ROTATION_ROTATE || kpb_duration_parse(rule->duration, &d) != KP_OK)
        return INT64_MAX;
    if (rule->trigger == KP_TRIGGER_AFTER_CREATE)
        return kpb_duration_shift(version->created_unix_s, d, 1);
    if (version->expires_unix_s == KP_TIME_NONE)
        return INT64_MAX;
    return kpb_duration_shift(version->expires_unix_s, d, -1);
}

int64_t ft_policy_rotate_unix_s(const struct kp_rotation_policy *policy,
                                const struct ft_version *version)
{
    int64_t earliest = INT64_MAX;
    for (uint32_t i = 0; policy && i < policy->n_rules; i++) {
        int64_t due = due_unix_s(&policy->rules[i], version);
        earliest = due < earliest ? due : earliest;
    }
    return earliest;
}

int64_t ft_policy_expires_unix_s(const struct kp_rotation_policy *policy, int64_t now_unix_s)
{
    struct kpb_duration d;
    if (!policy || policy->expiry.len == 0 || kpb_duration_parse(policy->expiry, &d) != KP_OK)
        return KP_TIME_NONE;
    return kpb_duration_shift(now_unix_s, d, 1);
}
