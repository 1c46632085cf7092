#include "cli/protect.h"

#include <openssl/rand.h>

#include "base/span.h"
#include "cli/choose.h"
#include "cli/envelope.h"
#include "cli/io.h"
#include "cli/session.h"

#define CBC_IV_LEN 16u

static bool needs_iv(uint32_t alg)
{
    const enum kp_alg_family family = kp_alg_family_of(alg);
    return family == KP_FAMILY_AES_GCM || family == KP_FAMILY_AES_CBC;
}

/* ---- wrap, encrypt ---- */

static kp_status check_raw(struct cli *c, uint32_t alg)
{
    if (cli_has(c, CLI_OPT_RAW) && needs_iv(alg)) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "%s cannot be undone from the ciphertext alone; leave out --raw",
                        kp_alg_text(alg));
    }
    if (cli_has(c, CLI_OPT_AAD) && kp_alg_family_of(alg) != KP_FAMILY_AES_GCM) {
        return kpb_fail(&c->fault.error, KP_USAGE, "--aad is for AES-GCM, not for %s",
                        kp_alg_text(alg));
    }
    return KP_OK;
}

/* The caller of AES-CBC brings the initialization vector; for AES-GCM the vault makes it. */
static kp_status make_iv(struct cli *c, struct kp_request *request, uint8_t iv[CBC_IV_LEN])
{
    if (kp_alg_family_of(request->alg) != KP_FAMILY_AES_CBC) {
        return KP_OK;
    }
    if (RAND_bytes(iv, (int)CBC_IV_LEN) != 1) {
        return kpb_fail(&c->fault.error, KP_INTERNAL, "no random bytes to be had");
    }
    request->iv = kpb_span(iv, CBC_IV_LEN);
    return KP_OK;
}

static kp_status deliver_envelope(struct cli *c, const struct kp_request *request,
                                  const struct kp_reply *reply)
{
    struct kp_reply told = *reply;
    if (told.iv.len == 0) {
        told.iv = request->iv;
    }
    const struct cli_envelope_source source = {.op = request->op,
                                               .reply = &told,
                                               .aad = request->aad,
                                               .vault = kpb_span_str(c->vault_text)};
    const struct cli_subject subject = {kp_op_text(request->op), reply->name, reply->version,
                                        reply->alg};
    struct cli_out line;
    cli_out_init(&line);
    kp_status st = cli_envelope_write(&source, &line);
    if (st == KP_OK) {
        st = cli_deliver(c, &subject, kp_buf_view(&line.buf), CLI_DELIVER_TEXT);
    } else {
        st = kpb_fail(&c->fault.error, st, "the envelope could not be written");
    }
    cli_out_clear(&line);
    return st;
}

static kp_status deliver_result(struct cli *c, const struct kp_request *request,
                                const struct kp_reply *reply)
{
    if (reply->version.len == 0) {
        return kpb_fail(&c->fault.error, KP_PROTOCOL,
                        "the vault did not say which key version it used");
    }
    if (reply->value.len > KP_PAYLOAD_MAX_LEN) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "the result has %zu bytes, more than could be handed back (%u)",
                        reply->value.len, KP_PAYLOAD_MAX_LEN);
    }
    if (!cli_has(c, CLI_OPT_RAW)) {
        return deliver_envelope(c, request, reply);
    }
    const struct cli_subject subject = {kp_op_text(request->op), reply->name, reply->version,
                                        reply->alg};
    return cli_deliver(c, &subject, reply->value, 0);
}

static kp_status call_and_deliver(struct cli *c, const struct kp_request *request)
{
    struct kp_result result;
    kp_status st = cli_call(c, request, &result);
    if (st == KP_OK) {
        struct kp_reply reply = result.reply;
        reply.alg = request->alg;
        reply.name = request->name;
        st = deliver_result(c, request, &reply);
    }
    kp_result_clear(&result);
    return st;
}

static kp_status protect_bytes(struct cli *c, uint32_t op, const struct kp_key_ref *key,
                               kp_buf *input)
{
    struct kp_request request;
    uint8_t iv[CBC_IV_LEN];
    kp_status st = cli_request_init(c, op, key, &request);
    if (st == KP_OK) {
        st = cli_alg_choose(c, op, key, 0, &request.alg);
    }
    if (st == KP_OK) {
        st = check_raw(c, request.alg);
    }
    if (st == KP_OK) {
        st = make_iv(c, &request, iv);
    }
    if (st == KP_OK) {
        st = cli_read(cli_opt(c, CLI_OPT_IN), input, &c->fault);
    }
    if (st != KP_OK) {
        return st;
    }
    request.value = kp_buf_view(input);
    request.aad = kpb_span_str(cli_opt(c, CLI_OPT_AAD));
    return call_and_deliver(c, &request);
}

kp_status cli_protect(struct cli *c, uint32_t op)
{
    struct kp_key_ref key;
    kp_buf input;
    kp_buf_init_secret(&input, "cli.input", KP_PAYLOAD_MAX_LEN);
    kp_status st = cli_key_open(c, cli_operand(c, 0), 0, &key);
    if (st == KP_OK) {
        st = protect_bytes(c, op, &key, &input);
    }
    kp_buf_clear(&input);
    return st;
}
