/* A request as a stream: its headers and body as the session sends them. Both stay where the
 * request has them, in secret memory; nghttp2 copies neither a token nor an address. */
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "core/h2_parts.h"

#define FIELDS_MAX 80u /* those of a request, its token, and what HTTP/2 adds */
#define STAYS (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)

struct fields {
    nghttp2_nv list[FIELDS_MAX];
    size_t n;
};

static void add(struct fields *fields, const char *name, size_t name_len, const char *value,
                size_t value_len, unsigned flags)
{
    if (fields->n == FIELDS_MAX)
        return; /* cannot be: http_call.c has counted them */
    fields->list[fields->n++] =
        (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, name_len, value_len, (uint8_t)flags};
}

static void add_text(struct fields *fields, const char *name, const char *value, unsigned flags)
{
    add(fields, name, strlen(name), value, strlen(value), flags);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* "Name: value", "Name;" for an empty value; "Name:" only keeps libcurl from a header of its
 * own. */
static void add_line(struct fields *fields, const char *line)
{
    size_t name_len = strcspn(line, ":;");
    const char *value = line + name_len + 1;
    size_t value_len = strlen(value);
    bool is_token = name_len == sizeof "authorization" - 1 &&
                    kpb_span_eq_nocase(kpb_span(line, name_len), kpb_span_str("authorization"));
    if (line[name_len] == ':' && value_len == 0)
        return;
    while (value_len > 0 && is_blank(*value)) {
        value++;
        value_len--;
    }
    while (value_len > 0 && is_blank(value[value_len - 1]))
        value_len--;
    add(fields, line, name_len, value, value_len,
        NGHTTP2_NV_FLAG_NO_COPY_VALUE | (is_token ? NGHTTP2_NV_FLAG_NO_INDEX : 0u));
}

/* length lives until the session has been told. */
static void gather(struct fields *fields, const struct kpi_http_call *call, const char *length)
{
    add_text(fields, ":method", call->method, STAYS);
    add_text(fields, ":scheme", "https", STAYS);
    add_text(fields, ":authority", call->pool->authority, STAYS);
    add(fields, ":path", sizeof ":path" - 1,
        call->path.len > 0 ? (const char *)call->path.ptr : "/",
        call->path.len > 0 ? call->path.len : 1, STAYS);
    for (size_t i = 0; i < call->n_lines; i++)
        add_line(fields, call->lines_out[i].data);
    if (kpi_http_call_has_body(call))
        add_text(fields, "content-length", length, NGHTTP2_NV_FLAG_NO_COPY_NAME);
}

/* nghttp2 asks for as much of the body as the windows let out. */
static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t n,
                         uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
    struct kpi_http_call *call = nghttp2_session_get_stream_user_data(session, id);
    (void)source;
    (void)ctx;
    if (!call)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* it has been taken back */
    size_t left = call->body.len - call->h2.body_at;
    size_t part = left < n ? left : n;
    if (part > 0)
        memcpy(out, call->body.ptr + call->h2.body_at, part);
    call->h2.body_at += part;
    call->h2.said = part == left;
    if (call->h2.said)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)part;
}

kp_status kpi_h2_stream_begin(struct kpi_http_call *call)
{
    struct kpi_h2 *c = call->h2.connection;
    const nghttp2_data_provider body = {.read_callback = read_body};
    struct fields fields;
    char length[24];
    fields.n = 0;
    (void)snprintf(length, sizeof length, "%zu", call->body.len);
    gather(&fields, call, length);
    int32_t id = nghttp2_submit_request(c->session, NULL, fields.list, fields.n,
                                        call->body.len > 0 ? &body : NULL, call);
    if (id < 0) { /* numbers of streams are not used again */
        c->draining = c->draining || id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE;
        return KP_NO_MEMORY;
    }
    call->h2.id = id;
    c->n_streams++;
    return KP_OK;
}

void kpi_h2_stream_reset(struct kpi_http_call *call)
{
    struct kpi_h2 *c = call->h2.connection;
    if (call->h2.id == 0)
        return;
    (void)nghttp2_session_set_stream_user_data(c->session, call->h2.id, NULL);
    /* For want of memory the server goes on, and what it says is dropped. */
    (void)nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, call->h2.id, NGHTTP2_CANCEL);
    kpi_h2_mark_unsent(c);
}
