#include "ekm/environment.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "base/span.h"
#include "base/win_folder.h"
#include "base/win_text.h"

#define MACHINE_CONFIG "\\keyprovider\\keyprovider.json"
#define UNIX_EPOCH_MS INT64_C(11644473600000) /* FILETIME counts from 1601 */
#define TICKS_PER_MS 10000

/* Under KP_PLUGIN_STATIC: every vault of ours is linked in, and none is loaded from a file. */
kp_plugin_get_fn kp_azure_keyvault_plugin_get;
kp_plugin_get_fn kp_managed_hsm_plugin_get;
kp_plugin_get_fn kp_file_test_plugin_get;

kp_plugin_get_fn *const ekm_platform_plugins[] = {
    kp_azure_keyvault_plugin_get, kp_managed_hsm_plugin_get, kp_file_test_plugin_get, NULL};

/* ---- Paths ---- */

static bool is_slash(uint8_t c)
{
    return c == '/' || c == '\\';
}

/* Names that are devices in every folder, with or without something behind a dot. */
static bool is_device(kp_span part)
{
    static const char *const devices[] = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"};
    const uint8_t *dot = part.len > 0 ? memchr(part.ptr, '.', part.len) : NULL;
    kp_span stem = kpb_span(part.ptr, dot ? (size_t)(dot - part.ptr) : part.len);

    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        if (kpb_span_eq_nocase(stem, kpb_span_str(devices[i])))
            return true;
    }
    return stem.len == 4 && stem.ptr[3] >= '0' && stem.ptr[3] <= '9' &&
           (kpb_span_eq_nocase(kpb_span(stem.ptr, 3), kpb_span_str("COM")) ||
            kpb_span_eq_nocase(kpb_span(stem.ptr, 3), kpb_span_str("LPT")));
}

static enum ekm_path_kind part_kind(kp_span part)
{
    if (is_device(part) || (part.len > 0 && memchr(part.ptr, ':', part.len)))
        return EKM_PATH_ELSEWHERE;
    return kpb_span_eq_str(part, "..") ? EKM_PATH_PARTIAL : EKM_PATH_WHOLE;
}

static bool has_drive(kp_span path)
{
    return path.len > 3 && path.ptr[1] == ':' && is_slash(path.ptr[2]) &&
           ((path.ptr[0] >= 'A' && path.ptr[0] <= 'Z') ||
            (path.ptr[0] >= 'a' && path.ptr[0] <= 'z'));
}

/* DRIVE:\PART\... and nothing else: \\SERVER, \\?\ and \\.\ lead elsewhere. */
enum ekm_path_kind ekm_platform_path_kind(kp_span path)
{
    size_t start = 3;

    if (path.len > 1 && is_slash(path.ptr[0]) && is_slash(path.ptr[1]))
        return EKM_PATH_ELSEWHERE;
    if (!has_drive(path))
        return EKM_PATH_PARTIAL;
    for (size_t i = start; i <= path.len; i++) {
        if (i == path.len || is_slash(path.ptr[i])) {
            enum ekm_path_kind kind = part_kind(kpb_span(path.ptr + start, i - start));

            if (kind != EKM_PATH_WHOLE)
                return kind;
            start = i + 1;
        }
    }
    return EKM_PATH_WHOLE;
}

/* ---- Configuration ---- */

/*
 * The machine's process has the variables of the machine; a user's are not among a service's. On
 * the stack, for another file would count if memory were out. What is too long, or no text, was
 * named all the same: no file has this name, and the one who opens it says so.
 */
static bool named_path(char out[EKM_PATH_MAX_LEN + 1])
{
    wchar_t wide[EKM_PATH_MAX_LEN + 1];
    const DWORD n = GetEnvironmentVariableW(L"KP_EKM_CONFIG", wide, EKM_PATH_MAX_LEN + 1);

    if (n == 0)
        return false;
    if (n > EKM_PATH_MAX_LEN || !kpb_win_utf8_fill(wide, out, EKM_PATH_MAX_LEN + 1))
        (void)snprintf(out, EKM_PATH_MAX_LEN + 1, "%s", "<KP_EKM_CONFIG: too long>");
    return true;
}

bool ekm_platform_config_path(char out[EKM_PATH_MAX_LEN + 1])
{
    char folder[EKM_PATH_MAX_LEN + 1 - sizeof MACHINE_CONFIG];

    if (named_path(out))
        return true;
    if (!kpb_win_program_data(folder, sizeof folder))
        return false;
    (void)snprintf(out, EKM_PATH_MAX_LEN + 1, "%s%s", folder, MACHINE_CONFIG);
    return kpb_win_is_there(out);
}

int64_t ekm_platform_unix_ms(void)
{
    FILETIME now;
    uint64_t ticks;

    GetSystemTimePreciseAsFileTime(&now);
    ticks = ((uint64_t)now.dwHighDateTime << 32) | now.dwLowDateTime;
    return (int64_t)(ticks / TICKS_PER_MS) - UNIX_EPOCH_MS;
}
