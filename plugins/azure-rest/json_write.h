/*
 * Writing the small JSON bodies of this protocol straight into a buffer, which may be secret. The
 * first failure sticks: write all, look once. Pure functions over the caller's struct.
 */
#ifndef KP_PLUGINS_AZURE_REST_JSON_WRITE_H
#define KP_PLUGINS_AZURE_REST_JSON_WRITE_H

#include "base/buf.h"

struct azr_json_out {
    kp_buf *to;
    kp_status status;
    bool needs_comma;
};

/* Begins with an empty buffer. */
void azr_json_begin(struct azr_json_out *out, kp_buf *to);
/* name NULL: in an array, or the outermost. open is '{' or '[', close its partner. */
void azr_json_open(struct azr_json_out *out, const char *name, char open);
void azr_json_close(struct azr_json_out *out, char close);
/* UTF-8 text, escaped as needed. */
void azr_json_text(struct azr_json_out *out, const char *name, kp_span text);
/* A name and an object's member name from outside, both escaped. */
void azr_json_pair(struct azr_json_out *out, kp_span name, kp_span text);
void azr_json_base64url(struct azr_json_out *out, const char *name, kp_span bytes);
void azr_json_integer_out(struct azr_json_out *out, const char *name, int64_t value);
void azr_json_bool(struct azr_json_out *out, const char *name, bool value);

#endif /* KP_PLUGINS_AZURE_REST_JSON_WRITE_H */
