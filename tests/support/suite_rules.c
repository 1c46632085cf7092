/* The rows of key types, and of rules by which the plugins' services differ or must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "support/plugin_suite.h"

static const uint8_t PLAIN[32] = "thirty-two bytes of a data key.";

/* ---- Key types: what becomes of a key of that type ---- */

static const char *key_type(struct suite_vault *vault, uint32_t kty)
{
    char name[32];
    struct kp_result result;
    struct kp_key_params params;
    (void)snprintf(name, sizeof name, "type-%u", kty);
    struct kp_request request = suite_request(KP_OP_CREATE, name);
    kp_key_params_init(&params);
    params.kty = kty;
    params.curve = kty == KP_KTY_EC || kty == KP_KTY_EC_HSM ? KP_CURVE_P256 : 0;
    request.params = &params;
    kp_status st = suite_call(vault, &request, &result);
    const char *cell = st == KP_OK ? kp_kty_text(result.reply.key->kty) : SUITE_NO;
    if (st != KP_OK && st != KP_UNSUPPORTED)
        fail_msg("%s over %s: %s", kp_kty_text(kty), vault->plugin, result.error.text);
    /* What a plugin can do at most: a vault's settings may leave out more. */
    assert_true(st != KP_OK || (vault->caps->ktys & (1u << kty)) != 0);
    kp_result_clear(&result);
    return cell;
}

/* ---- Rules: yes, or the class of the refusal ---- */

static const char *cell_of(kp_status status)
{
    return status == KP_OK ? SUITE_YES : kp_status_text(status);
}

static const char *rotate_unprepared(struct suite_vault *vault, uint32_t number)
{
    (void)number;
    suite_create(vault, "unprepared", KP_KTY_EC, 0, KP_CURVE_P256);
    struct kp_request request = suite_request(KP_OP_ROTATE, "unprepared");
    return cell_of(suite_status(vault, &request));
}

static const char *set_policy(struct suite_vault *vault, const char *name,
                              struct kp_rotation_rule rule)
{
    const struct kp_rotation_policy policy = {
        .struct_size = sizeof policy, .n_rules = 1, .rules = {rule}, .expiry = suite_span("P1Y")};
    suite_create(vault, name, KP_KTY_EC, 0, KP_CURVE_P256);
    struct kp_request request = suite_request(KP_OP_SET_ROTATION_POLICY, name);
    request.policy = &policy;
    return cell_of(suite_status(vault, &request));
}

static const char *notify(struct suite_vault *vault, uint32_t number)
{
    (void)number;
    const struct kp_rotation_rule rule = {KP_ROTATION_NOTIFY, KP_TRIGGER_BEFORE_EXPIRY,
                                          suite_span("P30D")};
    return set_policy(vault, "notified", rule);
}

static const char *rotate_early(struct suite_vault *vault, uint32_t number)
{
    (void)number;
    const struct kp_rotation_rule rule = {KP_ROTATION_ROTATE, KP_TRIGGER_AFTER_CREATE,
                                          suite_span("P8D")};
    return set_policy(vault, "early", rule);
}

static void disable(struct suite_vault *vault, const char *name)
{
    struct kp_result result;
    struct kp_key_params params;
    struct kp_request request = suite_request(KP_OP_UPDATE, name);
    kp_key_params_init(&params);
    params.set = KP_SET_ENABLED;
    request.params = &params;
    suite_must(vault, &request, &result);
    kp_result_clear(&result);
}

static const char *on_disabled(struct suite_vault *vault, uint32_t op)
{
    char name[32];
    (void)snprintf(name, sizeof name, "disabled-%u", op);
    suite_create(vault, name, KP_KTY_EC, 0, KP_CURVE_P256);
    disable(vault, name);
    struct kp_request request = suite_request(op, name);
    request.alg = op == KP_OP_SIGN ? KP_ALG_ES256 : KP_ALG_NONE;
    request.value = op == KP_OP_SIGN ? kpb_span(PLAIN, sizeof PLAIN) : request.value;
    return cell_of(suite_status(vault, &request));
}

static const char *unwrap_any_version(struct suite_vault *vault, uint32_t number)
{
    (void)number;
    struct kp_request request = suite_request(KP_OP_UNWRAP, suite_key(vault, KP_KTY_RSA, 2048, 0));
    request.alg = KP_ALG_RSA_OAEP_256;
    request.value = kpb_span(PLAIN, sizeof PLAIN);
    return cell_of(suite_status(vault, &request));
}

static const char *create_deleted(struct suite_vault *vault, uint32_t number)
{
    struct kp_result result;
    struct kp_key_params params;
    (void)number;
    suite_create(vault, "taken", KP_KTY_EC, 0, KP_CURVE_P256);
    struct kp_request request = suite_request(KP_OP_DELETE, "taken");
    suite_must(vault, &request, &result);
    kp_result_clear(&result);
    kp_key_params_init(&params);
    params.kty = KP_KTY_EC;
    params.curve = KP_CURVE_P256;
    request = suite_request(KP_OP_CREATE, "taken");
    request.params = &params;
    return cell_of(suite_status(vault, &request));
}

/* ---- Rows ---- */

const struct suite_row suite_key_types[] = {
#define XX(symbol, number, text) {text, number, key_type},
    KP_KTY_MAP(XX)
#undef XX
};
const size_t suite_n_key_types = sizeof suite_key_types / sizeof suite_key_types[0];

const struct suite_row suite_rules[] = {
    {"rotate a key that has no rotation policy", 0, rotate_unprepared},
    {"a policy that notifies", 0, notify},
    {"a policy that rotates 8 days after creation", 0, rotate_early},
    {"get_key of a disabled key", KP_OP_GET_KEY, on_disabled},
    {"sign with a disabled key", KP_OP_SIGN, on_disabled},
    {"unwrap without a version", 0, unwrap_any_version},
    {"create under the name of a deleted key", 0, create_deleted},
};
const size_t suite_n_rules = sizeof suite_rules / sizeof suite_rules[0];
