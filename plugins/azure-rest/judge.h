/*
 * What a failure means: HTTP status, service error code and headers of a reply become a kp_error.
 * All numbers of this room stand in the tables of judge.c; docs/AZURE-REST.md shows them. Decisions
 * hang on statuses and codes, never on message texts, and no message text is passed on: only codes,
 * the region that answered and the service's request id are.
 *
 *     409 Conflict
 *     {"error":{"code":"Conflict","message":"...","innererror":{"code":"ObjectIsBeingDeleted"}}}
 *
 * Pure functions over the caller's structs, any thread. Source: Key Vault REST 7.6 and its page of
 * error codes, recorded replies; 403, 429 and 5xx are in no recording.
 */
#ifndef KP_PLUGINS_AZURE_REST_JUDGE_H
#define KP_PLUGINS_AZURE_REST_JUDGE_H

#include <stdbool.h>

#include <keyprovider/plugin.h>

/* ---- Service error codes ---- */

#define AZR_SERVICE_CODE_LEN 64u /* bytes of a service error code kept, its NUL included */

/* Empty where the body has none, or one that is longer or holds other characters than letters,
 * digits, blanks, '_', '-' and '.': what is kept may stand in a sentence. */
struct azr_service_error {
    char code[AZR_SERVICE_CODE_LEN];
    char inner[AZR_SERVICE_CODE_LEN]; /* the deepest innererror's */
};

/* Reads an error body; one that is empty, cut, HTML or the text "OK" has no codes. */
void azr_service_error_read(kp_span body, struct azr_service_error *ret);

/* ---- Replies that are no success ---- */

/* What a flow may do something about. */
enum azr_trouble {
    AZR_TROUBLE_OTHER = 0,
    AZR_TROUBLE_TOKEN = 1,               /* 401: a fresh token may help, once */
    AZR_TROUBLE_BEING_DELETED = 2,       /* the name is free or recoverable soon: wait, repeat */
    AZR_TROUBLE_DELETED_RECOVERABLE = 3, /* recover or purge first */
    AZR_TROUBLE_FORBIDDEN = 4,           /* of a poll after delete or recover: enough */
    AZR_TROUBLE_NOT_FOUND = 5,           /* of such a poll: not yet */
    AZR_TROUBLE_THROTTLED = 6,
    AZR_TROUBLE_PASSING = 7,   /* 408, 5xx: try again */
    AZR_TROUBLE_NAME_TAKEN = 8 /* of a restore: by a live key, or by a purge that still spreads */
};

/* What is known of an exchange besides its reply. Borrowed for the call. */
struct azr_exchange {
    const char *base; /* https://HOST[:PORT]: for sentences */
    const struct kp_request *request;
    int64_t now_unix_s;  /* Retry-After may be a date */
    bool is_token_fresh; /* it came after an earlier 401: 3305 takes the place of 3108 */
};

/*
 * Judges a reply that is no success (azr_answer_read has those). Fills *reterr: class, number,
 * HTTP status, exposure, retry hint, request id, one sentence with advice. reterr and ret_trouble
 * may be NULL. Returns the class; never KP_OK.
 */
kp_status azr_judge(const struct azr_exchange *exchange, const struct kp_http_reply *reply,
                    enum azr_trouble *ret_trouble, struct kp_error *reterr);

/*
 * Puts the failure of a request that had no reply into the words and the number of its step: where
 * the host says that no status line came (3107), reading a key, backup, wrap and unwrap have
 * numbers of their own. Every other number, class and exposure stays. Returns status.
 */
kp_status azr_judge_silence(const struct azr_exchange *exchange, kp_status status,
                            struct kp_error *error);

/* ---- The numbers of a step ---- */

enum azr_fault {
    AZR_FAULT_URL_MEMORY = 0,   /* no memory to write the URL */
    AZR_FAULT_BODY_MEMORY = 1,  /* ... the body */
    AZR_FAULT_REPLY_MEMORY = 2, /* ... what was read of the reply */
    AZR_FAULT_NO_RESPONSE = 3,
    AZR_FAULT_NOT_JSON = 4,
    AZR_FAULT_NO_VALUE = 5,
    AZR_FAULT_NOT_BASE64 = 6,
    AZR_FAULT_HEADER_MEMORY = 7 /* the host has none for URL, headers and body of a request */
};

#define AZR_FAULTS 8u

/*
 * The documented number of a fault at the step that an operation is. Whatever answers a key counts
 * as reading a key, encrypt as wrap, decrypt as unwrap. Steps without numbers of their own: 2051
 * for memory, 3107 for no response, 3001 for the rest.
 */
uint32_t azr_fault_code(uint32_t op, enum azr_fault fault);

/* ---- The table, for the page that shows it ---- */

#define AZR_ANY_OP UINT64_MAX

/* One row: the first that fits a reply judges it. Static storage. */
struct azr_verdict {
    uint32_t http_from;
    uint32_t http_to;
    const char *code;  /* error.code; NULL: any */
    const char *inner; /* the deepest innererror.code; NULL: any */
    uint64_t ops;      /* KP_OP_BIT of the operations it is about; AZR_ANY_OP */
    bool fresh_only;   /* only when the token was fresh */
    kp_status status;
    uint32_t number;
    enum kp_exposure exposure;
    enum azr_trouble trouble;
    const char *advice; /* ends the sentence */
};

/* The i-th row, NULL from the end on. */
const struct azr_verdict *azr_verdict_at(size_t i);

#endif /* KP_PLUGINS_AZURE_REST_JUDGE_H */
