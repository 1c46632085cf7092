#include "core/plugin_defaults.h"

#include "base/errors.h"

void kpi_default_cancel(void *vault, kp_op_id op, void *state)
{
    (void)vault;
    (void)op;
    (void)state;
}

void kpi_default_done(void *vault, kp_op_id op, void *state)
{
    (void)vault;
    (void)op;
    (void)state;
}

kp_status kpi_default_run(void *vault, const struct kp_request *request, kp_answer_fn *answer,
                          void *answer_ctx, struct kp_error *reterr)
{
    (void)vault;
    (void)request;
    (void)answer;
    (void)answer_ctx;
    (void)reterr; /* untouched, as the contract has it for a plugin that declines */
    return KP_UNSUPPORTED;
}

kp_status kpi_default_reload(void *vault, const struct kp_vault_settings *settings,
                             struct kp_error *reterr)
{
    (void)vault;
    (void)settings;
    return kpb_fail(reterr, KP_UNSUPPORTED, "the plugin takes no new settings while it runs");
}

void kpi_plugin_fill_defaults(struct kp_plugin *table)
{
    if (!table->version)
        table->version = "";
    if (!table->doc)
        table->doc = "";
    if (!table->cancel)
        table->cancel = kpi_default_cancel;
    if (!table->done)
        table->done = kpi_default_done;
    if (!table->run)
        table->run = kpi_default_run;
    if (!table->reload)
        table->reload = kpi_default_reload;
}
