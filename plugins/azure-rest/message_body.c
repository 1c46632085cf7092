#include "plugins/azure-rest/message_body.h"

#include "base/errors.h"
#include "base/iso8601.h"
#include "base/mem.h"
#include "base/span.h"
#include "base/utf8.h"
#include "crypto/algs.h"
#include "plugins/azure-rest/json_write.h"

#define USAGE(reterr, ...)                                                                         \
    kpb_fail_code(reterr, KP_USAGE, KP_CODE_ErrorHttpResponseCodeClientError, __VA_ARGS__)

/* ---- What cannot be said ---- */

static bool is_hsm(uint32_t kty)
{
    return kty == KP_KTY_RSA_HSM || kty == KP_KTY_EC_HSM || kty == KP_KTY_OCT_HSM;
}

/* A curve of a key that has none is not looked at. */
static uint32_t curve_of(const struct kp_key_params *p)
{
    return kpc_plain_kty(p->kty) == KP_KTY_EC ? p->curve : KP_CURVE_NONE;
}

static kp_status check_tags(const struct kp_request *r, struct kp_error *reterr)
{
    const struct kp_key_params *p = r->params;
    if (!(p->set & KP_SET_TAGS))
        return KP_OK;
    for (uint32_t i = 0; i < p->n_tags; i++) {
        if (!kpb_utf8_is_valid(p->tags[i].name) || !kpb_utf8_is_valid(p->tags[i].value))
            return USAGE(reterr, "%s: tag %u is not UTF-8", kp_op_text(r->op), i);
    }
    return KP_OK;
}

/* PATCH leaves alone what it does not name, and null counts as not named. */
static kp_status check_dates(const struct kp_request *r, struct kp_error *reterr)
{
    const struct kp_key_params *p = r->params;
    bool clears = ((p->set & KP_SET_NOT_BEFORE) && p->not_before_unix_s == KP_TIME_NONE) ||
                  ((p->set & KP_SET_EXPIRES) && p->expires_unix_s == KP_TIME_NONE);
    if (r->op != KP_OP_UPDATE || !clears)
        return KP_OK;
    return kpb_fail_code(reterr, KP_UNSUPPORTED, KP_CODE_scp_err_NotSupported,
                         "update: a vault takes no date of a key back; set another one, or make a "
                         "new version");
}

static bool is_kty(uint32_t kty)
{
    return kty != KP_KTY_NONE && kp_kty_text(kty)[0] != '?';
}

static kp_status check_params(enum azr_body kind, const struct kp_request *r,
                              struct kp_error *reterr)
{
    const struct kp_key_params *p = r->params;
    if (!p)
        return USAGE(reterr, "%s: params is NULL", kp_op_text(r->op));
    if (kind != AZR_BODY_UPDATE && !is_kty(p->kty))
        return USAGE(reterr, "%s: kty %u is no key type", kp_op_text(r->op), p->kty);
    if (kind != AZR_BODY_UPDATE && curve_of(p) != KP_CURVE_NONE && kpc_curve_bits(p->curve) == 0)
        return USAGE(reterr, "%s: curve %u is no curve", kp_op_text(r->op), p->curve);
    if (r->op == KP_OP_IMPORT_BYOK && p->key_hsm.len == 0)
        return USAGE(reterr, "import_byok: key_hsm, the transfer blob, is empty");
    if (p->public_exponent > INT64_MAX)
        return USAGE(reterr, "%s: public_exponent is out of range", kp_op_text(r->op));
    kp_status st = check_tags(r, reterr);
    return st == KP_OK ? check_dates(r, reterr) : st;
}

/* The HSM makes the IV of AES-GCM; one of ours would be refused, or used twice. */
static kp_status check_crypt(const struct kp_request *r, struct kp_error *reterr)
{
    if (!kpc_alg_serves(r->alg, r->op))
        return USAGE(reterr, "%s: algorithm %s is none for it", kp_op_text(r->op),
                     kp_alg_text(r->alg));
    if (r->op == KP_OP_ENCRYPT && kp_alg_family_of(r->alg) == KP_FAMILY_AES_GCM && r->iv.len > 0)
        return USAGE(reterr, "encrypt: the HSM makes the iv of %s itself; leave it empty",
                     kp_alg_text(r->alg));
    return KP_OK;
}

static kp_status check_release(const struct kp_request *r, struct kp_error *reterr)
{
    if (r->value.len == 0)
        return USAGE(reterr, "release: value, the attestation token, is empty");
    if (!kpb_utf8_is_valid(r->value) || !kpb_utf8_is_valid(r->nonce) || !kpb_utf8_is_valid(r->enc))
        return USAGE(reterr, "release: value, nonce or enc is not UTF-8");
    return KP_OK;
}

static bool is_duration(kp_span text)
{
    struct kpb_duration duration;
    return kpb_duration_parse(text, &duration) == KP_OK;
}

static kp_status check_policy(const struct kp_request *r, struct kp_error *reterr)
{
    const struct kp_rotation_policy *p = r->policy;
    if (!p || p->n_rules > KP_ROTATION_ACTIONS_MAX)
        return USAGE(reterr, "set_rotation_policy: policy is NULL or has too many rules");
    for (uint32_t i = 0; i < p->n_rules; i++) {
        if (!is_duration(p->rules[i].duration))
            return USAGE(reterr, "set_rotation_policy: rule %u: not a duration such as P90D", i);
    }
    if (p->expiry.len > 0 && !is_duration(p->expiry))
        return USAGE(reterr, "set_rotation_policy: expiry is not a duration such as P2Y");
    return KP_OK;
}

kp_status azr_body_check(enum azr_body kind, const struct kp_request *request,
                         struct kp_error *reterr)
{
    switch (kind) {
    case AZR_BODY_CREATE:
    case AZR_BODY_IMPORT:
    case AZR_BODY_UPDATE:
        return check_params(kind, request, reterr);
    case AZR_BODY_CRYPT:
    case AZR_BODY_VERIFY:
        return check_crypt(request, reterr);
    case AZR_BODY_RELEASE:
        return check_release(request, reterr);
    case AZR_BODY_POLICY:
        return check_policy(request, reterr);
    default:
        return KP_OK;
    }
}

/* ---- What keys share ---- */

static void write_bytes(struct azr_json_out *out, const char *name, kp_span bytes)
{
    if (bytes.len > 0)
        azr_json_base64url(out, name, bytes);
}

static void write_key_ops(struct azr_json_out *out, const struct kp_key_params *p)
{
    if (!(p->set & KP_SET_KEY_OPS))
        return;
    azr_json_open(out, "key_ops", '[');
    for (uint32_t bit = 1; bit <= KP_KEY_OP_DERIVE; bit <<= 1) {
        if (p->key_ops & bit)
            azr_json_text(out, NULL, kpb_span_str(kp_key_op_text(bit)));
    }
    azr_json_close(out, ']');
}

static void write_time(struct azr_json_out *out, const char *name, int64_t unix_s)
{
    if (unix_s != KP_TIME_NONE)
        azr_json_integer_out(out, name, unix_s);
}

/* {"enabled":true,"nbf":1735689600,"exp":1893456000,"exportable":true} */
static void write_attributes(struct azr_json_out *out, const struct kp_key_params *p)
{
    if (!(p->set & (KP_SET_ENABLED | KP_SET_NOT_BEFORE | KP_SET_EXPIRES | KP_SET_EXPORTABLE)))
        return;
    azr_json_open(out, "attributes", '{');
    if (p->set & KP_SET_ENABLED)
        azr_json_bool(out, "enabled", (p->flags & KP_KEY_ENABLED) != 0);
    if (p->set & KP_SET_NOT_BEFORE)
        write_time(out, "nbf", p->not_before_unix_s);
    if (p->set & KP_SET_EXPIRES)
        write_time(out, "exp", p->expires_unix_s);
    if (p->set & KP_SET_EXPORTABLE)
        azr_json_bool(out, "exportable", (p->flags & KP_KEY_EXPORTABLE) != 0);
    azr_json_close(out, '}');
}

static void write_tags(struct azr_json_out *out, const struct kp_key_params *p)
{
    if (!(p->set & KP_SET_TAGS))
        return;
    azr_json_open(out, "tags", '{');
    for (uint32_t i = 0; i < p->n_tags; i++)
        azr_json_pair(out, p->tags[i].name, p->tags[i].value);
    azr_json_close(out, '}');
}

/* {"data":"BASE64URL of the policy's JSON text"} */
static void write_release_policy(struct azr_json_out *out, const struct kp_key_params *p)
{
    if (!(p->set & KP_SET_RELEASE_POLICY))
        return;
    azr_json_open(out, "release_policy", '{');
    azr_json_base64url(out, "data", p->release_policy);
    azr_json_close(out, '}');
}

static void write_common(struct azr_json_out *out, const struct kp_key_params *p)
{
    write_attributes(out, p);
    write_tags(out, p);
    write_release_policy(out, p);
}

/* ---- Making and changing keys ---- */

/* A size that is not given: 2048 is the service's own for RSA; for oct keys it has none. */
static uint32_t key_size(const struct kp_key_params *p)
{
    if (p->bits == 0 && kpc_plain_kty(p->kty) == KP_KTY_OCT)
        return 256;
    return p->bits;
}

/*
 * POST /keys/NAME/create
 * {"kty":"RSA-HSM","key_size":3072,"key_ops":["wrapKey","unwrapKey"],"attributes":{...},"tags":{}}
 */
static void write_create(struct azr_json_out *out, const struct kp_key_params *p)
{
    azr_json_text(out, "kty", kpb_span_str(kp_kty_text(p->kty)));
    if (key_size(p) > 0 && curve_of(p) == KP_CURVE_NONE)
        azr_json_integer_out(out, "key_size", key_size(p));
    if (p->public_exponent > 0)
        azr_json_integer_out(out, "public_exponent", (int64_t)p->public_exponent);
    if (curve_of(p) != KP_CURVE_NONE)
        azr_json_text(out, "crv", kpb_span_str(kp_curve_text(p->curve)));
    write_key_ops(out, p);
    write_common(out, p);
}

/* An integer of an RSA key, without leading zeros. */
static void write_number(struct azr_json_out *out, const char *name, kp_span bytes)
{
    while (bytes.len > 1 && bytes.ptr[0] == 0)
        bytes = kpb_span(bytes.ptr + 1, bytes.len - 1);
    write_bytes(out, name, bytes);
}

/* A coordinate or scalar of a curve has as many bytes as the curve says, leading zeros with it. */
static void write_coordinate(struct azr_json_out *out, const char *name, kp_span bytes,
                             uint32_t curve)
{
    uint8_t whole[66] = {0};
    size_t len = kpc_curve_coord_len(curve);
    if (bytes.len == 0)
        return;
    if (len == 0 || len > sizeof whole || bytes.len >= len) {
        write_bytes(out, name, bytes);
        return;
    }
    memcpy(whole + (len - bytes.len), bytes.ptr, bytes.len);
    write_bytes(out, name, kpb_span(whole, len));
    kpb_wipe(whole, sizeof whole);
}

static void write_private_parts(struct azr_json_out *out, const struct kp_key_params *p)
{
    if (curve_of(p) != KP_CURVE_NONE)
        write_coordinate(out, "d", p->d, p->curve);
    else
        write_number(out, "d", p->d);
    write_number(out, "p", p->p);
    write_number(out, "q", p->q);
    write_number(out, "dp", p->dp);
    write_number(out, "dq", p->dq);
    write_number(out, "qi", p->qi);
    write_bytes(out, "k", p->k);
    write_bytes(out, "key_hsm", p->key_hsm);
}

static void write_jwk(struct azr_json_out *out, const struct kp_key_params *p)
{
    azr_json_open(out, "key", '{');
    azr_json_text(out, "kty", kpb_span_str(kp_kty_text(p->kty)));
    if (curve_of(p) != KP_CURVE_NONE)
        azr_json_text(out, "crv", kpb_span_str(kp_curve_text(p->curve)));
    write_key_ops(out, p);
    write_number(out, "n", p->n);
    write_number(out, "e", p->e);
    write_coordinate(out, "x", p->x, p->curve);
    write_coordinate(out, "y", p->y, p->curve);
    write_private_parts(out, p);
    azr_json_close(out, '}');
}

/*
 * PUT /keys/NAME
 * {"Hsm":true,"key":{"kty":"RSA-HSM","n":"...","e":"AQAB","d":"..."},"attributes":{...}}
 * A transfer blob: {"Hsm":true,"key":{"kty":"RSA-HSM","key_hsm":"BASE64URL of the .byok file"}}
 */
static void write_import(struct azr_json_out *out, const struct kp_key_params *p)
{
    if (is_hsm(p->kty))
        azr_json_bool(out, "Hsm", true);
    write_jwk(out, p);
    write_common(out, p);
}

/*
 * PATCH /keys/NAME/VERSION
 * {"key_ops":["verify"],"attributes":{"enabled":false},"tags":{"a":"b"}}
 */
static void write_update(struct azr_json_out *out, const struct kp_key_params *p)
{
    write_key_ops(out, p);
    write_common(out, p);
}

/* ---- Using keys ---- */

/*
 * POST /keys/NAME/VERSION/wrapkey, unwrapkey, encrypt, decrypt, sign (value: the digest)
 * {"alg":"A256GCM","value":"BASE64URL","iv":"...","aad":"...","tag":"..."}
 */
static void write_crypt(struct azr_json_out *out, const struct kp_request *r)
{
    azr_json_text(out, "alg", kpb_span_str(kp_alg_text(r->alg)));
    azr_json_base64url(out, "value", r->value);
    if (r->op == KP_OP_SIGN)
        return;
    write_bytes(out, "iv", r->iv);
    write_bytes(out, "aad", r->aad);
    write_bytes(out, "tag", r->tag);
}

/*
 * POST /keys/NAME/VERSION/verify
 * {"alg":"ES256","digest":"BASE64URL","value":"BASE64URL of the signature"}
 */
static void write_verify(struct azr_json_out *out, const struct kp_request *r)
{
    azr_json_text(out, "alg", kpb_span_str(kp_alg_text(r->alg)));
    azr_json_base64url(out, "digest", r->value);
    azr_json_base64url(out, "value", r->signature);
}

/*
 * POST /keys/NAME/VERSION/release
 * {"target":"ATTESTATION JWT","nonce":"...","enc":"CKM_RSA_AES_KEY_WRAP"}
 */
static void write_release(struct azr_json_out *out, const struct kp_request *r)
{
    azr_json_text(out, "target", r->value);
    if (r->nonce.len > 0)
        azr_json_text(out, "nonce", r->nonce);
    if (r->enc.len > 0)
        azr_json_text(out, "enc", r->enc);
}

/* ---- Rotation ---- */

static void write_rule(struct azr_json_out *out, const struct kp_rotation_rule *rule)
{
    bool is_before = rule->trigger == KP_TRIGGER_BEFORE_EXPIRY;
    azr_json_open(out, NULL, '{');
    azr_json_open(out, "trigger", '{');
    azr_json_text(out, is_before ? "timeBeforeExpiry" : "timeAfterCreate", rule->duration);
    azr_json_close(out, '}');
    azr_json_open(out, "action", '{');
    azr_json_text(out, "type",
                  kpb_span_str(rule->action == KP_ROTATION_ROTATE ? "Rotate" : "Notify"));
    azr_json_close(out, '}');
    azr_json_close(out, '}');
}

/*
 * PUT /keys/NAME/rotationpolicy
 * {"lifetimeActions":[{"trigger":{"timeAfterCreate":"P90D"},"action":{"type":"Rotate"}}],
 *  "attributes":{"expiryTime":"P2Y"}}
 * Both members empty: the policy is taken away.
 */
static void write_policy(struct azr_json_out *out, const struct kp_rotation_policy *policy)
{
    azr_json_open(out, "lifetimeActions", '[');
    for (uint32_t i = 0; i < policy->n_rules; i++)
        write_rule(out, &policy->rules[i]);
    azr_json_close(out, ']');
    azr_json_open(out, "attributes", '{');
    if (policy->expiry.len > 0)
        azr_json_text(out, "expiryTime", policy->expiry);
    azr_json_close(out, '}');
}

/* ---- The whole ---- */

static void write_members(struct azr_json_out *out, enum azr_body kind, const struct kp_request *r)
{
    switch (kind) {
    case AZR_BODY_CREATE:
        write_create(out, r->params);
        break;
    case AZR_BODY_IMPORT:
        write_import(out, r->params);
        break;
    case AZR_BODY_UPDATE:
        write_update(out, r->params);
        break;
    case AZR_BODY_BLOB: /* POST /keys/restore {"value":"BASE64URL"} */
        azr_json_base64url(out, "value", r->value);
        break;
    case AZR_BODY_VERIFY:
        write_verify(out, r);
        break;
    case AZR_BODY_RELEASE:
        write_release(out, r);
        break;
    case AZR_BODY_RANDOM: /* POST /rng {"count":16} */
        azr_json_integer_out(out, "count", r->count);
        break;
    case AZR_BODY_POLICY:
        write_policy(out, r->policy);
        break;
    default:
        write_crypt(out, r);
        break;
    }
}

#define FRAME_LEN 192u /* brackets, names, alg and the like of a body with a payload */

/* So that the bodies of operations with keys are written without growing. */
static size_t room_for(const struct kp_request *r, size_t body_limit)
{
    size_t bytes = r->value.len + r->signature.len + r->iv.len + r->aad.len + r->tag.len;
    return bytes > body_limit ? FRAME_LEN : bytes / 3 * 4 + FRAME_LEN;
}

kp_status azr_body_write(enum azr_body kind, const struct kp_request *request, kp_buf *body)
{
    struct azr_json_out out;
    kp_buf_reset(body);
    if (kind == AZR_BODY_NONE)
        return KP_OK;
    kp_status st = kp_buf_reserve(body, room_for(request, body->limit));
    if (st != KP_OK)
        return st;
    azr_json_begin(&out, body);
    azr_json_open(&out, NULL, '{');
    write_members(&out, kind, request);
    azr_json_close(&out, '}');
    return out.status;
}
