/*
 * Writing our own JSON documents, one member a line, into a buffer that may be secret (so without
 * formatters). The first failure sticks; ask for it once at the end. One thread.
 */
#ifndef KP_PLUGINS_FILE_TEST_JSON_WRITE_H
#define KP_PLUGINS_FILE_TEST_JSON_WRITE_H

#include <stdbool.h>

#include "base/buf.h"

struct ft_json_writer {
    kp_buf *out; /* borrowed */
    kp_status status;
    unsigned depth;
    bool is_first; /* nothing stands yet in the innermost object or array */
};

void ft_json_writer_init(struct ft_json_writer *w, kp_buf *out);

/* name NULL: an element of an array, or the document itself. */
void ft_json_open(struct ft_json_writer *w, const char *name, char bracket);
void ft_json_close(struct ft_json_writer *w, char bracket);
/* text is UTF-8; quotes, backslashes and controls are escaped. */
void ft_json_put_text(struct ft_json_writer *w, const char *name, kp_span text);
/* The name of this member comes from outside. */
void ft_json_put_tag(struct ft_json_writer *w, kp_span name, kp_span text);
void ft_json_put_int(struct ft_json_writer *w, const char *name, int64_t value);
void ft_json_put_bool(struct ft_json_writer *w, const char *name, bool value);
/* base64url; nothing for the empty span. */
void ft_json_put_bytes(struct ft_json_writer *w, const char *name, kp_span bytes);
/* Nothing for KP_TIME_NONE. */
void ft_json_put_time(struct ft_json_writer *w, const char *name, int64_t unix_s);
/* Ends the document with a line feed. Errors: no_memory, usage when the buffer's limit was met. */
kp_status ft_json_finish(struct ft_json_writer *w) KP_MUST_USE;

#endif /* KP_PLUGINS_FILE_TEST_JSON_WRITE_H */
