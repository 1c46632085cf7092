/*
 * What the DLL does when the loader calls. A thread of the engine that ends and has used OpenSSL
 * here gives back what OpenSSL kept for it: OpenSSL is linked in, so nobody else tells it. When the
 * DLL leaves a process that goes on, OpenSSL gives back its places in thread-local storage, of
 * which a process has a thousand and no more.
 *
 * Nothing here waits for a thread: ours each hold a reference to the DLL, so when it leaves there
 * is none, and no call of the engine's is inside. When the process itself ends, nothing is done.
 */
#include <windows.h>

#include <openssl/crypto.h>

#include "crypto/init.h"

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved);

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
    const BOOL is_process_ending = reserved != NULL;

    (void)instance;
    if (reason == DLL_THREAD_DETACH)
        OPENSSL_thread_stop();
    if (reason == DLL_PROCESS_DETACH && !is_process_ending)
        kpc_end();
    return TRUE;
}
