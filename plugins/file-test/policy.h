/*
 * Rotation policies: which are valid and when they ask for a new version. Pure functions, any
 * thread. Source: Key Vault REST 7.6 KeyRotationPolicy and the service's documented limits.
 */
#ifndef KP_PLUGINS_FILE_TEST_POLICY_H
#define KP_PLUGINS_FILE_TEST_POLICY_H

#include <keyprovider/status.h>

struct ft_version;

#define FT_POLICY_DELAY_MIN_DAYS 7   /* of a rule, after creation or before expiry */
#define FT_POLICY_EXPIRY_MIN_DAYS 28 /* of the policy's expiry time */

/* "Notify", "Rotate"; "timeAfterCreate", "timeBeforeExpiry"; "?" and 0 for what is none. */
const char *ft_policy_action_text(uint32_t action);
uint32_t ft_policy_action_from_text(kp_span text);
const char *ft_policy_trigger_text(uint32_t trigger);
uint32_t ft_policy_trigger_from_text(kp_span text);

/*
 * Checks a policy: at most one rule per action, durations ISO 8601 of at least 7 days, expiry at
 * least 28 days, a rotation before it and not without it where it counts back from it.
 * Errors: usage with a sentence.
 */
kp_status ft_policy_check(const struct kp_rotation_policy *policy, struct kp_error *reterr)
    KP_MUST_USE;

/* What a key without a policy of its own answers: notify 30 days before expiry, no expiry time. */
void ft_policy_default(struct kp_rotation_policy *ret);

/* When the policy wants this version replaced, or INT64_MAX when never. policy may be NULL. */
int64_t ft_policy_rotate_unix_s(const struct kp_rotation_policy *policy,
                                const struct ft_version *version);
/* Expiry of a version made now, KP_TIME_NONE when the policy sets none. policy may be NULL. */
int64_t ft_policy_expires_unix_s(const struct kp_rotation_policy *policy, int64_t now_unix_s);

#endif /* KP_PLUGINS_FILE_TEST_POLICY_H */
