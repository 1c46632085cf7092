/*
 * What went wrong in a run of kp, and how it is told: one line (or one JSON object) on stderr and
 * an exit code. Exit codes are a promise to scripts; docs/CLI.md has the table.
 */
#ifndef KP_CLI_FAULT_H
#define KP_CLI_FAULT_H

#include <stdbool.h>
#include <stdio.h>

#include <keyprovider/status.h>

#include "base/errors.h"
#include "cli/out.h"

#define CLI_EXIT_OK 0
#define CLI_EXIT_NO 1 /* a clean answer, but no: no match (verify), a promise broken (bench) */
#define CLI_EXIT_USAGE 2
#define CLI_EXIT_IO 3          /* a local file or stream could not be read or written */
#define CLI_EXIT_CLASS_BASE 10 /* every other class exits with 10 + its number */

/*
 * A failure. error is the library's; io marks a local file or stream, which has no status class;
 * maybe_done a new key version that was asked for, and may be there in spite of the failure.
 */
struct cli_fault {
    struct kp_error error;
    bool io;
    bool maybe_done;
};

/*
 * Fills f with a sentence about a local file or stream and returns a status that is not KP_OK.
 * Threads: any. Never pass secrets.
 */
kp_status cli_fail_io(struct cli_fault *f, const char *fmt, ...) KPB_PRINTF(2, 3);

/* Exit code of a status class. Pure. */
int cli_exit_of_status(kp_status status);

/* Exit code of a run that ended with status and, on failure, f. Pure. */
int cli_exit_of(kp_status status, const struct cli_fault *f);

/* Appends a failure as "sentence [class, code N]", without a line end. */
void cli_fault_text(struct cli_out *o, kp_status status, const struct cli_fault *f);

/* The advice of a failure's documented code, NULL when there is none. Static storage. */
const char *cli_fault_advice(const struct cli_fault *f);

/* Appends a failure as the JSON object that cli_report writes as "error". where: as there. */
void cli_fault_json(struct cli_out *o, const char *where, kp_status status,
                    const struct cli_fault *f);

/*
 * Tells a failure on `to`. where: the command's words, NULL before there is a command. One line of
 * text, then a line of advice where the code has one, else for wrong usage one naming the help,
 * then one for what may have been done; with json one object:
 * {"error":{"command","class","code","text","advice","maybe_done","exit"}}.
 */
void cli_report(FILE *to, const char *where, kp_status status, const struct cli_fault *f,
                bool json);

#endif /* KP_CLI_FAULT_H */
