/* Managed identity: the machine's own endpoint hands out tokens; Azure Arc wants a proof first. */
#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/arc.h"
#include "plugins/azure-rest/fetch.h"
#include "plugins/azure-rest/hint.h"
#include "plugins/azure-rest/platform.h"
#include "plugins/azure-rest/vault.h"

/* A machine without the metadata service lets connections hang: official clients wait as long. */
#define CONNECT_TIMEOUT_MS 1000u

static void ask(struct azr_fetch *fetch, kp_span arc_key);

/* Asks again after a pause where the endpoint's rules allow it; else this kind has failed. */
static void again_or_fail(struct azr_fetch *fetch, kp_status status, const struct kp_error *error,
                          uint32_t http_status)
{
    uint32_t wait_ms = 0;
    /* Where it is one guess of several, one failed connection says that there is no endpoint. */
    bool is_absent =
        http_status == 0 && (fetch->identity->n_kinds > 1 || fetch->identity->is_guessed);
    if (!is_absent && azr_mi_may_retry(fetch->source, fetch->attempt, http_status, &wait_ms) &&
        azr_fetch_pause(fetch, wait_ms))
        return;
    azr_fetch_fail(fetch, status, error);
}

/* ---- Azure Arc's second step ---- */

static void read_key(struct azr_fetch *fetch, kp_span bytes)
{
    struct kp_error error;
    kp_span key;
    kp_error_init(&error);
    kp_status st = azr_arc_key_check(bytes, &key, &error);
    if (st == KP_OK)
        ask(fetch, key);
    else
        azr_fetch_fail(fetch, st, &error);
}

static void prove(struct azr_fetch *fetch, const struct kp_http_reply *reply)
{
    struct kp_error error;
    kp_span path;
    kp_error_init(&error);
    fetch->has_arc_key = true;
    kp_buf_clear(&fetch->path);
    kp_status st = azr_arc_key_path(reply, azr_platform_program_data(), &path, &error);
    if (st == KP_OK && (kp_buf_append(&fetch->path, path) != KP_OK ||
                        kp_buf_append_byte(&fetch->path, 0) != KP_OK))
        st = kpb_fail_memory(&error, "azure-rest.arc");
    if (st == KP_OK)
        azr_fetch_read(fetch, (const char *)fetch->path.ptr, "Azure Arc's key file",
                       AZR_ARC_KEY_MAX_LEN, read_key);
    else
        azr_fetch_fail(fetch, st, &error);
}

/* ---- Answers ---- */

static void replied(struct azr_fetch *fetch, const struct kp_http_reply *reply)
{
    struct kp_error error;
    if (reply->http_status == 200) {
        azr_fetch_take(fetch, reply, AZR_SOURCE_MANAGED_IDENTITY);
        return;
    }
    if (reply->http_status == 401 && fetch->source == AZR_MI_ARC && !fetch->has_arc_key) {
        prove(fetch, reply);
        return;
    }
    kp_error_init(&error);
    kp_status st =
        azr_token_error(reply->body, reply->http_status, AZR_SOURCE_MANAGED_IDENTITY, &error);
    error.retry_after_ms = azr_hint_ms(reply, azr_now_unix_s(fetch->access->vault));
    again_or_fail(fetch, st, &error, reply->http_status);
}

static void silent(struct azr_fetch *fetch, kp_status status, struct kp_error *error)
{
    kpb_error_prefix(error, "managed identity endpoint (%s)", azr_mi_name(fetch->source));
    if (fetch->identity->is_guessed)
        kpb_error_prefix(error, "no identity is configured (settings identity.*), and this machine "
                                "has none");
    again_or_fail(fetch, status, error, 0);
}

/* ---- Asking ---- */

static kp_status choose(struct azr_fetch *fetch, const struct azr_mi_env *env,
                        struct kp_error *reterr)
{
    fetch->source = fetch->identity->source;
    if (fetch->source != AZR_MI_NONE)
        return KP_OK;
    return azr_mi_choose(env, &fetch->source, reterr);
}

static kp_status make_request(struct azr_fetch *fetch, kp_span arc_key, struct kp_error *reterr)
{
    const struct azr_identity *identity = fetch->identity;
    struct azr_mi_env env;
    azr_identity_env(identity, azr_platform_arc_agent(), &env);
    kp_status st = choose(fetch, &env, reterr);
    const struct azr_mi_ask question = {
        .source = fetch->source,
        .env = &env,
        .resource = kpb_span_str(fetch->target.resource),
        .selector = identity->selector,
        .identity = kpb_span_str(identity->selector_id),
        .arc_key = arc_key,
    };
    azr_mi_request_clear(&fetch->request);
    return st == KP_OK ? azr_mi_request_make(&question, &fetch->request, reterr) : st;
}

static void ask(struct azr_fetch *fetch, kp_span arc_key)
{
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = make_request(fetch, arc_key, &error);
    if (st != KP_OK) {
        azr_fetch_fail(fetch, st, &error);
        return;
    }
    fetch->request.http.connect_timeout_ms = CONNECT_TIMEOUT_MS;
    fetch->request.http.max_reply_len = AZR_TOKEN_REPLY_MAX_LEN;
    azr_fetch_http(fetch, AZR_FETCH_ASKING, &fetch->request.http, replied, silent);
}

void azr_fetch_managed_identity(struct azr_fetch *fetch)
{
    fetch->attempt++;
    fetch->has_arc_key = false;
    ask(fetch, kpb_span(NULL, 0));
}
