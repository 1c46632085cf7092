#include "plugins/file-test/mutex.h"

#include <pthread.h>

#include "base/mem.h"

struct ft_mutex {
    pthread_mutex_t mutex;
};

struct ft_mutex *ft_mutex_new(void)
{
    struct ft_mutex *m = kpb_alloc("file-test.mutex", sizeof *m);
    if (m && pthread_mutex_init(&m->mutex, NULL) != 0) {
        kpb_free(m);
        return NULL;
    }
    return m;
}

void ft_mutex_free(struct ft_mutex *mutex)
{
    if (!mutex)
        return;
    (void)pthread_mutex_destroy(&mutex->mutex);
    kpb_free(mutex);
}

/* A default mutex used by the rules of this header cannot fail to lock. */
void ft_mutex_lock(struct ft_mutex *mutex)
{
    (void)pthread_mutex_lock(&mutex->mutex);
}

void ft_mutex_unlock(struct ft_mutex *mutex)
{
    (void)pthread_mutex_unlock(&mutex->mutex);
}
