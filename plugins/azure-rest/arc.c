#include "plugins/azure-rest/arc.h"

#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/names.h"

#define PATH_MAX_LEN 512u

static kp_status refuse(struct kp_error *reterr, const char *why)
{
    return kpb_fail_code(reterr, KP_AUTH, KP_CODE_ErrorGetTokenFailedToGetToken,
                         "the Azure Arc agent's challenge was refused: %s", why);
}

static kp_span skip(kp_span text, size_t n)
{
    return kpb_span(text.ptr + n, text.len - n);
}

static bool starts_with_nocase(kp_span text, const char *prefix)
{
    size_t n = strlen(prefix);
    return text.len >= n && kpb_span_eq_nocase(kpb_span(text.ptr, n), kpb_span_str(prefix));
}

/* ---- The header ---- */

/* Everything behind "Basic realm=", without quotes around it. */
static bool read_realm(kp_span header, kp_span *ret)
{
    header = azr_trim(header);
    if (!starts_with_nocase(header, "Basic "))
        return false;
    header = azr_trim(skip(header, strlen("Basic ")));
    if (!starts_with_nocase(header, "realm="))
        return false;
    header = skip(header, strlen("realm="));
    if (header.len >= 2 && header.ptr[0] == '"' && header.ptr[header.len - 1] == '"')
        header = kpb_span(header.ptr + 1, header.len - 2);
    *ret = header;
    return header.len > 0;
}

static bool find_realm(const struct kp_http_reply *reply, kp_span *ret)
{
    for (uint32_t i = 0; i < reply->n_headers; i++)
        if (kpb_span_eq_nocase(reply->headers[i].name, kpb_span_str("WWW-Authenticate")) &&
            read_realm(reply->headers[i].value, ret))
            return true;
    return false;
}

/* ---- The path ---- */

static bool is_slash(uint8_t c)
{
    return c == '/' || c == '\\';
}

/* Windows: letters without case, both slashes the same. */
static bool take_windows(kp_span *path, kp_span part)
{
    if (path->len < part.len)
        return false;
    for (size_t i = 0; i < part.len; i++) {
        kp_span a = kpb_span(path->ptr + i, 1);
        kp_span b = kpb_span(part.ptr + i, 1);
        if (!kpb_span_eq_nocase(a, b) && !(is_slash(a.ptr[0]) && is_slash(b.ptr[0])))
            return false;
    }
    *path = skip(*path, part.len);
    return true;
}

static bool take_slash(kp_span *path)
{
    if (path->len == 0 || !is_slash(path->ptr[0]))
        return false;
    *path = skip(*path, 1);
    return true;
}

/* Moves *path behind the agent's folder and its slash. */
static bool take_folder(kp_span *path, kp_span program_data)
{
    const kp_span linux_dir = kpb_span_str(AZR_ARC_DIR_LINUX "/");
    if (program_data.len > 0)
        return take_windows(path, program_data) && take_slash(path) &&
               take_windows(path, kpb_span_str(AZR_ARC_DIR_WINDOWS)) && take_slash(path);
    if (path->len < linux_dir.len || !kpb_span_eq(kpb_span(path->ptr, linux_dir.len), linux_dir))
        return false;
    *path = skip(*path, linux_dir.len);
    return true;
}

/* One plain file name: no folder, no stream (":"), nothing a shell or a file system reads oddly. */
static bool is_file_name(kp_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!is_plain)
            return false;
    }
    return text.len > 0 && text.ptr[0] != '.';
}

static bool ends_in_key(kp_span name, bool is_windows)
{
    const kp_span end = kpb_span_str(".key");
    if (name.len <= end.len)
        return false;
    kp_span tail = skip(name, name.len - end.len);
    return is_windows ? kpb_span_eq_nocase(tail, end) : kpb_span_eq(tail, end);
}

kp_status azr_arc_key_path(const struct kp_http_reply *reply, kp_span program_data,
                           kp_span *ret_path, struct kp_error *reterr)
{
    kp_span path;
    if (!find_realm(reply, &path))
        return refuse(reterr, "it names no key file (WWW-Authenticate: Basic realm=PATH)");
    if (path.len > PATH_MAX_LEN)
        return refuse(reterr, "the key file's path is too long");
    kp_span name = path;
    if (!take_folder(&name, program_data))
        return refuse(reterr, "the key file is not in the agent's own folder");
    if (!is_file_name(name))
        return refuse(reterr, "the key file is not directly in the agent's folder, or has an odd "
                              "name");
    if (!ends_in_key(name, program_data.len > 0))
        return refuse(reterr, "the key file's name does not end in .key");
    *ret_path = path;
    return KP_OK;
}

kp_status azr_arc_key_check(kp_span content, kp_span *ret_key, struct kp_error *reterr)
{
    if (content.len > AZR_ARC_KEY_MAX_LEN)
        return refuse(reterr, "the key file has more than 4096 bytes");
    kp_span key = azr_trim(content);
    if (key.len == 0)
        return refuse(reterr, "the key file is empty");
    for (size_t i = 0; i < key.len; i++)
        if (key.ptr[i] <= ' ' || key.ptr[i] >= 0x7f)
            return refuse(reterr, "the key file holds other than visible ASCII");
    *ret_key = key;
    return KP_OK;
}
