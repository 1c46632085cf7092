#include "base/errors.h"
#include "base/iso8601.h"
#include "base/span.h"
#include "core/spans.h"
#include "core/submit.h"
#include "core/vault.h"

/* The structs as of ABI 0.1; members added later are looked at only where struct_size has them. */
#define PARAMS_MIN_LEN (offsetof(struct kp_key_params, key_hsm) + sizeof(kp_span))
#define POLICY_MIN_LEN (offsetof(struct kp_rotation_policy, updated_unix_s) + sizeof(int64_t))

static kp_status check_name(const struct kp_request *request, struct kp_error *reterr)
{
    if (!kpb_is_key_name(request->name))
        return kpb_fail_code(reterr, KP_USAGE, KP_CODE_ErrorHttpResponseCodeClientError,
                             "%s: name has %zu bytes; a key name is 1 to %u of 0-9, a-z, A-Z and -",
                             kp_op_text(request->op), request->name.len, KP_KEY_NAME_MAX_LEN);
    if (request->version.len > 0 && !kpb_is_key_version(request->version))
        return kpb_fail(reterr, KP_USAGE, "%s: version is not 1 to %u of 0-9, a-z, A-Z and -",
                        kp_op_text(request->op), KP_KEY_VERSION_MAX_LEN);
    return KP_OK;
}

static bool is_span(const kp_span *span, size_t max_len)
{
    return span->len == 0 || (span->ptr && span->len <= max_len);
}

static kp_status fail_span(uint32_t op, const char *member, kp_span span, size_t max_len,
                           struct kp_error *reterr)
{
    if (!span.ptr)
        return kpb_fail(reterr, KP_USAGE, "%s: %s is NULL but has a length", kp_op_text(op),
                        member);
    return kpb_fail(reterr, KP_USAGE, "%s: %s has %zu bytes, more than %zu", kp_op_text(op), member,
                    span.len, max_len);
}

static kp_status check_spans(const struct kp_vault *vault, const struct kp_request *request,
                             struct kp_error *reterr)
{
    const size_t own = vault->plugin->caps->max_payload_len;
    size_t most = request->op == KP_OP_RESTORE ? KP_BACKUP_MAX_LEN : KP_PAYLOAD_MAX_LEN;
    if (own > 0 && own < most)
        most = own;
#define XX(member)                                                                                 \
    if (!is_span(&request->member, most))                                                          \
        return fail_span(request->op, #member, request->member, most, reterr);
    KPI_REQUEST_SPANS(XX)
#undef XX
    return KP_OK;
}

/* What undoes must name its version: after a rotation the current one is not the one that made the
 * ciphertext, and not every algorithm notices. */
static kp_status check_undo(const struct kp_request *request, struct kp_error *reterr)
{
    if (request->version.len > 0 || (request->op != KP_OP_DECRYPT && request->op != KP_OP_UNWRAP))
        return KP_OK;
    return kpb_fail(reterr, KP_USAGE,
                    "%s: version is empty; give the one the reply named when this was made",
                    kp_op_text(request->op));
}

static kp_status check_payload(const struct kp_vault *vault, const struct kp_request *request,
                               struct kp_error *reterr)
{
    const char *op = kp_op_text(request->op);
    if (request->alg == KP_ALG_NONE || request->alg > KP_ALG_MAX)
        return kpb_fail(reterr, KP_USAGE, "%s: alg %u is no algorithm", op, request->alg);
    if (!(vault->plugin->caps->algs & KP_ALG_BIT(request->alg)))
        return kpb_fail(reterr, KP_UNSUPPORTED, "%s: plugin %s does not offer %s", op,
                        vault->plugin->name, kp_alg_text(request->alg));
    if (request->value.len == 0)
        return kpb_fail(reterr, KP_USAGE, "%s: value is empty", op);
    if (request->op == KP_OP_VERIFY && request->signature.len == 0)
        return kpb_fail(reterr, KP_USAGE, "%s: signature is empty", op);
    return check_undo(request, reterr);
}

static kp_status check_tags(const struct kp_request *request, struct kp_error *reterr)
{
    const struct kp_key_params *params = request->params;
    if (params->n_tags > KP_TAGS_MAX || (params->n_tags > 0 && !params->tags))
        return kpb_fail(reterr, KP_USAGE, "%s: %u tags; a key has at most %u",
                        kp_op_text(request->op), params->n_tags, KP_TAGS_MAX);
    for (uint32_t i = 0; i < params->n_tags; i++) {
        const struct kp_tag *tag = &params->tags[i];
        if (tag->name.len == 0 || tag->name.len > KP_TAG_MAX_LEN ||
            tag->value.len > KP_TAG_MAX_LEN || !tag->name.ptr ||
            (tag->value.len > 0 && !tag->value.ptr))
            return kpb_fail(reterr, KP_USAGE, "%s: tag %u: name is 1 to %u bytes, value up to %u",
                            kp_op_text(request->op), i, KP_TAG_MAX_LEN, KP_TAG_MAX_LEN);
    }
    return KP_OK;
}

static kp_status check_material(const struct kp_request *request, struct kp_error *reterr)
{
    const struct kp_key_params *params = request->params;
#define XX(member)                                                                                 \
    if (!is_span(&params->member, KP_PAYLOAD_MAX_LEN))                                             \
        return fail_span(request->op, #member, params->member, KP_PAYLOAD_MAX_LEN, reterr);
    KPI_KEY_PARAMS_SPANS(XX)
#undef XX
    return KP_OK;
}

static bool makes_key(uint32_t op)
{
    return op == KP_OP_CREATE || op == KP_OP_IMPORT;
}

static bool takes_params(uint32_t op)
{
    return makes_key(op) || op == KP_OP_UPDATE || op == KP_OP_IMPORT_BYOK;
}

static kp_status check_curve(const struct kp_vault *vault, const struct kp_request *request,
                             struct kp_error *reterr)
{
    uint32_t curve = request->params->curve;
    if (kp_curve_text(curve)[0] == '?')
        return kpb_fail(reterr, KP_USAGE, "%s: curve %u is no curve", kp_op_text(request->op),
                        curve);
    if (!(vault->plugin->caps->curves & (1u << curve)))
        return kpb_fail(reterr, KP_UNSUPPORTED, "%s: plugin %s does not offer %s",
                        kp_op_text(request->op), vault->plugin->name, kp_curve_text(curve));
    return KP_OK;
}

/* Sizes as <keyprovider/types.h> lists them; which the plugin makes is in its capabilities. */
static kp_status check_rsa_bits(const struct kp_vault *vault, const struct kp_request *request,
                                struct kp_error *reterr)
{
    const struct kp_caps *caps = vault->plugin->caps;
    uint32_t bits = request->params->bits ? request->params->bits : 2048;
    if (bits != 2048 && bits != 3072 && bits != 4096)
        return kpb_fail(reterr, KP_USAGE, "create: bits %u is none of 2048, 3072 and 4096", bits);
    if (caps->rsa_bits_max != 0 && (bits < caps->rsa_bits_min || bits > caps->rsa_bits_max))
        return kpb_fail(reterr, KP_UNSUPPORTED,
                        "create: plugin %s makes RSA keys of %u to %u bits, not %u",
                        vault->plugin->name, caps->rsa_bits_min, caps->rsa_bits_max, bits);
    return KP_OK;
}

static kp_status check_oct_bits(const struct kp_request *request, struct kp_error *reterr)
{
    uint32_t bits = request->params->bits;
    if (bits == 0 || bits == 128 || bits == 192 || bits == 256)
        return KP_OK;
    return kpb_fail(reterr, KP_USAGE, "create: bits %u is none of 128, 192 and 256", bits);
}

/* What kind of key is made: the size only where it is ours to say, not the material's. */
static kp_status check_kind(const struct kp_vault *vault, const struct kp_request *request,
                            struct kp_error *reterr)
{
    bool create = request->op == KP_OP_CREATE;
    switch (request->params->kty) {
    case KP_KTY_EC:
    case KP_KTY_EC_HSM:
        return check_curve(vault, request, reterr);
    case KP_KTY_RSA:
    case KP_KTY_RSA_HSM:
        return create ? check_rsa_bits(vault, request, reterr) : KP_OK;
    default:
        return create ? check_oct_bits(request, reterr) : KP_OK;
    }
}

static kp_status check_params(const struct kp_vault *vault, const struct kp_request *request,
                              struct kp_error *reterr)
{
    const char *op = kp_op_text(request->op);
    if (!request->params || request->params->struct_size < PARAMS_MIN_LEN)
        return kpb_fail(reterr, KP_USAGE, "%s: params is NULL or its struct_size is not set", op);
    kp_status st = check_tags(request, reterr);
    if (st == KP_OK)
        st = check_material(request, reterr);
    if (st != KP_OK || !makes_key(request->op))
        return st;
    if (kp_kty_text(request->params->kty)[0] == '?')
        return kpb_fail(reterr, KP_USAGE, "%s: kty %u is no key type", op, request->params->kty);
    if (!(vault->plugin->caps->ktys & (1u << request->params->kty)))
        return kpb_fail(reterr, KP_UNSUPPORTED, "%s: plugin %s does not keep %s keys", op,
                        vault->plugin->name, kp_kty_text(request->params->kty));
    return check_kind(vault, request, reterr);
}

static bool is_duration(kp_span text)
{
    struct kpb_duration duration;
    return is_span(&text, KP_PAYLOAD_MAX_LEN) && kpb_duration_parse(text, &duration) == KP_OK;
}

static kp_status check_rule(const struct kp_rotation_rule *rule, uint32_t at,
                            struct kp_error *reterr)
{
    if (rule->action != KP_ROTATION_NOTIFY && rule->action != KP_ROTATION_ROTATE)
        return kpb_fail(reterr, KP_USAGE, "set_rotation_policy: rule %u: action %u is no action",
                        at, rule->action);
    if (rule->trigger != KP_TRIGGER_AFTER_CREATE && rule->trigger != KP_TRIGGER_BEFORE_EXPIRY)
        return kpb_fail(reterr, KP_USAGE, "set_rotation_policy: rule %u: trigger %u is no trigger",
                        at, rule->trigger);
    if (!is_duration(rule->duration))
        return kpb_fail(reterr, KP_USAGE,
                        "set_rotation_policy: rule %u: not a duration such as P90D", at);
    return KP_OK;
}

static kp_status check_policy(const struct kp_request *request, struct kp_error *reterr)
{
    const struct kp_rotation_policy *policy = request->policy;
    if (!policy || policy->struct_size < POLICY_MIN_LEN)
        return kpb_fail(reterr, KP_USAGE,
                        "set_rotation_policy: policy is NULL or its struct_size is not set");
    if (policy->n_rules > KP_ROTATION_ACTIONS_MAX)
        return kpb_fail(reterr, KP_USAGE, "set_rotation_policy: policy has %u rules, at most %u",
                        policy->n_rules, KP_ROTATION_ACTIONS_MAX);
    kp_status st = KP_OK;
    for (uint32_t i = 0; st == KP_OK && i < policy->n_rules; i++)
        st = check_rule(&policy->rules[i], i, reterr);
    if (st == KP_OK && policy->expiry.len > 0 && !is_duration(policy->expiry))
        return kpb_fail(reterr, KP_USAGE, "set_rotation_policy: expiry is not a duration like P2Y");
    return st;
}

static kp_status check_numbers(const struct kp_request *request, struct kp_error *reterr)
{
    if (request->op == KP_OP_RANDOM && (request->count == 0 || request->count > KP_RANDOM_MAX_LEN))
        return kpb_fail(reterr, KP_USAGE, "random: count %u is not in 1..%u", request->count,
                        KP_RANDOM_MAX_LEN);
    if (request->page_size > KP_PAGE_MAX)
        return kpb_fail(reterr, KP_USAGE, "%s: page_size %u is above %u", kp_op_text(request->op),
                        request->page_size, KP_PAGE_MAX);
    if (request->op == KP_OP_RESTORE && request->value.len == 0)
        return kpb_fail(reterr, KP_USAGE, "restore: value, the backup blob, is empty");
    return KP_OK;
}

static kp_status check_members(const struct kp_vault *vault, const struct kp_request *request,
                               struct kp_error *reterr)
{
    uint32_t traits = kp_op_traits(request->op);
    kp_status st = check_spans(vault, request, reterr);
    if (st == KP_OK && (traits & KP_TRAIT_NEEDS_KEY))
        st = check_name(request, reterr);
    if (st == KP_OK && (traits & KP_TRAIT_PAYLOAD))
        st = check_payload(vault, request, reterr);
    if (st == KP_OK && takes_params(request->op))
        st = check_params(vault, request, reterr);
    if (st == KP_OK && request->op == KP_OP_SET_ROTATION_POLICY)
        st = check_policy(request, reterr);
    return st == KP_OK ? check_numbers(request, reterr) : st;
}

kp_status kpi_request_check(const struct kp_vault *vault, const struct kp_request *given,
                            struct kp_request *ret_request, struct kp_error *reterr)
{
    if (!given || given->struct_size < offsetof(struct kp_request, name))
        return kpb_fail(reterr, KP_USAGE, "request is NULL or its struct_size is not set");
    struct kp_request *request = ret_request;
    kpi_struct_read(request, sizeof *request, given);
    if (request->op == KP_OP_NONE || request->op > KP_OP_MAX)
        return kpb_fail(reterr, KP_USAGE, "op %u is no operation", request->op);
    if (!(vault->plugin->caps->ops & KP_OP_BIT(request->op)))
        return kpb_fail(reterr, KP_UNSUPPORTED, "plugin %s does not serve %s", vault->plugin->name,
                        kp_op_text(request->op));
    if (!takes_params(request->op))
        request->params = NULL; /* not looked at, so not copied either */
    if (request->op != KP_OP_SET_ROTATION_POLICY)
        request->policy = NULL;
    return check_members(vault, request, reterr);
}

/* ---- Replies ---- */

static kp_status check_told_version(const struct kp_request *request, kp_span version,
                                    struct kp_error *reterr)
{
    if (request->version.len == 0 || kpb_span_eq(request->version, version))
        return KP_OK;
    return kpb_fail(reterr, KP_INTEGRITY,
                    "%s: version %.*s was asked for but %.*s answered; the result is discarded",
                    kp_op_text(request->op), (int)request->version.len, request->version.ptr,
                    (int)version.len, version.ptr);
}

/* Vaults do not tell upper and lower case apart in names. */
static kp_status check_told_name(const struct kp_request *request, kp_span name,
                                 struct kp_error *reterr)
{
    if (name.len == 0 || kpb_span_eq_nocase(request->name, name))
        return KP_OK;
    return kpb_fail(reterr, KP_INTEGRITY,
                    "%s: key %.*s was asked for but another one answered; the result is discarded",
                    kp_op_text(request->op), (int)request->name.len, request->name.ptr);
}

/* Metadata need not name its version, but must not be of another one: it is kept under this one. */
static kp_status check_metadata(const struct kp_request *request, const struct kp_reply *reply,
                                struct kp_error *reterr)
{
    const struct kp_key_info *key = reply->key;
    kp_status st = check_told_name(request, reply->name, reterr);
    if (st == KP_OK && reply->version.len > 0)
        st = check_told_version(request, reply->version, reterr);
    if (st == KP_OK && key)
        st = check_told_name(request, key->name, reterr);
    if (st == KP_OK && key && key->version.len > 0)
        st = check_told_version(request, key->version, reterr);
    return st;
}

kp_status kpi_reply_check(const struct kp_request *request, const struct kp_reply *reply,
                          struct kp_error *reterr)
{
    if (request->op == KP_OP_GET_KEY)
        return check_metadata(request, reply, reterr);
    if (!(kp_op_traits(request->op) & KP_TRAIT_PAYLOAD))
        return KP_OK;
    if (reply->version.len == 0)
        return kpb_fail(reterr, KP_PROTOCOL,
                        "%s: the reply does not say which key version was used",
                        kp_op_text(request->op));
    kp_status st = check_told_name(request, reply->name, reterr);
    return st == KP_OK ? check_told_version(request, reply->version, reterr) : st;
}
