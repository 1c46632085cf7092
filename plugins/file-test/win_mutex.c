#include "plugins/file-test/mutex.h"

#include <windows.h>

#include "base/mem.h"

struct ft_mutex {
    SRWLOCK lock;
};

struct ft_mutex *ft_mutex_new(void)
{
    struct ft_mutex *m = kpb_alloc("file-test.mutex", sizeof *m);
    if (m)
        InitializeSRWLock(&m->lock);
    return m;
}

/* It owns nothing of the system's. */
void ft_mutex_free(struct ft_mutex *mutex)
{
    kpb_free(mutex);
}

void ft_mutex_lock(struct ft_mutex *mutex)
{
    AcquireSRWLockExclusive(&mutex->lock);
}

void ft_mutex_unlock(struct ft_mutex *mutex)
{
    ReleaseSRWLockExclusive(&mutex->lock);
}
