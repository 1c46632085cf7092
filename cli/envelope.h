/*
 * The envelope: what wrap, encrypt and sign write, and all that unwrap, decrypt and verify need.
 * One line of JSON; docs/CLI.md describes it for other programs.
 *
 *     {"kp":1,"op":"wrap","key":"app/VERSION","vault":"file:./vault","alg":"RSA-OAEP-256",
 *      "value":"...","sum":"..."}
 *
 * iv, tag and aad stand before sum where the algorithm has them. Byte members are base64url. sum is
 * the SHA-256 of the other members' texts and tells a damaged file from a wrong key; it is no
 * signature: who can change the file can change the sum.
 *
 * Threads: any; the functions keep no state.
 */
#ifndef KP_CLI_ENVELOPE_H
#define KP_CLI_ENVELOPE_H

#include <keyprovider/keyprovider.h>

#include "cli/out.h"

#define CLI_ENVELOPE_VERSION 1
/* value and aad in base64url, names and punctuation. */
#define CLI_ENVELOPE_MAX_LEN (2u * (KP_PAYLOAD_MAX_LEN / 3u * 4u + 4u) + 16384u)

/* Members, owned. Empty buffers are absent members. */
struct cli_envelope {
    uint32_t op;  /* KP_OP_WRAP, KP_OP_ENCRYPT or KP_OP_SIGN */
    uint32_t alg; /* enum kp_alg */
    kp_buf name;
    kp_buf version;
    kp_buf vault;
    kp_buf value;
    kp_buf iv;
    kp_buf tag;
    kp_buf aad;
};

/* Empty members. Allocates nothing. */
void cli_envelope_init(struct cli_envelope *e);
/* Frees the members. Zeroed and half-built ones are allowed. */
void cli_envelope_clear(struct cli_envelope *e);

/* What a new envelope says. Borrowed. */
struct cli_envelope_source {
    uint32_t op;
    const struct kp_reply *reply; /* name, version, alg, value, iv, tag */
    kp_span aad;
    kp_span vault; /* left out unless it is UTF-8 */
};

/* Appends an envelope and a line feed to o. Errors: internal, no_memory; what o holds is void
 * then. */
kp_status cli_envelope_write(const struct cli_envelope_source *source, struct cli_out *o)
    KP_MUST_USE;

/*
 * Reads an envelope into *ret (initialised). Strict: the version, every required member, no unknown
 * and no double one, no stray bytes, the sum.
 * Errors: integrity, the sentence says what is wrong; no_memory. *ret may be half filled then.
 */
kp_status cli_envelope_read(kp_span text, struct cli_envelope *ret, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_CLI_ENVELOPE_H */
