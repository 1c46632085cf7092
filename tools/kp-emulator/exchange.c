#include "tools/kp-emulator/exchange.h"

#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "tools/kp-emulator/clock.h"

#define SITE "emulator.exchange"

/* ---- Making one ---- */

static enum emu_method method_of(struct evhttp_request *http)
{
    switch (evhttp_request_get_command(http)) {
    case EVHTTP_REQ_GET:
        return EMU_GET;
    case EVHTTP_REQ_POST:
        return EMU_POST;
    case EVHTTP_REQ_PUT:
        return EMU_PUT;
    case EVHTTP_REQ_PATCH:
        return EMU_PATCH;
    case EVHTTP_REQ_DELETE:
        return EMU_DELETE;
    case EVHTTP_REQ_HEAD:
        return EMU_HEAD;
    default:
        return EMU_OTHER;
    }
}

/* Borrows the headers from the server library; those beyond the bound are not looked at. */
static void take_headers(struct emu_request *request, struct evhttp_request *http)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(http);
    const struct evkeyval *header = headers->tqh_first;
    for (; header && request->n_headers < EMU_HEADERS_MAX; header = header->next.tqe_next) {
        request->headers[request->n_headers].name = kpb_span_str(header->key);
        request->headers[request->n_headers].value = kpb_span_str(header->value);
        request->n_headers++;
    }
}

static void take_body(struct emu_request *request, struct evhttp_request *http)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(http);
    size_t len = evbuffer_get_length(body);
    request->body = kpb_span(len > 0 ? evbuffer_pullup(body, -1) : NULL, len);
}

static void enlist(struct emu_exchange *x)
{
    struct emu *emu = x->emu;
    x->next = emu->exchanges;
    x->self = &emu->exchanges;
    if (x->next)
        x->next->self = &x->next;
    emu->exchanges = x;
    emu->n_exchanges++;
}

static void delist(struct emu_exchange *x)
{
    *x->self = x->next;
    if (x->next)
        x->next->self = x->self;
    x->emu->n_exchanges--;
}

struct emu_exchange *emu_exchange_new(struct emu_listener *listener, struct evhttp_request *http)
{
    struct emu_exchange *x = kpb_alloc(SITE, sizeof *x);
    if (!x)
        return NULL;
    x->emu = listener->emu;
    x->http = http;
    x->role = listener->role;
    x->region = listener->region;
    x->kind = "unknown";
    x->began_ms = emu_clock_ms();
    emu_guid_new(x->request_id);
    x->request.method = method_of(http);
    take_headers(&x->request, http);
    take_body(&x->request, http);
    x->request.host = emu_host_name(emu_request_header(&x->request, "Host"));
    kp_buf_init(&x->bytes, SITE, EMU_BODY_MAX_LEN);
    kp_buf_init(&x->content, SITE, EMU_BODY_MAX_LEN);
    x->headers = json_object();
    enlist(x);
    return x;
}

void emu_exchange_free(struct emu_exchange *x)
{
    if (!x)
        return;
    delist(x);
    if (x->timer)
        event_free(x->timer);
    emu_fault_release(&x->fault);
    emu_fields_clear(&x->request.query);
    json_decref(x->body);
    json_decref(x->facts);
    kpb_free(x->kek_text);
    json_decref(x->headers);
    json_decref(x->reply);
    kp_buf_clear(&x->bytes);
    kp_buf_clear(&x->content);
    kpb_free(x);
}

void emu_exchanges_abandon(struct emu *emu)
{
    while (emu->exchanges) {
        struct evhttp_request *http = emu->exchanges->http;
        emu_exchange_free(emu->exchanges);
        if (!evhttp_request_get_connection(http)) /* else it goes with its connection */
            evhttp_send_reply(http, 503, "Gone", NULL);
    }
}

/* ---- Filling the answer ---- */

void emu_set_header(struct emu_exchange *x, const char *name, const char *value)
{
    (void)json_object_set_new(x->headers, name, json_string(value));
}

void emu_send_json(struct emu_exchange *x, int status, json_t *reply)
{
    x->status = reply ? status : 500;
    x->reply = reply;
    x->content_type = "application/json; charset=utf-8";
    emu_send(x);
}

void emu_send_empty(struct emu_exchange *x, int status)
{
    x->status = status;
    emu_send(x);
}

void emu_send_text(struct emu_exchange *x, int status, const char *content_type, kp_span text)
{
    x->status = status;
    x->content_type = content_type;
    kp_buf_reset(&x->content);
    kpb_ignore(kp_buf_append(&x->content, text)); /* without memory the body stays empty */
    emu_send(x);
}

void emu_base_url(const struct emu_exchange *x, char out[EMU_BASE_MAX_LEN])
{
    kp_span host = emu_request_header(&x->request, "Host");
    (void)snprintf(out, EMU_BASE_MAX_LEN, "https://%.*s", (int)(host.len < 255 ? host.len : 255),
                   (const char *)host.ptr);
}
