/*
 * Output of a command: text or JSON, collected in memory and written in one piece, so that a
 * command that fails half-way prints nothing half.
 *
 * The first failure sticks in st and later calls do nothing; check it once, at the end.
 */
#ifndef KP_CLI_OUT_H
#define KP_CLI_OUT_H

#include <stdbool.h>

#include "base/buf.h"

#define CLI_OUT_MAX_LEN (256u * 1024u * 1024u) /* bytes; a list of a million keys fits */

struct cli_out {
    kp_buf buf;
    kp_status st;
};

/* Empty output. The secret form is wiped when cleared and lives in secret memory. */
void cli_out_init(struct cli_out *o);
void cli_out_init_secret(struct cli_out *o);
/* Frees (and wipes) what was collected. */
void cli_out_clear(struct cli_out *o);

/* Appends a NUL-terminated text as it is. */
void cli_out_text(struct cli_out *o, const char *text);
/* Appends text from elsewhere for a terminal: controls and bytes that are no UTF-8 become '?'. */
void cli_out_safe(struct cli_out *o, kp_span text);
/* Appends text as it is; a kp_text_fn whose ctx is a struct cli_out. */
void cli_out_receive(void *o, kp_span text);
void cli_out_uint(struct cli_out *o, uint64_t n);
void cli_out_int(struct cli_out *o, int64_t n);
/* A number with that many digits behind the point; what is not finite reads 0. */
void cli_out_real(struct cli_out *o, double x, unsigned digits);
/* Appends spaces until the current line is width characters long, at least one. */
void cli_out_pad(struct cli_out *o, size_t width);
/* A moment as 2026-01-31T12:00:00Z. */
void cli_out_time(struct cli_out *o, int64_t unix_s);

/*
 * JSON. begin and end take the bracket itself; commas come by themselves. Quotes, backslashes and
 * controls are escaped, bytes that are no UTF-8 become U+FFFD.
 */
void cli_json_begin(struct cli_out *o, char bracket);
void cli_json_end(struct cli_out *o, char bracket);
void cli_json_name(struct cli_out *o, const char *name);
void cli_json_str(struct cli_out *o, kp_span text);
void cli_json_int(struct cli_out *o, int64_t n);
void cli_json_bool(struct cli_out *o, bool b);
/* Bytes as a base64url string. */
void cli_json_bytes(struct cli_out *o, kp_span bytes);

/* name and value at once. */
void cli_json_member_str(struct cli_out *o, const char *name, kp_span text);
void cli_json_member_text(struct cli_out *o, const char *name, const char *text);
void cli_json_member_int(struct cli_out *o, const char *name, int64_t n);
void cli_json_member_bool(struct cli_out *o, const char *name, bool b);
void cli_json_member_uint(struct cli_out *o, const char *name, uint64_t n);
void cli_json_member_real(struct cli_out *o, const char *name, double x, unsigned digits);
void cli_json_member_bytes(struct cli_out *o, const char *name, kp_span bytes);

#endif /* KP_CLI_OUT_H */
