#include "core/thread.h"

/* The cryptographic library has a destructor of its own on each thread. */
bool kpi_thread_start(uv_thread_t *thread, void (*fn)(void *arg), void *arg)
{
    return uv_thread_create(thread, fn, arg) == 0;
}
