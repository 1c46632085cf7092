#include "cli/load_platform.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

#include <process.h>
#include <psapi.h>

#include "base/mem.h"
#include "base/win_text.h"

#if !defined(CREATE_WAITABLE_TIMER_HIGH_RESOLUTION) /* in headers older than Windows 10 1803 */
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 0x00000002
#endif
#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_TICK 100u         /* FILETIME */
#define STACK_LEN (256u * 1024u) /* of a caller: it calls, and computes a key operation at most */

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

/* ---- Lock ---- */

struct own_lock {
    SRWLOCK lock;
    CONDITION_VARIABLE cond;
};

_Static_assert(sizeof(struct own_lock) <= sizeof(struct cli_lock), "room for the platform's lock");

static struct own_lock *own(struct cli_lock *lock)
{
    return (struct own_lock *)lock;
}

void cli_lock_init(struct cli_lock *lock)
{
    InitializeSRWLock(&own(lock)->lock);
    InitializeConditionVariable(&own(lock)->cond);
}

/* Neither owns anything of the system's. */
void cli_lock_clear(struct cli_lock *lock)
{
    (void)lock;
}

void cli_lock_take(struct cli_lock *lock)
{
    AcquireSRWLockExclusive(&own(lock)->lock);
}

void cli_lock_give(struct cli_lock *lock)
{
    ReleaseSRWLockExclusive(&own(lock)->lock);
}

void cli_lock_wait(struct cli_lock *lock, uint64_t at_ns)
{
    const uint64_t now = cli_now_ns();
    const uint64_t ms = at_ns > now ? (at_ns - now + NS_PER_MS - 1) / NS_PER_MS : 0;
    (void)SleepConditionVariableSRW(&own(lock)->cond, &own(lock)->lock,
                                    ms < INFINITE ? (DWORD)ms : INFINITE - 1, 0);
}

void cli_lock_notify(struct cli_lock *lock)
{
    WakeConditionVariable(&own(lock)->cond);
}

/* ---- Threads ---- */

struct starter {
    void (*fn)(void *arg);
    void *arg;
    HANDLE thread;
};

static unsigned __stdcall start(void *arg)
{
    const struct starter *starter = arg;
    starter->fn(starter->arg);
    return 0;
}

static uint32_t start_all(struct starter *starters, uint32_t n)
{
    uint32_t n_started = 0;
    while (n_started < n) {
        struct starter *next = &starters[n_started];
        next->thread = (HANDLE)_beginthreadex(NULL, STACK_LEN, start, next,
                                              STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
        if (!next->thread) {
            break;
        }
        n_started++;
    }
    return n_started;
}

bool cli_run_threads(void (*fn)(void *arg), void *args, size_t size, uint32_t n)
{
    struct starter *starters = kpb_alloc_array("cli.threads", n, sizeof *starters);
    if (!starters) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        starters[i].fn = fn;
        starters[i].arg = (unsigned char *)args + i * size;
    }
    const uint32_t n_started = start_all(starters, n);
    for (uint32_t i = 0; i < n_started; i++) {
        (void)WaitForSingleObject(starters[i].thread, INFINITE);
        (void)CloseHandle(starters[i].thread);
    }
    kpb_free(starters);
    return n_started == n;
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
