/* What kp bench writes to files. Single thread. */
#ifndef KP_CLI_LOAD_FILE_H
#define KP_CLI_LOAD_FILE_H

#include "cli/cmd.h"
#include "cli/out.h"

/*
 * Writes what out holds to the file that opt names, and clears out either way. Errors: no_memory
 * where out could not hold all; what writing a file fails with. Told in c->fault.
 */
kp_status cli_load_write_file(struct cli *c, enum cli_opt opt, struct cli_out *out) KP_MUST_USE;

#endif /* KP_CLI_LOAD_FILE_H */
