/* From arguments to an open provider, a vault and a key. Main thread; blocks on files. */
#ifndef KP_CLI_SESSION_H
#define KP_CLI_SESSION_H

#include "cli/cli.h"

/*
 * Fills library options from the arguments and the environment: configuration file (--config,
 * KP_CONFIG, the user's, the machine's), plugin folder, log. Paths are written to the two buffers
 * of CLI_PATH_MAX_LEN bytes, which must outlive the options.
 */
void cli_options_fill(struct cli *c, struct kp_options *ret, char *config_path, char *plugin_dir);

/* Opens c->provider unless it is open. Errors: as kp_provider_open. */
kp_status cli_provider_open(struct cli *c) KP_MUST_USE;

/*
 * Opens the provider and c->vault for a vault text; c->vault_text keeps a copy.
 * flags: KP_VAULT_MAY_CREATE. Errors: as kp_vault_acquire.
 */
kp_status cli_vault_open(struct cli *c, kp_span text, uint32_t flags) KP_MUST_USE;

/* The same for the vault of -V. Errors: usage when it is missing. */
kp_status cli_vault_open_named(struct cli *c, uint32_t flags) KP_MUST_USE;

/*
 * Reads a key operand, NAME[/VERSION] with -V and a key URL or VAULT/NAME[/VERSION] without, and
 * opens its vault. *ret views into text. Errors: usage, config.
 */
kp_status cli_key_open(struct cli *c, const char *text, uint32_t flags, struct kp_key_ref *ret)
    KP_MUST_USE;

/* As cli_key_open for commands that act on a whole key: a version is refused (usage). */
kp_status cli_key_open_whole(struct cli *c, const char *text, uint32_t flags,
                             struct kp_key_ref *ret) KP_MUST_USE;

/* Empty request for an operation on a key, with the time-out of --timeout. Errors: usage. */
kp_status cli_request_init(struct cli *c, uint32_t op, const struct kp_key_ref *key,
                           struct kp_request *ret) KP_MUST_USE;

/* Runs an operation on c->vault; on failure c->fault is filled. *ret is the caller's to clear. */
kp_status cli_call(struct cli *c, const struct kp_request *request, struct kp_result *ret)
    KP_MUST_USE;

/* Releases the vault and closes the provider, waiting a moment for it to be quiet. */
void cli_session_close(struct cli *c);

#endif /* KP_CLI_SESSION_H */
