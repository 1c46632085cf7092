/*
 * What a token belongs to: a keyed hash over everything that makes one identity differ from
 * another, secrets included, so that the right client id with a wrong secret never finds another
 * login's token. The hash key is random per process: fingerprints of two processes say nothing.
 * Pure function, any thread. Source: architecture, decision 10.
 */
#ifndef KP_PLUGINS_AZURE_REST_FINGERPRINT_H
#define KP_PLUGINS_AZURE_REST_FINGERPRINT_H

#include <keyprovider/status.h>

#define AZR_FINGERPRINT_LEN 32u
#define AZR_FINGERPRINT_KEY_LEN 32u     /* random bytes, made once per process by the caller */
#define AZR_FINGERPRINT_MAX_LEN 262144u /* bytes of all parts together */

/*
 * HMAC-SHA-256 over n parts, each after its length, in order. Parts may be empty; their number and
 * order belong to the value. Which parts make an identity is fetch.c's to say: secrets as they are,
 * files by their paths. The input is gathered in secret memory and wiped.
 * Errors: usage for a key of another length or parts over the bound; no_memory; internal.
 */
kp_status azr_fingerprint(kp_span key, const kp_span *parts, size_t n,
                          uint8_t ret[AZR_FINGERPRINT_LEN], struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_FINGERPRINT_H */
