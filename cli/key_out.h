/* How keys and rotation policies look: for people and as JSON. Appends to an output; no I/O. */
#ifndef KP_CLI_KEY_OUT_H
#define KP_CLI_KEY_OUT_H

#include <keyprovider/keyprovider.h>

#include "cli/out.h"

/* One key as lines of "member   value". Members the vault did not tell are left out. */
void cli_key_text(struct cli_out *o, const struct kp_key_info *key);
/* One key as a line of a table: name[/version], state, created, and the type where it is told. */
void cli_key_line(struct cli_out *o, const struct kp_key_info *key);
/* One key as a clause: name/version, type, state, dates, operations; without what was not told. */
void cli_key_clause(struct cli_out *o, const struct kp_key_info *key);
/* One key as a JSON object: JWK members for the public part, times in seconds since 1970. */
void cli_key_json(struct cli_out *o, const struct kp_key_info *key);

/* A rotation policy, as text and as a JSON object. */
void cli_policy_text(struct cli_out *o, const struct kp_rotation_policy *policy);
void cli_policy_json(struct cli_out *o, const struct kp_rotation_policy *policy);

#endif /* KP_CLI_KEY_OUT_H */
