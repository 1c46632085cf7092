/* What comes back: headers and body, kept within their bounds, handed over as the plugin sees them.
 */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/http_parts.h"

#define STATUS_LINE "HTTP/"

/* ---- Headers ---- */

void kpi_http_reply_clear(struct kpi_http_call *call)
{
    call->http_status = 0;
    call->headers_done = false;
    call->announced = -1;
    kp_buf_reset(&call->head);
    kp_buf_reset(&call->lines);
    kp_buf_reset(&call->body_in);
}

/* The three digits behind the first blank of a status line; 0 where there are none. */
static uint32_t status_of(kp_span line)
{
    const uint8_t *blank = memchr(line.ptr, ' ', line.len);
    size_t left = blank ? line.len - (size_t)(blank - line.ptr) - 1 : 0;
    uint32_t status = 0;
    if (left < 3)
        return 0;
    for (size_t i = 1; i <= 3; i++) {
        if (blank[i] < '0' || blank[i] > '9')
            return 0;
        status = 10 * status + (uint32_t)(blank[i] - '0');
    }
    return status;
}

static kp_span trim(kp_span text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = kpb_span(text.ptr + 1, text.len - 1);
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]))
        text.len--;
    return text;
}

static kp_status append_part(struct kpi_http_call *call, kp_span part, uint32_t *ret_at,
                             uint32_t *ret_len)
{
    *ret_at = (uint32_t)call->head.len;
    *ret_len = (uint32_t)part.len;
    return kp_buf_append(&call->head, part);
}

bool kpi_http_reply_header(struct kpi_http_call *call, kp_span name, kp_span value)
{
    struct kpi_http_line line;
    kp_status st = append_part(call, name, &line.name_at, &line.name_len);
    if (st == KP_OK)
        st = append_part(call, value, &line.value_at, &line.value_len);
    if (st != KP_OK) {
        call->cause = st == KP_NO_MEMORY ? KPI_HTTP_NO_MEMORY_HEADER : KPI_HTTP_HEADERS_TOO_LONG;
        return false;
    }
    st = kp_buf_append(&call->lines, kpb_span(&line, sizeof line));
    if (st != KP_OK)
        call->cause = st == KP_NO_MEMORY ? KPI_HTTP_NO_MEMORY_HEADERS : KPI_HTTP_HEADERS_TOO_LONG;
    return st == KP_OK;
}

static bool take_line(struct kpi_http_call *call, kp_span line)
{
    if (kpb_span_starts_with(line, STATUS_LINE)) {
        kpi_http_reply_clear(call); /* what came before was an interim answer */
        call->http_status = status_of(line);
        return true;
    }
    line = trim(line);
    if (line.len == 0) {
        call->headers_done = call->http_status >= 200;
        return true;
    }
    const uint8_t *colon = memchr(line.ptr, ':', line.len);
    if (!colon || call->headers_done)
        return true; /* no header; or a trailer, which nobody asked for */
    size_t at = (size_t)(colon - line.ptr);
    return kpi_http_reply_header(call, kpb_span(line.ptr, at),
                                 trim(kpb_span(colon + 1, line.len - at - 1)));
}

size_t kpi_http_take_header(char *bytes, size_t size, size_t n, void *ctx)
{
    struct kpi_http_handle *handle = ctx;
    return take_line(handle->call, kpb_span(bytes, size * n)) ? size * n : 0;
}

/* ---- Body ---- */

/* One allocation where the server says how much will come. */
static kp_status make_room(struct kpi_http_call *call, size_t n)
{
    if (call->announced > (int64_t)call->max_reply_len)
        return KP_USAGE;
    return kp_buf_reserve(&call->body_in,
                          call->announced > (int64_t)n ? (size_t)call->announced : n);
}

bool kpi_http_reply_body(struct kpi_http_call *call, kp_span bytes)
{
    bool first = call->body_in.cap == 0;
    kp_status st = first ? make_room(call, bytes.len) : KP_OK;
    if (st == KP_OK)
        st = kp_buf_append(&call->body_in, bytes);
    if (st == KP_OK)
        return true;
    if (st != KP_NO_MEMORY)
        call->cause = KPI_HTTP_BODY_TOO_LONG;
    else
        call->cause = first ? KPI_HTTP_NO_MEMORY_BODY : KPI_HTTP_NO_MEMORY_MORE;
    return false;
}

size_t kpi_http_take_body(char *bytes, size_t size, size_t n, void *ctx)
{
    struct kpi_http_handle *handle = ctx;
    curl_off_t announced = -1;
    if (handle->call->body_in.cap == 0)
        (void)curl_easy_getinfo(handle->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    handle->call->announced = announced;
    return kpi_http_reply_body(handle->call, kpb_span(bytes, size * n)) ? size * n : 0;
}

/* ---- Handing over ---- */

static void view_headers(const struct kpi_http_call *call, struct kp_http_header *headers,
                         uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct kpi_http_line line;
        memcpy(&line, call->lines.ptr + i * sizeof line, sizeof line);
        headers[i].name = kpb_span(call->head.ptr + line.name_at, line.name_len);
        headers[i].value = kpb_span(call->head.ptr + line.value_at, line.value_len);
    }
}

static void fail_delivery(struct kpi_http_call *call)
{
    const struct kpi_http_code *row = kpi_http_code_of(KPI_HTTP_NO_MEMORY_REPLY, KPI_HTTP_BODY);
    (void)kpb_fail_code(&call->error, row->status, row->code, "%s:%u: %s", call->pool->host,
                        call->pool->port, row->sentence);
    call->error.exposure = KP_ANSWERED;
    call->error.http_status = call->http_status;
    call->ended(call->ctx, row->status, NULL, &call->error);
}

void kpi_http_reply_deliver(struct kpi_http_call *call)
{
    uint32_t n = (uint32_t)(call->lines.len / sizeof(struct kpi_http_line));
    struct kp_http_header *headers = kpb_alloc_array("http.headers", n, sizeof *headers);
    if (!headers) {
        fail_delivery(call);
        return;
    }
    view_headers(call, headers, n);
    const struct kp_http_reply reply = {
        .struct_size = sizeof reply,
        .http_status = call->http_status,
        .n_headers = n,
        .headers = headers,
        .body = kp_buf_view(&call->body_in),
        .times = call->times,
    };
    call->ended(call->ctx, KP_OK, &reply, NULL);
    kpb_free(headers);
}
