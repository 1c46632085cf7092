/*
 * kp, the command-line program: what all of its files share.
 *
 * One run is one command: arguments are read, the command runs, its output is written in one piece
 * at the end, and a failure is reported once, in main. Commands live in one file each (cmd_*.c).
 *
 * Threads: everything in cli/ runs on the main thread.
 */
#ifndef KP_CLI_CLI_H
#define KP_CLI_CLI_H

#include <stdbool.h>

#include <keyprovider/keyprovider.h>

#include "cli/fault.h"
#include "cli/options.h"
#include "cli/out.h"

struct cli_command;

/* The run of one command. Owned by main; commands fill it and main clears it. */
struct cli {
    /* fixed once the arguments are read */
    const struct cli_command *command;
    struct cli_args args;

    /* set while the command runs */
    kp_provider *provider;
    kp_vault *vault;
    char *vault_text; /* how the caller named the vault; owned */
    struct cli_out out;
    struct cli_fault fault;
    int exit_code; /* of a run that told its result and whose exit is not 0 */
};

/* A command: its words, what it accepts, what it does. All text is static. */
struct cli_command {
    const char *name;     /* "wrap", "key create" */
    const char *operands; /* "KEY", "NAME", "" */
    const char *summary;  /* one clause for the list of commands */
    const char *details;  /* paragraphs for its help, may be NULL */
    uint32_t n_operands_min;
    uint32_t n_operands_max;
    uint64_t options;       /* CLI_OPT_BIT mask of what it takes besides CLI_OPTS_COMMON */
    const char *log_levels; /* what goes to stderr even without --log, NULL: nothing */
    kp_status (*run)(struct cli *c) KP_MUST_USE;
};

/* The value of an option, NULL when it was not given. */
static inline const char *cli_opt(const struct cli *c, enum cli_opt opt)
{
    return c->args.value[opt];
}

/* Whether an option was given. */
static inline bool cli_has(const struct cli *c, enum cli_opt opt)
{
    return (c->args.given & CLI_OPT_BIT(opt)) != 0;
}

/* The i-th operand after the command's words, NULL beyond the last. */
static inline const char *cli_operand(const struct cli *c, uint32_t i)
{
    return i < c->args.n_operands ? c->args.operands[i] : NULL;
}

#endif /* KP_CLI_CLI_H */
