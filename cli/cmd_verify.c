#include "base/span.h"
#include "cli/choose.h"
#include "cli/cmd.h"
#include "cli/envelope.h"
#include "cli/io.h"
#include "cli/recorded.h"
#include "cli/session.h"
#include "cli/signing.h"

/* A signature that does not match is an answer, not a failure: it has an exit code of its own. */
static kp_status tell(struct cli *c, const struct kp_request *request, const struct kp_reply *reply)
{
    const bool good = (reply->flags & KP_REPLY_VERIFIED) != 0;
    c->exit_code = good ? CLI_EXIT_OK : CLI_EXIT_NO;
    if (!cli_has(c, CLI_OPT_JSON)) {
        cli_out_text(&c->out, good ? "good signature\n" : "BAD signature\n");
        return cli_flush(c);
    }
    cli_json_begin(&c->out, '{');
    cli_json_member_bool(&c->out, "verified", good);
    cli_json_member_str(&c->out, "key", request->name);
    cli_json_member_str(&c->out, "version", reply->version);
    cli_json_member_text(&c->out, "alg", kp_alg_text(request->alg));
    cli_json_end(&c->out, '}');
    cli_out_text(&c->out, "\n");
    return cli_flush(c);
}

static kp_status call_and_tell(struct cli *c, struct kp_request *request, kp_buf *digest)
{
    struct kp_result result;
    uint32_t digest_bits = 0;
    kp_status st = cli_signing_digest_bits(c, &digest_bits);
    if (st == KP_OK) {
        st = cli_signing_input(c, request->alg, digest_bits, digest);
    }
    if (st != KP_OK) {
        return st;
    }
    request->value = kp_buf_view(digest);
    st = cli_call(c, request, &result);
    if (st == KP_OK) {
        st = tell(c, request, &result.reply);
    }
    kp_result_clear(&result);
    return st;
}

static kp_status verify_envelope(struct cli *c, const char *path, struct cli_envelope *e,
                                 kp_buf *digest)
{
    struct kp_request request;
    kp_status st = cli_recorded_read(c, path, KP_OP_SIGN, e);
    if (st == KP_OK) {
        st = cli_recorded_open(c, e, cli_operand(c, 0));
    }
    if (st == KP_OK) {
        st = cli_request_init(c, KP_OP_VERIFY, NULL, &request);
    }
    if (st != KP_OK) {
        return st;
    }
    request.name = kp_buf_view(&e->name);
    request.version = kp_buf_view(&e->version);
    request.alg = e->alg;
    request.signature = kp_buf_view(&e->value);
    return call_and_tell(c, &request, digest);
}

static kp_status verify_raw(struct cli *c, const char *path, kp_buf *signature, kp_buf *digest)
{
    struct kp_key_ref key;
    struct kp_request request;
    uint32_t digest_bits = 0;
    if (!cli_operand(c, 0)) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "KEY is missing; a --raw signature does not name it");
    }
    kp_status st = cli_key_open(c, cli_operand(c, 0), 0, &key);
    if (st == KP_OK) {
        st = cli_request_init(c, KP_OP_VERIFY, &key, &request);
    }
    if (st == KP_OK) {
        st = cli_signing_digest_bits(c, &digest_bits);
    }
    if (st == KP_OK) {
        st = cli_alg_choose(c, KP_OP_VERIFY, &key, digest_bits, &request.alg);
    }
    if (st == KP_OK) {
        st = cli_read(path, signature, &c->fault);
    }
    if (st != KP_OK) {
        return st;
    }
    request.signature = kp_buf_view(signature);
    return call_and_tell(c, &request, digest);
}

static kp_status run(struct cli *c)
{
    const char *path = cli_opt(c, CLI_OPT_SIGNATURE);
    if (!path) {
        return kpb_fail(&c->fault.error, KP_USAGE, "--signature FILE is missing");
    }
    if (cli_has(c, CLI_OPT_ALG) && !cli_has(c, CLI_OPT_RAW)) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "an envelope names its algorithm; --alg goes with --raw");
    }
    struct cli_envelope e;
    kp_buf digest;
    cli_envelope_init(&e);
    kp_buf_init(&digest, "cli.digest", KP_PAYLOAD_MAX_LEN);
    const kp_status st = cli_has(c, CLI_OPT_RAW) ? verify_raw(c, path, &e.value, &digest)
                                                 : verify_envelope(c, path, &e, &digest);
    kp_buf_clear(&digest);
    cli_envelope_clear(&e);
    return st;
}

const struct cli_command cli_cmd_verify = {
    .name = "verify",
    .operands = "[KEY]",
    .summary = "check a signature; exit 1 when it does not match",
    .details = "Hashes the input as 'kp sign' did and has the vault check the signature in the\n"
               "envelope of --signature. KEY, when given, must be the key the envelope names. A\n"
               "--raw signature needs KEY, and KEY/VERSION once the key was rotated.\n",
    .n_operands_min = 0,
    .n_operands_max = 1,
    .options = CLI_SIGNING_OPTS | CLI_OPT_BIT(CLI_OPT_SIGNATURE),
    .run = run,
};
