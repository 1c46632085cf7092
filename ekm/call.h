/*
 * One call of SQL Server, from its checks to its log line, and the operations it makes of it.
 *
 * An operation goes through kp_submit and is waited for here, so that CloseSession can cancel it.
 * Passing failures are tried again while there is patience with the vault (ekm/patience.h), for
 * databases that are opened before the network is there: a call then lasts to the end of the
 * patience rather than to its own time-out.
 *
 * Threads: a call belongs to the engine's thread that makes it.
 */
#ifndef KP_EKM_CALL_H
#define KP_EKM_CALL_H

#include "ekm/session.h"

/* The key in an answer with its thumbprint: made on the loop, for OpenSSL stays off the
 * engine's. */
struct ekm_answer {
    kp_status status;
    struct ekm_key key;
    struct kp_error error;
};

struct ekm_call {
    const char *function; /* "Encrypt" */
    struct ekm_provider *provider;
    struct ekm_session *session; /* NULL: a call without one */
    uint64_t deadline_ms;
    enum ekm_act act;                  /* of the operation that failed, LOCAL while none did */
    bool is_enumeration;               /* not found is an answer, and nothing to log */
    char vault[EKM_VAULT_MAX_LEN + 1]; /* for the log line, as the rest */
    char key[EKM_ASKED_MAX_LEN + 1];
    struct kp_error err;
    struct ekm_answer answer; /* the last vault's */
};

/*
 * Begins a call without a session. Errors: usage with 1: there is no provider.
 * What comes back must go through ekm_call_end in any case.
 */
kp_status ekm_call_begin(struct ekm_call *call, const char *function) KP_MUST_USE;
/* The same with the session whose handle the engine gave. Errors: usage with 6: there is none. */
kp_status ekm_call_begin_session(struct ekm_call *call, const char *function,
                                 const SqlCpSession *handle) KP_MUST_USE;
/* Ends it: logs a failure, lets everything go, and returns the number for the engine. */
SqlCpError ekm_call_end(struct ekm_call *call, kp_status status);

/* usage with 6 and a sentence: the engine's argument is none. */
kp_status ekm_call_refuse(struct ekm_call *call, const char *sentence);
/* usage with 2: the caller is to come again with room. Not logged. */
kp_status ekm_call_too_small(struct ekm_call *call);
/* Names the key for the log line. */
void ekm_call_name_key(struct ekm_call *call, kp_span name, kp_span version);
void ekm_call_name_thumb(struct ekm_call *call, const struct ekm_thumb *thumb);

/*
 * One operation on the session's vault; the contract is kp_call's, ctx a struct ekm_call. It also
 * answers canceled once the session is aborted.
 */
kp_status ekm_call_vault(void *ctx, kp_vault *vault, const struct kp_request *request,
                         struct kp_result *ret_result) KP_MUST_USE;
/* The key the last answer told about; ctx a struct ekm_call. Errors: ekm_key_fill's. */
kp_status ekm_call_filled(void *ctx, struct ekm_key *ret, struct kp_error *reterr) KP_MUST_USE;
/* Milliseconds until the deadline of the call; 0: it has passed. */
uint64_t ekm_call_left_ms(const struct ekm_call *call);
/* Whether the session is aborted; ctx a struct ekm_call. */
bool ekm_call_is_canceled(void *ctx);

/* The query of this call for the resolver, and the lookup it goes by. Both as long as call. */
struct ekm_asking {
    struct ekm_lookup_vault lookup;
    struct ekm_query query;
};
void ekm_call_ask(struct ekm_call *call, struct ekm_asking *asking);

/* Cancels every operation a session waits for. Under its sync. */
void ekm_waits_cancel_locked(struct ekm_session *session);

#endif /* KP_EKM_CALL_H */
