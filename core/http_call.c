/* One request: copied into secret memory, checked against what the host allows, ended once. */
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/block.h"
#include "core/http_parts.h"

#define MAX_HEADERS 64u
#define MAX_HEADER_BYTES (64u * 1024u)
#define METHOD_MAX_LEN 16u
#define OWN_LINES 4u /* Authorization and what keeps libcurl from adding headers of its own */
#define BEARER "Authorization: Bearer "

/* ---- Is it allowed? ---- */

static bool is_token_byte(uint8_t c)
{
    static const char others[] = "!#$%&'*+-.^_`|~"; /* RFC 9110, section 5.6.2 */
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && strchr(others, c));
}

static bool is_token(kp_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_token_byte(text.ptr[i]))
            return false;
    return text.len > 0;
}

static bool is_value_byte(uint8_t c)
{
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

#define EACH_BYTE(c) (UINT64_MAX / 255 * (c))

/* Whether none of the eight bytes is below ' ' or is 0x7f: the sign bits of what is left over. */
static bool is_value_word(uint64_t word)
{
    uint64_t del = word ^ EACH_BYTE(0x7f);
    uint64_t low = (word - EACH_BYTE(' ')) & ~word;
    return ((low | ((del - EACH_BYTE(1)) & ~del)) & EACH_BYTE(0x80)) == 0;
}

/* By words: a token of a thousand bytes and more comes with nearly every request. */
static bool is_value(kp_span text)
{
    for (size_t i = 0; i < text.len;) {
        uint64_t word = 0;
        if (text.len - i >= sizeof word)
            memcpy(&word, text.ptr + i, sizeof word);
        if (is_value_word(word)) /* 0 is none */
            i += sizeof word;
        else if (is_value_byte(text.ptr[i]))
            i++;
        else
            return false;
    }
    return true;
}

/* Headers that say how the message is carried are the host's to write. */
static bool is_ours(kp_span name)
{
    static const char *const names[] = {"host",       "content-length",   "transfer-encoding",
                                        "connection", "proxy-connection", "proxy-authorization",
                                        "expect",     "upgrade",          "te",
                                        "trailer",    "keep-alive",       NULL};
    for (size_t i = 0; names[i]; i++)
        if (kpb_span_eq_nocase(name, kpb_span_str(names[i])))
            return true;
    return false;
}

static kp_status check_headers(const struct kp_http_request *request, struct kp_error *reterr)
{
    size_t total = 0;
    if (request->n_headers > MAX_HEADERS || (request->n_headers > 0 && !request->headers))
        return kpb_fail(reterr, KP_USAGE, "http: more than %u headers, or none where some are said",
                        MAX_HEADERS);
    for (uint32_t i = 0; i < request->n_headers; i++) {
        const struct kp_http_header *header = &request->headers[i];
        if (!is_token(header->name) || !is_value(header->value) || is_ours(header->name))
            return kpb_fail(reterr, KP_USAGE,
                            "http: header %u has a name or value that may not be sent", i);
        total += header->name.len + header->value.len;
        if (total > MAX_HEADER_BYTES)
            return kpb_fail(reterr, KP_USAGE, "http: the headers have more than %u bytes",
                            MAX_HEADER_BYTES);
    }
    return KP_OK;
}

static bool carries_bearer(const struct kp_http_request *request)
{
    for (uint32_t i = 0; i < request->n_headers; i++) {
        kp_span value = request->headers[i].value;
        if (kpb_span_eq_nocase(request->headers[i].name, kpb_span_str("authorization")) &&
            value.len >= 6 && kpb_span_eq_nocase(kpb_span(value.ptr, 6), kpb_span_str("bearer")))
            return true;
    }
    return request->bearer.len > 0;
}

/* Without TLS only the machine's own surroundings are spoken to, and no token ever goes there. */
static kp_status check_clear_text(const struct kpi_http *http,
                                  const struct kp_http_request *request, const struct kpi_url *url,
                                  struct kp_error *reterr)
{
    if (url->tls)
        return KP_OK;
    if (!(request->flags & KP_HTTP_CLEARTEXT_METADATA))
        return kpb_fail(reterr, KP_USAGE, "http: only https is spoken");
    if (!kpi_host_is_loopback(url->host) && !kpi_host_is_link_local(url->host) &&
        !kpi_host_is_named(url->host, http->shared->config->http_cleartext_hosts))
        return kpb_fail(
            reterr, KP_USAGE,
            "http: without TLS only this machine, a link-local address and the hosts of "
            "http.cleartext_hosts are spoken to");
    if (carries_bearer(request))
        return kpb_fail(reterr, KP_USAGE, "http: a bearer token is never sent without TLS");
    return KP_OK;
}

static bool is_method(kp_span method, const char *name)
{
    return kpb_span_eq_str(method, name);
}

static kp_status check_message(const struct kp_http_request *request, struct kp_error *reterr)
{
    bool no_body = is_method(request->method, "GET") || is_method(request->method, "HEAD");
    if (!is_token(request->method) || request->method.len > METHOD_MAX_LEN ||
        is_method(request->method, "CONNECT") || is_method(request->method, "TRACE"))
        return kpb_fail(reterr, KP_USAGE, "http: the method is none that is sent");
    if (no_body && request->body.len > 0)
        return kpb_fail(reterr, KP_USAGE, "http: GET and HEAD have no body");
    if (request->pin.len != 0 && request->pin.len != KPI_PIN_SHA1_LEN &&
        request->pin.len != KPI_PIN_SHA256_LEN)
        return kpb_fail(reterr, KP_USAGE, "http: a pin has %u or %u bytes", KPI_PIN_SHA1_LEN,
                        KPI_PIN_SHA256_LEN);
    if (!is_value(request->bearer) ||
        memchr(request->bearer.ptr ? request->bearer.ptr : (const uint8_t *)"", ' ',
               request->bearer.len))
        return kpb_fail(reterr, KP_USAGE, "http: the bearer token has bytes that no token has");
    return check_headers(request, reterr);
}

static kp_status check_request(const struct kpi_http *http, const struct kp_http_request *request,
                               struct kpi_url *ret_url, struct kp_error *reterr)
{
    kp_status st = kpi_url_parse(request->url, ret_url, reterr);
    if (st == KP_OK)
        st = check_message(request, reterr);
    return st == KP_OK ? check_clear_text(http, request, ret_url, reterr) : st;
}

/* ---- Copying; room for everything has been reserved, so that pointers stay ---- */

static size_t text_len(const struct kp_http_request *request)
{
    size_t n = request->url.len + 1 + request->method.len + 1 + request->body.len;
    for (uint32_t i = 0; i < request->n_headers; i++)
        n += request->headers[i].name.len + request->headers[i].value.len + sizeof ": ";
    return n + sizeof "/" + request->url.len + sizeof BEARER + request->bearer.len;
}

static char *copy_out(kp_buf *text, kp_span first, const char *middle, kp_span last)
{
    uint8_t *start = text->ptr + text->len;
    kpb_ignore(kp_buf_append(text, first)); /* within what was reserved, as all of this */
    kpb_ignore(kp_buf_append_str(text, middle));
    kpb_ignore(kp_buf_append(text, last));
    kpb_ignore(kp_buf_append_byte(text, '\0'));
    return (char *)start;
}

static void add_line(struct kpi_http_call *call, char *line)
{
    struct curl_slist *item = &call->lines_out[call->n_lines++];
    item->data = line;
    if (call->n_lines > 1)
        call->lines_out[call->n_lines - 2].next = item;
}

/* A name without a value takes a header out that libcurl would add. */
static void take_out(struct kpi_http_call *call, const struct kp_http_request *request, char *line)
{
    kp_span name = kpb_span(line, strlen(line) - 1);
    for (uint32_t i = 0; i < request->n_headers; i++)
        if (kpb_span_eq_nocase(request->headers[i].name, name))
            return;
    add_line(call, line);
}

static void copy_headers(struct kpi_http_call *call, const struct kp_http_request *request)
{
    static char no_accept[] = "Accept:";
    static char no_type[] = "Content-Type:";
    static char no_expect[] = "Expect:";
    for (uint32_t i = 0; i < request->n_headers; i++) {
        const struct kp_http_header *header = &request->headers[i];
        bool empty = header->value.len == 0; /* libcurl's way to say an empty value is ";" */
        add_line(call, copy_out(&call->text, header->name, empty ? ";" : ": ", header->value));
    }
    if (request->bearer.len > 0)
        add_line(call, copy_out(&call->text, kpb_span_str(BEARER), "", request->bearer));
    take_out(call, request, no_accept);
    take_out(call, request, no_type);
    take_out(call, request, no_expect);
}

/* What follows the authority stands in the URL's copy, unless a query comes there at once. */
static kp_span copy_path(struct kpi_http_call *call, kp_span path)
{
    if (path.len > 0 && path.ptr[0] == '/')
        return kpb_span(call->url + strlen(call->url) - path.len, path.len);
    return kpb_span_str(copy_out(&call->text, kpb_span_str("/"), "", path));
}

static kp_status copy_request(struct kpi_http_call *call, const struct kp_http_request *request,
                              const struct kpi_url *url)
{
    const kp_span none = {NULL, 0};
    size_t n = text_len(request);
    kp_buf_init_secret(&call->text, "http.request", n);
    kp_status st = kp_buf_reserve(&call->text, n);
    if (st != KP_OK)
        return st;
    call->url = copy_out(&call->text, request->url, "", none);
    call->path = copy_path(call, url->path);
    call->method = copy_out(&call->text, request->method, "", none);
    copy_headers(call, request);
    uint8_t *body = call->text.ptr + call->text.len;
    kpb_ignore(kp_buf_append(&call->text, request->body));
    call->body = kpb_span(body, request->body.len);
    call->may_repeat = is_method(request->method, "GET") || is_method(request->method, "HEAD");
    return KP_OK;
}

/* ---- The end ---- */

static void free_call(struct kpi_http_call *call)
{
    kp_buf_clear(&call->text);
    kp_buf_clear(&call->head);
    kp_buf_clear(&call->lines);
    kp_buf_clear(&call->body_in);
    kpb_free(call);
}

static void deliver_end(struct kpi_mail *mail)
{
    struct kpi_http_call *call = KPI_HOLDER(mail, struct kpi_http_call, mail);
    if (call->status == KP_OK)
        kpi_http_reply_deliver(call);
    else
        call->ended(call->ctx, call->status, NULL, &call->error);
    free_call(call);
}

/* Whether a connection was opened for it. */
static bool has_opened(const struct kpi_http_call *call)
{
    if (call->h2.connection)
        return kpi_h2_has_opened(call);
    return call->handle && kpi_http_handle_has_opened(call);
}

static void end_call(struct kpi_http_call *call, kp_status status)
{
    struct kpi_shard *shard = call->http->shard;
    call->n_connections += has_opened(call);
    kpi_shard_disarm(shard, &call->timer);
    kpi_shard_disarm(shard, &call->connect_timer);
    call->state = KPI_HTTP_CALL_OVER;
    call->status = status;
    call->mail.deliver = deliver_end;
    kpi_shard_post(shard, &call->mail);
}

/* Bytes of others, cut and made harmless for a line of text. */
static void copy_detail(const char *detail, char *out, size_t size)
{
    size_t n = 0;
    for (; detail && *detail && n + 1 < size; detail++)
        out[n++] = *detail >= ' ' && *detail <= '~' ? *detail : '?';
    out[n] = '\0';
}

bool kpi_http_call_has_body(const struct kpi_http_call *call)
{
    return call->body.len > 0 || strcmp(call->method, "POST") == 0 ||
           strcmp(call->method, "PUT") == 0 || strcmp(call->method, "PATCH") == 0;
}

bool kpi_http_call_has_sent(const struct kpi_http_call *call)
{
    if (call->h2.connection)
        return call->h2.sent && !call->h2.refused;
    return call->handle && kpi_http_handle_has_sent(call);
}

enum kpi_http_phase kpi_http_call_phase(const struct kpi_http_call *call)
{
    return call->h2.connection ? kpi_h2_phase(call) : kpi_http_handle_phase(call);
}

static uint32_t exposure_of(const struct kpi_http_call *call)
{
    if (call->http_status != 0)
        return KP_ANSWERED;
    return kpi_http_call_has_sent(call) ? KP_MAYBE_SENT : KP_NOT_SENT;
}

void kpi_http_call_fail(struct kpi_http_call *call, int cause, enum kpi_http_phase phase,
                        const char *detail)
{
    const struct kpi_http_code *row = kpi_http_code_of(cause, phase);
    char words[160];
    uint32_t exposure = exposure_of(call);
    copy_detail(detail, words, sizeof words);
    (void)kpb_fail_code(&call->error, row->status, row->code, "%s:%u while %s: %s%s%s%s",
                        call->pool ? call->pool->host : "http", call->pool ? call->pool->port : 0u,
                        kpi_http_phase_text(phase), row->sentence, words[0] ? " (" : "", words,
                        words[0] ? ")" : "");
    call->error.exposure = exposure;
    call->error.http_status = call->http_status;
    end_call(call, row->status);
}

static void note_times(struct kpi_http_call *call)
{
    CURL *opened = call->handle ? call->handle->easy : NULL;
    if (call->h2.connection) {
        opened = kpi_h2_opener(call->h2.connection);
        call->times.first_byte_ns = call->h2.first_byte_ns;
    } else {
        call->times.first_byte_ns = kpi_http_handle_first_byte_ns(opened);
    }
    if (has_opened(call)) /* else libcurl's times are those of a look-up */
        kpi_http_handle_connect_times(opened, &call->times);
    call->times.total_ns = kpi_shard_now_ns(call->http->shard) - call->begun_ns;
}

void kpi_http_call_succeed(struct kpi_http_call *call)
{
    note_times(call);
    end_call(call, KP_OK);
}

static void refuse(struct kpi_http_call *call, const struct kp_error *error)
{
    call->error = *error;
    end_call(call, (kp_status)error->status);
}

uint32_t kpi_http_n_connections(const struct kpi_http_call *call)
{
    return call->n_connections;
}

/* ---- Time ---- */

static void time_is_up(struct kpi_http_call *call)
{
    call->cause = KPI_HTTP_TIMED_OUT;
    kpi_http_pool_withdraw(call, true);
}

static void call_is_due(struct kpi_timer *timer)
{
    time_is_up(KPI_HOLDER(timer, struct kpi_http_call, timer));
}

static void connection_is_due(struct kpi_timer *timer)
{
    time_is_up(KPI_HOLDER(timer, struct kpi_http_call, connect_timer));
}

/* ---- The beginning ---- */

static struct kpi_http_call *new_call(struct kpi_http *http, const struct kp_http_request *request,
                                      uint32_t time_ms)
{
    const struct kpi_provider_limits *limits = http->limits;
    size_t n_lines = request->n_headers + OWN_LINES;
    struct kpi_http_call *call =
        kpb_alloc("http.call", sizeof *call + n_lines * sizeof call->lines_out[0]);
    if (!call)
        return NULL;
    call->http = http;
    call->flags = request->flags;
    call->connect_timeout_ms = request->connect_timeout_ms != 0 ? request->connect_timeout_ms
                                                                : limits->http_connect_timeout_ms;
    call->max_reply_len =
        request->max_reply_len != 0 ? request->max_reply_len : limits->http_max_reply_kib * 1024;
    call->announced = -1;
    kpi_list_init(&call->in_line);
    kpi_list_init(&call->in_wait);
    call->timer.fire = call_is_due;
    call->connect_timer.fire = connection_is_due;
    call->begun_ns = kpi_shard_now_ns(http->shard);
    call->due_ns =
        call->begun_ns + (request->timeout_ms != 0 ? request->timeout_ms : time_ms) * KPI_NS_PER_MS;
    kp_buf_init(&call->head, "http.head", (size_t)limits->http_max_headers_kib * 1024);
    kp_buf_init(&call->lines, "http.lines",
                (size_t)limits->http_max_headers_kib * 1024 * sizeof(struct kpi_http_line));
    if (request->flags & KP_HTTP_SECRET_REPLY)
        kp_buf_init_secret(&call->body_in, "http.body", call->max_reply_len);
    else
        kp_buf_init(&call->body_in, "http.body", call->max_reply_len);
    return call;
}

static void enter_pool(struct kpi_http_call *call, const struct kpi_url *url,
                       const struct kp_http_request *request)
{
    struct kpi_http_pool *pool = kpi_http_pool_of(call->http, url, request);
    bool may_need_proxy = url->tls && !(request->flags & KP_HTTP_NO_PROXY);
    const char *objection =
        may_need_proxy ? kpi_http_shared_objection(call->http->shared, url->host) : NULL;
    if (!pool) {
        kpi_http_call_fail(call, KPI_HTTP_NO_MEMORY_CALL, KPI_HTTP_QUEUE, NULL);
        return;
    }
    call->pool = pool;
    if (objection) {
        kpi_http_call_fail(call, KPI_HTTP_BAD_PROXY, KPI_HTTP_QUEUE, objection);
        return;
    }
    kpi_shard_arm(call->http->shard, &call->timer, call->due_ns);
    kpi_http_pool_queue(pool, call);
}

kp_status kpi_http_call_new(struct kpi_http *http, const struct kp_http_request *request,
                            uint32_t time_ms, struct kpi_http_call **ret_call)
{
    struct kpi_url url;
    struct kp_error error;
    kp_status refusal = check_request(http, request, &url, &error);
    const struct kp_http_request nothing = {.struct_size = sizeof nothing};
    struct kpi_http_call *call = new_call(http, refusal == KP_OK ? request : &nothing, time_ms);
    if (!call)
        return KP_NO_MEMORY;
    if (refusal == KP_OK && copy_request(call, request, &url) != KP_OK) {
        free_call(call);
        return KP_NO_MEMORY;
    }
    *ret_call = call;
    if (refusal == KP_OK)
        enter_pool(call, &url, request);
    else
        refuse(call, &error);
    return KP_OK;
}
