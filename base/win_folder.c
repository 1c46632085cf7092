#include "base/win_folder.h"

#include <string.h>
#include <windows.h>

#include "base/win_text.h"

#define PROFILES L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"
#define FOLDER_LEN 512u
#define PATH_LEN 4096u

static bool from_registry(wchar_t *out, DWORD cap)
{
    DWORD len = cap * (DWORD)sizeof *out;

    /* REG_EXPAND_SZ; the call expands it. */
    return RegGetValueW(HKEY_LOCAL_MACHINE, PROFILES, L"ProgramData", RRF_RT_REG_SZ, NULL, out,
                        &len) == ERROR_SUCCESS &&
           out[0] != L'\0' && !wcschr(out, L'%');
}

static bool from_environment(wchar_t *out, DWORD cap)
{
    DWORD n = GetEnvironmentVariableW(L"ProgramData", out, cap);

    return n > 0 && n < cap;
}

bool kpb_win_program_data(char *out, size_t cap)
{
    wchar_t wide[FOLDER_LEN];
    size_t len;

    if (!from_registry(wide, FOLDER_LEN) && !from_environment(wide, FOLDER_LEN))
        return false;
    if (!kpb_win_utf8_fill(wide, out, cap))
        return false;
    len = strlen(out);
    if (len > 0 && (out[len - 1] == '\\' || out[len - 1] == '/'))
        out[len - 1] = '\0';
    return true;
}

/* On the stack: a file that counts must not be overlooked because memory is out. */
bool kpb_win_is_there(const char *path)
{
    wchar_t wide[PATH_LEN];

    if (!kpb_win_wide_fill(path, wide, PATH_LEN))
        return true; /* who opens it is told what it is */
    return GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES ||
           (GetLastError() != ERROR_FILE_NOT_FOUND && GetLastError() != ERROR_PATH_NOT_FOUND);
}
