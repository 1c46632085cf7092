/* SHA-2 over a file or some bytes. */
#ifndef KP_CLI_DIGEST_H
#define KP_CLI_DIGEST_H

#include "cli/fault.h"

#define CLI_DIGEST_MAX_LEN 64u

/* Bits of a digest named SHA-256, SHA-384 or SHA-512, 0 for any other name. Pure. */
uint32_t cli_digest_bits(const char *name);

/*
 * Hashes a file of any length; path NULL or "-": stdin. out gets bits / 8 bytes. Blocks.
 * Errors: io, internal.
 */
kp_status cli_digest_file(uint32_t bits, const char *path, uint8_t out[CLI_DIGEST_MAX_LEN],
                          struct cli_fault *f) KP_MUST_USE;

/* SHA-256 over spans joined by line feeds, one behind each. Errors: internal. */
kp_status cli_digest_lines(const kp_span *lines, size_t n, uint8_t out[32]) KP_MUST_USE;

#endif /* KP_CLI_DIGEST_H */
