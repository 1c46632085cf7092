/* keyprovider-ekm.dll as a file and in a process: names, what it asks for, resources, coming and
 * going. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(seventeen_names_are_exported, map_image, unmap_image),
        cmocka_unit_test_setup_teardown(only_the_system_s_libraries_are_asked_for, map_image,
                                        unmap_image),
        cmocka_unit_test_setup_teardown(message_of_an_event_is_the_line, map_image, unmap_image),
        cmocka_unit_test(comes_and_goes),
        cmocka_unit_test(stays_while_its_threads_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
