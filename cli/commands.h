/* The list of commands and how words on the command line find one. */
#ifndef KP_CLI_COMMANDS_H
#define KP_CLI_COMMANDS_H

#include "cli/cli.h"

/* What only this platform has, NULL-terminated; a twin file has it. They come last. */
extern const struct cli_command *const cli_platform_commands[];

/* The i-th command in the order of the help page, NULL from the end on. Static storage. */
const struct cli_command *cli_command_at(size_t i);

/* The command of a full name such as "key create", NULL when there is none. */
const struct cli_command *cli_command_named(const char *name);

/*
 * Finds the command that args->words begin with and sets args->operands to what follows.
 * Errors: usage: no command, an unknown one (with the nearest), one that lacks its second word.
 */
kp_status cli_command_find(struct cli_args *args, const struct cli_command **ret,
                           struct kp_error *reterr) KP_MUST_USE;

/* Checks options and number of operands against what a command takes. Errors: usage. */
kp_status cli_command_check(const struct cli_command *command, const struct cli_args *args,
                            struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_CLI_COMMANDS_H */
