/* application/x-www-form-urlencoded and percent encoding. Pure functions, any thread. */
#ifndef KP_PLUGINS_AZURE_REST_FORM_H
#define KP_PLUGINS_AZURE_REST_FORM_H

#include "base/buf.h"

/*
 * Appends bytes percent-encoded: letters, digits and "-._~" stay, all else becomes %XX, also the
 * blank (RFC 3986 section 2.3). On failure out may hold a part. Errors: those of kp_buf.
 */
kp_status azr_percent_encode(kp_span bytes, kp_buf *out) KP_MUST_USE;

/* Appends name=value, after "&" unless out is empty. name: a literal that needs no encoding. */
kp_status azr_form_add(kp_buf *out, const char *name, kp_span value) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_FORM_H */
