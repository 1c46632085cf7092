#include "plugins/azure-rest/rotation.h"

#include "base/errors.h"
#include "base/iso8601.h"

#define DAY_S INT64_C(86400)
/* Durations are compared by the dates they lead to from here, 1 January 2001. */
#define EPOCH_UNIX_S INT64_C(978307200)

#define REFUSE(err, ...)                                                                           \
    kpb_fail_code(err, KP_USAGE, KP_CODE_ErrorHttpResponseCodeClientError, __VA_ARGS__)

/* Whole days of a duration. False: it is none. */
static bool read_days(kp_span text, int64_t *ret)
{
    struct kpb_duration d;
    if (kpb_duration_parse(text, &d) != KP_OK)
        return false;
    *ret = (kpb_duration_shift(EPOCH_UNIX_S, d, 1) - EPOCH_UNIX_S) / DAY_S;
    return true;
}

static kp_status check_after(const struct azr_rotation_rules *rules, int64_t days,
                             struct kp_error *reterr)
{
    if (days >= rules->after_min_days)
        return KP_OK;
    return REFUSE(reterr, "a %s acts at the earliest %u days after a version was made", rules->noun,
                  rules->after_min_days);
}

static kp_status check_before(const struct azr_rotation_rules *rules, int64_t days,
                              int64_t expiry_days, struct kp_error *reterr)
{
    if (expiry_days == 0)
        return REFUSE(reterr, "an action before expiry needs the life of a version (expiryTime)");
    if (days < rules->before_min_days)
        return REFUSE(reterr, "a %s acts at the latest %u days before a version expires",
                      rules->noun, rules->before_min_days);
    if (expiry_days - days < rules->life_min_days)
        return REFUSE(reterr,
                      "an action before expiry must leave a version %u days of its life: at most "
                      "%lld days before expiry here",
                      rules->life_min_days, (long long)expiry_days - rules->life_min_days);
    return KP_OK;
}

static kp_status check_rule(const struct azr_rotation_rules *rules,
                            const struct kp_rotation_rule *rule, int64_t expiry_days,
                            struct kp_error *reterr)
{
    int64_t days = 0;
    if (rule->action == KP_ROTATION_NOTIFY && !rules->takes_notify)
        return REFUSE(reterr, "a %s rotates and does not notify: leave the Notify rule out",
                      rules->noun);
    if (!read_days(rule->duration, &days))
        return REFUSE(reterr, "a rule's time must be a duration such as P90D, P18M or P2Y");
    return rule->trigger == KP_TRIGGER_BEFORE_EXPIRY
               ? check_before(rules, days, expiry_days, reterr)
               : check_after(rules, days, reterr);
}

kp_status azr_rotation_check(const struct azr_rotation_rules *rules,
                             const struct kp_rotation_policy *policy, struct kp_error *reterr)
{
    int64_t expiry_days = 0;
    kp_status st = KP_OK;
    if (policy->expiry.len > 0 && !read_days(policy->expiry, &expiry_days))
        return REFUSE(reterr, "the life of a version must be a duration such as P90D or P2Y");
    if (policy->expiry.len > 0 && expiry_days < rules->expiry_min_days)
        return REFUSE(reterr, "a version must live %u days at least", rules->expiry_min_days);
    if (policy->n_rules > rules->max_rules)
        return REFUSE(reterr, "a %s takes %u rules in a rotation policy at most", rules->noun,
                      rules->max_rules);
    for (uint32_t i = 0; st == KP_OK && i < policy->n_rules; i++)
        st = check_rule(rules, &policy->rules[i], expiry_days, reterr);
    return st;
}
