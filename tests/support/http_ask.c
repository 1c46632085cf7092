#include "support/http_ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

void ask_init_url(struct ask *ask, kp_vault *vault, struct script_vault *script, const char *url)
{
    memset(ask, 0, sizeof *ask);
    (void)snprintf(ask->url, sizeof ask->url, "%s", url);
    ask->vault = vault;
    ask->script = script;
    ask->method = "GET";
    ask->request.struct_size = sizeof ask->request;
    latch_init(&ask->sent);
    latch_init(&ask->answered);
}

void ask_init(struct ask *ask, kp_vault *vault, struct script_vault *script, const char *host,
              uint16_t port, const char *path)
{
    char url[512];
    (void)snprintf(url, sizeof url, "https://%s:%u%s", host, port, path);
    ask_init_url(ask, vault, script, url);
}

/* ---- On the loop ---- */

static void keep_headers(struct ask *ask, const struct kp_http_reply *reply)
{
    size_t used = 0;
    ask->n_headers = reply->n_headers;
    for (uint32_t i = 0; i < reply->n_headers && used < sizeof ask->headers - 1; i++) {
        const struct kp_http_header *h = &reply->headers[i];
        int n = snprintf(ask->headers + used, sizeof ask->headers - used, "%.*s: %.*s\n",
                         (int)h->name.len, (const char *)h->name.ptr, (int)h->value.len,
                         (const char *)h->value.ptr);
        used += n > 0 ? (size_t)n : 0;
    }
}

static void keep_reply(struct ask *ask, const struct kp_http_reply *reply)
{
    ask->http_status = reply->http_status;
    ask->times = reply->times;
    ask->body_len = reply->body.len;
    ask->body = malloc(reply->body.len + 1);
    if (!ask->body)
        abort();
    if (reply->body.len > 0)
        memcpy(ask->body, reply->body.ptr, reply->body.len);
    ask->body[reply->body.len] = '\0';
    keep_headers(ask, reply);
}

static void answered(void *arg, kp_status status, const struct kp_http_reply *reply,
                     const struct kp_error *error)
{
    const struct script_act well = {.how = SCRIPT_INSIDE};
    struct script_op *op = arg;
    struct ask *ask = script_op_ctx(op);
    ask->status = status;
    if ((status == KP_OK) != (reply != NULL) || (status == KP_OK) != (error == NULL))
        script_broken("http: reply or error where there should be none");
    if (reply)
        keep_reply(ask, reply);
    if (error)
        ask->error = *error;
    script_op_arrived(op);
    (void)script_finish_with(op, &well);
    latch_hit(&ask->answered);
}

static kp_status send_request(struct script_op *op)
{
    const struct script_act well = {.how = SCRIPT_INSIDE};
    struct ask *ask = script_op_ctx(op);
    const struct kp_host *host = script_host(script_op_vault(op));
    ask->request.url = kpb_span_str(ask->url);
    ask->request.method = kpb_span_str(ask->method);
    script_op_expect(op);
    ask->refused = host->http(host->self, script_op_id(op), &ask->request, answered, op, &ask->id);
    if (ask->refused != KP_OK) {
        script_op_arrived(op); /* it will not come */
        latch_hit(&ask->answered);
        (void)script_finish_with(op, &well);
    }
    latch_hit(&ask->sent);
    return KP_OK;
}

static kp_status cancel_request(struct script_op *op)
{
    const struct script_act well = {.how = SCRIPT_INSIDE};
    struct ask *ask = script_op_ctx(op);
    const struct kp_host *host = script_host(script_op_vault(op));
    host->http_cancel(host->self, ask->id);
    (void)script_finish_with(op, &well);
    return KP_OK;
}

static void cancel_slot(void *instance, kp_op_id id, void *state)
{
    struct ask *ask = script_op_ctx(state);
    const struct kp_host *host = script_host(instance);
    (void)id;
    if (ask)
        host->http_cancel(host->self, ask->id);
}

/* ---- From the test ---- */

void ask_serve_cancel(void)
{
    script_table()->cancel = cancel_slot;
}

void ask_begin(struct ask *ask)
{
    struct kp_request request = client_wrap();
    request.timeout_ms = ask->timeout_ms;
    outcome_init(&ask->outcome);
    script_push(ask->script,
                (struct script_act){.how = SCRIPT_CALL, .call = send_request, .ctx = ask});
    outcome_submit(&ask->outcome, ask->vault, &request);
    latch_wait(&ask->sent, 1);
}

kp_status ask_wait(struct ask *ask)
{
    latch_wait(&ask->answered, 1);
    return ask->refused != KP_OK ? ask->refused : ask->status;
}

void ask_cancel(struct ask *ask)
{
    struct kp_request request = client_wrap();
    script_push(ask->script,
                (struct script_act){.how = SCRIPT_CALL, .call = cancel_request, .ctx = ask});
    assert_int_equal(client_do(ask->vault, &request), KP_OK);
}

void ask_clear(struct ask *ask)
{
    (void)outcome_wait(&ask->outcome);
    outcome_clear(&ask->outcome);
    assert_int_equal(latch_count(&ask->answered), 1);
    latch_clear(&ask->answered);
    latch_clear(&ask->sent);
    free(ask->body);
    ask->body = NULL;
}

kp_status ask_do(struct ask *ask)
{
    ask_begin(ask);
    return ask_wait(ask);
}

void ask_expect_failure(struct ask *ask, kp_status status, uint32_t code, uint32_t exposure)
{
    kp_status st = ask_wait(ask);
    if (st != status || ask->error.code != code || ask->error.exposure != exposure)
        fail_msg("%s: %s, %u, exposure %u: %s", ask->url, kp_status_text(st), ask->error.code,
                 ask->error.exposure, ask->error.text);
    ask_clear(ask);
}
