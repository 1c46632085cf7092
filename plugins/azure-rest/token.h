/*
 * A token in memory. Tokens are counted: whoever sends one holds it until the answer is there.
 * Loop thread of one vault; nothing here is shared between vaults.
 */
#ifndef KP_PLUGINS_AZURE_REST_TOKEN_H
#define KP_PLUGINS_AZURE_REST_TOKEN_H

#include "plugins/azure-rest/token_reply.h"

struct azr_token {
    uint32_t n_refs;
    kp_buf text;         /* secret */
    uint64_t refresh_ns; /* host's monotonic clock: from here on a new one is fetched ahead */
    uint64_t expires_ns; /* from here on it is not sent any more */
};

/*
 * Makes a token that lives as lifetime says from now_ns on. text is moved into it on success.
 * *ret_token: the caller's one reference. Errors: no_memory.
 */
kp_status azr_token_new(kp_buf *text, const struct azr_lifetime *lifetime, uint64_t now_ns,
                        struct azr_token **ret_token, struct kp_error *reterr) KP_MUST_USE;
/* One more reference. Returns token. */
struct azr_token *azr_token_acquire(struct azr_token *token);
/* Gives one back; the last wipes and frees. NULL allowed. */
void azr_token_release(struct azr_token *token);

/* Whether it may still be sent. */
bool azr_token_is_good(const struct azr_token *token, uint64_t now_ns);
/* Whether a new one should be fetched although this one is good. */
bool azr_token_is_due(const struct azr_token *token, uint64_t now_ns);

#endif /* KP_PLUGINS_AZURE_REST_TOKEN_H */
