#include "ekm/global.h"

#include <pthread.h>

static pthread_mutex_t pointer = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lifetime = PTHREAD_MUTEX_INITIALIZER;

/* It does: the library is linked so that nothing unmaps it. */
void ekm_module_stay(void)
{
}

/* Default mutexes, never taken twice by one thread, cannot fail to lock. */
void ekm_global_lock(void)
{
    (void)pthread_mutex_lock(&pointer);
}

void ekm_global_unlock(void)
{
    (void)pthread_mutex_unlock(&pointer);
}

void ekm_lifetime_lock(void)
{
    (void)pthread_mutex_lock(&lifetime);
}

void ekm_lifetime_unlock(void)
{
    (void)pthread_mutex_unlock(&lifetime);
}
