/* Answers that are keys, one or a page of them. */
#include <string.h>

#include "base/span.h"
#include "crypto/algs.h"
#include "plugins/azure-rest/answer_parts.h"
#include "plugins/azure-rest/json_pairs.h"
#include "plugins/azure-rest/page.h"

#define KEY_OPS_MAX 64u /* entries of key_ops looked at */

/* ---- The public key ---- */

static uint32_t bits_of(kp_span number)
{
    uint32_t bits = (uint32_t)number.len * 8;
    if (number.len == 0 || number.ptr[0] == 0)
        return 0;
    for (uint8_t top = number.ptr[0]; !(top & 0x80); top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

/* An integer without leading zeros: the service may send them, and a comparison must not see
 * them. */
static kp_span minimal(kp_span number)
{
    while (number.len > 1 && number.ptr[0] == 0)
        number = kpb_span(number.ptr + 1, number.len - 1);
    return number;
}

static kp_status read_rsa(const struct azr_reading *r, struct azr_json jwk,
                          struct kp_key_info *info)
{
    kp_status st = azr_keep_base64(r, azr_json_member(jwk, "n"),
                                   KP_CODE_ErrorGetKeyByNameBase64DecodeN, &info->n);
    if (st == KP_OK)
        st = azr_keep_base64(r, azr_json_member(jwk, "e"), KP_CODE_ErrorGetKeyByNameBase64DecodeE,
                             &info->e);
    if (st != KP_OK)
        return st;
    if (info->n.len == 0)
        return azr_refuse(r, KP_CODE_ErrorGetKeyByNameExtractKeyN, "lacks the modulus (n)");
    if (info->e.len == 0)
        return azr_refuse(r, KP_CODE_ErrorGetKeyByNameExtractKeyE, "lacks the exponent (e)");
    info->n = minimal(info->n);
    info->e = minimal(info->e);
    info->bits = bits_of(info->n);
    return KP_OK;
}

/* Gives a coordinate the length of its curve, whatever zeros the service left out or added. */
static kp_status widen(const struct azr_reading *r, size_t len, kp_span *coordinate)
{
    uint8_t *room = NULL;
    kp_span least = minimal(*coordinate);
    if (len == 0 || coordinate->len == len)
        return KP_OK;
    if (least.len > len || least.len == 0)
        return azr_refuse_fault(r, AZR_FAULT_NOT_BASE64, "holds a point (x, y) not of its curve");
    kp_status st = azr_keep_room(r, len, &room);
    if (st != KP_OK)
        return st;
    memcpy(room + (len - least.len), least.ptr, least.len);
    *coordinate = kpb_span(room, len);
    return KP_OK;
}

static kp_status read_point(const struct azr_reading *r, struct azr_json jwk,
                            struct kp_key_info *info)
{
    kp_span crv = {NULL, 0};
    uint32_t code = azr_fault_code(r->request->op, AZR_FAULT_NOT_BASE64);
    kp_status st = azr_keep_text(r, azr_json_member(jwk, "crv"), &crv);
    if (st == KP_OK)
        st = azr_keep_base64(r, azr_json_member(jwk, "x"), code, &info->x);
    if (st == KP_OK)
        st = azr_keep_base64(r, azr_json_member(jwk, "y"), code, &info->y);
    info->curve = kp_curve_from_text(crv);
    info->bits = kpc_curve_bits(info->curve);
    if (st == KP_OK)
        st = widen(r, kpc_curve_coord_len(info->curve), &info->x);
    return st == KP_OK ? widen(r, kpc_curve_coord_len(info->curve), &info->y) : st;
}

static uint32_t read_key_ops(struct azr_json array)
{
    uint32_t ops = 0;
    for (size_t i = 0; i < KEY_OPS_MAX; i++) {
        kp_span text;
        struct azr_json element = azr_json_element(array, i);
        if (element.type == AZR_JSON_NONE)
            break;
        if (azr_json_plain(element, &text))
            ops |= kp_key_op_from_text(text);
    }
    return ops;
}

static kp_status read_jwk(const struct azr_reading *r, struct azr_json jwk,
                          struct kp_key_info *info)
{
    kp_span kty = {NULL, 0};
    kp_status st = azr_keep_text(r, azr_json_member(jwk, "kty"), &kty);
    if (st != KP_OK)
        return st;
    if (kty.len == 0)
        return azr_refuse(r, KP_CODE_ErrorGetKeyByNameExtractKeyType, "lacks the key type (kty)");
    info->kty = kp_kty_from_text(kty);
    info->key_ops = read_key_ops(azr_json_member(jwk, "key_ops"));
    if (kpc_plain_kty(info->kty) == KP_KTY_RSA)
        return read_rsa(r, jwk, info);
    return kpc_plain_kty(info->kty) == KP_KTY_EC ? read_point(r, jwk, info) : KP_OK;
}

/* ---- What goes with it ---- */

static kp_status read_tags(const struct azr_reading *r, struct azr_json tags,
                           struct kp_key_info *info)
{
    struct azr_answer *answer = r->answer;
    struct azr_json name;
    struct azr_json value;
    kp_status st = KP_OK;
    info->tags = &answer->tags[answer->n_tags];
    for (size_t i = 0; st == KP_OK && azr_json_pair_at(tags, i, &name, &value); i++) {
        if (info->n_tags == KP_TAGS_MAX || answer->n_tags == AZR_TAGS_ALL)
            return azr_refuse_fault(r, AZR_FAULT_NOT_JSON, "holds more tags than a key can have");
        struct kp_tag *tag = &answer->tags[answer->n_tags++];
        memset(tag, 0, sizeof *tag);
        info->n_tags++;
        st = azr_keep_text(r, name, &tag->name);
        if (st == KP_OK)
            st = azr_keep_text(r, value, &tag->value);
    }
    return st;
}

static uint32_t read_small(struct azr_json object, const char *name, uint32_t max)
{
    int64_t value;
    if (!azr_json_integer(azr_json_member(object, name), &value) || value < 0 || value > max)
        return 0;
    return (uint32_t)value;
}

static uint32_t read_flags(struct azr_json attributes)
{
    uint32_t flags = 0;
    if (azr_json_member(attributes, "enabled").type != AZR_JSON_FALSE) /* the service's default */
        flags |= KP_KEY_ENABLED;
    if (azr_json_member(attributes, "exportable").type == AZR_JSON_TRUE)
        flags |= KP_KEY_EXPORTABLE;
    return flags;
}

static kp_status read_attributes(const struct azr_reading *r, struct azr_json object,
                                 struct kp_key_info *info)
{
    info->flags |= read_flags(object);
    info->not_before_unix_s = azr_read_time(object, "nbf");
    info->expires_unix_s = azr_read_time(object, "exp");
    info->created_unix_s = azr_read_time(object, "created");
    info->updated_unix_s = azr_read_time(object, "updated");
    info->recoverable_days = (int32_t)read_small(object, "recoverableDays", INT32_MAX);
    if (info->bits == 0)
        info->bits = read_small(object, "key_size", UINT16_MAX);
    kp_status st =
        azr_keep_text(r, azr_json_member(object, "recoveryLevel"), &info->recovery_level);
    if (st == KP_OK)
        st = azr_keep_text(r, azr_json_member(object, "hsmPlatform"), &info->hsm_platform);
    return st;
}

/* What a bundle and an item of a list have in common. */
static kp_status read_common(const struct azr_reading *r, struct azr_json object,
                             struct kp_key_info *info)
{
    uint32_t code = azr_fault_code(r->request->op, AZR_FAULT_NOT_BASE64);
    struct azr_json policy = azr_json_member(object, "release_policy");
    if (azr_json_member(object, "managed").type == AZR_JSON_TRUE)
        info->flags |= KP_KEY_MANAGED;
    info->deleted_unix_s = azr_read_time(object, "deletedDate");
    info->scheduled_purge_unix_s = azr_read_time(object, "scheduledPurgeDate");
    kp_status st = read_attributes(r, azr_json_member(object, "attributes"), info);
    if (st == KP_OK)
        st = azr_keep_text(r, azr_json_member(object, "recoveryId"), &info->recovery_id);
    if (st == KP_OK)
        st = read_tags(r, azr_json_member(object, "tags"), info);
    if (st == KP_OK)
        st = azr_keep_base64(r, azr_json_member(policy, "data"), code, &info->release_policy);
    return st;
}

static kp_status read_names(const struct azr_reading *r, struct azr_json kid,
                            struct kp_key_info *info)
{
    struct azr_kid parts;
    kp_status st = azr_take_kid(r, kid, KP_CODE_ErrorGetKeyByNameExtractKeyId, &info->kid, &parts);
    if (st != KP_OK)
        return st;
    info->name = parts.name;
    info->version = parts.version;
    return KP_OK;
}

/* ---- Whether it is the key that was asked for ---- */

static bool same_number(kp_span asked, kp_span told)
{
    return asked.len == 0 || kpb_span_eq(minimal(asked), minimal(told));
}

/* Integers are compared, not their texts: the service drops and adds leading zeros. */
static kp_status check_imported(const struct azr_reading *r, const struct kp_key_info *info)
{
    const struct kp_key_params *p = r->request->params;
    if (same_number(p->n, info->n) && same_number(p->e, info->e) && same_number(p->x, info->x) &&
        same_number(p->y, info->y))
        return KP_OK;
    return azr_refuse_integrity(r, "holds another public key than the one imported");
}

static kp_status check_made(const struct azr_reading *r, const struct kp_key_info *info)
{
    const struct kp_key_params *p = r->request->params;
    bool has_kty = info->kty != KP_KTY_NONE;
    if (has_kty && kpc_plain_kty(p->kty) != kpc_plain_kty(info->kty))
        return azr_refuse_integrity(r, "holds a key of another type than was asked for");
    if (kpc_plain_kty(p->kty) == KP_KTY_EC && p->curve != KP_CURVE_NONE && info->curve != p->curve)
        return azr_refuse_integrity(r, "holds a key of another curve than was asked for");
    if (r->request->op == KP_OP_CREATE && p->bits != 0 && info->bits != 0 && p->bits != info->bits)
        return azr_refuse_integrity(r, "holds a key of another size than was asked for");
    return r->request->op == KP_OP_IMPORT ? check_imported(r, info) : KP_OK;
}

static bool makes_key(uint32_t op)
{
    return op == KP_OP_CREATE || op == KP_OP_IMPORT || op == KP_OP_IMPORT_BYOK;
}

/* ---- One key ---- */

static kp_status take_bundle(const struct azr_reading *r, const struct kp_key_info *info)
{
    struct kp_reply *reply = &r->answer->reply;
    if (info->version.len == 0)
        return azr_refuse(r, KP_CODE_ErrorGetKeyByNameExtractKeyUri,
                          "does not say which version of the key it is about");
    reply->key = info;
    reply->name = info->name;
    reply->version = info->version;
    reply->kid = info->kid;
    return makes_key(r->request->op) && r->request->params ? check_made(r, info) : KP_OK;
}

static struct kp_key_info *begin_info(const struct azr_reading *r, uint32_t at)
{
    struct kp_key_info *info = &r->answer->infos[at];
    memset(info, 0, sizeof *info);
    info->struct_size = sizeof *info;
    return info;
}

/*
 * 200
 * {"key":{"kid":"https://HOST/keys/NAME/VERSION","kty":"RSA","key_ops":["sign"],"n":"...",
 *         "e":"AQAB"},
 *  "attributes":{"enabled":true,"created":1735689600,"recoveryLevel":"Recoverable"},
 *  "tags":{"a":"b"}}
 * A deleted key adds "recoveryId", "deletedDate" and "scheduledPurgeDate".
 */
kp_status azr_read_bundle(const struct azr_reading *r, struct azr_json body)
{
    struct kp_key_info *info = begin_info(r, 0);
    struct azr_json jwk = azr_json_member(body, "key");
    if (jwk.type != AZR_JSON_OBJECT)
        return azr_refuse(r, KP_CODE_ErrorGetKeyByNameExtractKeyNode, "lacks the key");
    kp_status st = read_names(r, azr_json_member(jwk, "kid"), info);
    if (st == KP_OK)
        st = read_jwk(r, jwk, info);
    if (st == KP_OK)
        st = read_common(r, body, info);
    return st == KP_OK ? take_bundle(r, info) : st;
}

/*
 * 200
 * {"key":{...},"attributes":{"attestation":{"certificatePemFile":"...",
 *  "privateKeyAttestation":"...","publicKeyAttestation":"...","version":"..."}}}
 */
kp_status azr_read_attested(const struct azr_reading *r, struct azr_json body)
{
    struct azr_json attestation =
        azr_json_member(azr_json_member(body, "attributes"), "attestation");
    uint8_t *room = NULL;
    kp_status st = azr_read_bundle(r, body);
    if (st != KP_OK)
        return st;
    if (attestation.type != AZR_JSON_OBJECT)
        return azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "lacks the attestation");
    st = azr_keep_room(r, attestation.text.len, &room);
    if (st != KP_OK)
        return st;
    memcpy(room, attestation.text.ptr, attestation.text.len);
    r->answer->reply.value = kpb_span(room, attestation.text.len);
    return KP_OK;
}

/* ---- A page of keys ---- */

static kp_status read_item(const struct azr_reading *r, struct azr_json item,
                           struct kp_key_info *info)
{
    kp_status st = read_names(r, azr_json_member(item, "kid"), info);
    if (st == KP_OK)
        st = read_common(r, item, info);
    if (st == KP_OK && r->request->op == KP_OP_LIST_VERSIONS && info->version.len == 0)
        st = azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "holds a version without its name");
    return st;
}

static kp_status read_items(const struct azr_reading *r, struct azr_json items)
{
    struct azr_answer *answer = r->answer;
    for (uint32_t n = 0;; n++) {
        struct azr_json item = azr_json_element(items, n);
        if (item.type == AZR_JSON_NONE)
            break;
        if (n == KP_PAGE_MAX)
            return azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "holds more keys than a page can");
        struct kp_key_info *info = begin_info(r, n);
        kp_status st = read_item(r, item, info);
        if (st != KP_OK)
            return st;
        answer->keys[n] = info;
        answer->reply.n_keys = n + 1;
    }
    answer->reply.keys = answer->keys;
    return KP_OK;
}

static kp_status read_next_page(const struct azr_reading *r, struct azr_json link)
{
    struct azr_answer *answer = r->answer;
    struct azr_page page = {0};
    kp_span text = {NULL, 0};
    char path[16 + KP_KEY_NAME_MAX_LEN + 16];
    kp_status st = azr_keep_text(r, link, &text);
    if (st != KP_OK || text.len == 0)
        return st;
    size_t from = answer->bytes.len;
    azr_page_collection(r->request, path, sizeof path);
    st = azr_page_read(r->request->page_token, &page, r->err);
    if (st == KP_OK)
        st = azr_page_next(r->base, kpb_span_str(path), &page, text, &answer->bytes, r->err);
    if (st == KP_OK)
        answer->reply.next_page = kpb_span(answer->bytes.ptr + from, answer->bytes.len - from);
    return st;
}

/*
 * 200
 * {"value":[{"kid":"https://HOST/keys/NAME","attributes":{...}}],
 *  "nextLink":"https://HOST:443/keys?api-version=7.6&$skiptoken=...&maxresults=6"}
 * nextLink is null or absent on the last page; a page may be empty and not the last. A Managed
 * HSM's links have neither port nor api-version.
 */
kp_status azr_read_list(const struct azr_reading *r, struct azr_json body)
{
    struct azr_json items = azr_json_member(body, "value");
    if (items.type != AZR_JSON_ARRAY && items.type != AZR_JSON_NULL)
        return azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "lacks the list of keys (value)");
    kp_status st = read_items(r, items);
    return st == KP_OK ? read_next_page(r, azr_json_member(body, "nextLink")) : st;
}
