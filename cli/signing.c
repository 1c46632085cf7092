#include "cli/signing.h"

#include "base/span.h"
#include "cli/choose.h"
#include "cli/digest.h"
#include "cli/io.h"

kp_status cli_signing_digest_bits(struct cli *c, uint32_t *ret_bits)
{
    const char *name = cli_opt(c, CLI_OPT_DIGEST);
    *ret_bits = name ? cli_digest_bits(name) : 0;
    if (name && *ret_bits == 0) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "--digest '%s' is none of SHA-256, SHA-384, SHA-512", name);
    }
    if (name && cli_has(c, CLI_OPT_RAW_DIGEST)) {
        return kpb_fail(&c->fault.error, KP_USAGE, "--digest and --raw-digest exclude each other");
    }
    return KP_OK;
}

static kp_status hash_input(struct cli *c, uint32_t bits, kp_buf *out)
{
    uint8_t digest[CLI_DIGEST_MAX_LEN];
    const kp_status st = cli_digest_file(bits, cli_opt(c, CLI_OPT_IN), digest, &c->fault);
    if (st != KP_OK) {
        return st;
    }
    if (kp_buf_append(out, kpb_span(digest, bits / 8)) != KP_OK) {
        return kpb_fail_memory(&c->fault.error, out->site);
    }
    return KP_OK;
}

kp_status cli_signing_input(struct cli *c, uint32_t alg, uint32_t digest_bits, kp_buf *out)
{
    const uint32_t bits = cli_alg_digest_bits(alg);
    if (cli_has(c, CLI_OPT_RAW_DIGEST)) {
        return cli_read(cli_opt(c, CLI_OPT_IN), out, &c->fault);
    }
    if (bits == 0) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "%s hashes nothing; give what it signs with --raw-digest",
                        kp_alg_text(alg));
    }
    if (digest_bits != 0 && digest_bits != bits) {
        return kpb_fail(&c->fault.error, KP_USAGE, "%s signs SHA-%u, not SHA-%u", kp_alg_text(alg),
                        bits, digest_bits);
    }
    return hash_input(c, bits, out);
}
