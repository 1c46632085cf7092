#include "plugins/azure-rest/op_parts.h"

#include <string.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/judge.h"

#define KEEP_MAX_LEN 65536u /* bytes of a buffer that is worth keeping */
#define ID_BYTES 16u
#define NS_PER_S UINT64_C(1000000000)
#define PURGE_SPREADS_MS 15000u /* longer than a purge was ever seen to take, 10 s */

/* ---- Life ---- */

void azr_op_message_init(struct azr_op *op)
{
    azr_message_init(&op->message);
    azr_answer_init(&op->answer);
}

void azr_op_message_clear(struct azr_op *op)
{
    azr_message_clear(&op->message);
    azr_answer_clear(&op->answer);
}

bool azr_op_message_reset(struct azr_op *op)
{
    kp_buf_reset(&op->message.url);
    kp_buf_reset(&op->message.body);
    azr_answer_reset(&op->answer);
    return op->message.body.cap <= KEEP_MAX_LEN && op->answer.bytes.cap <= KEEP_MAX_LEN;
}

/* ---- What is sent ---- */

static struct azr_site site_of(const struct azr_op *op)
{
    const struct azr_site site = {op->vault->base, op->vault->api_version};
    return site;
}

/* A vault's answer to verify does not say which version it used; a Managed HSM refuses to rotate
 * without a policy in words that do not help. */
static enum azr_asking what_to_ask(const struct azr_op *op)
{
    const uint32_t flags = op->vault->profile->flags;
    if (op->has_asked)
        return AZR_ASKING_NOTHING;
    if (op->request.op == KP_OP_VERIFY && op->request.version.len == 0 &&
        (flags & AZR_VERIFY_IS_MUTE) != 0)
        return AZR_ASKING_VERSION;
    if (op->request.op == KP_OP_ROTATE && (flags & AZR_ROTATE_NEEDS_RULE) != 0)
        return AZR_ASKING_POLICY;
    return AZR_ASKING_NOTHING;
}

static struct kp_request question_of(const struct azr_op *op)
{
    const struct kp_request question = {
        .struct_size = sizeof question,
        .op = op->asking == AZR_ASKING_VERSION ? KP_OP_GET_KEY : KP_OP_GET_ROTATION_POLICY,
        .name = op->request.name};
    return question;
}

kp_status azr_op_build(struct azr_op *op, struct kp_error *reterr)
{
    const struct azr_site site = site_of(op);
    op->asking = what_to_ask(op);
    const struct kp_request question = question_of(op);
    if (op->request.op == KP_OP_SET_ROTATION_POLICY && op->request.policy) {
        kp_status st =
            azr_rotation_check(&op->vault->profile->rotation, op->request.policy, reterr);
        if (st != KP_OK)
            return st;
    }
    return azr_message_build(&site, op->asking ? &question : &op->request, &op->message, reterr);
}

static kp_status build_look(struct azr_op *op, struct kp_error *reterr)
{
    const struct azr_site site = site_of(op);
    return azr_message_look(&site, &op->request, &op->message, reterr);
}

/* Our own number for this request, which the service writes into its logs. */
static kp_status draw_id(struct azr_op *op, struct kp_error *reterr)
{
    const struct kp_host *host = &op->vault->host;
    uint8_t bytes[ID_BYTES];
    char hex[2 * ID_BYTES + 1];
    if (host->random(host->self, bytes, sizeof bytes) != KP_OK)
        return kpb_fail(reterr, KP_INTERNAL, "the system has no random bytes for a request id");
    kpb_hex_encode(kpb_span(bytes, sizeof bytes), hex);
    (void)azr_guid_normalise(kpb_span(hex, 2 * ID_BYTES), op->client_request_id);
    return KP_OK;
}

static uint32_t fill_headers(struct azr_op *op)
{
    uint32_t n = 0;
    op->headers[n].name = kpb_span_str("Accept");
    op->headers[n++].value = kpb_span_str("application/json");
    op->headers[n].name = kpb_span_str("x-ms-client-request-id");
    op->headers[n++].value = kpb_span(op->client_request_id, AZR_GUID_LEN);
    if (!op->message.has_body)
        return n;
    op->headers[n].name = kpb_span_str("Content-Type");
    op->headers[n++].value = kpb_span_str("application/json");
    return n;
}

kp_status azr_op_http(struct azr_op *op, struct kp_http_request *ret, struct kp_error *reterr)
{
    kp_status st = draw_id(op, reterr);
    if (st == KP_OK && op->is_looking)
        st = build_look(op, reterr);
    const struct kp_http_request request = {
        .struct_size = sizeof request,
        .flags = KP_HTTP_SECRET_REPLY,
        .max_reply_len = azr_answer_max_len(op->request.op),
        .n_headers = fill_headers(op),
        .method = kpb_span_str(op->message.method),
        .url = kp_buf_view(&op->message.url),
        .body = kp_buf_view(&op->message.body),
        .bearer = kp_buf_view(&op->token->text),
        .headers = op->headers,
        .dns_lifetime_ms = op->vault->profile->dns_lifetime_ms,
    };
    *ret = request;
    return st;
}

/* ---- What comes back ---- */

kp_status azr_op_parse(struct azr_op *op, const struct kp_http_reply *reply,
                       struct kp_error *reterr)
{
    return azr_answer_read(op->vault->base, &op->request, reply->body, &op->answer, reterr);
}

static void take_version(struct azr_op *op)
{
    size_t n = op->answer.reply.version.len; /* at most KP_KEY_VERSION_MAX_LEN: it was checked */
    memcpy(op->version, op->answer.reply.version.ptr, n);
    op->request.version = kpb_span(op->version, n);
}

static kp_status check_policy(const struct azr_op *op, struct kp_error *reterr)
{
    if (op->answer.reply.policy->n_rules > 0)
        return KP_OK;
    return kpb_fail_code(reterr, KP_USAGE, KP_CODE_ErrorHttpResponseCodeClientError,
                         "a %s rotates only a key that has a rotation policy; give %.*s one first, "
                         "for instance with: kp key policy %.*s --rotate-after P90D",
                         op->vault->profile->noun, (int)op->request.name.len,
                         (const char *)op->request.name.ptr, (int)op->request.name.len,
                         (const char *)op->request.name.ptr);
}

static kp_status take_answer(struct azr_op *op, const struct kp_http_reply *reply,
                             struct kp_error *reterr)
{
    const struct kp_request question = question_of(op);
    kp_status st = azr_answer_read(op->vault->base, &question, reply->body, &op->answer, reterr);
    if (st == KP_OK && op->asking == AZR_ASKING_POLICY)
        st = check_policy(op, reterr);
    else if (st == KP_OK)
        take_version(op);
    return st;
}

kp_status azr_op_resolve(struct azr_op *op, const struct kp_http_reply *reply,
                         struct kp_error *reterr)
{
    kp_status st = reply ? take_answer(op, reply, reterr) : KP_OK;
    op->has_asked = true;
    return st == KP_OK ? azr_op_build(op, reterr) : st;
}

static struct azr_exchange exchange_of(const struct azr_op *op)
{
    const struct azr_exchange exchange = {.base = op->vault->base,
                                          .request = &op->request,
                                          .now_unix_s = azr_now_unix_s(op->vault),
                                          .is_token_fresh = op->is_renewed};
    return exchange;
}

kp_status azr_op_error(struct azr_op *op, const struct kp_http_reply *reply,
                       enum azr_trouble *ret_trouble, struct kp_error *reterr)
{
    const struct azr_exchange exchange = exchange_of(op);
    return azr_judge(&exchange, reply, ret_trouble, reterr);
}

kp_status azr_op_silence(struct azr_op *op, kp_status status, struct kp_error *error)
{
    const struct azr_exchange exchange = exchange_of(op);
    return azr_judge_silence(&exchange, status, error);
}

/* A new version of a key whose predecessor is still being deleted: wait and repeat. */
static bool needs_name(uint32_t op)
{
    return op == KP_OP_CREATE || op == KP_OP_IMPORT || op == KP_OP_RESTORE || op == KP_OP_RECOVER;
}

/* Counts from the first time it is met. */
static bool is_patient(struct azr_op *op)
{
    const uint64_t now_ns = azr_now_ns(op->vault);
    if (op->patience_ns == 0)
        op->patience_ns = now_ns + PURGE_SPREADS_MS * UINT64_C(1000000);
    return now_ns < op->patience_ns;
}

bool azr_op_may_wait(struct azr_op *op, enum azr_trouble trouble)
{
    if (trouble == AZR_TROUBLE_NAME_TAKEN)
        return (op->vault->profile->flags & AZR_DELETES_SPREAD) != 0 && is_patient(op);
    return trouble == AZR_TROUBLE_BEING_DELETED && needs_name(op->request.op);
}

bool azr_op_spreads(const struct azr_op *op)
{
    if (!(op->vault->profile->flags & AZR_DELETES_SPREAD))
        return false;
    if (op->request.op == KP_OP_DELETE)
        return op->answer.reply.key->recovery_id.len > 0; /* else soft delete is off */
    return op->request.op == KP_OP_RECOVER;
}

void azr_op_note(struct azr_op *op)
{
    struct azr_recent *recent = op->vault->recent;
    const struct kp_reply *reply = &op->answer.reply;
    const uint32_t number = op->request.op;
    const uint64_t now_ns = azr_now_ns(op->vault);
    if (!recent)
        return;
    if (number == KP_OP_CREATE || number == KP_OP_IMPORT || number == KP_OP_ROTATE)
        azr_recent_note(recent, op->request.name, reply->key->version, now_ns);
    else if (number == KP_OP_RESTORE || number == KP_OP_RECOVER)
        azr_recent_note(recent, reply->key->name, kpb_span(NULL, 0), now_ns);
    else if (number == KP_OP_DELETE || number == KP_OP_PURGE)
        azr_recent_forget(recent, op->request.name);
}

/* Those that are about a key that is there. */
static bool needs_the_key(uint32_t op)
{
    return (kp_op_traits(op) & KP_TRAIT_NEEDS_KEY) != 0 && op != KP_OP_CREATE &&
           op != KP_OP_IMPORT && op != KP_OP_GET_DELETED && op != KP_OP_RECOVER &&
           op != KP_OP_PURGE;
}

bool azr_op_is_early(const struct azr_op *op, unsigned *ret_age_s)
{
    const struct azr_vault *v = op->vault;
    uint64_t age_ns = 0;
    if (!v->recent || !needs_the_key(op->request.op) ||
        !azr_recent_has(v->recent, op->request.name, op->request.version, azr_now_ns(v),
                        v->write_spread_ns, &age_ns))
        return false;
    *ret_age_s = (unsigned)(age_ns / NS_PER_S);
    return true;
}

const struct kp_reply *azr_op_reply(const struct azr_op *op)
{
    return &op->answer.reply;
}
