/*
 * A vault's way to a token: what its challenge said, the token in use, the one fetch that all
 * operations without one wait for.
 *
 *     state of the token   an operation comes            what happens
 *     good, not due        goes on with it               nothing
 *     good, due            goes on with it               a fetch begins, nobody waits for it
 *     none or over         waits                         a fetch begins, or is joined
 *
 * A fetch serves those who began to wait under its epoch or an earlier one. The epoch moves when
 * what a token is asked for changes: identity, target, claims. Those who wait under a later epoch
 * than the fetch's get the next fetch. A failure reaches all who wait for that fetch and is not
 * kept; a token that is still good stays when its renewal fails, and the next try waits a while.
 *
 * Loop thread of the vault.
 */
#ifndef KP_PLUGINS_AZURE_REST_ACCESS_H
#define KP_PLUGINS_AZURE_REST_ACCESS_H

#include "plugins/azure-rest/challenge.h"
#include "plugins/azure-rest/identity.h"
#include "plugins/azure-rest/token.h"

struct azr_vault;
struct azr_fetch;
struct azr_waiter;

/* token is borrowed for the call and NULL unless status is KP_OK. Must not leave another waiter. */
typedef void azr_waited_fn(struct azr_waiter *waiter, kp_status status, struct azr_token *token,
                           const struct kp_error *error);

/* Embedded in whoever waits. Zeroed: not waiting. */
struct azr_waiter {
    struct azr_waiter *prev;
    struct azr_waiter *next;
    bool is_waiting;
    uint64_t epoch;
    azr_waited_fn *cb;
};

struct azr_access {
    struct azr_vault *vault;
    struct azr_identity *identity; /* one reference */
    uint64_t epoch;
    bool has_target; /* the challenge of host and port, checked */
    struct azr_target target;
    kp_buf claims; /* JSON of the last CAE challenge, until a token was got with it; or empty */
    struct azr_token *token; /* NULL: none */
    uint64_t next_refresh_ns;
    struct azr_fetch *fetch;   /* the one that waiters wait for */
    struct azr_fetch *fetches; /* all that may still be called back */
    struct azr_waiter waiters; /* head of a ring */
    bool is_closing;
};

/* identity is moved in. */
void azr_access_init(struct azr_access *access, struct azr_vault *vault,
                     struct azr_identity *identity);
/*
 * Cancels what runs. True: nothing of it will be called back and all is freed. False: a worker is
 * still at it, and azr_vault_close_if_quiet will be called.
 */
bool azr_access_close(struct azr_access *access);

/* Another identity from now on; moved in. The token in use is forgotten. */
void azr_access_use(struct azr_access *access, struct azr_identity *identity);

/*
 * The token in use, one more reference; NULL when there is none that may be sent. Begins to fetch a
 * new one ahead of its expiry.
 */
struct azr_token *azr_access_get(struct azr_access *access);

/*
 * Waits for a token: cb is called once, not from inside this call. Errors: no callback will come;
 * what kept the fetch from beginning.
 */
kp_status azr_access_wait(struct azr_access *access, struct azr_waiter *waiter, azr_waited_fn *cb,
                          struct kp_error *reterr) KP_MUST_USE;
/* Takes a waiter out again; the fetch goes on for the others. Does nothing if it does not wait. */
void azr_access_leave(struct azr_access *access, struct azr_waiter *waiter);

/*
 * A request with this token was answered 401: the token is not used any more, and what the new
 * challenge says is taken over once it has been checked; its claims, for a CAE challenge, and then
 * nothing else. Errors: the challenge cannot be used, and no token may be fetched for it.
 */
kp_status azr_access_refused(struct azr_access *access, const struct azr_token *token,
                             const struct kp_http_reply *reply, struct kp_error *reterr)
    KP_MUST_USE;

/* Whether the reply, a 401, is a CAE challenge: it wants a token with claims. */
bool azr_access_asks_claims(const struct kp_http_reply *reply);

/* ---- For fetches ---- */

/* Takes over the target of a challenge. */
void azr_access_found_target(struct azr_access *access, const struct azr_target *target);
/* The fetch is over: token is moved in, or error says why not. */
void azr_access_fetched(struct azr_access *access, struct azr_fetch *fetch, kp_status status,
                        struct azr_token *token, const struct kp_error *error);

#endif /* KP_PLUGINS_AZURE_REST_ACCESS_H */
