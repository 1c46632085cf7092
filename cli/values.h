/* Reading and writing the small values of the command line. Pure functions, any thread. */
#ifndef KP_CLI_VALUES_H
#define KP_CLI_VALUES_H

#include <stdbool.h>

#include <keyprovider/status.h>

#define CLI_TIME_TEXT_LEN 32 /* bytes, NUL included */

/* Reads a decimal number in [min, max]; false for anything else. */
bool cli_parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret);

/* Reads a time span such as 500ms, 30s, 2m or 30 (seconds), 1 ms to 24 h, into milliseconds. */
bool cli_parse_timeout(const char *text, uint32_t *ret_ms);

/*
 * Reads a moment: 2026-01-31, 2026-01-31T12:00:00Z (RFC 3339, UTC) or seconds since 1970.
 * "none" gives KP_TIME_NONE.
 */
bool cli_parse_time(const char *text, int64_t *ret_unix_s);

/* Writes a moment as 2026-01-31T12:00:00Z; out has CLI_TIME_TEXT_LEN bytes. Years outside 1..9999
 * read @SECONDS. */
void cli_format_time(int64_t unix_s, char *out);

/*
 * The text of names (n of them) that word was most likely meant to be: at most two letters
 * inserted, left out, changed or swapped, and less than half of the word. NULL when none is near.
 */
const char *cli_nearest(const char *word, const char *const *names, size_t n);

#endif /* KP_CLI_VALUES_H */
