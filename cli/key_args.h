/* From options to the parameters of create, import and update. Views into argv; no I/O. */
#ifndef KP_CLI_KEY_ARGS_H
#define KP_CLI_KEY_ARGS_H

#include "cli/cli.h"

/* The options this file reads, for the masks of commands. */
#define CLI_OPTS_ATTRIBUTES                                                                        \
    (CLI_OPT_BIT(CLI_OPT_OPS) | CLI_OPT_BIT(CLI_OPT_TAG) | CLI_OPT_BIT(CLI_OPT_ENABLED) |          \
     CLI_OPT_BIT(CLI_OPT_DISABLED) | CLI_OPT_BIT(CLI_OPT_NOT_BEFORE) |                             \
     CLI_OPT_BIT(CLI_OPT_EXPIRES))
#define CLI_OPTS_SHAPE                                                                             \
    (CLI_OPT_BIT(CLI_OPT_TYPE) | CLI_OPT_BIT(CLI_OPT_SIZE) | CLI_OPT_BIT(CLI_OPT_CURVE))

/*
 * Fills *ret (initialised by kp_key_params_init) with what was given: operations, tags, state and
 * times. tags has room for KP_TAGS_MAX and must outlive *ret. Errors: usage, naming the option.
 */
kp_status cli_attributes_fill(struct cli *c, struct kp_tag *tags, struct kp_key_params *ret)
    KP_MUST_USE;

/* Fills type, size and curve; the type defaults to RSA. Errors: usage. */
kp_status cli_shape_fill(struct cli *c, struct kp_key_params *ret) KP_MUST_USE;

#endif /* KP_CLI_KEY_ARGS_H */
