#include "tools/kp-emulator/request.h"

#include <string.h>

#include "base/span.h"

/* Cuts "https://host" off a target in absolute form (RFC 9112 section 3.2.2). */
static kp_span origin_form(kp_span target)
{
    const char *scheme = kpb_span_starts_with(target, "https://") ? "https://" : "http://";
    if (!kpb_span_starts_with(target, scheme))
        return target;
    const kp_span rest = kpb_span(target.ptr + strlen(scheme), target.len - strlen(scheme));
    const uint8_t *slash = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;
    return slash ? kpb_span(slash, (size_t)(rest.ptr + rest.len - slash)) : kpb_span_str("/");
}

static bool add_segment(struct emu_request *request, uint8_t *start, size_t len)
{
    if (len == 0)
        return true;
    if (request->n_segments == EMU_SEGMENTS_MAX || !emu_url_unescape(start, &len, false))
        return false;
    request->segments[request->n_segments++] = kpb_span(start, len);
    return true;
}

static kp_status split_path(struct emu_request *request, kp_span path)
{
    if (path.len > sizeof request->path_text)
        return KP_USAGE;
    if (path.len > 0)
        memcpy(request->path_text, path.ptr, path.len);
    size_t start = 0;
    for (size_t i = 0; i <= path.len; i++) {
        if (i < path.len && request->path_text[i] != '/')
            continue;
        if (!add_segment(request, request->path_text + start, i - start))
            return KP_USAGE;
        start = i + 1;
    }
    return KP_OK;
}

kp_status emu_request_target(struct emu_request *request, kp_span target)
{
    kp_span text = origin_form(target);
    request->n_segments = 0;
    const uint8_t *mark = text.len > 0 ? memchr(text.ptr, '?', text.len) : NULL;
    kp_span path = mark ? kpb_span(text.ptr, (size_t)(mark - text.ptr)) : text;
    kp_span query = mark ? kpb_span(mark + 1, text.len - path.len - 1) : kpb_span(NULL, 0);
    kp_status st = split_path(request, path);
    return st == KP_OK ? emu_fields_parse(query, &request->query) : st;
}

kp_span emu_host_name(kp_span host)
{
    size_t end = host.len;
    if (host.len > 0 && host.ptr[0] == '[') {
        const uint8_t *close = memchr(host.ptr, ']', host.len);
        return close ? kpb_span(host.ptr, (size_t)(close - host.ptr) + 1) : host;
    }
    const uint8_t *colon = host.len > 0 ? memchr(host.ptr, ':', host.len) : NULL;
    end = colon ? (size_t)(colon - host.ptr) : end;
    return kpb_span(host.ptr, end);
}

kp_span emu_request_header(const struct emu_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_headers; i++) {
        if (kpb_span_eq_nocase(request->headers[i].name, kpb_span_str(name)))
            return request->headers[i].value;
    }
    return kpb_span(NULL, 0);
}

bool emu_segment_is(const struct emu_request *request, size_t i, const char *word)
{
    return i < request->n_segments && kpb_span_eq_nocase(request->segments[i], kpb_span_str(word));
}

enum emu_method emu_request_method(const struct emu_request *request)
{
    static const struct {
        const char *text;
        enum emu_method method;
    } TUNNELLED[] = {{"PATCH", EMU_PATCH}, {"DELETE", EMU_DELETE}, {"PUT", EMU_PUT}};
    if (request->method != EMU_POST)
        return request->method;
    kp_span verb = emu_request_header(request, "X-HTTP-METHOD");
    if (verb.len == 0)
        verb = emu_request_header(request, "X-HTTP-REQUEST");
    for (size_t i = 0; i < sizeof TUNNELLED / sizeof TUNNELLED[0]; i++) {
        if (kpb_span_eq_nocase(verb, kpb_span_str(TUNNELLED[i].text)))
            return TUNNELLED[i].method;
    }
    return EMU_POST;
}
