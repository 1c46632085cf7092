#include "plugins/azure-rest/probe.h"

#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/judge.h"
#include "plugins/azure-rest/message.h"
#include "plugins/azure-rest/vault.h"

#define PROBE_REPLY_MAX_LEN 65536u

static kp_status read_target(const struct azr_fetch *fetch, const struct kp_http_reply *reply,
                             struct azr_target *ret, struct kp_error *reterr)
{
    const struct azr_vault *v = fetch->access->vault;
    static const struct kp_request list = {.struct_size = sizeof list, .op = KP_OP_LIST_KEYS};
    const struct azr_exchange exchange = {
        .base = v->base, .request = &list, .now_unix_s = azr_now_unix_s(v)};
    struct azr_challenge challenge;
    if (reply->http_status == 200)
        return kpb_fail(reterr, KP_PROTOCOL,
                        "%s lists its keys to anybody: this is no vault; check the host name",
                        v->host_port);
    if (reply->http_status != 401)
        return azr_judge(&exchange, reply, NULL, reterr);
    kp_status st = azr_challenge_read(reply, &challenge, reterr);
    return st == KP_OK
               ? azr_challenge_check(&challenge, kpb_span_str(v->host_port), &v->trust, ret, reterr)
               : st;
}

static void replied(struct azr_fetch *fetch, const struct kp_http_reply *reply)
{
    struct azr_target target;
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = read_target(fetch, reply, &target, &error);
    if (st == KP_OK)
        fetch->on_target(fetch, &target);
    else
        azr_fetch_fail(fetch, st, &error);
}

static void silent(struct azr_fetch *fetch, kp_status status, struct kp_error *error)
{
    azr_fetch_fail(fetch, status, error);
}

void azr_probe_start(struct azr_fetch *fetch, azr_probed_fn *cb)
{
    const struct azr_vault *v = fetch->access->vault;
    const struct azr_site site = {v->base, v->api_version};
    const struct kp_http_header headers[] = {
        {kpb_span_str("Accept"), kpb_span_str("application/json")}};
    struct azr_message message;
    struct kp_error error;
    kp_error_init(&error);
    fetch->on_target = cb;
    azr_message_init(&message);
    kp_status st = azr_message_probe(&site, &message, &error);
    struct kp_http_request request = {
        .max_reply_len = PROBE_REPLY_MAX_LEN,
        .method = kpb_span_str("GET"),
        .url = kp_buf_view(&message.url),
        .headers = headers,
        .n_headers = 1,
    };
    if (st == KP_OK)
        azr_fetch_http(fetch, AZR_FETCH_PROBING, &request, replied, silent);
    azr_message_clear(&message);
    if (st == KP_NO_MEMORY)
        error.code = KP_CODE_ErrorGetAADValuesOutOfMemoryConcatPath;
    if (st != KP_OK)
        azr_fetch_fail(fetch, st, &error);
}
