/*
 * The report of kp doctor: its checks in order, each ok, failed or skipped because one before it
 * failed. Main thread.
 */
#ifndef KP_CLI_DOCTOR_H
#define KP_CLI_DOCTOR_H

#include "cli/cli.h"

#define CLI_DOCTOR_WARNINGS_MAX 4u

/* One run of checks. The command clears the results and the data key. */
struct cli_doctor {
    struct cli *c;
    const char *stopped;  /* the check that failed, NULL: none so far */
    struct cli_out found; /* of the check under way: what it found, one clause */
    char warnings[CLI_DOCTOR_WARNINGS_MAX][KP_ERROR_TEXT_LEN];
    uint32_t n_warnings;
    bool is_service;         /* the vault's plugin serves hosts */
    struct kp_key_ref key;   /* of --key, views into the arguments */
    struct kp_result looked; /* what the vault answered first */
    kp_buf data_key;         /* the random bytes to wrap; secret */
    struct kp_result wrapped;
    uint32_t alg; /* by which they were wrapped */
};

/*
 * A check. It says in found what it found, or where it failed, and warns of what does not fail it.
 * On failure c->fault is filled.
 */
struct cli_doctor_check {
    const char *name;
    kp_status (*run)(struct cli_doctor *d) KP_MUST_USE;
};

/* Adds a warning to the check under way; beyond the last that fits nothing is added. */
void cli_doctor_warn(struct cli_doctor *d, const char *fmt, ...) KPB_PRINTF(2, 3);

/*
 * Runs n checks in order and appends each to c->out: a line, and lines with its warnings and
 * advice; with --json {"checks":[...]}. After a failure the rest is skipped, and the failure's exit
 * code is in c->exit_code.
 */
void cli_doctor_run(struct cli_doctor *d, const struct cli_doctor_check *checks, size_t n);

#endif /* KP_CLI_DOCTOR_H */
