/*
 * The client assertion: a JWT by which a certificate's owner proves itself to the login service.
 *
 *   {"alg":"PS256","typ":"JWT","x5t#S256":"..."}
 *   {"aud":TOKEN-URL,"iss":CLIENT,"sub":CLIENT,"jti":GUID,"nbf":N,"iat":N,"exp":N+600}
 *
 * PS256: MGF1 with SHA-256, salt as long as the digest. Pure function, any thread; signing computes
 * for 1 to 6 ms. Source: Entra page on certificate credentials (2025-01); RFC 7515, RFC 7523.
 */
#ifndef KP_PLUGINS_AZURE_REST_ASSERTION_H
#define KP_PLUGINS_AZURE_REST_ASSERTION_H

#include "plugins/azure-rest/credential.h"

#define AZR_ASSERTION_LIFETIME_S 600
#define AZR_JTI_LEN 16u /* random bytes */

/* Which signature, and with it which thumbprint is named first. */
enum azr_assertion_alg {
    AZR_ASSERTION_PS256 = 0, /* with x5t#S256; with x5t when only that is known */
    AZR_ASSERTION_RS256 = 1  /* with x5t; with x5t#S256 when only that is known */
};

/* Borrowed for the call. */
struct azr_assertion {
    uint32_t alg;       /* enum azr_assertion_alg */
    kp_span client_id;  /* GUID */
    kp_span audience;   /* the token URL */
    int64_t now_unix_s; /* wall clock */
    /* Unpredictable. Where the random source fails, the caller reports 3802. */
    uint8_t jti[AZR_JTI_LEN];
};

/*
 * Makes the JWT. *ret_jwt is initialised here as a secret buffer; the caller clears it, also after
 * a failure. Errors: internal 3801 header, 3803 payload, 3806 digest, 3808 token; auth 3807 the key
 * does not sign; no_memory (3301).
 */
kp_status azr_assertion_make(const struct azr_credential *credential,
                             const struct azr_assertion *in, kp_buf *ret_jwt,
                             struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_ASSERTION_H */
