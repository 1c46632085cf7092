/* What the key commands share: run an operation on a key, tell what came back. */
#ifndef KP_CLI_KEY_CALL_H
#define KP_CLI_KEY_CALL_H

#include "cli/cli.h"

/*
 * Tells about the key of a reply: NAME/VERSION on a line, with --json {"key":{...}}.
 * Errors: protocol when the reply has no key; io, no_memory.
 */
kp_status cli_key_tell(struct cli *c, const struct kp_reply *reply) KP_MUST_USE;

/* The same with every member of the key. */
kp_status cli_key_tell_all(struct cli *c, const struct kp_reply *reply) KP_MUST_USE;

typedef kp_status cli_reply_fn(struct cli *c, const struct kp_reply *reply);

/* Runs a prepared request and hands the reply to tell. */
kp_status cli_key_call(struct cli *c, const struct kp_request *request, cli_reply_fn *tell)
    KP_MUST_USE;

/* Opens the whole key of the first operand, runs an operation without parameters, tells. */
kp_status cli_key_run(struct cli *c, uint32_t op, cli_reply_fn *tell) KP_MUST_USE;

/*
 * Runs a list operation page by page (request->page_token is this function's) and writes every key:
 * a line each, with --json {"keys":[...]}. Nothing is written when a page fails.
 */
kp_status cli_key_list(struct cli *c, struct kp_request *request) KP_MUST_USE;

#endif /* KP_CLI_KEY_CALL_H */
