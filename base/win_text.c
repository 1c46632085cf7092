#include "base/win_text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "base/errors.h"
#include "base/mem.h"

#define REASON_LEN 512u

bool kpb_win_wide_fill(const char *text, wchar_t *out, size_t cap)
{
    int room = cap > INT_MAX ? INT_MAX : (int)cap;

    return room > 0 && MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, out, room) > 0;
}

wchar_t *kpb_win_wide(const char *site, const char *text)
{
    int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    wchar_t *wide = n > 0 ? kpb_alloc_array(site, (size_t)n, sizeof *wide) : NULL;

    if (wide && !kpb_win_wide_fill(text, wide, (size_t)n)) {
        kpb_free(wide);
        return NULL;
    }
    return wide;
}

kp_status kpb_win_wide_path(const char *site, const char *path, wchar_t **ret,
                            struct kp_error *reterr)
{
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0) <= 0)
        return kpb_fail(reterr, KP_USAGE, "a path is no UTF-8");
    *ret = kpb_win_wide(site, path);
    return *ret ? KP_OK : kpb_fail_memory(reterr, site);
}

bool kpb_win_utf8_fill(const wchar_t *text, char *out, size_t cap)
{
    int room = cap > INT_MAX ? INT_MAX : (int)cap;

    return room > 0 &&
           WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, text, -1, out, room, NULL, NULL) > 0;
}

/* The system ends its sentences with a full stop and a line break. */
static void trim(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && (text[len - 1] == '.' || (unsigned char)text[len - 1] <= ' '))
        text[--len] = '\0';
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ')
            text[i] = ' ';
    }
}

/* In English where the system has it: a line of ours is one language. */
static DWORD format_reason(uint32_t code, wchar_t wide[REASON_LEN])
{
    const DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;
    DWORD n = FormatMessageW(flags, NULL, code, MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), wide,
                             REASON_LEN, NULL);

    return n > 0 ? n : FormatMessageW(flags, NULL, code, 0, wide, REASON_LEN, NULL);
}

void kpb_win_reason(uint32_t code, char *out, size_t cap)
{
    wchar_t wide[REASON_LEN];
    bool told = format_reason(code, wide) > 0 && kpb_win_utf8_fill(wide, out, cap);

    if (told)
        trim(out);
    if (!told || out[0] == '\0')
        (void)snprintf(out, cap, "error %lu", (unsigned long)code);
}
