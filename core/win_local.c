/*
 * gcc for Windows keeps a thread-local variable behind a library of threads, which takes a place in
 * thread-local storage and keeps it when the DLL goes; a process has a thousand. The loader's own
 * way costs no place and ends with the DLL: each thread gets a copy of the section .tls, found by
 * the number the loader wrote for this module. Other compilers for Windows do so by themselves.
 * Source: the PE format, ".tls Section", read November 2026.
 */
#include "core/local.h"

#include <windows.h>

#ifdef __GNUC__

/* Of the pointers the thread's block begins with: ThreadLocalStoragePointer. */
#define TEB_BLOCKS 11

extern ULONG _tls_index; /* NOLINT: the runtime's name */
extern char *_tls_start; /* NOLINT: the runtime's name; what lies first in the section */

/* gcc 12 takes the address 0 of the segment for the null pointer. */
#pragma GCC diagnostic ignored "-Warray-bounds"

/* What the copies are made from. The linker sorts by name: between .tls and .tls$ZZZ, the end. */
static struct kpi_local pattern __attribute__((section(".tls$KP"), used));

struct kpi_local *kpi_local(void)
{
    const uintptr_t *blocks = ((const uintptr_t *const *)(const void *)NtCurrentTeb())[TEB_BLOCKS];

    return (void *)(blocks[_tls_index] + ((uintptr_t)&pattern - (uintptr_t)&_tls_start));
}

#else

static __declspec(thread) struct kpi_local local;

struct kpi_local *kpi_local(void)
{
    return &local;
}

#endif
