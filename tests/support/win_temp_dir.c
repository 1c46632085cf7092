#include "support/temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <windows.h>

#include "base/win_access.h"

#define N_TRIES 1000u

/* Short, and with slashes, because tests put it into longer names and into JSON. */
void temp_dir_make(char out[TEMP_DIR_LEN])
{
    SECURITY_ATTRIBUTES rights = {.nLength = sizeof rights};
    bool made = false;

    rights.lpSecurityDescriptor = kpb_win_access_private();
    assert_non_null(rights.lpSecurityDescriptor);
    for (unsigned n = 0; n < N_TRIES && !made; n++) {
        (void)snprintf(out, TEMP_DIR_LEN, "C:/kp-test-%lu-%u", GetCurrentProcessId(), n);
        made = CreateDirectoryA(out, &rights) != 0;
    }
    kpb_win_access_free(rights.lpSecurityDescriptor);
    assert_true(made);
}

static void remove_entry(const char *path, DWORD attributes)
{
    if (!(attributes & FILE_ATTRIBUTE_DIRECTORY))
        assert_true(DeleteFileA(path));
    else if (attributes & FILE_ATTRIBUTE_REPARSE_POINT)
        assert_true(RemoveDirectoryA(path));
    else
        temp_dir_remove(path);
}

void temp_dir_remove(const char *dir)
{
    char path[MAX_PATH];
    WIN32_FIND_DATAA entry;
    HANDLE found;

    (void)snprintf(path, sizeof path, "%s/*", dir);
    found = FindFirstFileA(path, &entry);
    if (found == INVALID_HANDLE_VALUE) {
        assert_int_equal(GetFileAttributesA(dir), INVALID_FILE_ATTRIBUTES);
        return;
    }
    do {
        if (strcmp(entry.cFileName, ".") == 0 || strcmp(entry.cFileName, "..") == 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", dir, entry.cFileName);
        remove_entry(path, entry.dwFileAttributes);
    } while (FindNextFileA(found, &entry));
    (void)FindClose(found);
    assert_true(RemoveDirectoryA(dir));
}
