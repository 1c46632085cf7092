#include "plugins/azure-rest/answer.h"

#include <string.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/json_pairs.h"
#include "plugins/azure-rest/kid.h"
#include "plugins/azure-rest/page.h"

#define SITE "azure-rest.answer"

/* ---- Life ---- */

void azr_answer_init(struct azr_answer *answer)
{
    kp_buf_init_secret(&answer->bytes, SITE, AZR_REPLY_MAX_LEN + AZR_PAGE_TOKEN_MAX_LEN);
}

void azr_answer_reset(struct azr_answer *answer)
{
    memset(&answer->reply, 0, sizeof answer->reply);
    answer->reply.struct_size = sizeof answer->reply;
    answer->n_tags = 0;
    kp_buf_reset(&answer->bytes);
}

void azr_answer_clear(struct azr_answer *answer)
{
    kp_buf_clear(&answer->bytes);
}

/* ---- Numbers of failures, by operation ---- */

/* 0: the operation has no number of its own for it. */
static const struct {
    uint32_t parse;
    uint32_t value;
    uint32_t decode;
} CODES[KP_OP_MAX + 1] = {
    [KP_OP_GET_KEY] = {KP_CODE_ErrorGetKeyByNameJsonParser, 0, 0},
    [KP_OP_WRAP] = {KP_CODE_ErrorWrapKeyJsonParser, KP_CODE_ErrorWrapKeyExtractValue,
                    KP_CODE_ErrorWrapKeyBase64DecodeValue},
    [KP_OP_ENCRYPT] = {KP_CODE_ErrorWrapKeyJsonParser, KP_CODE_ErrorWrapKeyExtractValue,
                       KP_CODE_ErrorWrapKeyBase64DecodeValue},
    [KP_OP_UNWRAP] = {KP_CODE_ErrorUnwrapKeyJsonParser, KP_CODE_ErrorUnwrapKeyExtractValue,
                      KP_CODE_ErrorUnwrapKeyBase64DecodeValue},
    [KP_OP_DECRYPT] = {KP_CODE_ErrorUnwrapKeyJsonParser, KP_CODE_ErrorUnwrapKeyExtractValue,
                       KP_CODE_ErrorUnwrapKeyBase64DecodeValue},
    [KP_OP_BACKUP] = {KP_CODE_ErrorBackupKeyJsonParser, KP_CODE_ErrorBackupKeyExtractValue,
                      KP_CODE_ErrorBackupKeyBase64DecodeValue},
};

/* One reading of one body. */
struct reading {
    const char *base;
    const struct kp_request *request;
    struct azr_answer *answer;
    struct kp_error *err;
};

static kp_status refuse(const struct reading *r, uint32_t code, const char *what)
{
    kp_status st = kpb_fail_code(r->err, KP_PROTOCOL, code, "the vault's answer to %s %s",
                                 kp_op_text(r->request->op), what);
    if (r->err)
        r->err->exposure = KP_ANSWERED;
    return st;
}

static kp_status refuse_identity(const struct reading *r, const char *what)
{
    kp_status st = kpb_fail(r->err, KP_INTEGRITY, "the vault's answer to %s %s; it is not used",
                            kp_op_text(r->request->op), what);
    if (r->err)
        r->err->exposure = KP_ANSWERED;
    return st;
}

static kp_status out_of_memory(const struct reading *r)
{
    kp_status st = kpb_fail_memory(r->err, SITE);
    if (r->err)
        r->err->exposure = KP_ANSWERED;
    return st;
}

/* ---- Keeping what is read ---- */

/* Room for all that a body of this length can hold was reserved: spans stay where they are. */
static kp_span kept_from(const struct reading *r, size_t from)
{
    const kp_buf *bytes = &r->answer->bytes;
    return kpb_span(bytes->ptr + from, bytes->len - from);
}

/* Absent and null read as empty. */
static kp_status keep_text(const struct reading *r, struct azr_json value, kp_span *ret)
{
    size_t from = r->answer->bytes.len;
    if (value.type == AZR_JSON_NONE || value.type == AZR_JSON_NULL)
        return KP_OK;
    kp_status st = azr_json_string(value, &r->answer->bytes);
    if (st == KP_PROTOCOL)
        return refuse(r, CODES[r->request->op].value, "holds something else where text belongs");
    if (st != KP_OK)
        return out_of_memory(r);
    *ret = kept_from(r, from);
    return KP_OK;
}

static kp_status keep_base64(const struct reading *r, struct azr_json value, uint32_t code,
                             kp_span *ret)
{
    size_t from = r->answer->bytes.len;
    kp_span text;
    if (value.type == AZR_JSON_NONE || value.type == AZR_JSON_NULL)
        return KP_OK;
    kp_status st = azr_json_plain(value, &text)
                       ? kpb_base64url_decode(text, &r->answer->bytes)
                       : KP_PROTOCOL;
    if (st == KP_PROTOCOL)
        return refuse(r, code, "holds something that is not base64url");
    if (st != KP_OK)
        return out_of_memory(r);
    *ret = kept_from(r, from);
    return KP_OK;
}

static int64_t read_time(struct azr_json object, const char *name)
{
    int64_t value;
    return azr_json_integer(azr_json_member(object, name), &value) ? value : KP_TIME_NONE;
}

/* ---- Key identifiers ---- */

/* The kid of an answer, checked against what was asked for. */
static kp_status take_kid(const struct reading *r, struct azr_json value, kp_span *ret_kid,
                          struct azr_kid *ret)
{
    const struct kp_request *request = r->request;
    kp_status st = keep_text(r, value, ret_kid);
    if (st != KP_OK)
        return st;
    if (!azr_kid_parse(*ret_kid, ret))
        return refuse(r, KP_CODE_ErrorGetKeyByNameExtractKeyId, "names no key (kid)");
    if (request->name.len > 0 && !kpb_span_eq_nocase(ret->name, request->name))
        return refuse_identity(r, "is about another key");
    if (request->version.len > 0 && ret->version.len > 0 &&
        !kpb_span_eq(ret->version, request->version))
        return refuse_identity(r, "is about another version of the key");
    return KP_OK;
}

/* ---- Keys ---- */

static uint32_t read_key_ops(struct azr_json array)
{
    uint32_t ops = 0;
    for (size_t i = 0; i < 32; i++) {
        kp_span text;
        struct azr_json element = azr_json_element(array, i);
        if (element.type == AZR_JSON_NONE)
            break;
        if (azr_json_plain(element, &text))
            ops |= kp_key_op_from_text(text);
    }
    return ops;
}

static uint32_t bits_of(kp_span number)
{
    size_t i = 0;
    while (i < number.len && number.ptr[i] == 0)
        i++;
    if (i == number.len)
        return 0;
    uint32_t bits = (uint32_t)(number.len - i) * 8;
    for (uint8_t top = number.ptr[i]; !(top & 0x80); top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

static uint32_t curve_bits(uint32_t curve)
{
    switch (curve) {
#define XX(symbol, number, text, bits, coord_len)                                                  \
    case KP_CURVE_##symbol:                                                                        \
        return (bits);
        KP_CURVE_MAP(XX)
#undef XX
    default:
        return 0;
    }
}

/* An integer without leading zeros: a service may send them, and a comparison must not see them. */
static kp_span minimal(kp_span number)
{
    while (number.len > 1 && number.ptr[0] == 0)
        number = kpb_span(number.ptr + 1, number.len - 1);
    return number;
}

static bool is_rsa(uint32_t kty)
{
    return kty == KP_KTY_RSA || kty == KP_KTY_RSA_HSM;
}

static kp_status read_rsa(const struct reading *r, struct azr_json jwk, struct kp_key_info *info)
{
    kp_status st = keep_base64(r, azr_json_member(jwk, "n"),
                               KP_CODE_ErrorGetKeyByNameBase64DecodeN, &info->n);
    if (st == KP_OK)
        st = keep_base64(r, azr_json_member(jwk, "e"), KP_CODE_ErrorGetKeyByNameBase64DecodeE,
                         &info->e);
    if (st != KP_OK)
        return st;
    if (info->n.len == 0)
        return refuse(r, KP_CODE_ErrorGetKeyByNameExtractKeyN, "lacks the modulus (n)");
    if (info->e.len == 0)
        return refuse(r, KP_CODE_ErrorGetKeyByNameExtractKeyE, "lacks the exponent (e)");
    info->n = minimal(info->n);
    info->e = minimal(info->e);
    info->bits = bits_of(info->n);
    return KP_OK;
}

static kp_status read_point(const struct reading *r, struct azr_json jwk, struct kp_key_info *info)
{
    kp_span crv = {NULL, 0};
    kp_status st = keep_text(r, azr_json_member(jwk, "crv"), &crv);
    if (st == KP_OK)
        st = keep_base64(r, azr_json_member(jwk, "x"), 0, &info->x);
    if (st == KP_OK)
        st = keep_base64(r, azr_json_member(jwk, "y"), 0, &info->y);
    info->curve = kp_curve_from_text(crv);
    info->bits = curve_bits(info->curve);
    return st;
}

static kp_status read_jwk(const struct reading *r, struct azr_json jwk, struct kp_key_info *info)
{
    kp_span kty = {NULL, 0};
    kp_status st = keep_text(r, azr_json_member(jwk, "kty"), &kty);
    if (st != KP_OK)
        return st;
    info->kty = kp_kty_from_text(kty);
    if (info->kty == KP_KTY_NONE)
        return refuse(r, KP_CODE_ErrorGetKeyByNameExtractKeyType,
                      "holds a key of a type (kty) that is not known here");
    info->key_ops = read_key_ops(azr_json_member(jwk, "key_ops"));
    if (is_rsa(info->kty))
        return read_rsa(r, jwk, info);
    if (info->kty == KP_KTY_EC || info->kty == KP_KTY_EC_HSM)
        return read_point(r, jwk, info);
    return KP_OK;
}

static kp_status read_tags(const struct reading *r, struct azr_json tags, struct kp_key_info *info)
{
    struct azr_answer *answer = r->answer;
    info->tags = &answer->tags[answer->n_tags];
    for (size_t i = 0; i < KP_TAGS_MAX && answer->n_tags < AZR_TAGS_ALL; i++) {
        struct azr_json name;
        struct azr_json value;
        if (!azr_json_pair_at(tags, i, &name, &value))
            break;
        struct kp_tag *tag = &answer->tags[answer->n_tags];
        memset(tag, 0, sizeof *tag);
        kp_status st = keep_text(r, name, &tag->name);
        if (st == KP_OK)
            st = keep_text(r, value, &tag->value);
        if (st != KP_OK)
            return st;
        answer->n_tags++;
        info->n_tags++;
    }
    return KP_OK;
}

static kp_status read_attributes(const struct reading *r, struct azr_json object,
                                 struct kp_key_info *info)
{
    int64_t days = 0;
    int64_t bits = 0;
    if (azr_json_member(object, "enabled").type == AZR_JSON_TRUE)
        info->flags |= KP_KEY_ENABLED;
    if (azr_json_member(object, "exportable").type == AZR_JSON_TRUE)
        info->flags |= KP_KEY_EXPORTABLE;
    info->not_before_unix_s = read_time(object, "nbf");
    info->expires_unix_s = read_time(object, "exp");
    info->created_unix_s = read_time(object, "created");
    info->updated_unix_s = read_time(object, "updated");
    if (azr_json_integer(azr_json_member(object, "recoverableDays"), &days) && days > 0 &&
        days <= INT32_MAX)
        info->recoverable_days = (int32_t)days;
    if (info->bits == 0 && azr_json_integer(azr_json_member(object, "key_size"), &bits) &&
        bits > 0 && bits <= UINT16_MAX)
        info->bits = (uint32_t)bits;
    kp_status st = keep_text(r, azr_json_member(object, "recoveryLevel"), &info->recovery_level);
    if (st == KP_OK)
        st = keep_text(r, azr_json_member(object, "hsmPlatform"), &info->hsm_platform);
    return st;
}

/* What a bundle and a list's item have in common. */
static kp_status read_item(const struct reading *r, struct azr_json object,
                           struct kp_key_info *info)
{
    if (azr_json_member(object, "managed").type == AZR_JSON_TRUE)
        info->flags |= KP_KEY_MANAGED;
    info->deleted_unix_s = read_time(object, "deletedDate");
    info->scheduled_purge_unix_s = read_time(object, "scheduledPurgeDate");
    kp_status st = read_attributes(r, azr_json_member(object, "attributes"), info);
    if (st == KP_OK)
        st = keep_text(r, azr_json_member(object, "recoveryId"), &info->recovery_id);
    if (st == KP_OK)
        st = read_tags(r, azr_json_member(object, "tags"), info);
    if (st == KP_OK)
        st = keep_base64(r, azr_json_member(azr_json_member(object, "release_policy"), "data"), 0,
                         &info->release_policy);
    return st;
}

static kp_status take_names(const struct reading *r, struct azr_json kid, struct kp_key_info *info)
{
    struct azr_kid parts;
    kp_status st = take_kid(r, kid, &info->kid, &parts);
    if (st != KP_OK)
        return st;
    info->name = parts.name;
    info->version = parts.version;
    return KP_OK;
}

static kp_status read_bundle(const struct reading *r, struct azr_json body)
{
    struct kp_key_info *info = &r->answer->infos[0];
    struct kp_reply *reply = &r->answer->reply;
    struct azr_json jwk = azr_json_member(body, "key");
    memset(info, 0, sizeof *info);
    info->struct_size = sizeof *info;
    if (jwk.type != AZR_JSON_OBJECT)
        return refuse(r, KP_CODE_ErrorGetKeyByNameExtractKeyNode, "lacks the key");
    kp_status st = take_names(r, azr_json_member(jwk, "kid"), info);
    if (st == KP_OK)
        st = read_jwk(r, jwk, info);
    if (st == KP_OK)
        st = read_item(r, body, info);
    if (st != KP_OK)
        return st;
    if (info->version.len == 0)
        return refuse(r, KP_CODE_ErrorGetKeyByNameExtractKeyUri, "names no version of the key");
    reply->key = info;
    reply->name = info->name;
    reply->version = info->version;
    reply->kid = info->kid;
    return KP_OK;
}

/* ---- Lists ---- */

static kp_status read_items(const struct reading *r, struct azr_json items)
{
    struct azr_answer *answer = r->answer;
    uint32_t n = 0;
    for (; n < KP_PAGE_MAX; n++) {
        struct azr_json item = azr_json_element(items, n);
        struct kp_key_info *info = &answer->infos[n];
        if (item.type == AZR_JSON_NONE)
            break;
        memset(info, 0, sizeof *info);
        info->struct_size = sizeof *info;
        kp_status st = take_names(r, azr_json_member(item, "kid"), info);
        if (st == KP_OK)
            st = read_item(r, item, info);
        if (st != KP_OK)
            return st;
        answer->keys[n] = info;
    }
    if (n == KP_PAGE_MAX && azr_json_element(items, n).type != AZR_JSON_NONE)
        return refuse(r, 0, "holds more keys than a page has room for");
    answer->reply.keys = answer->keys;
    answer->reply.n_keys = n;
    return KP_OK;
}

static kp_status read_next_page(const struct reading *r, struct azr_json link)
{
    struct azr_answer *answer = r->answer;
    struct azr_page page;
    kp_span text = {NULL, 0};
    char path[16 + KP_KEY_NAME_MAX_LEN + 16];
    kp_status st = keep_text(r, link, &text);
    if (st != KP_OK || text.len == 0)
        return st;
    size_t from = answer->bytes.len;
    azr_page_collection(r->request, path, sizeof path);
    st = azr_page_read(r->request->page_token, &page, r->err);
    if (st == KP_OK)
        st = azr_page_next(r->base, kpb_span_str(path), &page, text, &answer->bytes, r->err);
    if (st == KP_OK)
        answer->reply.next_page = kept_from(r, from);
    return st;
}

static kp_status read_list(const struct reading *r, struct azr_json body)
{
    struct azr_json items = azr_json_member(body, "value");
    if (items.type != AZR_JSON_ARRAY && items.type != AZR_JSON_NULL)
        return refuse(r, 0, "lacks the list of keys (value)");
    kp_status st = read_items(r, items);
    return st == KP_OK ? read_next_page(r, azr_json_member(body, "nextLink")) : st;
}

/* ---- Operations with a key ---- */

static kp_status read_result(const struct reading *r, struct azr_json body)
{
    struct kp_reply *reply = &r->answer->reply;
    uint32_t decode = CODES[r->request->op].decode;
    struct azr_kid kid;
    reply->alg = r->request->alg;
    kp_status st = take_kid(r, azr_json_member(body, "kid"), &reply->kid, &kid);
    if (st != KP_OK)
        return st;
    if (kid.version.len == 0)
        return refuse(r, CODES[r->request->op].value, "does not say which version did the work");
    reply->name = kid.name;
    reply->version = kid.version;
    st = keep_base64(r, azr_json_member(body, "value"), decode, &reply->value);
    if (st == KP_OK)
        st = keep_base64(r, azr_json_member(body, "iv"), decode, &reply->iv);
    if (st == KP_OK)
        st = keep_base64(r, azr_json_member(body, "tag"), decode, &reply->tag);
    if (st == KP_OK)
        st = keep_base64(r, azr_json_member(body, "aad"), decode, &reply->aad);
    if (st == KP_OK && azr_json_member(body, "value").type != AZR_JSON_STRING)
        st = refuse(r, CODES[r->request->op].value, "lacks the value");
    return st;
}

/* A vault's answer has no kid: then the version is the one that was asked for. */
static kp_status read_verdict(const struct reading *r, struct azr_json body)
{
    struct kp_reply *reply = &r->answer->reply;
    struct azr_json verdict = azr_json_member(body, "value");
    struct azr_kid kid = {.name = r->request->name, .version = r->request->version};
    kp_status st = KP_OK;
    if (verdict.type != AZR_JSON_TRUE && verdict.type != AZR_JSON_FALSE)
        return refuse(r, 0, "does not say whether the signature is good");
    if (azr_json_member(body, "kid").type == AZR_JSON_STRING)
        st = take_kid(r, azr_json_member(body, "kid"), &reply->kid, &kid);
    if (st == KP_OK && kid.version.len == 0)
        st = refuse(r, 0, "does not say which version did the work");
    reply->alg = r->request->alg;
    reply->name = kid.name;
    reply->version = kid.version;
    reply->flags = verdict.type == AZR_JSON_TRUE ? KP_REPLY_VERIFIED : 0;
    return st;
}

static kp_status read_blob(const struct reading *r, struct azr_json body)
{
    struct azr_json value = azr_json_member(body, "value");
    if (value.type != AZR_JSON_STRING)
        return refuse(r, CODES[r->request->op].value, "lacks the value");
    return keep_base64(r, value, CODES[r->request->op].decode, &r->answer->reply.value);
}

static kp_status read_released(const struct reading *r, struct azr_json body)
{
    kp_status st = keep_text(r, azr_json_member(body, "value"), &r->answer->reply.value);
    if (st == KP_OK && r->answer->reply.value.len == 0)
        st = refuse(r, 0, "lacks the value");
    return st;
}

/* ---- Rotation policies ---- */

static kp_status read_rule(const struct reading *r, struct azr_json action,
                           struct kp_rotation_rule *rule)
{
    struct azr_json trigger = azr_json_member(action, "trigger");
    kp_span type = {NULL, 0};
    memset(rule, 0, sizeof *rule);
    kp_status st = keep_text(r, azr_json_member(azr_json_member(action, "action"), "type"), &type);
    if (st == KP_OK)
        st = keep_text(r, azr_json_member(trigger, "timeAfterCreate"), &rule->duration);
    rule->trigger = KP_TRIGGER_AFTER_CREATE;
    if (st == KP_OK && rule->duration.len == 0) {
        rule->trigger = KP_TRIGGER_BEFORE_EXPIRY;
        st = keep_text(r, azr_json_member(trigger, "timeBeforeExpiry"), &rule->duration);
    }
    rule->action = kpb_span_eq_nocase(type, kpb_span_str("Rotate")) ? KP_ROTATION_ROTATE
                                                                   : KP_ROTATION_NOTIFY;
    if (st == KP_OK && rule->action == KP_ROTATION_NOTIFY &&
        !kpb_span_eq_nocase(type, kpb_span_str("Notify")))
        st = refuse(r, 0, "holds a rule that is neither Rotate nor Notify");
    return st;
}

static kp_status read_policy(const struct reading *r, struct azr_json body)
{
    struct kp_rotation_policy *policy = &r->answer->policy;
    struct azr_json attributes = azr_json_member(body, "attributes");
    struct azr_json actions = azr_json_member(body, "lifetimeActions");
    kp_status st = KP_OK;
    memset(policy, 0, sizeof *policy);
    policy->struct_size = sizeof *policy;
    for (size_t i = 0; st == KP_OK && azr_json_element(actions, i).type == AZR_JSON_OBJECT; i++) {
        if (i == KP_ROTATION_ACTIONS_MAX)
            return refuse(r, 0, "holds more rules than a policy can have");
        st = read_rule(r, azr_json_element(actions, i), &policy->rules[policy->n_rules++]);
    }
    if (st == KP_OK)
        st = keep_text(r, azr_json_member(attributes, "expiryTime"), &policy->expiry);
    policy->created_unix_s = read_time(attributes, "created");
    policy->updated_unix_s = read_time(attributes, "updated");
    r->answer->reply.policy = policy;
    return st;
}

/* ---- The whole ---- */

typedef kp_status read_fn(const struct reading *r, struct azr_json body);

static read_fn *const READERS[KP_OP_MAX + 1] = {
    [KP_OP_GET_KEY] = read_bundle,
    [KP_OP_LIST_KEYS] = read_list,
    [KP_OP_LIST_VERSIONS] = read_list,
    [KP_OP_CREATE] = read_bundle,
    [KP_OP_IMPORT] = read_bundle,
    [KP_OP_UPDATE] = read_bundle,
    [KP_OP_DELETE] = read_bundle,
    [KP_OP_GET_DELETED] = read_bundle,
    [KP_OP_LIST_DELETED] = read_list,
    [KP_OP_RECOVER] = read_bundle,
    [KP_OP_BACKUP] = read_blob,
    [KP_OP_RESTORE] = read_bundle,
    [KP_OP_ROTATE] = read_bundle,
    [KP_OP_GET_ROTATION_POLICY] = read_policy,
    [KP_OP_SET_ROTATION_POLICY] = read_policy,
    [KP_OP_ENCRYPT] = read_result,
    [KP_OP_DECRYPT] = read_result,
    [KP_OP_WRAP] = read_result,
    [KP_OP_UNWRAP] = read_result,
    [KP_OP_SIGN] = read_result,
    [KP_OP_VERIFY] = read_verdict,
    [KP_OP_RANDOM] = read_blob,
    [KP_OP_RELEASE] = read_released,
};

kp_status azr_answer_read(const char *base, const struct kp_request *request, kp_span body,
                          struct azr_answer *answer, struct kp_error *reterr)
{
    const struct reading r = {base, request, answer, reterr};
    struct azr_json value;
    azr_answer_reset(answer);
    if (request->op == KP_OP_PURGE)
        return KP_OK;
    if (!azr_json_parse(body, &value) || value.type != AZR_JSON_OBJECT)
        return refuse(&r, CODES[request->op].parse, "is not JSON");
    if (body.len > AZR_REPLY_MAX_LEN)
        return refuse(&r, CODES[request->op].parse, "is too long");
    if (kp_buf_reserve(&answer->bytes, body.len + AZR_PAGE_TOKEN_MAX_LEN) != KP_OK)
        return out_of_memory(&r);
    return READERS[request->op](&r, value);
}
