/*
 * What a refusal means: HTTP status, service error code and headers of a reply become a kp_error.
 * One table, in judge.c; docs/AZURE-REST.md shows it. Decisions hang on statuses and codes, never on
 * message texts, and no message text is passed on: only codes and the service's request id are.
 * Pure functions over the caller's structs, any thread. Source: Key Vault REST 7.6, section "error
 * codes" of its documentation, recorded replies; 403, 429 and 5xx are in no recording.
 *
 *     409 Conflict
 *     {"error":{"code":"Conflict","message":"...","innererror":{"code":"ObjectIsBeingDeleted"}}}
 */
#ifndef KP_PLUGINS_AZURE_REST_JUDGE_H
#define KP_PLUGINS_AZURE_REST_JUDGE_H

#include <stdbool.h>

#include <keyprovider/plugin.h>

/* What a flow may do something about. */
enum azr_trouble {
    AZR_TROUBLE_OTHER = 0,
    AZR_TROUBLE_TOKEN = 1,               /* 401: a fresh token may help, once */
    AZR_TROUBLE_BEING_DELETED = 2,       /* the name is free soon, or recoverable: wait and repeat */
    AZR_TROUBLE_DELETED_RECOVERABLE = 3, /* recover or purge first */
    AZR_TROUBLE_FORBIDDEN = 4,
    AZR_TROUBLE_NOT_FOUND = 5, /* of a poll after delete or recover: not yet */
    AZR_TROUBLE_THROTTLED = 6,
    AZR_TROUBLE_PASSING = 7 /* 408, 5xx: try again */
};

#define AZR_SERVICE_CODE_LEN 64u /* bytes of a service error code kept, its NUL included */

/* The codes of an error body; empty where it has none. Codes of other characters than letters,
 * digits, blanks, '_', '-' and '.' are dropped, so that they may stand in a sentence. */
struct azr_service_error {
    char code[AZR_SERVICE_CODE_LEN];
    char inner[AZR_SERVICE_CODE_LEN]; /* the deepest innererror's */
};

/* Reads an error body; one that is empty, cut, HTML or the text "OK" has no codes. */
void azr_service_error_read(kp_span body, struct azr_service_error *ret);

/* What is known of an exchange besides its reply. Borrowed for the call. */
struct azr_exchange {
    const char *base; /* https://HOST[:PORT]: for sentences */
    const struct kp_request *request;
    int64_t now_unix_s; /* Retry-After may be a date */
    bool is_token_fresh; /* the token came with the answer to an earlier 401: 3305 instead of 3108 */
};

/*
 * Judges a reply that is no success (azr_answer_read has those). Fills *reterr: class, number of the
 * step, HTTP status, exposure, retry hint, request id, one sentence with advice. reterr and
 * ret_trouble may be NULL. Returns the class; never KP_OK.
 */
kp_status azr_judge(const struct azr_exchange *exchange, const struct kp_http_reply *reply,
                    enum azr_trouble *ret_trouble, struct kp_error *reterr);

/*
 * Puts the failure of a request that had no reply into the words and the number of its step: where
 * the host says that no status line came (3107), reading a key, backup, wrap and unwrap have numbers
 * of their own. Every other number, class and exposure stays. Returns status.
 */
kp_status azr_judge_silence(const struct azr_exchange *exchange, kp_status status,
                            struct kp_error *error);

#endif /* KP_PLUGINS_AZURE_REST_JUDGE_H */
