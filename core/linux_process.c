#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, madvise */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/process.h"

struct kpi_fork_page *kpi_platform_fork_page(void)
{
    size_t len = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, len, MADV_WIPEONFORK) == 0)
        return page;
    (void)munmap(page, len); /* just mapped, nothing in it */
    return NULL;
}

bool kpi_platform_at_exit(void (*handler)(void))
{
    return atexit(handler) == 0;
}

struct detached {
    void (*fn)(void *arg);
    void *arg;
};

static void *run_detached(void *arg)
{
    struct detached call = *(struct detached *)arg;
    kpb_free(arg);
    call.fn(call.arg);
    return NULL;
}

kp_status kpi_platform_start_detached(void (*fn)(void *arg), void *arg)
{
    pthread_t thread;
    struct detached *call = kpb_alloc("process.detached", sizeof *call);
    if (!call)
        return KP_NO_MEMORY;
    *call = (struct detached){fn, arg};
    if (pthread_create(&thread, NULL, run_detached, call) != 0) {
        kpb_free(call);
        return KP_NO_MEMORY;
    }
    (void)pthread_detach(thread); /* a joinable thread just made: cannot fail */
    return KP_OK;
}
