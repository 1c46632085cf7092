#include "plugins/azure-rest/platform.h"

#include <windows.h>

#include "base/span.h"
#include "base/win_folder.h"
#include "base/win_text.h"

#define FOLDER_LEN 512u

static SRWLOCK lock = SRWLOCK_INIT;
static INIT_ONCE folders_once = INIT_ONCE_STATIC_INIT;
static char folder[FOLDER_LEN];    /* empty: there is none */
static char arc_agent[FOLDER_LEN]; /* empty: there is none */

static void find_arc_agent(void)
{
    static const wchar_t PROGRAM[] = L"%ProgramFiles%\\AzureConnectedMachineAgent\\himds.exe";
    wchar_t path[FOLDER_LEN];
    DWORD n = ExpandEnvironmentStringsW(PROGRAM, path, FOLDER_LEN);

    if (n == 0 || n > FOLDER_LEN || !kpb_win_utf8_fill(path, arc_agent, sizeof arc_agent))
        arc_agent[0] = '\0';
}

static BOOL CALLBACK find_folders(PINIT_ONCE once, PVOID parameter, PVOID *context)
{
    (void)once;
    (void)parameter;
    (void)context;
    if (!kpb_win_program_data(folder, sizeof folder))
        folder[0] = '\0';
    find_arc_agent();
    return TRUE;
}

/* The machine's; it does not move while this runs. */
kp_span azr_platform_program_data(void)
{
    (void)InitOnceExecuteOnce(&folders_once, find_folders, NULL, NULL);
    return kpb_span_str(folder);
}

const char *azr_platform_arc_agent(void)
{
    (void)InitOnceExecuteOnce(&folders_once, find_folders, NULL, NULL);
    return arc_agent;
}

bool azr_platform_is_there(const char *path)
{
    return path[0] != '\0' && kpb_win_is_there(path);
}

void azr_platform_lock(void)
{
    AcquireSRWLockExclusive(&lock);
}

void azr_platform_unlock(void)
{
    ReleaseSRWLockExclusive(&lock);
}
