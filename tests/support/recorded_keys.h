/*
 * Exchanges of the keys data plane as our own structs: what was asked, read back out of method,
 * path and body of a recorded request, and the reply as the host would hand it over. Written from
 * the service's description, not from our builders.
 */
#ifndef KP_TESTS_SUPPORT_RECORDED_KEYS_H
#define KP_TESTS_SUPPORT_RECORDED_KEYS_H

#include <stdbool.h>

#include <jansson.h>

#include <keyprovider/plugin.h>

#include "base/buf.h"

#define RECORDED_HEADERS_MAX 32u

/* One exchange. Everything it points to lives until recorded_clear. */
struct recorded {
    struct kp_request request;
    struct kp_key_params params;
    struct kp_rotation_policy policy;
    struct kp_tag tags[KP_TAGS_MAX];
    char base[300];       /* https://HOST of the identifiers in the reply */
    char api_version[40]; /* "7.6" where the recording has none */
    const char *untold;   /* why our API cannot ask for this; NULL: it can */
    struct kp_http_reply reply;
    struct kp_http_header headers[RECORDED_HEADERS_MAX];
    char *body;   /* of the reply; identifiers with one host where the recorder left several */
    kp_buf bytes; /* what the spans of request point to */
};

/* False: the exchange is none with the keys data plane. */
bool recorded_read(const json_t *exchange, struct recorded *ret);
void recorded_clear(struct recorded *recorded);

/* Names of all recordings of the keys data plane, NULL at the end. */
extern const char *const recorded_names[];

#endif /* KP_TESTS_SUPPORT_RECORDED_KEYS_H */
