#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/trust.h"

static kp_status append_part(kp_buf *out, kp_span part)
{
    kp_status st;

    if (part.len == 0 || kpb_span_eq_str(part, "."))
        return KP_OK;
    st = kp_buf_append_byte(out, '/');
    return st == KP_OK ? kp_buf_append(out, part) : st;
}

static kp_status append_parts(kp_buf *out, kp_span path)
{
    size_t start = 0;
    kp_status st = KP_OK;

    for (size_t i = 0; i <= path.len && st == KP_OK; i++) {
        if (i < path.len && path.ptr[i] != '/')
            continue;
        st = append_part(out, kpb_span(path.ptr + start, i - start));
        start = i + 1;
    }
    return st;
}

static kp_status append_current(kp_buf *out, struct kp_error *reterr)
{
    char *folder = kpb_alloc("path.current", KPI_PATH_MAX_LEN + 1);
    kp_status st;

    if (!folder)
        return kpb_fail_memory(reterr, "path.current");
    if (getcwd(folder, KPI_PATH_MAX_LEN + 1))
        st = append_parts(out, kpb_span_str(folder));
    else
        st = kpb_fail(reterr, KP_CONFIG, "the current folder cannot be told: %s", strerror(errno));
    kpb_free(folder);
    return st;
}

static kp_status append_absolute(kp_span path, kp_buf *out, struct kp_error *reterr)
{
    size_t before = out->len;
    kp_status st = path.ptr[0] == '/' ? KP_OK : append_current(out, reterr);

    if (st == KP_OK)
        st = append_parts(out, path);
    if (st == KP_OK && out->len == before)
        st = kp_buf_append_byte(out, '/');
    return st;
}

kp_status kpi_path_absolute(kp_span path, kp_buf *out, struct kp_error *reterr)
{
    size_t before = out->len;
    kp_status st;

    if (path.len == 0)
        return kpb_fail(reterr, KP_USAGE, "a path is empty");
    if (memchr(path.ptr, '\0', path.len))
        return kpb_fail(reterr, KP_USAGE, "a path has a NUL in it");
    st = append_absolute(path, out, reterr);
    if (st == KP_USAGE || out->len - before > KPI_PATH_MAX_LEN)
        return kpb_fail(reterr, KP_USAGE, "a path has more than %u bytes", KPI_PATH_MAX_LEN);
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, "path.absolute");
    return st;
}
