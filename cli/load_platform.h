/*
 * What a load test asks of the operating system beyond cli/platform.h: time, what the process has
 * used, and the wish of the person at the keyboard to end. One file per platform implements it
 * (posix_load.c, win_load.c).
 */
#ifndef KP_CLI_LOAD_PLATFORM_H
#define KP_CLI_LOAD_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Monotonic nanoseconds. Any thread. */
uint64_t cli_now_ns(void);
/* Sleeps until that moment, or a little longer; returns at once when it has passed. Any thread. */
void cli_sleep_until_ns(uint64_t at_ns);

/* Processor time of the process so far, and the most memory it has held. */
uint64_t cli_cpu_ns(void);
uint64_t cli_max_rss_bytes(void);

/* From now on Ctrl-C only sets a flag; a second one ends the process as usual. */
void cli_catch_interrupt(void);
bool cli_interrupted(void);

/* Whether stderr is a terminal. */
bool cli_stderr_is_terminal(void);
/* How many letters a line of it has room for; 0: it does not tell. */
uint32_t cli_stderr_columns(void);

/* One line about the machine: processor, cores, system. Writes at most n bytes, NUL included. */
void cli_machine_text(char *out, size_t n);

#endif /* KP_CLI_LOAD_PLATFORM_H */
