#include "cli/key_out.h"

#include "base/span.h"

#define LABEL_WIDTH 16u
#define NAME_WIDTH 40u
#define STATE_WIDTH 50u

static const uint32_t KEY_OPS[] = {
#define XX(symbol, bit, text) bit,
    KP_KEY_OP_MAP(XX)
#undef XX
};

#define N_KEY_OPS (sizeof KEY_OPS / sizeof KEY_OPS[0])

/* ---- Text ---- */

static void label(struct cli_out *o, const char *name)
{
    cli_out_text(o, name);
    cli_out_pad(o, LABEL_WIDTH);
}

static void line_span(struct cli_out *o, const char *name, kp_span value)
{
    if (value.len > 0) {
        label(o, name);
        cli_out_safe(o, value);
        cli_out_text(o, "\n");
    }
}

static void line_time(struct cli_out *o, const char *name, int64_t unix_s)
{
    if (unix_s != KP_TIME_NONE) {
        label(o, name);
        cli_out_time(o, unix_s);
        cli_out_text(o, "\n");
    }
}

static void add_type(struct cli_out *o, const struct kp_key_info *key)
{
    cli_out_text(o, kp_kty_text(key->kty));
    cli_out_text(o, " ");
    if (key->curve != KP_CURVE_NONE) {
        cli_out_text(o, kp_curve_text(key->curve));
    } else if (key->bits != 0) {
        cli_out_uint(o, key->bits);
    }
}

static void add_ops(struct cli_out *o, uint32_t ops)
{
    const char *separator = "";
    for (size_t i = 0; i < N_KEY_OPS; i++) {
        if (ops & KEY_OPS[i]) {
            cli_out_text(o, separator);
            cli_out_text(o, kp_key_op_text(KEY_OPS[i]));
            separator = ",";
        }
    }
}

static void add_tags(struct cli_out *o, const struct kp_key_info *key)
{
    for (uint32_t i = 0; i < key->n_tags; i++) {
        label(o, "tag");
        cli_out_safe(o, key->tags[i].name);
        cli_out_text(o, "=");
        cli_out_safe(o, key->tags[i].value);
        cli_out_text(o, "\n");
    }
}

static void add_flags(struct cli_out *o, uint32_t flags)
{
    label(o, "state");
    cli_out_text(o, flags & KP_KEY_ENABLED ? "enabled" : "disabled");
    cli_out_text(o, flags & KP_KEY_EXPORTABLE ? ", exportable" : "");
    cli_out_text(o, flags & KP_KEY_MANAGED ? ", managed" : "");
    cli_out_text(o, "\n");
}

void cli_key_text(struct cli_out *o, const struct kp_key_info *key)
{
    line_span(o, "name", key->name);
    line_span(o, "version", key->version);
    line_span(o, "id", key->kid);
    if (key->kty != KP_KTY_NONE) {
        label(o, "type");
        add_type(o, key);
        cli_out_text(o, "\n");
    }
    if (key->key_ops != 0) {
        label(o, "operations");
        add_ops(o, key->key_ops);
        cli_out_text(o, "\n");
    }
    add_flags(o, key->flags);
    line_time(o, "not before", key->not_before_unix_s);
    line_time(o, "expires", key->expires_unix_s);
    line_time(o, "created", key->created_unix_s);
    line_time(o, "updated", key->updated_unix_s);
    line_time(o, "deleted", key->deleted_unix_s);
    line_time(o, "purged at", key->scheduled_purge_unix_s);
    line_span(o, "recovery", key->recovery_level);
    line_span(o, "platform", key->hsm_platform);
    add_tags(o, key);
}

void cli_key_line(struct cli_out *o, const struct kp_key_info *key)
{
    cli_out_safe(o, key->name);
    if (key->version.len > 0) {
        cli_out_text(o, "/");
        cli_out_safe(o, key->version);
    }
    cli_out_pad(o, NAME_WIDTH);
    cli_out_text(o, key->flags & KP_KEY_ENABLED ? "enabled" : "disabled");
    const bool is_deleted = key->deleted_unix_s != KP_TIME_NONE;
    const int64_t when = is_deleted ? key->deleted_unix_s : key->created_unix_s;
    if (when != KP_TIME_NONE) {
        cli_out_pad(o, STATE_WIDTH);
        cli_out_text(o, is_deleted ? "deleted " : "created ");
        cli_out_time(o, when);
    }
    if (key->kty != KP_KTY_NONE) { /* most services do not tell it in a list */
        cli_out_text(o, "  ");
        add_type(o, key);
    }
    cli_out_text(o, "\n");
}

static void clause_time(struct cli_out *o, const char *name, int64_t unix_s)
{
    if (unix_s != KP_TIME_NONE) {
        cli_out_text(o, name);
        cli_out_time(o, unix_s);
    }
}

void cli_key_clause(struct cli_out *o, const struct kp_key_info *key)
{
    cli_out_safe(o, key->name);
    cli_out_text(o, key->version.len > 0 ? "/" : "");
    cli_out_safe(o, key->version);
    if (key->kty != KP_KTY_NONE) {
        cli_out_text(o, ", ");
        add_type(o, key);
    }
    cli_out_text(o, key->flags & KP_KEY_ENABLED ? ", enabled" : ", disabled");
    clause_time(o, ", created ", key->created_unix_s);
    clause_time(o, ", not before ", key->not_before_unix_s);
    clause_time(o, ", expires ", key->expires_unix_s);
    if (key->key_ops != 0) {
        cli_out_text(o, ", may ");
        add_ops(o, key->key_ops);
    }
}

/* ---- JSON ---- */

static void member_str(struct cli_out *o, const char *name, kp_span value)
{
    if (value.len > 0) {
        cli_json_member_str(o, name, value);
    }
}

static void member_bytes(struct cli_out *o, const char *name, kp_span value)
{
    if (value.len > 0) {
        cli_json_member_bytes(o, name, value);
    }
}

static void member_time(struct cli_out *o, const char *name, int64_t unix_s)
{
    if (unix_s != KP_TIME_NONE) {
        cli_json_member_int(o, name, unix_s);
    }
}

static void json_type(struct cli_out *o, const struct kp_key_info *key)
{
    if (key->kty != KP_KTY_NONE) {
        cli_json_member_text(o, "kty", kp_kty_text(key->kty));
    }
    if (key->curve != KP_CURVE_NONE) {
        cli_json_member_text(o, "crv", kp_curve_text(key->curve));
    }
    if (key->bits != 0) {
        cli_json_member_int(o, "bits", key->bits);
    }
    member_bytes(o, "n", key->n);
    member_bytes(o, "e", key->e);
    member_bytes(o, "x", key->x);
    member_bytes(o, "y", key->y);
}

static void json_ops(struct cli_out *o, uint32_t ops)
{
    if (ops == 0) {
        return;
    }
    cli_json_name(o, "key_ops");
    cli_json_begin(o, '[');
    for (size_t i = 0; i < N_KEY_OPS; i++) {
        if (ops & KEY_OPS[i]) {
            cli_json_str(o, kpb_span_str(kp_key_op_text(KEY_OPS[i])));
        }
    }
    cli_json_end(o, ']');
}

static void json_times(struct cli_out *o, const struct kp_key_info *key)
{
    member_time(o, "not_before", key->not_before_unix_s);
    member_time(o, "expires", key->expires_unix_s);
    member_time(o, "created", key->created_unix_s);
    member_time(o, "updated", key->updated_unix_s);
    member_time(o, "deleted", key->deleted_unix_s);
    member_time(o, "scheduled_purge", key->scheduled_purge_unix_s);
}

static void json_tags(struct cli_out *o, const struct kp_key_info *key)
{
    cli_json_name(o, "tags");
    cli_json_begin(o, '{');
    for (uint32_t i = 0; i < key->n_tags; i++) {
        cli_json_str(o, key->tags[i].name);
        cli_out_text(o, ":");
        cli_json_str(o, key->tags[i].value);
    }
    cli_json_end(o, '}');
}

void cli_key_json(struct cli_out *o, const struct kp_key_info *key)
{
    cli_json_begin(o, '{');
    cli_json_member_str(o, "name", key->name);
    member_str(o, "version", key->version);
    member_str(o, "kid", key->kid);
    json_type(o, key);
    json_ops(o, key->key_ops);
    cli_json_member_bool(o, "enabled", (key->flags & KP_KEY_ENABLED) != 0);
    cli_json_member_bool(o, "exportable", (key->flags & KP_KEY_EXPORTABLE) != 0);
    cli_json_member_bool(o, "managed", (key->flags & KP_KEY_MANAGED) != 0);
    json_times(o, key);
    member_str(o, "recovery_level", key->recovery_level);
    member_str(o, "recovery_id", key->recovery_id);
    member_str(o, "hsm_platform", key->hsm_platform);
    json_tags(o, key);
    cli_json_end(o, '}');
}

/* ---- Rotation policy ---- */

static const char *action_text(uint32_t action)
{
    return action == KP_ROTATION_ROTATE ? "rotate" : "notify";
}

static const char *trigger_text(uint32_t trigger)
{
    return trigger == KP_TRIGGER_AFTER_CREATE ? "after_create" : "before_expiry";
}

void cli_policy_text(struct cli_out *o, const struct kp_rotation_policy *policy)
{
    for (uint32_t i = 0; i < policy->n_rules; i++) {
        const struct kp_rotation_rule *rule = &policy->rules[i];
        label(o, action_text(rule->action));
        cli_out_safe(o, rule->duration);
        cli_out_text(o, rule->trigger == KP_TRIGGER_AFTER_CREATE ? " after creation\n"
                                                                 : " before expiry\n");
    }
    line_span(o, "valid for", policy->expiry);
    line_time(o, "created", policy->created_unix_s);
    line_time(o, "updated", policy->updated_unix_s);
    if (policy->n_rules == 0 && policy->expiry.len == 0) {
        cli_out_text(o, "no rules\n");
    }
}

void cli_policy_json(struct cli_out *o, const struct kp_rotation_policy *policy)
{
    cli_json_begin(o, '{');
    cli_json_name(o, "rules");
    cli_json_begin(o, '[');
    for (uint32_t i = 0; i < policy->n_rules; i++) {
        const struct kp_rotation_rule *rule = &policy->rules[i];
        cli_json_begin(o, '{');
        cli_json_member_text(o, "action", action_text(rule->action));
        cli_json_member_text(o, "trigger", trigger_text(rule->trigger));
        cli_json_member_str(o, "duration", rule->duration);
        cli_json_end(o, '}');
    }
    cli_json_end(o, ']');
    member_str(o, "valid_for", policy->expiry);
    member_time(o, "created", policy->created_unix_s);
    member_time(o, "updated", policy->updated_unix_s);
    cli_json_end(o, '}');
}
