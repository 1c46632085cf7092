/*
 * The event log "Application". Its source and the file with its messages are registered by
 * `kp install`; without them an event is still there, under a sentence of the viewer's own that its
 * description was not found.
 */
#include <windows.h>

#include "base/mem.h"
#include "base/win_text.h"
#include "ekm/environment.h"
#include "ekm/win_event.h"

#define LINE_UNITS 4096u /* EKM_LINE_LEN; an event's text may have 31,839 */

/* The connector's setting, which counts beside ekm.event_level: the quieter of the two holds. */
static DWORD registry_level(void)
{
    DWORD level = 0;
    DWORD len = sizeof level;

    if (RegGetValueW(HKEY_LOCAL_MACHINE, EKM_WIN_LOG_KEY, L"Level", RRF_RT_REG_DWORD, NULL, &level,
                     &len) != ERROR_SUCCESS)
        return EKM_WIN_LEVEL_ALL;
    return level;
}

static void report(const wchar_t *text, bool is_error)
{
    HANDLE source = RegisterEventSourceW(NULL, EKM_WIN_EVENT_SOURCE);

    if (!source)
        return; /* the log file has the line too */
    (void)ReportEventW(source, is_error ? EVENTLOG_ERROR_TYPE : EVENTLOG_INFORMATION_TYPE, 0,
                       is_error ? EKM_WIN_EVENT_ERROR : EKM_WIN_EVENT_INFO, NULL, 1, 0, &text,
                       NULL);
    (void)DeregisterEventSource(source);
}

void ekm_platform_event(void *ctx, uint32_t error, const char *line)
{
    const DWORD level = registry_level();
    wchar_t *wide;

    (void)ctx;
    if (level >= EKM_WIN_LEVEL_NONE || (level == EKM_WIN_LEVEL_ERRORS && !error))
        return;
    wide = kpb_alloc_array("ekm.event", LINE_UNITS, sizeof *wide);
    if (wide && kpb_win_wide_fill(line, wide, LINE_UNITS))
        report(wide, error != 0);
    kpb_free(wide);
}
