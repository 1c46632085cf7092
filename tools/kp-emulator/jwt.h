/*
 * JSON Web Tokens in compact form (RFC 7519, RFC 7515): reading them, and making those of the
 * emulator, signed with ES256 by a key of its own. Any thread; a signer is immutable once made.
 */
#ifndef KP_TOOLS_KP_EMULATOR_JWT_H
#define KP_TOOLS_KP_EMULATOR_JWT_H

#include "crypto/key.h"
#include "tools/kp-emulator/json.h"

#define EMU_JWT_MAX_LEN 65536u

struct emu_jwt {
    json_t *header;
    json_t *claims;
    kp_span signed_part; /* into the text it was read from */
    kp_buf signature;
};

/* Splits and decodes; checks no signature. Errors: protocol, no_memory. Clear in every case. */
kp_status emu_jwt_read(kp_span text, struct emu_jwt *ret) KP_MUST_USE;
void emu_jwt_clear(struct emu_jwt *jwt);
/*
 * Whether the signature is one of key, by the algorithm the header names, which must be alg_allowed
 * or one of the two given (0: none).
 */
bool emu_jwt_is_signed_by(const struct emu_jwt *jwt, struct kpc_key *key, uint32_t alg_a,
                          uint32_t alg_b);
/* A number claim; fallback when it is absent or no integer. */
int64_t emu_jwt_number(const struct emu_jwt *jwt, const char *claim, int64_t fallback);

struct emu_signer {
    struct kpc_key *key; /* EC P-256 */
    char kid[33];
};

/* Makes a signer with a fresh key. Errors: those of kpc_key_generate. */
kp_status emu_signer_init(struct emu_signer *signer, struct kp_error *reterr) KP_MUST_USE;
void emu_signer_clear(struct emu_signer *signer);
/* Appends header.claims.signature to out; header members besides alg, typ and kid may be NULL. */
kp_status emu_signer_sign(const struct emu_signer *signer, const json_t *claims,
                          const json_t *more_header, kp_buf *out) KP_MUST_USE;
/* The public key as a JWK with kid, use and alg; NULL when memory is out. */
json_t *emu_signer_jwk(const struct emu_signer *signer);

#endif /* KP_TOOLS_KP_EMULATOR_JWT_H */
