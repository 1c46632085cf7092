/*
 * A small JSON scanner that reads in place: for replies that hold tokens and key material and stay
 * in secret memory. A text is checked whole first; then values are views into it. No allocation, no
 * recursion, time linear in the text. Pure functions, any thread. Source: RFC 8259.
 */
#ifndef KP_PLUGINS_AZURE_REST_JSON_SCAN_H
#define KP_PLUGINS_AZURE_REST_JSON_SCAN_H

#include <stdbool.h>

#include "base/buf.h"

#define AZR_JSON_MAX_DEPTH 32u /* brackets open at once */

enum azr_json_type {
    AZR_JSON_NONE = 0, /* no such value */
    AZR_JSON_OBJECT = 1,
    AZR_JSON_ARRAY = 2,
    AZR_JSON_STRING = 3,
    AZR_JSON_NUMBER = 4,
    AZR_JSON_TRUE = 5,
    AZR_JSON_FALSE = 6,
    AZR_JSON_NULL = 7
};

/* A value inside a checked text: its bytes with quotes or brackets. */
struct azr_json {
    enum azr_json_type type;
    kp_span text;
};

/*
 * Checks that text is one JSON value, blanks around it allowed, well-formed UTF-8, no deeper than
 * AZR_JSON_MAX_DEPTH, and gives it. False: it is not.
 */
bool azr_json_parse(kp_span text, struct azr_json *ret);

/*
 * The member of an object from azr_json_parse; of several with that name, the first. Names are
 * compared as bytes, escapes in them count as a different name. AZR_JSON_NONE when there is none or
 * value is no object.
 */
struct azr_json azr_json_member(struct azr_json object, const char *name);

/* The i-th element of an array, AZR_JSON_NONE from the end on. */
struct azr_json azr_json_element(struct azr_json array, size_t i);

/* True of {} and [], whatever blanks are inside. */
bool azr_json_is_empty(struct azr_json value);

/* The string without its quotes, a view; false when it is none or has an escape in it. */
bool azr_json_plain(struct azr_json value, kp_span *ret);

/*
 * Appends the string with its escapes resolved (lone surrogates refused). Errors: protocol when it
 * is no string; what kp_buf_append answers.
 */
kp_status azr_json_string(struct azr_json value, kp_buf *out) KP_MUST_USE;

/*
 * A whole number, written as one or as a string of one; fractions are cut off, what does not fit
 * saturates. False: it is neither.
 */
bool azr_json_integer(struct azr_json value, int64_t *ret);

#endif /* KP_PLUGINS_AZURE_REST_JSON_SCAN_H */
