/* Which algorithm applies when none is named. Blocks when it has to ask the vault for the key. */
#ifndef KP_CLI_CHOOSE_H
#define KP_CLI_CHOOSE_H

#include "cli/cli.h"

/*
 * The usual algorithm of a key for an operation, KP_ALG_NONE when there is none. Pure.
 * op: wrap, encrypt or sign, or their opposites. bits: of the key. digest_bits: for sign, 0 means
 * 256; a curve brings its own digest.
 *
 *     RSA   wrap, encrypt RSA-OAEP-256   sign PS256 (PS384, PS512)
 *     oct   wrap A{bits}KW   encrypt A{bits}GCM   sign HS256 (HS384, HS512)
 *     EC    sign ES256, ES256K, ES384, ES512 by curve
 */
uint32_t cli_alg_default(uint32_t op, const struct kp_key_info *key, uint32_t digest_bits);

/* Bits of the digest an algorithm signs, 0 for one that signs none or any (RSNULL). Pure. */
uint32_t cli_alg_digest_bits(uint32_t alg);

/*
 * The algorithm of --alg, else the default for the key, which is asked of the vault.
 * Errors: usage (no such algorithm, none fits the key), what get_key answers.
 */
kp_status cli_alg_choose(struct cli *c, uint32_t op, const struct kp_key_ref *key,
                         uint32_t digest_bits, uint32_t *ret_alg) KP_MUST_USE;

#endif /* KP_CLI_CHOOSE_H */
