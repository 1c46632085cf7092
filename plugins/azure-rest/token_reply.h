/*
 * Replies to token requests, from the login service and from managed identity endpoints: read in
 * place where the body lies, in secret memory; the token is copied once, to where it stays.
 * Pure functions over bytes, any thread. Source: RFC 6749 section 5, recorded replies.
 */
#ifndef KP_PLUGINS_AZURE_REST_TOKEN_REPLY_H
#define KP_PLUGINS_AZURE_REST_TOKEN_REPLY_H

#include "base/buf.h"

#define AZR_TOKEN_REPLY_MAX_LEN 262144u  /* bytes of a body; ask the host for no more */
#define AZR_TOKEN_MAX_LEN 65536u         /* bytes of a token */
#define AZR_TOKEN_MAX_LIFETIME_S 172800  /* what a reply may claim is cut to this: 48 h */
#define AZR_TOKEN_UNKNOWN_LIFETIME_S 300 /* of a token whose reply names no lifetime */
#define AZR_TOKEN_REFRESH_AHEAD_S 300    /* a token is renewed this long before it ends */

/* Who answered; changes the sentences, and what a status means. */
enum azr_token_source {
    AZR_SOURCE_LOGIN = 0,           /* the login service */
    AZR_SOURCE_MANAGED_IDENTITY = 1 /* an identity endpoint of the machine */
};

/*
 * How long a token may be used, counted from the moment its reply came: measure with the monotonic
 * clock, and neither a wrong nor a moved wall clock matters later.
 */
struct azr_lifetime {
    int64_t expires_s; /* stop using it after so many seconds; at least 1 */
    int64_t refresh_s; /* start to renew it after so many; less than expires_s */
};

/*
 * Reads a reply of status 200. now_unix_s: wall clock at the reply, or the time in its Date header.
 * *ret_token is initialised here as a secret buffer; the caller clears it, also after a failure.
 * Lifetime: expires_in where it is there (number or string), else expires_on minus now (epoch as
 * number or string, or date text of old App Service endpoints), never more than expires_on minus
 * not_before; else AZR_TOKEN_UNKNOWN_LIFETIME_S.
 * Errors: protocol 3307 not JSON, 3306 no token, 3308 a token with other than visible ASCII, too
 * long, empty; auth 3304 expired on arrival, token_type other than Bearer; no_memory 3302.
 */
kp_status azr_token_read(kp_span body, uint32_t source, int64_t now_unix_s, kp_buf *ret_token,
                         struct azr_lifetime *ret_lifetime, struct kp_error *reterr) KP_MUST_USE;

/*
 * When to renew: refresh_in (0: none given) but not before AZR_TOKEN_REFRESH_AHEAD_S have passed;
 * without it at half time for tokens of two hours or more; in any case that long before the end,
 * and at half time where a token is too short for either. expires_s at least 1.
 */
struct azr_lifetime azr_lifetime_make(int64_t expires_s, int64_t refresh_in_s);

/*
 * Makes the error of a reply whose status is not 200: always returns a failure and fills *reterr
 * with class, documented number, HTTP status, trace id (request_id) and a sentence that has the
 * service's number (AADSTS...) in it; nothing of the reply's own text but that. Exposure: not_sent,
 * for the vault was not reached. The retry hint is the caller's to set from the headers.
 *   throttled 3109  429, temporarily_unavailable       transient 3111  408, 410, 5xx
 *   auth 3303       the identity was refused           auth 3304       it was accepted, still none
 *   protocol 3307   another status with a body that is no JSON
 * A managed identity endpoint's 404 is transient too: it is being updated.
 */
kp_status azr_token_error(kp_span body, uint32_t http_status, uint32_t source,
                          struct kp_error *reterr);

#endif /* KP_PLUGINS_AZURE_REST_TOKEN_REPLY_H */
