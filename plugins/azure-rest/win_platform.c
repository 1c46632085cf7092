#include "plugins/azure-rest/platform.h"

#include <windows.h>

#include "base/span.h"
#include "base/win_folder.h"

#define FOLDER_LEN 512u

static SRWLOCK lock = SRWLOCK_INIT;
static INIT_ONCE folder_once = INIT_ONCE_STATIC_INIT;
static char folder[FOLDER_LEN]; /* empty: there is none */

static BOOL CALLBACK read_folder(PINIT_ONCE once, PVOID parameter, PVOID *context)
{
    (void)once;
    (void)parameter;
    (void)context;
    if (!kpb_win_program_data(folder, sizeof folder))
        folder[0] = '\0';
    return TRUE;
}

/* The machine's; it does not move while this runs. */
kp_span azr_platform_program_data(void)
{
    (void)InitOnceExecuteOnce(&folder_once, read_folder, NULL, NULL);
    return kpb_span_str(folder);
}

void azr_platform_lock(void)
{
    AcquireSRWLockExclusive(&lock);
}

void azr_platform_unlock(void)
{
    ReleaseSRWLockExclusive(&lock);
}
