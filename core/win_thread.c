#include "core/thread.h"

#include <process.h>
#include <windows.h>

#include <openssl/crypto.h>

#include "base/mem.h"

struct started {
    HMODULE module;
    void (*fn)(void *arg);
    void *arg;
};

/*
 * The last instruction of ours is a call that never comes back: it gives up the module and ends the
 * thread in one step of the system's. OpenSSL is linked in, so nothing tells it that a thread ends.
 */
static unsigned __stdcall run(void *arg)
{
    const struct started call = *(struct started *)arg;

    kpb_free(arg);
    call.fn(call.arg);
    OPENSSL_thread_stop();
    FreeLibraryAndExitThread(call.module, 0);
    return 0; /* for compilers that do not know that it never returns */
}

/* Of the module this very code lies in, a DLL or the program itself. */
static HMODULE hold_module(void)
{
    HMODULE module = NULL;

    (void)GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                             (LPCWSTR)(uintptr_t)hold_module, &module);
    return module;
}

/* By the C library and not by libuv, which would take a place in thread-local storage for good. */
bool kpi_thread_start(uv_thread_t *thread, void (*fn)(void *arg), void *arg)
{
    struct started *call = kpb_alloc("thread.started", sizeof *call);
    HMODULE module = call ? hold_module() : NULL;

    if (module) {
        *call = (struct started){module, fn, arg};
        *thread = (HANDLE)_beginthreadex(NULL, 0, run, call, 0, NULL);
        if (*thread)
            return true; /* call moved to the thread */
        (void)FreeLibrary(module);
    }
    kpb_free(call);
    return false;
}
