#include "tests/support/idle_plugin.h"

kp_status idle_open(const struct kp_host *host, const struct kp_vault_settings *settings,
                    void **ret_vault, struct kp_error *reterr)
{
    (void)host;
    (void)settings;
    (void)ret_vault;
    (void)reterr;
    return KP_OK;
}

kp_status idle_submit(void *vault, kp_op_id op, const struct kp_request *request, void **ret_state,
                      struct kp_error *reterr)
{
    (void)vault;
    (void)op;
    (void)request;
    (void)ret_state;
    (void)reterr;
    return KP_OK;
}

void idle_close(void *vault)
{
    (void)vault;
}
