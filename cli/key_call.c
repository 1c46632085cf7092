#include "cli/key_call.h"

#include "base/span.h"
#include "cli/io.h"
#include "cli/key_out.h"
#include "cli/session.h"

#define PAGE_TOKEN_MAX_LEN 65536u

static kp_status check_key(struct cli *c, const struct kp_reply *reply)
{
    return reply->key ? KP_OK
                      : kpb_fail(&c->fault.error, KP_PROTOCOL, "the vault answered without a key");
}

static kp_status tell_json(struct cli *c, const struct kp_key_info *key)
{
    cli_json_begin(&c->out, '{');
    cli_json_name(&c->out, "key");
    cli_key_json(&c->out, key);
    cli_json_end(&c->out, '}');
    cli_out_text(&c->out, "\n");
    return cli_flush(c);
}

kp_status cli_key_tell(struct cli *c, const struct kp_reply *reply)
{
    const kp_status st = check_key(c, reply);
    if (st != KP_OK) {
        return st;
    }
    if (cli_has(c, CLI_OPT_JSON)) {
        return tell_json(c, reply->key);
    }
    cli_out_safe(&c->out, reply->key->name);
    if (reply->key->version.len > 0) {
        cli_out_text(&c->out, "/");
        cli_out_safe(&c->out, reply->key->version);
    }
    cli_out_text(&c->out, "\n");
    return cli_flush(c);
}

kp_status cli_key_tell_all(struct cli *c, const struct kp_reply *reply)
{
    const kp_status st = check_key(c, reply);
    if (st != KP_OK) {
        return st;
    }
    if (cli_has(c, CLI_OPT_JSON)) {
        return tell_json(c, reply->key);
    }
    cli_key_text(&c->out, reply->key);
    return cli_flush(c);
}

kp_status cli_key_call(struct cli *c, const struct kp_request *request, cli_reply_fn *tell)
{
    struct kp_result result;
    kp_status st = cli_call(c, request, &result);
    if (st == KP_OK) {
        st = tell(c, &result.reply);
    }
    kp_result_clear(&result);
    return st;
}

kp_status cli_key_run(struct cli *c, uint32_t op, cli_reply_fn *tell)
{
    struct kp_key_ref key;
    struct kp_request request;
    kp_status st = cli_key_open_whole(c, cli_operand(c, 0), 0, &key);
    if (st == KP_OK) {
        st = cli_request_init(c, op, &key, &request);
    }
    return st == KP_OK ? cli_key_call(c, &request, tell) : st;
}

/* ---- Lists ---- */

static void add_page(struct cli *c, const struct kp_reply *reply)
{
    for (uint32_t i = 0; i < reply->n_keys; i++) {
        (cli_has(c, CLI_OPT_JSON) ? cli_key_json : cli_key_line)(&c->out, reply->keys[i]);
    }
}

/* Keeps the token of the next page; a vault that repeats a token would list for ever. */
static kp_status keep_token(struct cli *c, const struct kp_reply *reply, kp_buf *token)
{
    if (reply->next_page.len > 0 && kpb_span_eq(reply->next_page, kp_buf_view(token))) {
        return kpb_fail(&c->fault.error, KP_PROTOCOL, "the vault repeats a page of its list");
    }
    kp_buf_reset(token);
    if (kp_buf_append(token, reply->next_page) != KP_OK) {
        return kpb_fail(&c->fault.error, KP_PROTOCOL, "the vault's page token is too long");
    }
    return KP_OK;
}

static kp_status list_pages(struct cli *c, struct kp_request *request, kp_buf *token)
{
    do {
        struct kp_result result;
        request->page_token = kp_buf_view(token);
        kp_status st = cli_call(c, request, &result);
        if (st == KP_OK) {
            add_page(c, &result.reply);
            st = keep_token(c, &result.reply, token);
        }
        kp_result_clear(&result);
        if (st != KP_OK) {
            return st;
        }
    } while (token->len > 0);
    return KP_OK;
}

kp_status cli_key_list(struct cli *c, struct kp_request *request)
{
    const bool json = cli_has(c, CLI_OPT_JSON);
    kp_buf token;
    kp_buf_init(&token, "cli.page", PAGE_TOKEN_MAX_LEN);
    cli_out_text(&c->out, json ? "{\"keys\":[" : "");
    const kp_status st = list_pages(c, request, &token);
    cli_out_text(&c->out, json ? "]}\n" : "");
    kp_buf_clear(&token);
    return st == KP_OK ? cli_flush(c) : st;
}
