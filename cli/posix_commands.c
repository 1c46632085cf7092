#include "cli/commands.h"

/* A package manager installs here. */
const struct cli_command *const cli_platform_commands[] = {NULL};
