/* What the fixture plugins share: slots that keep the contract and do as little as it allows. */
#ifndef KP_TESTS_CONTRACT_PLUGINS_FIXTURE_H
#define KP_TESTS_CONTRACT_PLUGINS_FIXTURE_H

#include <keyprovider/plugin.h>

KP_PLUGIN_EXPORT const struct kp_plugin *kp_plugin_get(uint32_t host_abi_major,
                                                       uint32_t host_abi_minor);

static const struct kp_host *fixture_host;

static inline kp_status fixture_open(const struct kp_host *host,
                                     const struct kp_vault_settings *settings, void **ret_vault,
                                     struct kp_error *reterr)
{
    (void)settings;
    (void)reterr;
    fixture_host = host;
    *ret_vault = &fixture_host;
    host->opened(host->self, KP_OK, NULL);
    return KP_OK;
}

/* Answers everything with an empty reply. */
static inline kp_status fixture_submit(void *vault, kp_op_id op, const struct kp_request *request,
                                       void **ret_state, struct kp_error *reterr)
{
    struct kp_reply reply = {.struct_size = sizeof reply};

    (void)vault;
    (void)request;
    (void)reterr;
    *ret_state = NULL;
    return fixture_host->finish(fixture_host->self, op, KP_OK, &reply, NULL);
}

static inline void fixture_close(void *vault)
{
    (void)vault;
    fixture_host->closed(fixture_host->self);
}

#endif /* KP_TESTS_CONTRACT_PLUGINS_FIXTURE_H */
