#include "plugins/azure-rest/platform.h"

#include <pthread.h>
#include <unistd.h>

#include "base/span.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

kp_span azr_platform_program_data(void)
{
    return kpb_span(NULL, 0);
}

const char *azr_platform_arc_agent(void)
{
    return "/opt/azcmagent/bin/himds";
}

bool azr_platform_is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* A default mutex used by the rules of the header cannot fail to lock. */
void azr_platform_lock(void)
{
    (void)pthread_mutex_lock(&mutex);
}

void azr_platform_unlock(void)
{
    (void)pthread_mutex_unlock(&mutex);
}
