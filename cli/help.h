/* Help pages, generated from the tables of commands and options. Append to an output; no I/O. */
#ifndef KP_CLI_HELP_H
#define KP_CLI_HELP_H

#include "cli/cli.h"

/* The list of commands. */
void cli_help_overview(struct cli_out *o);
/* Usage, details and options of one command. */
void cli_help_command(struct cli_out *o, const struct cli_command *command);

/*
 * A page of another kind: "exit-codes", "algorithms", "keys", or a group of commands such as "key".
 * false: there is none of that name.
 */
bool cli_help_topic(struct cli_out *o, const char *name);

#endif /* KP_CLI_HELP_H */
