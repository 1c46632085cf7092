/*
 * Requests of the keys data plane: method, URL and JSON body from a kp_request. Pure functions over
 * bytes; the parsers are in answer.h. Source: Key Vault REST 7.6, keys.
 *
 *     POST https://HOST/keys/NAME/VERSION/wrapkey?api-version=7.6
 *     {"alg":"RSA-OAEP-256","value":"BASE64URL"}
 */
#ifndef KP_PLUGINS_AZURE_REST_MESSAGE_H
#define KP_PLUGINS_AZURE_REST_MESSAGE_H

#include "base/buf.h"

#define AZR_URL_MAX_LEN 8192u                     /* a nextLink has some 500 bytes */
#define AZR_BODY_MAX_LEN (4u * 1024u * 1024u)     /* two payloads as base64url and their frame */

/* Where requests go. Texts are borrowed for the call. */
struct azr_site {
    const char *base;        /* https://HOST[:PORT] */
    const char *api_version; /* "7.6" */
};

/* Buffers are kept from one request to the next. */
struct azr_message {
    const char *method;
    bool has_body;
    kp_buf url;
    kp_buf body; /* secret */
};

void azr_message_init(struct azr_message *message);
/* Wipes and frees. */
void azr_message_clear(struct azr_message *message);

/*
 * Writes the request. Errors: usage naming the member (a name or version that is none, a page token
 * of other making, a member the operation needs); unsupported for an operation without a request;
 * no_memory.
 */
kp_status azr_message_build(const struct azr_site *site, const struct kp_request *request,
                            struct azr_message *message, struct kp_error *reterr) KP_MUST_USE;

/* Writes the look at what a delete or recover of this key has done so far. */
kp_status azr_message_look(const struct azr_site *site, const struct kp_request *request,
                           struct azr_message *message, struct kp_error *reterr) KP_MUST_USE;

/* Writes the question that is sent without a token. */
kp_status azr_message_probe(const struct azr_site *site, struct azr_message *message,
                            struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_MESSAGE_H */
