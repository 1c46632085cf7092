/* What only the Windows twins of kp share. Main thread. */
#ifndef KP_CLI_WIN_PLATFORM_H
#define KP_CLI_WIN_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

/*
 * path from the root of its drive on, without a backslash at its end, for cap bytes. false: it is
 * none, or too long.
 */
bool cli_platform_whole_path(const char *path, char *out, size_t cap);

#endif /* KP_CLI_WIN_PLATFORM_H */
