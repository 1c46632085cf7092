/* The JSON bodies of requests. Internal to message.c. Pure functions over the caller's buffer. */
#ifndef KP_PLUGINS_AZURE_REST_MESSAGE_BODY_H
#define KP_PLUGINS_AZURE_REST_MESSAGE_BODY_H

#include "base/buf.h"

/* What a request's body is made of. */
enum azr_body {
    AZR_BODY_NONE = 0,
    AZR_BODY_CREATE,
    AZR_BODY_IMPORT,
    AZR_BODY_UPDATE,
    AZR_BODY_BLOB,
    AZR_BODY_CRYPT,
    AZR_BODY_VERIFY,
    AZR_BODY_RELEASE,
    AZR_BODY_RANDOM,
    AZR_BODY_POLICY
};

/*
 * Refuses what cannot be put into a body of this kind. Errors: usage naming the member,
 * unsupported.
 */
kp_status azr_body_check(enum azr_body kind, const struct kp_request *request,
                         struct kp_error *reterr) KP_MUST_USE;

/* Writes a checked body; body is emptied first. Errors: what kp_buf answers. */
kp_status azr_body_write(enum azr_body kind, const struct kp_request *request, kp_buf *body)
    KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_MESSAGE_BODY_H */
