/*
 * The tokens that vaults of this process may share: one identity at several vaults fetches one.
 * What a token belongs to is the fingerprint of all it was asked for with, credential included,
 * under a key of this process: the right client id with a wrong secret finds nobody's token.
 *
 * Threads: any; a lock is held for copying one token, and only where a vault has none of its own.
 * The store is empty again when its last vault has closed.
 */
#ifndef KP_PLUGINS_AZURE_REST_TOKEN_STORE_H
#define KP_PLUGINS_AZURE_REST_TOKEN_STORE_H

#include <keyprovider/plugin.h>

#include "plugins/azure-rest/fingerprint.h"
#include "plugins/azure-rest/token.h"

#define AZR_STORE_MAX 64u /* tokens kept; one more takes the place of the one that expires first */

/* For each open vault one enter and one leave. Errors of enter: internal, no random bytes. */
kp_status azr_store_enter(const struct kp_host *host, struct kp_error *reterr) KP_MUST_USE;
void azr_store_leave(void);

/* The fingerprint of parts under the key of this process. Errors: those of azr_fingerprint. */
kp_status azr_store_fingerprint(const kp_span *parts, size_t n, uint8_t ret[AZR_FINGERPRINT_LEN],
                                struct kp_error *reterr) KP_MUST_USE;

/*
 * A token for this fingerprint that is good and not due yet, one reference to a copy; NULL when
 * there is none, or no memory for it.
 */
struct azr_token *azr_store_find(const uint8_t fingerprint[AZR_FINGERPRINT_LEN], uint64_t now_ns);
/* Keeps a copy; where there is no memory, none is kept. */
void azr_store_put(const uint8_t fingerprint[AZR_FINGERPRINT_LEN], const struct azr_token *token);
/* A service has refused this token: nobody is to find it any more. */
void azr_store_drop(const struct azr_token *token);

#endif /* KP_PLUGINS_AZURE_REST_TOKEN_STORE_H */
