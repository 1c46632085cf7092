/* What wrap and encrypt share, and their opposites unwrap and decrypt. */
#ifndef KP_CLI_PROTECT_H
#define KP_CLI_PROTECT_H

#include "cli/cli.h"

/*
 * Reads the input, has the vault wrap or encrypt it (op) under the key of the first operand, writes
 * an envelope, or with --raw the ciphertext. Errors: usage, io, the operation's.
 */
kp_status cli_protect(struct cli *c, uint32_t op) KP_MUST_USE;

/*
 * Reads an envelope (or with --raw the ciphertext) and has the vault unwrap or decrypt it (op) with
 * exactly the key version it was made with; writes the plaintext.
 * Errors: usage, io, integrity, the operation's.
 */
kp_status cli_unprotect(struct cli *c, uint32_t op) KP_MUST_USE;

#endif /* KP_CLI_PROTECT_H */
