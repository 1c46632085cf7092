/*
 * What a slot does when the plugin has none, so that callers never ask whether it is there.
 *
 * Threads: as the slots themselves, see <keyprovider/plugin.h>.
 */
#ifndef KP_CORE_PLUGIN_DEFAULTS_H
#define KP_CORE_PLUGIN_DEFAULTS_H

#include <keyprovider/plugin.h>

/* The plugin finishes in its own time. */
void kpi_default_cancel(void *vault, kp_op_id op, void *state);
/* The plugin keeps nothing per operation. */
void kpi_default_done(void *vault, kp_op_id op, void *state);
/* Declines every operation: the host goes through submit. */
kp_status kpi_default_run(void *vault, const struct kp_request *request, kp_answer_fn *answer,
                          void *answer_ctx, struct kp_error *reterr);
/* unsupported: new values need a restart. */
kp_status kpi_default_reload(void *vault, const struct kp_vault_settings *settings,
                             struct kp_error *reterr);

/* Puts the defaults into the optional slots of table that are NULL. */
void kpi_plugin_fill_defaults(struct kp_plugin *table);

#endif /* KP_CORE_PLUGIN_DEFAULTS_H */
