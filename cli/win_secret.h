/* Reading a secret that somebody types or pipes in. Main thread; blocks. */
#ifndef KP_CLI_WIN_SECRET_H
#define KP_CLI_WIN_SECRET_H

#include "base/buf.h"
#include "cli/fault.h"

/*
 * Appends what stdin gives to out, a secret buffer, without one line end at its end. At a console
 * one line is asked for, and nothing of it is shown.
 * Errors: io; usage (nothing was given, or more than out may hold); no_memory.
 */
kp_status win_secret_read(kp_buf *out, struct cli_fault *f) KP_MUST_USE;

#endif /* KP_CLI_WIN_SECRET_H */
