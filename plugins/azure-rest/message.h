/*
 * Requests of the keys data plane: method, URL and JSON body from a kp_request. Names and versions
 * are checked, page tokens give a query only: nothing a caller passes changes the host or the path.
 * The messages stand as comments in message.c and message_body.c; what is answered is read by
 * answer.h. Pure functions over bytes, any thread. Source: Key Vault REST 7.6, keys.
 */
#ifndef KP_PLUGINS_AZURE_REST_MESSAGE_H
#define KP_PLUGINS_AZURE_REST_MESSAGE_H

#include "base/buf.h"

#define AZR_URL_MAX_LEN 8192u                                  /* a nextLink has some 500 bytes */
#define AZR_BODY_MAX_LEN (KP_BACKUP_MAX_LEN / 3u * 4u + 4096u) /* as base64url, and its frame */

/* Where requests go. Texts are borrowed for the call. */
struct azr_site {
    const char *base;        /* https://HOST[:PORT] */
    const char *api_version; /* "7.6" */
};

/*
 * Buffers are kept from one request to the next: building the same kind of request again allocates
 * nothing. POST without a body still says Content-Length: 0.
 */
struct azr_message {
    const char *method; /* static */
    bool has_body;
    kp_buf url;
    kp_buf body; /* secret */
};

void azr_message_init(struct azr_message *message);
/* Wipes and frees. */
void azr_message_clear(struct azr_message *message);

/*
 * Writes the request. request is whole: struct_size of this build, params and policy too.
 * Errors: usage naming the member (a name or version that is none, a page token of other making, a
 * member the operation needs, an iv where the HSM makes it); unsupported for an operation without a
 * request, and for an update that takes a date back; no_memory with the number of the step.
 */
kp_status azr_message_build(const struct azr_site *site, const struct kp_request *request,
                            struct azr_message *message, struct kp_error *reterr) KP_MUST_USE;

/*
 * Writes the look at what a delete (GET /deletedkeys/NAME) or a recover (GET /keys/NAME) of this
 * key has done so far.
 */
kp_status azr_message_look(const struct azr_site *site, const struct kp_request *request,
                           struct azr_message *message, struct kp_error *reterr) KP_MUST_USE;

/* Writes the question that is sent without a token: GET /keys?maxresults=1. */
kp_status azr_message_probe(const struct azr_site *site, struct azr_message *message,
                            struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_MESSAGE_H */
