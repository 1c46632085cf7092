/* From an envelope to the vault and key version it names. Main thread; blocks on files. */
#ifndef KP_CLI_RECORDED_H
#define KP_CLI_RECORDED_H

#include "cli/cli.h"
#include "cli/envelope.h"

/*
 * Reads the envelope in a file (NULL or "-": stdin) and checks that the operation made_by wrote it.
 * Errors: io, integrity, usage (another operation wrote it).
 */
kp_status cli_recorded_read(struct cli *c, const char *path, uint32_t made_by,
                            struct cli_envelope *ret) KP_MUST_USE;

/*
 * Opens the vault of an envelope: that of -V, else of the key operand (may be NULL), else the one
 * recorded. A key operand must name the key that is recorded, and its version if it has one.
 * Errors: usage, config.
 */
kp_status cli_recorded_open(struct cli *c, const struct cli_envelope *e, const char *operand)
    KP_MUST_USE;

#endif /* KP_CLI_RECORDED_H */
