#include <windows.h>

#include "core/process.h"
#include "core/thread.h"

/* Nothing forks here, so nothing has to be wiped. */
struct kpi_fork_page *kpi_platform_fork_page(void)
{
    return VirtualAlloc(NULL, sizeof(struct kpi_fork_page), MEM_RESERVE | MEM_COMMIT,
                        PAGE_READWRITE);
}

/*
 * None is needed: the system ends every other thread before the first module is told that the
 * process ends. A handler of a DLL would run under the loader lock, where no thread can be waited
 * for.
 */
bool kpi_platform_at_exit(void (*handler)(void))
{
    (void)handler;
    return true;
}

kp_status kpi_platform_start_detached(void (*fn)(void *arg), void *arg)
{
    uv_thread_t thread;

    if (!kpi_thread_start(&thread, fn, arg))
        return KP_NO_MEMORY;
    (void)CloseHandle(thread); /* of a thread just made */
    return KP_OK;
}
