/*
 * One fetch of a token: the anonymous probe where the challenge is not known yet, then each kind of
 * identity in its order until one has a token.
 *
 *     PROBING     GET /keys without a token; its 401 holds the challenge
 *     READING     a file of the identity is read
 *     SIGNING     a worker opens the certificate's file and signs
 *     ASKING      the login service or a managed identity endpoint is asked
 *     PAUSING     until an endpoint is asked again
 *     FOLLOWING   another vault asks for the very token; looks again and again
 *     OVER        told; waits for callbacks that may still come
 *
 *     PROBING -> FOLLOWING, READING, ASKING, OVER     READING -> SIGNING, ASKING, OVER
 *     SIGNING -> ASKING, OVER                         ASKING -> READING, PAUSING, ASKING, OVER
 *     PAUSING -> ASKING, OVER                         FOLLOWING -> READING, ASKING, OVER
 *
 * With a further kind to try, a failure leads to that one's first state instead of OVER. A timer
 * ends a fetch that takes too long, whatever its state. Everything is asked for in the name of the
 * vault, so that an operation that is cancelled takes nobody with it. Loop thread; SIGNING's work
 * on a worker, which then alone touches the fetch's credential, jwt and work_ members.
 */
#ifndef KP_PLUGINS_AZURE_REST_FETCH_H
#define KP_PLUGINS_AZURE_REST_FETCH_H

#include "plugins/azure-rest/access.h"
#include "plugins/azure-rest/credential.h"
#include "plugins/azure-rest/fingerprint.h"
#include "plugins/azure-rest/token_flight.h"
#include "plugins/azure-rest/token_request.h"

enum azr_fetch_state {
    AZR_FETCH_OVER = 0,
    AZR_FETCH_PROBING,
    AZR_FETCH_READING,
    AZR_FETCH_SIGNING,
    AZR_FETCH_ASKING,
    AZR_FETCH_PAUSING,
    AZR_FETCH_FOLLOWING
};

typedef void azr_fetch_step_fn(struct azr_fetch *fetch);
/* reply is borrowed for the call. */
typedef void azr_fetch_reply_fn(struct azr_fetch *fetch, const struct kp_http_reply *reply);
/* No reply came; error is filled in. */
typedef void azr_fetch_silence_fn(struct azr_fetch *fetch, kp_status status,
                                  struct kp_error *error);
/* The challenge has passed every check. */
typedef void azr_probed_fn(struct azr_fetch *fetch, const struct azr_target *target);
typedef void azr_fetch_file_fn(struct azr_fetch *fetch, kp_span bytes);

struct azr_fetch {
    /* Fixed once begun. */
    struct azr_access *access;
    struct azr_identity *identity; /* one reference */
    uint64_t epoch;
    uint64_t deadline_ns;
    kp_buf claims;

    /* Loop thread. */
    struct azr_fetch *next; /* in access->fetches */
    enum azr_fetch_state state;
    uint32_t n_pending; /* callbacks that may still come */
    bool has_worker;
    kp_http_id http;
    kp_timer_id timer;       /* of the time limit */
    kp_timer_id pause_timer; /* 0: none */
    azr_fetch_reply_fn *on_reply;
    azr_fetch_silence_fn *on_silence;
    azr_fetch_file_fn *on_file;
    azr_probed_fn *on_target;
    const char *reading; /* what the file is, for sentences */
    uint32_t kind_at;
    uint32_t attempt;
    bool has_arc_key;
    enum azr_mi_source source;
    struct azr_target target;
    bool has_fingerprint;
    uint8_t fingerprint[AZR_FINGERPRINT_LEN]; /* of the kind that is tried */
    struct azr_flight flight;                 /* of that fingerprint */
    struct kp_error error;                    /* of the kinds that failed so far */
    kp_status status;
    kp_buf url;
    kp_buf path;
    kp_buf body; /* secret */
    kp_buf file; /* secret */
    struct azr_mi_request request;

    /* The worker while SIGNING, then the loop. */
    struct azr_credential credential;
    kp_buf jwt; /* secret */
    int64_t now_unix_s;
    uint8_t jti[16];
    kp_status work_status;
    struct kp_error work_error;
};

/*
 * Begins a fetch; access->fetch is set. Ends in azr_access_fetched, never from inside this call.
 * Errors: no memory, no timer: nothing has begun.
 */
kp_status azr_fetch_begin(struct azr_access *access, struct kp_error *reterr) KP_MUST_USE;
/* The vault closes: cancels and frees all but those a worker is at. True when none is left. */
bool azr_fetch_close_all(struct azr_access *access);

/* ---- For the kinds ---- */

/* Their first steps, one file each. */
azr_fetch_step_fn azr_fetch_client_secret, azr_fetch_certificate, azr_fetch_workload,
    azr_fetch_managed_identity;

/* Sends; adds the time limit. A refusal by the host ends in on_silence, too. */
void azr_fetch_http(struct azr_fetch *fetch, enum azr_fetch_state state,
                    struct kp_http_request *request, azr_fetch_reply_fn *on_reply,
                    azr_fetch_silence_fn *on_silence);
/* Reads a file; one that cannot be read fails the kind. what: "the certificate's file". */
void azr_fetch_read(struct azr_fetch *fetch, const char *path, const char *what, size_t max_len,
                    azr_fetch_file_fn *on_file);
/* Waits, then begins the kind again; false where the time limit comes first: nothing happens. */
bool azr_fetch_pause(struct azr_fetch *fetch, uint32_t ms);
/* Makes the body of this proof, sends it to the login service and reads the token it answers. */
void azr_fetch_prove(struct azr_fetch *fetch, enum azr_proof proof, kp_span secret);
/* The end of every callback: the last one of a fetch that is over frees it. */
void azr_fetch_leave(struct azr_fetch *fetch);
/* Takes the token of a reply, or fails the kind. source: enum azr_token_source. */
void azr_fetch_take(struct azr_fetch *fetch, const struct kp_http_reply *reply, uint32_t source);
/* This kind has no token to give: the next one is tried, or the fetch ends. */
void azr_fetch_fail(struct azr_fetch *fetch, kp_status status, const struct kp_error *error);
/* What every token request of this fetch says. */
struct azr_grant azr_fetch_grant(const struct azr_fetch *fetch);

#endif /* KP_PLUGINS_AZURE_REST_FETCH_H */
