#include "cli/load_platform.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

#include <psapi.h>

#include "base/win_text.h"

#if !defined(CREATE_WAITABLE_TIMER_HIGH_RESOLUTION) /* in headers older than Windows 10 1803 */
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 0x00000002
#endif
#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_TICK 100u /* FILETIME */

/* ---- Time ---- */

/* The two calls cannot fail from Windows XP on. */
uint64_t cli_now_ns(void)
{
    LARGE_INTEGER per_second;
    LARGE_INTEGER now;
    (void)QueryPerformanceFrequency(&per_second);
    (void)QueryPerformanceCounter(&now);
    const uint64_t f = (uint64_t)per_second.QuadPart;
    const uint64_t t = (uint64_t)now.QuadPart;
    return t / f * NS_PER_S + t % f * NS_PER_S / f;
}

/*
 * A timer of high resolution where there is one (Windows 10 1803); the ordinary one would be up to
 * 16 ms late, and an open loop would send in bursts.
 */
static HANDLE new_timer(void)
{
    const HANDLE timer =
        CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, TIMER_ALL_ACCESS);
    return timer ? timer : CreateWaitableTimerExW(NULL, NULL, 0, TIMER_ALL_ACCESS);
}

void cli_sleep_until_ns(uint64_t at_ns)
{
    const uint64_t now = cli_now_ns();
    if (now >= at_ns) {
        return;
    }
    LARGE_INTEGER due;
    due.QuadPart = -(LONGLONG)((at_ns - now + NS_PER_TICK - 1) / NS_PER_TICK); /* from now on */
    const HANDLE timer = new_timer();
    if (timer && SetWaitableTimer(timer, &due, 0, NULL, NULL, FALSE)) {
        (void)WaitForSingleObject(timer, INFINITE);
    } else {
        Sleep((DWORD)((at_ns - now) / NS_PER_MS + 1));
    }
    if (timer) {
        (void)CloseHandle(timer);
    }
}

/* ---- The process ---- */

static uint64_t filetime_ns(FILETIME t)
{
    return (((uint64_t)t.dwHighDateTime << 32) | t.dwLowDateTime) * NS_PER_TICK;
}

uint64_t cli_cpu_ns(void)
{
    FILETIME created;
    FILETIME exited;
    FILETIME kernel = {0, 0};
    FILETIME user = {0, 0};
    (void)GetProcessTimes(GetCurrentProcess(), &created, &exited, &kernel, &user);
    return filetime_ns(kernel) + filetime_ns(user);
}

uint64_t cli_max_rss_bytes(void)
{
    PROCESS_MEMORY_COUNTERS used = {.cb = sizeof used};
    (void)GetProcessMemoryInfo(GetCurrentProcess(), &used, sizeof used);
    return used.PeakWorkingSetSize;
}

static volatile LONG interrupted;

/* The second one is the system's. */
static BOOL WINAPI note_interrupt(DWORD kind)
{
    return kind == CTRL_C_EVENT && InterlockedExchange(&interrupted, 1) == 0;
}

void cli_catch_interrupt(void)
{
    (void)SetConsoleCtrlHandler(note_interrupt, TRUE);
}

bool cli_interrupted(void)
{
    return interrupted != 0;
}

bool cli_stderr_is_terminal(void)
{
    DWORD mode = 0;
    return GetConsoleMode(GetStdHandle(STD_ERROR_HANDLE), &mode) != 0;
}

uint32_t cli_stderr_columns(void)
{
    CONSOLE_SCREEN_BUFFER_INFO info;
    if (!GetConsoleScreenBufferInfo(GetStdHandle(STD_ERROR_HANDLE), &info)) {
        return 0;
    }
    return (uint32_t)(info.srWindow.Right - info.srWindow.Left + 1);
}

/* One value below HKEY_LOCAL_MACHINE; empty where there is none. */
static void machine_value(const wchar_t *key, const wchar_t *name, char *out, size_t n)
{
    wchar_t wide[128];
    DWORD len = sizeof wide;
    if (RegGetValueW(HKEY_LOCAL_MACHINE, key, name, RRF_RT_REG_SZ, NULL, wide, &len) !=
            ERROR_SUCCESS ||
        !kpb_win_utf8_fill(wide, out, n)) {
        out[0] = '\0';
    }
}

void cli_machine_text(char *out, size_t n)
{
    char processor[128];
    char build[128];
    SYSTEM_INFO system;
    GetNativeSystemInfo(&system);
    machine_value(L"HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0", L"ProcessorNameString",
                  processor, sizeof processor);
    machine_value(L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion", L"CurrentBuildNumber", build,
                  sizeof build);
    (void)snprintf(out, n, "%s, %lu cores, Windows build %s", processor[0] ? processor : "x86-64",
                   (unsigned long)system.dwNumberOfProcessors, build[0] ? build : "unknown");
}
