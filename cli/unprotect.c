#include "cli/protect.h"

#include "base/span.h"
#include "cli/choose.h"
#include "cli/envelope.h"
#include "cli/io.h"
#include "cli/recorded.h"
#include "cli/session.h"

static kp_status deliver_plaintext(struct cli *c, const struct kp_request *request,
                                   const struct kp_reply *reply)
{
    if (!kpb_span_eq(reply->version, request->version)) {
        return kpb_fail(&c->fault.error, KP_INTEGRITY,
                        "the vault answered for another key version than the one asked");
    }
    const struct cli_subject subject = {kp_op_text(request->op), request->name, request->version,
                                        request->alg};
    return cli_deliver(c, &subject, reply->value, CLI_DELIVER_SECRET);
}

static kp_status call_and_deliver(struct cli *c, const struct kp_request *request)
{
    struct kp_result result;
    kp_status st = cli_call(c, request, &result);
    if (st == KP_OK) {
        st = deliver_plaintext(c, request, &result.reply);
    }
    kp_result_clear(&result);
    return st;
}

/* ---- From an envelope ---- */

static kp_status check_aad(struct cli *c, const struct cli_envelope *e)
{
    const char *aad = cli_opt(c, CLI_OPT_AAD);
    if (aad && !kpb_span_eq_str(kp_buf_view(&e->aad), aad)) {
        return kpb_fail(&c->fault.error, KP_INTEGRITY,
                        "the envelope was made with other authenticated data than --aad");
    }
    return KP_OK;
}

static kp_status open_envelope(struct cli *c, uint32_t op, const struct cli_envelope *e)
{
    struct kp_request request;
    kp_status st = check_aad(c, e);
    if (st == KP_OK) {
        st = cli_recorded_open(c, e, cli_operand(c, 0));
    }
    if (st == KP_OK) {
        st = cli_request_init(c, op, NULL, &request);
    }
    if (st != KP_OK) {
        return st;
    }
    request.name = kp_buf_view(&e->name);
    request.version = kp_buf_view(&e->version);
    request.alg = e->alg;
    request.value = kp_buf_view(&e->value);
    request.iv = kp_buf_view(&e->iv);
    request.tag = kp_buf_view(&e->tag);
    request.aad = kp_buf_view(&e->aad);
    return call_and_deliver(c, &request);
}

static kp_status unprotect_envelope(struct cli *c, uint32_t op)
{
    struct cli_envelope e;
    cli_envelope_init(&e);
    const uint32_t made_by = op == KP_OP_UNWRAP ? KP_OP_WRAP : KP_OP_ENCRYPT;
    kp_status st = cli_recorded_read(c, cli_opt(c, CLI_OPT_IN), made_by, &e);
    if (st == KP_OK) {
        st = open_envelope(c, op, &e);
    }
    cli_envelope_clear(&e);
    return st;
}

/* ---- From bare bytes ---- */

static kp_status check_bare(struct cli *c, uint32_t alg)
{
    const enum kp_alg_family family = kp_alg_family_of(alg);
    if (family == KP_FAMILY_AES_GCM || family == KP_FAMILY_AES_CBC) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "%s needs more than the ciphertext; leave out --raw and give an envelope",
                        kp_alg_text(alg));
    }
    return KP_OK;
}

static kp_status unprotect_bytes(struct cli *c, uint32_t op, const struct kp_key_ref *key,
                                 kp_buf *input)
{
    struct kp_request request;
    if (key->version.len == 0) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "bare bytes do not say which key version made them; write NAME/VERSION");
    }
    kp_status st = cli_request_init(c, op, key, &request);
    if (st == KP_OK) {
        st = cli_alg_choose(c, op, key, 0, &request.alg);
    }
    if (st == KP_OK) {
        st = check_bare(c, request.alg);
    }
    if (st == KP_OK) {
        st = cli_read(cli_opt(c, CLI_OPT_IN), input, &c->fault);
    }
    if (st != KP_OK) {
        return st;
    }
    request.value = kp_buf_view(input);
    return call_and_deliver(c, &request);
}

static kp_status unprotect_raw(struct cli *c, uint32_t op)
{
    struct kp_key_ref key;
    kp_buf input;
    if (!cli_operand(c, 0)) {
        return kpb_fail(&c->fault.error, KP_USAGE, "KEY is missing; --raw input does not name it");
    }
    kp_buf_init(&input, "cli.input", KP_PAYLOAD_MAX_LEN);
    kp_status st = cli_key_open(c, cli_operand(c, 0), 0, &key);
    if (st == KP_OK) {
        st = unprotect_bytes(c, op, &key, &input);
    }
    kp_buf_clear(&input);
    return st;
}

kp_status cli_unprotect(struct cli *c, uint32_t op)
{
    if (cli_has(c, CLI_OPT_RAW)) {
        return unprotect_raw(c, op);
    }
    if (cli_has(c, CLI_OPT_ALG)) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "an envelope names its algorithm; --alg goes "
                        "with --raw");
    }
    return unprotect_envelope(c, op);
}
