#include "plugins/azure-rest/answer.h"

#include <string.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/answer_parts.h"
#include "plugins/azure-rest/page.h"

#define SITE "azure-rest.answer"

/* ---- Life ---- */

void azr_answer_init(struct azr_answer *answer)
{
    kp_buf_init_secret(&answer->bytes, SITE,
                       AZR_BACKUP_REPLY_MAX_LEN + AZR_PAGE_TOKEN_MAX_LEN + AZR_PADDING_LEN);
    azr_answer_reset(answer);
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

/* ---- Refusals ---- */

static kp_status answered(const struct azr_reading *r, kp_status st)
{
    if (r->err)
        r->err->exposure = KP_ANSWERED;
    return st;
}

kp_status azr_refuse(const struct azr_reading *r, uint32_t code, const char *what)
{
    return answered(r, kpb_fail_code(r->err, KP_PROTOCOL, code,
                                     "the vault's answer to %s %s; a proxy may have changed it",
                                     kp_op_text(r->request->op), what));
}

kp_status azr_refuse_fault(const struct azr_reading *r, enum azr_fault fault, const char *what)
{
    return azr_refuse(r, azr_fault_code(r->request->op, fault), what);
}

kp_status azr_refuse_integrity(const struct azr_reading *r, const char *what)
{
    return answered(r, kpb_fail(r->err, KP_INTEGRITY, "the vault's answer to %s %s; it is not used",
                                kp_op_text(r->request->op), what));
}

kp_status azr_refuse_memory(const struct azr_reading *r)
{
    uint32_t code = azr_fault_code(r->request->op, AZR_FAULT_REPLY_MEMORY);
    return answered(r, kpb_fail_code(r->err, KP_NO_MEMORY, code,
                                     "no memory for the answer to %s at %s",
                                     kp_op_text(r->request->op), SITE));
}

/* ---- Keeping what is read ---- */

static bool is_absent(struct azr_json value)
{
    return value.type == AZR_JSON_NONE || value.type == AZR_JSON_NULL;
}

static kp_span kept_from(const struct azr_reading *r, size_t from)
{
    const kp_buf *bytes = &r->answer->bytes;
    return kpb_span(bytes->ptr + from, bytes->len - from);
}

kp_status azr_keep_text(const struct azr_reading *r, struct azr_json value, kp_span *ret)
{
    size_t from = r->answer->bytes.len;
    if (is_absent(value))
        return KP_OK;
    kp_status st = azr_json_string(value, &r->answer->bytes);
    if (st == KP_PROTOCOL)
        return azr_refuse_fault(r, AZR_FAULT_NOT_JSON, "holds something else where text belongs");
    if (st != KP_OK)
        return azr_refuse_memory(r);
    *ret = kept_from(r, from);
    return KP_OK;
}

kp_status azr_keep_base64(const struct azr_reading *r, struct azr_json value, uint32_t code,
                          kp_span *ret)
{
    size_t from = r->answer->bytes.len;
    kp_span text;
    if (is_absent(value))
        return KP_OK;
    kp_status st =
        azr_json_plain(value, &text) ? kpb_base64url_decode(text, &r->answer->bytes) : KP_PROTOCOL;
    if (st == KP_PROTOCOL)
        return azr_refuse(r, code, "holds something that is not base64url");
    if (st != KP_OK)
        return azr_refuse_memory(r);
    *ret = kept_from(r, from);
    return KP_OK;
}

kp_status azr_keep_room(const struct azr_reading *r, size_t len, uint8_t **ret)
{
    return kp_buf_extend(&r->answer->bytes, len, ret) == KP_OK ? KP_OK : azr_refuse_memory(r);
}

int64_t azr_read_time(struct azr_json object, const char *name)
{
    int64_t value;
    return azr_json_integer(azr_json_member(object, name), &value) ? value : KP_TIME_NONE;
}

/* Whether the version of a request is part of what is asked; elsewhere it is not looked at. */
static bool asks_version(uint32_t op)
{
    return op == KP_OP_GET_KEY || op == KP_OP_UPDATE || op == KP_OP_ATTEST ||
           (kp_op_traits(op) & KP_TRAIT_PAYLOAD) != 0;
}

kp_status azr_take_kid(const struct azr_reading *r, struct azr_json value, uint32_t code,
                       kp_span *ret_kid, struct azr_kid *ret)
{
    const struct kp_request *request = r->request;
    bool has_name = (kp_op_traits(request->op) & KP_TRAIT_NEEDS_KEY) != 0;
    kp_status st = azr_keep_text(r, value, ret_kid);
    if (st != KP_OK)
        return st;
    if (!azr_kid_parse(*ret_kid, ret))
        return azr_refuse(r, code, "has no identifier of a key (kid)");
    if (!azr_is_authority_of(r->base, ret->authority))
        return azr_refuse_integrity(r, "is about a key of another vault");
    if (has_name && !kpb_span_eq_nocase(ret->name, request->name))
        return azr_refuse_integrity(r, "is about another key");
    if (asks_version(request->op) && request->version.len > 0 && ret->version.len > 0 &&
        !kpb_span_eq(ret->version, request->version))
        return azr_refuse_integrity(r, "is about another version of the key");
    return KP_OK;
}

/* ---- The whole ---- */

static azr_read_fn *const READERS[KP_OP_MAX + 1] = {
    [KP_OP_GET_KEY] = azr_read_bundle,
    [KP_OP_LIST_KEYS] = azr_read_list,
    [KP_OP_LIST_VERSIONS] = azr_read_list,
    [KP_OP_CREATE] = azr_read_bundle,
    [KP_OP_IMPORT] = azr_read_bundle,
    [KP_OP_IMPORT_BYOK] = azr_read_bundle,
    [KP_OP_UPDATE] = azr_read_bundle,
    [KP_OP_DELETE] = azr_read_bundle,
    [KP_OP_GET_DELETED] = azr_read_bundle,
    [KP_OP_LIST_DELETED] = azr_read_list,
    [KP_OP_RECOVER] = azr_read_bundle,
    [KP_OP_BACKUP] = azr_read_blob,
    [KP_OP_RESTORE] = azr_read_bundle,
    [KP_OP_ROTATE] = azr_read_bundle,
    [KP_OP_GET_ROTATION_POLICY] = azr_read_policy,
    [KP_OP_SET_ROTATION_POLICY] = azr_read_policy,
    [KP_OP_ENCRYPT] = azr_read_result,
    [KP_OP_DECRYPT] = azr_read_result,
    [KP_OP_WRAP] = azr_read_result,
    [KP_OP_UNWRAP] = azr_read_result,
    [KP_OP_SIGN] = azr_read_result,
    [KP_OP_VERIFY] = azr_read_verdict,
    [KP_OP_RANDOM] = azr_read_blob,
    [KP_OP_RELEASE] = azr_read_released,
    [KP_OP_ATTEST] = azr_read_attested,
};

uint32_t azr_answer_max_len(uint32_t op)
{
    return op == KP_OP_BACKUP ? AZR_BACKUP_REPLY_MAX_LEN : AZR_REPLY_MAX_LEN;
}

/* Members of keys are looked up one by one: a long body would hold the loop up. */
static size_t max_len(uint32_t op)
{
    bool is_value = (kp_op_traits(op) & KP_TRAIT_PAYLOAD) || READERS[op] == azr_read_blob ||
                    READERS[op] == azr_read_released;
    return is_value ? azr_answer_max_len(op) : AZR_KEY_REPLY_MAX_LEN;
}

static size_t room_for(azr_read_fn *reader, size_t body_len)
{
    return body_len + AZR_PADDING_LEN + (reader == azr_read_list ? AZR_PAGE_TOKEN_MAX_LEN : 0);
}

kp_status azr_answer_read(const char *base, const struct kp_request *request, kp_span body,
                          struct azr_answer *answer, struct kp_error *reterr)
{
    const struct azr_reading r = {base, request, answer, reterr};
    struct azr_json value;
    azr_answer_reset(answer);
    if (request->op == KP_OP_PURGE)
        return KP_OK; /* 204, nothing to read */
    azr_read_fn *reader = request->op <= KP_OP_MAX ? READERS[request->op] : NULL;
    if (!reader)
        return kpb_fail(reterr, KP_UNSUPPORTED, "the service has no answer to %s",
                        kp_op_text(request->op));
    if (body.len > max_len(request->op))
        return azr_refuse_fault(&r, AZR_FAULT_NOT_JSON, "is too long");
    if (!azr_json_parse(body, &value) || value.type != AZR_JSON_OBJECT)
        return azr_refuse_fault(&r, AZR_FAULT_NOT_JSON, "is not JSON");
    if (kp_buf_reserve(&answer->bytes, room_for(reader, body.len)) != KP_OK)
        return azr_refuse_memory(&r);
    kp_status st = reader(&r, value);
    if (st != KP_OK)
        azr_answer_reset(answer);
    return st;
}
