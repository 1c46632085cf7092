#include "ekm/environment.h"

#include "ekm/keys/sync.h"

/* plugins/file-test/table.c under KP_PLUGIN_STATIC: the plugin that is linked in. */
kp_plugin_get_fn kp_file_test_plugin_get;

static kp_plugin_get_fn *const linked_plugins[] = {kp_file_test_plugin_get, NULL};

static const struct ekm_environment machine = {
    .static_plugins = linked_plugins,
    .now_ms = ekm_sync_now_ms,
    .age_ms = ekm_platform_age_ms,
    .event = ekm_platform_event,
};

static const struct ekm_environment *chosen;

const struct ekm_environment *ekm_environment_default(void)
{
    return &machine;
}

void ekm_environment_set(const struct ekm_environment *environment)
{
    chosen = environment;
}

const struct ekm_environment *ekm_environment_get(void)
{
    return chosen ? chosen : &machine;
}
