/*
 * The DLL as the engine loads it: Initialize, use, Free, FreeLibrary, many times in one process;
 * the last time FreeLibrary comes without FreeProvider. What belongs to the process must be as it
 * was, and no handle or place in thread-local storage may be kept. An exit status tells what went
 * wrong.
 * usage: load_dll DLL TIMES
 */
#include <float.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "ekm/abi.h"

#define GONE_MS 60000u
/* What the system itself makes at the first uses, winsock's handles for one. */
#define N_FIRST 5
/* Handles are numbered in steps of four, and free numbers are used again. */
#define FEW_HANDLES ((uintptr_t)32 * 4)
/* Of a mode that a process does not have by itself, so that setting any other one shows. */
#define ERROR_MODE SEM_NOALIGNMENTFAULTEXCEPT

#define XX(number, name, parameters) SqlCrypt##name##_fn *name; /* NOLINT */
struct functions {
    KP_EKM_EXPORT_MAP(XX)
};
#undef XX

static int find_all(HMODULE dll, struct functions *f)
{
    FARPROC found;

#define XX(number, name, parameters)                                                               \
    found = GetProcAddress(dll, "SqlCrypt" #name);                                                 \
    if (!found)                                                                                    \
        return number;                                                                             \
    memcpy(&f->name, &found, sizeof found);
    KP_EKM_EXPORT_MAP(XX)
#undef XX
    return 0;
}

static int use(const struct functions *f, bool give_back)
{
    SqlCpProviderInfo info = {0};
    SqlCpAlgId alg = 0;

    if (f->InitializeProvider() != scp_err_Success)
        return 22;
    if (f->GetProviderInfo(&info) != scp_err_InsufficientBuffer)
        return 23;
    if (f->GetNextAlgorithmId(&alg) != scp_err_Success)
        return 24;
    return !give_back || f->FreeProvider() == scp_err_Success ? 0 : 25;
}

/* A thread of the DLL leaves with it, a moment after the call that ended it. */
static bool goes(const char *path)
{
    const ULONGLONG end = GetTickCount64() + GONE_MS;

    while (GetModuleHandleA(path)) {
        if (GetTickCount64() >= end)
            return false;
        Sleep(1);
    }
    return true;
}

static int load_and_use(const char *path, bool give_back)
{
    HMODULE dll = LoadLibraryA(path);
    struct functions f;
    int st;

    if (!dll)
        return 20;
    if (find_all(dll, &f) != 0)
        return 21;
    st = use(&f, give_back);
    if (st == 0 && !FreeLibrary(dll))
        return 26;
    return st != 0 || !give_back || goes(path) ? st : 27;
}

/* ---- What belongs to the process ---- */

struct belongings {
    UINT error_mode;
    unsigned float_control;
    char locale[64];
    DWORD console_mode; /* of the standard output, 0 where that is none */
    LPTOP_LEVEL_EXCEPTION_FILTER filter;
    uintptr_t free_handle; /* the number the next one gets */
    DWORD free_place;      /* the first in thread-local storage */
};

static LONG WINAPI never(EXCEPTION_POINTERS *exception)
{
    (void)exception;
    return EXCEPTION_CONTINUE_SEARCH;
}

static uintptr_t free_handle(void)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);

    (void)CloseHandle(event);
    return (uintptr_t)event;
}

static void look(struct belongings *b)
{
    memset(b, 0, sizeof *b);
    b->error_mode = GetErrorMode();
    b->float_control = _controlfp(0, 0);
    (void)snprintf(b->locale, sizeof b->locale, "%s", setlocale(LC_ALL, NULL));
    (void)GetConsoleMode(GetStdHandle(STD_OUTPUT_HANDLE), &b->console_mode);
    b->filter = SetUnhandledExceptionFilter(never);
    b->free_handle = free_handle();
    b->free_place = TlsAlloc();
    (void)TlsFree(b->free_place);
}

static int compare(const struct belongings *before, const struct belongings *after)
{
    if (after->error_mode != before->error_mode)
        return 30;
    if (after->float_control != before->float_control)
        return 31;
    if (strcmp(after->locale, before->locale) != 0)
        return 32;
    if (after->console_mode != before->console_mode)
        return 33;
    if (after->filter != before->filter)
        return 34;
    if (after->free_place != before->free_place)
        return 35;
    return 0;
}

static int load_many(const char *path, int times)
{
    struct belongings before;
    struct belongings warm = {0};
    struct belongings after;
    int st = 0;

    (void)SetErrorMode(ERROR_MODE);
    (void)_controlfp(_RC_DOWN, _MCW_RC);
    (void)SetUnhandledExceptionFilter(never);
    look(&before);
    for (int i = 0; i < times && st == 0; i++) {
        st = load_and_use(path, true);
        if (i < N_FIRST)
            look(&warm);
    }
    look(&after);
    if (st == 0 && after.free_handle > warm.free_handle + FEW_HANDLES)
        st = 36;
    return st != 0 ? st : compare(&before, &after);
}

int main(int argc, char **argv)
{
    int times = argc == 3 ? atoi(argv[2]) : 0;
    int st = times > 0 ? load_many(argv[1], times) : 10;

    if (st == 0)
        st = load_and_use(argv[1], false);
    return st;
}
