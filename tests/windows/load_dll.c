/*
 * The DLL as the engine loads it: Initialize, use, Free, FreeLibrary, many times in one process;
 * the last time FreeLibrary comes without FreeProvider. An exit status tells what went wrong.
 * usage: load_dll DLL TIMES
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "ekm/abi.h"

#define GONE_MS 60000u

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

int main(int argc, char **argv)
{
    int times = argc == 3 ? atoi(argv[2]) : 0;
    int st = times > 0 ? 0 : 10;

    for (int i = 0; i < times && st == 0; i++)
        st = load_and_use(argv[1], true);
    if (st == 0)
        st = load_and_use(argv[1], false);
    return st;
}
