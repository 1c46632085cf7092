/* keyprovider-ekm.dll as a file and in a process: names, what it asks for, resources, coming and
 * going, also while calls run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <windows.h>

#include "ekm/abi.h"
#include "ekm/win_event.h"

#define N_EXPORTS 17u
#define TIMES 50

/* ---- The file ---- */

static HMODULE image; /* mapped, not started */

static int map_image(void **state)
{
    (void)state;
    image = LoadLibraryExA(KP_EKM_DLL, NULL, DONT_RESOLVE_DLL_REFERENCES);
    return image ? 0 : 1;
}

static int unmap_image(void **state)
{
    (void)state;
    return FreeLibrary(image) ? 0 : 1;
}

static const void *at(DWORD rva)
{
    return (const char *)(const void *)image + rva;
}

static const void *directory(unsigned which)
{
    const IMAGE_DOS_HEADER *dos = at(0);
    const IMAGE_NT_HEADERS64 *nt = at((DWORD)dos->e_lfanew);

    return at(nt->OptionalHeader.DataDirectory[which].VirtualAddress);
}

static bool is_function(const char *name)
{
#define XX(number, known, parameters)                                                              \
    if (strcmp(name, "SqlCrypt" #known) == 0)                                                      \
        return true;
    KP_EKM_EXPORT_MAP(XX)
#undef XX
    return false;
}

static void seventeen_names_are_exported(void **state)
{
    const IMAGE_EXPORT_DIRECTORY *exports = directory(IMAGE_DIRECTORY_ENTRY_EXPORT);
    const DWORD *names = at(exports->AddressOfNames);

    (void)state;
    assert_int_equal(exports->NumberOfNames, N_EXPORTS);
    assert_int_equal(exports->NumberOfFunctions, N_EXPORTS);
    for (DWORD i = 0; i < exports->NumberOfNames; i++) {
        if (!is_function(at(names[i])))
            fail_msg("%s", (const char *)at(names[i]));
    }
}

static void only_the_system_s_libraries_are_asked_for(void **state)
{
    const IMAGE_IMPORT_DESCRIPTOR *import = directory(IMAGE_DIRECTORY_ENTRY_IMPORT);
    char system[MAX_PATH];
    char path[2 * MAX_PATH];

    (void)state;
    assert_true(GetSystemDirectoryA(system, MAX_PATH) > 0);
    for (; import->Name; import++) {
        /* A set of functions, which the system keeps in a library of its choice. */
        if (strncmp(at(import->Name), "api-ms-win-", 11) == 0)
            continue;
        (void)snprintf(path, sizeof path, "%s\\%s", system, (const char *)at(import->Name));
        if (GetFileAttributesA(path) == INVALID_FILE_ATTRIBUTES)
            fail_msg("%s", (const char *)at(import->Name));
    }
}

static void message_of_an_event_is_the_line(void **state)
{
    static const DWORD numbers[] = {EKM_WIN_EVENT_INFO, EKM_WIN_EVENT_ERROR};
    const DWORD_PTR inserts[] = {(DWORD_PTR)L"the line"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        wchar_t text[64] = L"";

        assert_true(FormatMessageW(FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY,
                                   image, numbers[i], 0, text, 64,
                                   (va_list *)(uintptr_t)inserts) > 0);
        assert_int_equal(wcsncmp(text, L"the line", 8), 0);
    }
}

/* ---- In a process ---- */

typedef SqlCpError KP_EKM_CALL plain_fn(void);

static plain_fn *find(HMODULE dll, const char *name)
{
    FARPROC found = GetProcAddress(dll, name);
    plain_fn *fn = NULL;

    assert_non_null(found);
    memcpy(&fn, &found, sizeof fn);
    return fn;
}

static void comes_and_goes(void **state)
{
    (void)state;
    for (int i = 0; i < TIMES; i++) {
        HMODULE dll = LoadLibraryA(KP_EKM_DLL);

        assert_non_null(dll);
        assert_int_equal(find(dll, "SqlCryptInitializeProvider")(), scp_err_Success);
        assert_int_equal(find(dll, "SqlCryptFreeProvider")(), scp_err_Success);
        assert_true(FreeLibrary(dll));
        assert_null(GetModuleHandleA("keyprovider-ekm.dll"));
    }
}

/* Nobody unloads code under a thread: the DLL goes when its threads have gone, which is never. */
static void stays_while_its_threads_run(void **state)
{
    HMODULE dll = LoadLibraryA(KP_EKM_DLL);
    plain_fn *free_provider;

    (void)state;
    assert_non_null(dll);
    assert_int_equal(find(dll, "SqlCryptInitializeProvider")(), scp_err_Success);
    free_provider = find(dll, "SqlCryptFreeProvider");
    assert_true(FreeLibrary(dll));
    assert_non_null(GetModuleHandleA("keyprovider-ekm.dll"));
    dll = LoadLibraryA(KP_EKM_DLL); /* for the moment of the call */
    assert_int_equal(free_provider(), scp_err_Success);
    assert_true(FreeLibrary(dll));
}

#define N_CALLERS 4
#define PATIENCE_MS 60000u

struct callers {
    plain_fn *free_provider;
    SqlCryptGetProviderInfo_fn *call;
    HANDLE threads[N_CALLERS];
    volatile LONG n_called; /* threads that have */
};

/* Until the provider is gone: then the call fails. */
static DWORD WINAPI keep_calling(void *arg)
{
    struct callers *c = arg;
    bool is_first = true;
    SqlCpError number;

    do {
        SqlCpProviderInfo info = {0};

        number = c->call(&info);
        if (is_first)
            (void)InterlockedIncrement(&c->n_called);
        is_first = false;
    } while (number == scp_err_InsufficientBuffer);
    return number == scp_err_Failure ? 0 : 1;
}

static HMODULE begin_calls(struct callers *c)
{
    HMODULE dll = LoadLibraryA(KP_EKM_DLL);
    const ULONGLONG end = GetTickCount64() + PATIENCE_MS;
    FARPROC found;

    assert_non_null(dll);
    found = GetProcAddress(dll, "SqlCryptGetProviderInfo");
    memcpy(&c->call, &found, sizeof found);
    c->free_provider = find(dll, "SqlCryptFreeProvider");
    c->n_called = 0;
    assert_int_equal(find(dll, "SqlCryptInitializeProvider")(), scp_err_Success);
    for (size_t i = 0; i < N_CALLERS; i++) {
        c->threads[i] = CreateThread(NULL, 0, keep_calling, c, 0, NULL);
        assert_non_null(c->threads[i]);
    }
    while (c->n_called < N_CALLERS && GetTickCount64() < end)
        (void)SwitchToThread();
    assert_int_equal(c->n_called, N_CALLERS);
    return dll;
}

static void await_calls(struct callers *c)
{
    assert_int_equal(WaitForMultipleObjects(N_CALLERS, c->threads, TRUE, PATIENCE_MS),
                     WAIT_OBJECT_0);
    for (size_t i = 0; i < N_CALLERS; i++) {
        DWORD status = 1;

        assert_true(GetExitCodeThread(c->threads[i], &status));
        assert_int_equal(status, 0);
        (void)CloseHandle(c->threads[i]);
    }
}

static void calls_go_on_when_the_host_lets_go(void **state)
{
    struct callers c;
    HMODULE dll = begin_calls(&c);

    (void)state;
    assert_true(FreeLibrary(dll));
    assert_ptr_equal(GetModuleHandleA("keyprovider-ekm.dll"), dll);
    dll = LoadLibraryA(KP_EKM_DLL); /* until the callers have heard of it */
    assert_int_equal(c.free_provider(), scp_err_Success);
    await_calls(&c);
    assert_true(FreeLibrary(dll));
}

/* Goes on until one was inside, which most often is at once. The last test: then it never goes. */
static void calls_inside_free_provider_keep_the_dll(void **state)
{
    const ULONGLONG end = GetTickCount64() + PATIENCE_MS;
    bool stays = false;

    (void)state;
    while (!stays && GetTickCount64() < end) {
        struct callers c;
        HMODULE dll = begin_calls(&c);

        assert_int_equal(c.free_provider(), scp_err_Success);
        await_calls(&c);
        assert_true(FreeLibrary(dll));
        stays = GetModuleHandleA("keyprovider-ekm.dll") != NULL;
    }
    assert_true(stays);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(seventeen_names_are_exported, map_image, unmap_image),
        cmocka_unit_test_setup_teardown(only_the_system_s_libraries_are_asked_for, map_image,
                                        unmap_image),
        cmocka_unit_test_setup_teardown(message_of_an_event_is_the_line, map_image, unmap_image),
        cmocka_unit_test(comes_and_goes),
        cmocka_unit_test(stays_while_its_threads_run),
        cmocka_unit_test(calls_go_on_when_the_host_lets_go),
        cmocka_unit_test(calls_inside_free_provider_keep_the_dll),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
