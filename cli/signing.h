/* What sign and verify share: from the options and the input to the digest that is signed. */
#ifndef KP_CLI_SIGNING_H
#define KP_CLI_SIGNING_H

#include "cli/cli.h"

#define CLI_SIGNING_OPTS                                                                           \
    (CLI_OPTS_VAULT | CLI_OPT_BIT(CLI_OPT_IN) | CLI_OPT_BIT(CLI_OPT_ALG) |                         \
     CLI_OPT_BIT(CLI_OPT_DIGEST) | CLI_OPT_BIT(CLI_OPT_RAW_DIGEST) | CLI_OPT_BIT(CLI_OPT_RAW))

/* Reads --digest: bits, 0 when it was not given. Errors: usage. */
kp_status cli_signing_digest_bits(struct cli *c, uint32_t *ret_bits) KP_MUST_USE;

/*
 * Appends to out what alg signs: the digest of the input (of any length), or with --raw-digest the
 * input itself. Blocks. Errors: usage (--digest does not fit alg), io, internal.
 */
kp_status cli_signing_input(struct cli *c, uint32_t alg, uint32_t digest_bits, kp_buf *out)
    KP_MUST_USE;

#endif /* KP_CLI_SIGNING_H */
