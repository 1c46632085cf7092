/*
 * Threads of ours in somebody else's process. On Windows each holds a reference to the module its
 * code lies in and leaves with it: whatever the host unloads, no thread returns into code that is
 * gone. Twin files; on Linux the library is never unmapped.
 */
#ifndef KP_CORE_THREAD_H
#define KP_CORE_THREAD_H

#include <stdbool.h>

#include <uv.h>

/*
 * Runs fn(arg) on a thread that uv_thread_join waits for. What the cryptographic library keeps for
 * the thread is freed at its end. false: no thread, or no memory, could be had.
 */
bool kpi_thread_start(uv_thread_t *thread, void (*fn)(void *arg), void *arg);

#endif /* KP_CORE_THREAD_H */
