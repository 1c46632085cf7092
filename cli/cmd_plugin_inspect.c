/* kp plugin inspect: what a configuration would pin of a plugin's file, without loading it. */
#include <string.h>

#include "base/encode.h"
#include "base/span.h"
#include "cli/cmd.h"
#include "cli/digest.h"
#include "cli/io.h"
#include "cli/platform.h"

#define LABEL_WIDTH 15u
#define SHA256_BITS 256u
#define SHA256_LEN 32u

struct inspected {
    const char *path;
    char sha256[2 * SHA256_LEN + 1];
    bool may_be_signed; /* files have signers here */
    struct kpb_signature signature;
    char signer[2 * KPB_SIGNER_LEN + 1];
};

static kp_status look(struct inspected *i, struct cli_fault *f)
{
    uint8_t digest[CLI_DIGEST_MAX_LEN];
    const kp_status st = cli_digest_file(SHA256_BITS, i->path, digest, f);
    if (st != KP_OK) {
        return st;
    }
    kpb_hex_encode(kpb_span(digest, SHA256_LEN), i->sha256);
    i->may_be_signed = cli_platform_signature(i->path, &i->signature);
    if (i->signature.has_signer) {
        kpb_hex_encode(kpb_span(i->signature.signer, KPB_SIGNER_LEN), i->signer);
    }
    return KP_OK;
}

static void line(struct cli_out *o, const char *label, const char *text)
{
    cli_out_text(o, label);
    cli_out_pad(o, LABEL_WIDTH);
    cli_out_safe(o, kpb_span_str(text));
    cli_out_text(o, "\n");
}

static void tell_text(struct cli_out *o, const struct inspected *i)
{
    const char *problem = kpb_signature_problem(&i->signature);
    line(o, "sha256", i->sha256);
    if (i->may_be_signed && i->signer[0]) {
        line(o, "signer_sha256", i->signer);
    }
    if (i->may_be_signed) {
        line(o, "signature", problem ? problem : "counts");
    }
}

static void tell_json(struct cli_out *o, const struct inspected *i)
{
    const char *problem = kpb_signature_problem(&i->signature);
    cli_json_begin(o, '{');
    cli_json_member_text(o, "file", i->path);
    cli_json_member_text(o, "sha256", i->sha256);
    if (i->may_be_signed && i->signer[0]) {
        cli_json_member_text(o, "signer_sha256", i->signer);
    }
    if (i->may_be_signed) {
        cli_json_member_bool(o, "signature_counts", !problem);
        cli_json_member_text(o, "problem", problem ? problem : "");
    }
    cli_json_end(o, '}');
    cli_out_text(o, "\n");
}

static kp_status run(struct cli *c)
{
    struct inspected i = {.path = cli_operand(c, 0), .signature = {.verdict = KPB_VERDICT_UNSEEN}};
    const kp_status st = look(&i, &c->fault);
    if (st != KP_OK) {
        return st;
    }
    (cli_has(c, CLI_OPT_JSON) ? tell_json : tell_text)(&c->out, &i);
    return cli_flush(c);
}

const struct cli_command cli_cmd_plugin_inspect = {
    .name = "plugin inspect",
    .operands = "FILE",
    .summary = "the hashes by which the configuration can pin a plugin's file",
    .details = "Prints the SHA-256 of the file, and on Windows who signed it, as members for an\n"
               "item of plugins in the configuration. Loads nothing.\n",
    .n_operands_min = 1,
    .n_operands_max = 1,
    .run = run,
};
