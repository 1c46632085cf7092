/*
 * Key material for `kp key import`: a private JWK (RFC 7517, RFC 7518 section 6) or an unencrypted
 * PEM private key.
 * Everything secret lives in secret buffers. Threads: any; no I/O.
 */
#ifndef KP_CLI_IMPORT_H
#define KP_CLI_IMPORT_H

#include <keyprovider/keyprovider.h>

#include "base/buf.h"

#define CLI_IMPORT_MAX_LEN 65536u /* bytes of a JWK or PEM text; RSA-4096 needs under 5000 */

/* The JWK members that carry key material. */
enum cli_part {
    CLI_PART_N,
    CLI_PART_E,
    CLI_PART_D,
    CLI_PART_P,
    CLI_PART_Q,
    CLI_PART_DP,
    CLI_PART_DQ,
    CLI_PART_QI,
    CLI_PART_X,
    CLI_PART_Y,
    CLI_PART_K,
    CLI_PART_COUNT
};

/* A key read from a text. Integers are big-endian. */
struct cli_import {
    uint32_t kty;
    uint32_t curve;
    uint32_t key_ops; /* of the JWK; 0: it names none */
    kp_buf part[CLI_PART_COUNT];
};

void cli_import_init(struct cli_import *k);
/* Wipes. Zeroed and half-read ones are allowed. */
void cli_import_clear(struct cli_import *k);

/* Reads either form, told apart by the first character. Errors: usage, no_memory. */
kp_status cli_import_read(kp_span text, struct cli_import *ret, struct kp_error *reterr)
    KP_MUST_USE;
/* The two forms. */
kp_status cli_jwk_read(kp_span text, struct cli_import *ret, struct kp_error *reterr) KP_MUST_USE;
kp_status cli_pem_read(kp_span text, struct cli_import *ret, struct kp_error *reterr) KP_MUST_USE;

/* Makes params view k's members; k must outlive params. */
void cli_import_view(const struct cli_import *k, struct kp_key_params *params);

#endif /* KP_CLI_IMPORT_H */
