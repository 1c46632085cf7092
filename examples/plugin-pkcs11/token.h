/*
 * One token: its slot, the PIN, and sessions on it.
 *
 * A session serves one thread, so each call of a worker opens its own, which costs a token little.
 * The login belongs to the process and the token, not to a session, and ends with the last session:
 * the one that stays open for as long as the vault keeps it. A PIN that was refused is never shown
 * again, for tokens count and lock themselves.
 *
 * Threads: any but the loop's; all of it may block.
 */
#ifndef KP_EXAMPLES_PLUGIN_PKCS11_TOKEN_H
#define KP_EXAMPLES_PLUGIN_PKCS11_TOKEN_H

#include <pthread.h>

#include "location.h"

struct p11_token {
    CK_FUNCTION_LIST_PTR f;
    struct p11_location location;
    kp_span pin; /* secret; the vault's */
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE kept;
    pthread_mutex_t login; /* guards pin_refused, and that one at a time logs in */
    int pin_refused;
};

/*
 * Finds the slot of the location's token, logs in and keeps a session. location and pin are set;
 * token is p11_token_close's also after a failure.
 * Errors: not_found (no such token), config (two of them), auth, and those of the module.
 */
kp_status p11_token_open(struct p11_token *token, CK_FUNCTION_LIST_PTR functions,
                         struct kp_error *reterr);
void p11_token_close(struct p11_token *token);

/* A session that is logged in; the caller closes it with C_CloseSession. */
kp_status p11_token_session(struct p11_token *token, CK_SESSION_HANDLE *ret,
                            struct kp_error *reterr);

#endif /* KP_EXAMPLES_PLUGIN_PKCS11_TOKEN_H */
