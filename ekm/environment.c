#include "ekm/environment.h"

#include "ekm/keys/sync.h"

static const struct ekm_environment machine = {
    .static_plugins = ekm_platform_plugins,
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
