#include <wchar.h>
#include <windows.h>

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "base/win_text.h"
#include "core/trust.h"

#define UNITS (KPI_PATH_MAX_LEN + 1)

static kp_status fail_too_long(struct kp_error *reterr)
{
    return kpb_fail(reterr, KP_USAGE, "a path has more than %u bytes", KPI_PATH_MAX_LEN);
}

/* Whether a backslash ends text and is more than the root of a drive. */
static bool has_tail(const wchar_t *text, size_t len)
{
    return len > 3 && text[len - 1] == L'\\';
}

static kp_status append_utf8(const wchar_t *text, kp_buf *out, struct kp_error *reterr)
{
    char *utf8 = kpb_alloc("path.absolute", UNITS);
    kp_status st;

    if (!utf8)
        return kpb_fail_memory(reterr, "path.absolute");
    if (!kpb_win_utf8_fill(text, utf8, UNITS))
        st = fail_too_long(reterr);
    else if (kp_buf_append(out, kpb_span_str(utf8)) != KP_OK)
        st = kpb_fail_memory(reterr, "path.absolute");
    else
        st = KP_OK;
    kpb_free(utf8);
    return st;
}

/* The system makes slashes backslashes, and takes "." and ".." out by name: so does whoever
 * opens. */
static kp_status append_full(const wchar_t *path, kp_buf *out, struct kp_error *reterr)
{
    wchar_t *full = kpb_alloc_array("path.absolute", UNITS, sizeof *full);
    kp_status st;
    DWORD n;

    if (!full)
        return kpb_fail_memory(reterr, "path.absolute");
    n = GetFullPathNameW(path, UNITS, full, NULL);
    if (n > 0 && n < UNITS) {
        if (has_tail(full, n))
            full[n - 1] = L'\0';
        st = append_utf8(full, out, reterr);
    } else {
        st = n > 0 ? fail_too_long(reterr)
                   : kpb_fail(reterr, KP_CONFIG, "the current folder cannot be told: error %lu",
                              GetLastError());
    }
    kpb_free(full);
    return st;
}

kp_status kpi_path_absolute(kp_span path, kp_buf *out, struct kp_error *reterr)
{
    char *text;
    wchar_t *wide;
    kp_status st;

    if (path.len == 0)
        return kpb_fail(reterr, KP_USAGE, "a path is empty");
    if (memchr(path.ptr, '\0', path.len))
        return kpb_fail(reterr, KP_USAGE, "a path has a NUL in it");
    if (path.len > KPI_PATH_MAX_LEN)
        return fail_too_long(reterr);
    text = kpb_strdup_span("path.absolute", path);
    if (!text)
        return kpb_fail_memory(reterr, "path.absolute");
    st = kpb_win_wide_path("path.absolute", text, &wide, reterr);
    kpb_free(text);
    if (st != KP_OK)
        return st;
    st = append_full(wide, out, reterr);
    kpb_free(wide);
    return st;
}
