/*
 * What a service takes as a rotation policy, checked before the call: the sentence here says what
 * is wrong, where the service only says that something is. Pure functions.
 * Source: "Configure key auto-rotation" in Key Vault and in Managed HSM (read 2026-08).
 */
#ifndef KP_PLUGINS_AZURE_REST_ROTATION_H
#define KP_PLUGINS_AZURE_REST_ROTATION_H

#include <stdbool.h>

#include <keyprovider/status.h>

/* Days are compared by the dates they lead to. Static storage. */
struct azr_rotation_rules {
    const char *noun;         /* "key vault": for sentences */
    bool takes_notify;        /* Notify beside Rotate */
    uint32_t max_rules;       /* rules of a policy */
    uint32_t after_min_days;  /* of timeAfterCreate */
    uint32_t before_min_days; /* of timeBeforeExpiry */
    uint32_t life_min_days;   /* from the making of a version to the action before its expiry */
    uint32_t expiry_min_days; /* of expiryTime */
};

/* Errors: usage, code 3110, naming the member. */
kp_status azr_rotation_check(const struct azr_rotation_rules *rules,
                             const struct kp_rotation_policy *policy, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_ROTATION_H */
