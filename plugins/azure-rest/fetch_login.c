/*
 * The last step of every kind that logs in: the form goes to the login service.
 *
 *     POST https://LOGIN/TENANT/oauth2/v2.0/token
 *     Content-Type: application/x-www-form-urlencoded
 */
#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/fetch.h"
#include "plugins/azure-rest/hint.h"
#include "plugins/azure-rest/vault.h"

static void replied(struct azr_fetch *fetch, const struct kp_http_reply *reply)
{
    struct kp_error error;
    if (reply->http_status == 200) {
        azr_fetch_take(fetch, reply, AZR_SOURCE_LOGIN);
        return;
    }
    kp_error_init(&error);
    kp_status st = azr_token_error(reply->body, reply->http_status, AZR_SOURCE_LOGIN, &error);
    error.retry_after_ms = azr_hint_ms(reply, azr_now_unix_s(fetch->access->vault));
    azr_fetch_fail(fetch, st, &error);
}

static void silent(struct azr_fetch *fetch, kp_status status, struct kp_error *error)
{
    kpb_error_prefix(error, "login service %s", fetch->target.login);
    azr_fetch_fail(fetch, status, error);
}

static void send_login(struct azr_fetch *fetch)
{
    const struct kp_http_header headers[] = {
        {kpb_span_str("Content-Type"), kpb_span_str(AZR_FORM_CONTENT_TYPE)},
        {kpb_span_str("Accept"), kpb_span_str("application/json")},
    };
    struct kp_error error;
    kp_error_init(&error);
    kp_buf_clear(&fetch->url);
    kp_status st = azr_token_url(&fetch->target, AZR_ENDPOINT_V2, &fetch->url, &error);
    if (st != KP_OK) {
        azr_fetch_fail(fetch, st, &error);
        return;
    }
    struct kp_http_request request = {
        .flags = KP_HTTP_SECRET_REPLY,
        .max_reply_len = AZR_TOKEN_REPLY_MAX_LEN,
        .method = kpb_span_str("POST"),
        .url = kp_buf_view(&fetch->url),
        .body = kp_buf_view(&fetch->body),
        .headers = headers,
        .n_headers = sizeof headers / sizeof headers[0],
    };
    azr_fetch_http(fetch, AZR_FETCH_ASKING, &request, replied, silent);
}

void azr_fetch_prove(struct azr_fetch *fetch, enum azr_proof proof, kp_span secret)
{
    const struct azr_grant grant = azr_fetch_grant(fetch);
    struct kp_error error;
    kp_error_init(&error);
    kp_buf_clear(&fetch->body);
    kp_status st = azr_token_body(&grant, proof, secret, &fetch->body, &error);
    if (st == KP_OK)
        send_login(fetch);
    else
        azr_fetch_fail(fetch, st, &error);
}
