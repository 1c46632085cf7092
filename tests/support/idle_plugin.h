/* Functions of a plugin's table that do nothing and succeed, for tests that look at tables only. */
#ifndef KP_TESTS_SUPPORT_IDLE_PLUGIN_H
#define KP_TESTS_SUPPORT_IDLE_PLUGIN_H

#include <keyprovider/plugin.h>

kp_status idle_open(const struct kp_host *host, const struct kp_vault_settings *settings,
                    void **ret_vault, struct kp_error *reterr);
kp_status idle_submit(void *vault, kp_op_id op, const struct kp_request *request, void **ret_state,
                      struct kp_error *reterr);
void idle_close(void *vault);

#endif /* KP_TESTS_SUPPORT_IDLE_PLUGIN_H */
