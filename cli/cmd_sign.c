#include "base/span.h"
#include "cli/choose.h"
#include "cli/cmd.h"
#include "cli/envelope.h"
#include "cli/io.h"
#include "cli/session.h"
#include "cli/signing.h"

static kp_status deliver_envelope(struct cli *c, const struct kp_reply *reply,
                                  const struct cli_subject *subject)
{
    const struct cli_envelope_source source = {
        .op = KP_OP_SIGN, .reply = reply, .vault = kpb_span_str(c->vault_text)};
    struct cli_out line;
    cli_out_init(&line);
    kp_status st = cli_envelope_write(&source, &line);
    if (st == KP_OK) {
        st = cli_deliver(c, subject, kp_buf_view(&line.buf), CLI_DELIVER_TEXT);
    } else {
        st = kpb_fail(&c->fault.error, st, "the envelope could not be written");
    }
    cli_out_clear(&line);
    return st;
}

static kp_status call_and_deliver(struct cli *c, const struct kp_request *request)
{
    struct kp_result result;
    kp_status st = cli_call(c, request, &result);
    if (st == KP_OK) {
        struct kp_reply reply = result.reply;
        reply.alg = request->alg;
        reply.name = request->name;
        const struct cli_subject subject = {"sign", reply.name, reply.version, reply.alg};
        st = cli_has(c, CLI_OPT_RAW) ? cli_deliver(c, &subject, reply.value, 0)
                                     : deliver_envelope(c, &reply, &subject);
    }
    kp_result_clear(&result);
    return st;
}

static kp_status sign_input(struct cli *c, const struct kp_key_ref *key, kp_buf *digest)
{
    struct kp_request request;
    uint32_t digest_bits = 0;
    kp_status st = cli_request_init(c, KP_OP_SIGN, key, &request);
    if (st == KP_OK) {
        st = cli_signing_digest_bits(c, &digest_bits);
    }
    if (st == KP_OK) {
        st = cli_alg_choose(c, KP_OP_SIGN, key, digest_bits, &request.alg);
    }
    if (st == KP_OK) {
        st = cli_signing_input(c, request.alg, digest_bits, digest);
    }
    if (st != KP_OK) {
        return st;
    }
    request.value = kp_buf_view(digest);
    return call_and_deliver(c, &request);
}

static kp_status run(struct cli *c)
{
    struct kp_key_ref key;
    kp_buf digest;
    kp_buf_init(&digest, "cli.digest", KP_PAYLOAD_MAX_LEN);
    kp_status st = cli_key_open(c, cli_operand(c, 0), 0, &key);
    if (st == KP_OK) {
        st = sign_input(c, &key, &digest);
    }
    kp_buf_clear(&digest);
    return st;
}

const struct cli_command cli_cmd_sign = {
    .name = "sign",
    .operands = "KEY",
    .summary = "sign a file with a key",
    .details = "Hashes the input with the digest of the algorithm and has the vault sign it. The\n"
               "result is an envelope that 'kp verify' reads; --raw gives the bare signature\n"
               "(r||s for EC). With --raw-digest the input is the digest itself.\n\n"
               "Without --alg: PS256 for RSA (PS384, PS512 by --digest), by curve for EC, HS256\n"
               "for oct (HS384, HS512 by --digest).\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .options = CLI_SIGNING_OPTS | CLI_OPT_BIT(CLI_OPT_OUT),
    .run = run,
};
