/*
 * Exchanges recorded from the real services, one JSON object a line. They are not part of the
 * project: read from the folder in KP_RECORDINGS, else from shared/reference/recordings beside the
 * project's root. Absent: the test says so and is skipped; with CI=true in the environment a skip
 * is a failure.
 */
#ifndef KP_TESTS_SUPPORT_RECORDINGS_H
#define KP_TESTS_SUPPORT_RECORDINGS_H

#include <stddef.h>

#include <jansson.h>

/* Skips or fails the running test when there are no recordings. Call it first. */
void recordings_need(void);
/* Reads file NAME.jsonl as an array of exchanges, *ret_n of them at least 1. Caller:
 * json_decref. */
json_t *recordings_load(const char *name, size_t *ret_n);
/* A text member of an exchange; fails the test when it is none. */
const char *recordings_text(const json_t *exchange, const char *member);
/*
 * The reply's body as it was on the wire, or as close as the recording has it: strings as they are,
 * JSON in compact form, member order kept. Caller: free().
 */
char *recordings_reply(const json_t *exchange);
/* A header of the reply by its name in any case, NULL when it is not there. */
const char *recordings_header(const json_t *exchange, const char *name);

#endif /* KP_TESTS_SUPPORT_RECORDINGS_H */
