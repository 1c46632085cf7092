#include "plugins/azure-rest/fetch.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "plugins/azure-rest/probe.h"
#include "plugins/azure-rest/token_store.h"
#include "plugins/azure-rest/vault.h"

#define SITE "azure-rest.fetch"
#define NS_PER_MS UINT64_C(1000000)
#define URL_MAX_LEN 4096u
/* One request of a fetch; several may fit into the time limit of the whole. */
#define REQUEST_TIMEOUT_MS 15000u
/* Between two looks at a token that another vault asks for. */
#define LOOK_MS 10u

/* ---- Life ---- */

static void unlink_fetch(struct azr_fetch *fetch)
{
    struct azr_fetch **at = &fetch->access->fetches;
    while (*at != fetch)
        at = &(*at)->next;
    *at = fetch->next;
}

static void free_fetch(struct azr_fetch *fetch)
{
    unlink_fetch(fetch);
    azr_flight_leave(&fetch->flight);
    azr_identity_release(fetch->identity);
    azr_mi_request_clear(&fetch->request);
    azr_credential_clear(&fetch->credential);
    kp_buf_clear(&fetch->claims);
    kp_buf_clear(&fetch->url);
    kp_buf_clear(&fetch->path);
    kp_buf_clear(&fetch->body);
    kp_buf_clear(&fetch->file);
    kp_buf_clear(&fetch->jwt);
    kpb_free(fetch);
}

void azr_fetch_leave(struct azr_fetch *fetch)
{
    struct azr_access *access = fetch->access;
    fetch->n_pending--;
    if (fetch->state == AZR_FETCH_OVER && fetch->n_pending == 0)
        free_fetch(fetch);
    if (access->is_closing)
        azr_vault_close_if_quiet(access->vault);
}

static struct azr_fetch *new_fetch(struct azr_access *access)
{
    struct azr_fetch *fetch = kpb_alloc(SITE, sizeof *fetch);
    if (!fetch)
        return NULL;
    fetch->access = access;
    fetch->identity = azr_identity_acquire(access->identity);
    fetch->epoch = access->epoch;
    fetch->state = AZR_FETCH_PAUSING;
    fetch->credential.key = NULL;
    kp_error_init(&fetch->error);
    kp_buf_init(&fetch->claims, SITE, AZR_CLAIMS_MAX_LEN);
    kp_buf_init(&fetch->url, SITE, URL_MAX_LEN);
    kp_buf_init(&fetch->path, SITE, URL_MAX_LEN);
    kp_buf_init_secret(&fetch->body, SITE, AZR_TOKEN_BODY_MAX_LEN);
    kp_buf_init_secret(&fetch->file, SITE, AZR_CREDENTIAL_FILE_MAX_LEN);
    kp_buf_init_secret(&fetch->jwt, SITE, AZR_TOKEN_BODY_MAX_LEN);
    fetch->next = access->fetches;
    access->fetches = fetch;
    return fetch;
}

/* ---- Timers ---- */

static kp_status arm(struct azr_fetch *fetch, uint32_t ms, kp_timer_fn *cb, kp_timer_id *ret_id)
{
    const struct kp_host *host = &fetch->access->vault->host;
    kp_status st = host->timer(host->self, 0, ms, cb, fetch, ret_id);
    if (st == KP_OK)
        fetch->n_pending++;
    return st;
}

/* ---- Ending ---- */

/* Hastens all that may still come, so that the fetch can be freed. */
static void hasten(struct azr_fetch *fetch)
{
    const struct kp_host *host = &fetch->access->vault->host;
    if (fetch->http)
        host->http_cancel(host->self, fetch->http);
    if (fetch->pause_timer)
        host->timer_hasten(host->self, fetch->pause_timer);
    if (fetch->timer)
        host->timer_hasten(host->self, fetch->timer);
}

static void end_fetch(struct azr_fetch *fetch, kp_status status, struct azr_token *token)
{
    fetch->state = AZR_FETCH_OVER;
    fetch->error.exposure = KP_NOT_SENT; /* nothing of the operations that wait */
    if (token)
        azr_flight_land(&fetch->flight, KP_OK, NULL);
    azr_flight_leave(&fetch->flight);
    hasten(fetch);
    azr_access_fetched(fetch->access, fetch, status, token, &fetch->error);
}

static bool is_passing(kp_status status)
{
    return status == KP_TRANSIENT || status == KP_THROTTLED;
}

/* Of several kinds the first failure counts, unless it is for good and a later one may pass. */
static void keep_error(struct azr_fetch *fetch, kp_status status, const struct kp_error *error)
{
    bool is_first = fetch->status == KP_OK;
    if (!is_first && (is_passing(fetch->status) || !is_passing(status)))
        return;
    fetch->status = status;
    fetch->error = *error;
    fetch->error.status = (uint32_t)status;
    if (fetch->identity->n_kinds > 1)
        kpb_error_prefix(&fetch->error, "identity %s",
                         azr_kind_text(fetch->identity->kinds[fetch->kind_at]));
}

/* ---- Kinds in their order ---- */

static azr_fetch_step_fn *const FIRST_STEPS[] = {
    [AZR_KIND_CLIENT_SECRET] = azr_fetch_client_secret,
    [AZR_KIND_CERTIFICATE] = azr_fetch_certificate,
    [AZR_KIND_WORKLOAD] = azr_fetch_workload,
    [AZR_KIND_MANAGED_IDENTITY] = azr_fetch_managed_identity,
};

static uint32_t kind_of(const struct azr_fetch *fetch)
{
    return fetch->identity->kinds[fetch->kind_at];
}

/* The tenant to log in at when the challenge need not say it; NULL: it has to. */
static const char *known_tenant(const struct azr_fetch *fetch)
{
    switch (kind_of(fetch)) {
    case AZR_KIND_MANAGED_IDENTITY:
        return "";
    case AZR_KIND_WORKLOAD:
        return fetch->identity->workload_tenant;
    default:
        return fetch->identity->tenant;
    }
}

/* ---- Tokens of other vaults ---- */

/* All that decides which token the kind would be given; files count by their paths. */
static kp_status take_fingerprint(struct azr_fetch *fetch, struct kp_error *reterr)
{
    const struct azr_identity *identity = fetch->identity;
    const struct azr_grant grant = azr_fetch_grant(fetch);
    const kp_span parts[] = {
        kpb_span_str(azr_kind_text(kind_of(fetch))),
        kpb_span_str(fetch->target.login),
        kpb_span_str(fetch->target.tenant),
        kpb_span_str(fetch->target.resource),
        grant.client_id,
        grant.claims,
        kp_buf_view(&identity->secret),
        kp_buf_view(&identity->password),
        kpb_span_str(identity->certificate),
        kpb_span_str(identity->thumbprint),
        kpb_span_str(identity->token_file),
        kpb_span_str(identity->selector_id),
        kpb_span_str(identity->imds_host),
        kpb_span(&identity->selector, sizeof identity->selector),
        kpb_span(&identity->source, sizeof identity->source),
    };
    return azr_store_fingerprint(parts, sizeof parts / sizeof parts[0], fetch->fingerprint, reterr);
}

static bool end_with_shared(struct azr_fetch *fetch)
{
    struct azr_token *token = azr_store_find(fetch->fingerprint, azr_now_ns(fetch->access->vault));
    if (token)
        end_fetch(fetch, KP_OK, token);
    return token != NULL;
}

static void looked_on_loop(void *arg);

/* False: no timer to look again with, so this vault asks for itself. */
static bool look_later(struct azr_fetch *fetch)
{
    if (arm(fetch, LOOK_MS, looked_on_loop, &fetch->pause_timer) == KP_OK) {
        fetch->state = AZR_FETCH_FOLLOWING;
        return true;
    }
    azr_flight_leave(&fetch->flight);
    return false;
}

/*
 * Another vault of this process may have fetched the very token, or be at it. True: the fetch is
 * over, or looks again later.
 */
static bool take_shared(struct azr_fetch *fetch)
{
    struct kp_error ignored;
    kp_error_init(&ignored);
    fetch->has_fingerprint = take_fingerprint(fetch, &ignored) == KP_OK; /* else it is fetched */
    if (!fetch->has_fingerprint)
        return false;
    if (end_with_shared(fetch))
        return true;
    azr_flight_join(fetch->fingerprint, azr_now_ns(fetch->access->vault), fetch->deadline_ns,
                    &fetch->flight);
    if (fetch->flight.leads)
        return end_with_shared(fetch); /* one that landed since the look */
    return fetch->flight.serial != 0 && look_later(fetch);
}

static void begin_or_follow(struct azr_fetch *fetch)
{
    if (!take_shared(fetch))
        FIRST_STEPS[kind_of(fetch)](fetch);
}

static void look(struct azr_fetch *fetch)
{
    struct kp_error error;
    kp_status status = KP_OK;
    switch (azr_flight_look(&fetch->flight, azr_now_ns(fetch->access->vault), &status, &error)) {
    case AZR_FLIGHT_UNDER_WAY:
        if (!look_later(fetch))
            FIRST_STEPS[kind_of(fetch)](fetch);
        return;
    case AZR_FLIGHT_FAILED:
        azr_fetch_fail(fetch, status, &error);
        return;
    default:
        azr_flight_leave(&fetch->flight);
        begin_or_follow(fetch);
        return;
    }
}

static void looked_on_loop(void *arg)
{
    struct azr_fetch *fetch = arg;
    fetch->pause_timer = 0;
    if (fetch->state == AZR_FETCH_FOLLOWING)
        look(fetch);
    azr_fetch_leave(fetch);
}

/* ---- Beginning with a kind ---- */

static void start_kind(struct azr_fetch *fetch);

static void probed(struct azr_fetch *fetch, const struct azr_target *target)
{
    azr_access_found_target(fetch->access, target);
    start_kind(fetch);
}

static void start_kind(struct azr_fetch *fetch)
{
    const struct azr_access *access = fetch->access;
    const struct azr_vault *v = access->vault;
    const char *tenant = known_tenant(fetch);
    struct kp_error error;
    kp_error_init(&error);
    fetch->attempt = 0;
    fetch->has_arc_key = false;
    if (!tenant && !access->has_target) {
        azr_probe_start(fetch, probed);
        return;
    }
    fetch->target = access->target;
    kp_status st = KP_OK;
    if (tenant)
        st = azr_target_make(kpb_span_str(v->host_port), &v->trust, kpb_span_str(tenant),
                             &fetch->target, &error);
    if (st != KP_OK)
        azr_fetch_fail(fetch, st, &error);
    else
        begin_or_follow(fetch);
}

void azr_fetch_fail(struct azr_fetch *fetch, kp_status status, const struct kp_error *error)
{
    azr_flight_land(&fetch->flight, status, error);
    azr_flight_leave(&fetch->flight);
    keep_error(fetch, status, error);
    if (fetch->kind_at + 1 >= fetch->identity->n_kinds) {
        end_fetch(fetch, fetch->status, NULL);
        return;
    }
    fetch->kind_at++;
    start_kind(fetch);
}

/* ---- Beginning ---- */

static void started_on_loop(void *arg)
{
    struct azr_fetch *fetch = arg;
    fetch->pause_timer = 0;
    if (fetch->state != AZR_FETCH_OVER)
        start_kind(fetch);
    azr_fetch_leave(fetch);
}

static void limit_on_loop(void *arg)
{
    struct azr_fetch *fetch = arg;
    const struct azr_vault *v = fetch->access->vault;
    struct kp_error error;
    fetch->timer = 0;
    if (fetch->state != AZR_FETCH_OVER) {
        kp_status st = kpb_fail_code(&error, KP_TRANSIENT, KP_CODE_ErrorHttpGetResponseCode,
                                     "no token came within %u ms (setting token_timeout_ms)",
                                     v->token_timeout_ms);
        keep_error(fetch, st, &error);
        end_fetch(fetch, fetch->status, NULL);
    }
    azr_fetch_leave(fetch);
}

/* Nobody knows of a fetch that is half begun; a timer that is armed finds it over. */
static kp_status give_up(struct azr_fetch *fetch, kp_status st, struct kp_error *reterr)
{
    fetch->state = AZR_FETCH_OVER;
    hasten(fetch);
    if (fetch->n_pending == 0)
        free_fetch(fetch);
    return kpb_fail(reterr, st, "the host has no timer to spare for fetching a token");
}

kp_status azr_fetch_begin(struct azr_access *access, struct kp_error *reterr)
{
    const struct azr_vault *v = access->vault;
    struct azr_fetch *fetch = new_fetch(access);
    if (!fetch)
        return kpb_fail_memory(reterr, SITE);
    fetch->deadline_ns = azr_now_ns(v) + v->token_timeout_ms * NS_PER_MS;
    kp_status st = kp_buf_append(&fetch->claims, kp_buf_view(&access->claims));
    if (st == KP_OK)
        st = arm(fetch, v->token_timeout_ms, limit_on_loop, &fetch->timer);
    if (st == KP_OK)
        st = arm(fetch, 0, started_on_loop, &fetch->pause_timer);
    if (st != KP_OK)
        return give_up(fetch, st, reterr);
    access->fetch = fetch;
    return KP_OK;
}

bool azr_fetch_close_all(struct azr_access *access)
{
    bool has_worker = false;
    for (struct azr_fetch *fetch = access->fetches; fetch; fetch = fetch->next) {
        if (fetch->state != AZR_FETCH_OVER)
            hasten(fetch);
        fetch->state = AZR_FETCH_OVER;
        azr_flight_leave(&fetch->flight); /* a worker may be at it for long; others need not wait */
        has_worker = has_worker || fetch->has_worker;
    }
    access->fetch = NULL;
    while (!has_worker && access->fetches)
        free_fetch(access->fetches);
    return !has_worker;
}

/* ---- Requests ---- */

static uint32_t time_left_ms(const struct azr_fetch *fetch)
{
    uint64_t now_ns = azr_now_ns(fetch->access->vault);
    if (now_ns >= fetch->deadline_ns)
        return 0;
    return (uint32_t)((fetch->deadline_ns - now_ns) / NS_PER_MS);
}

static void be_silent(struct azr_fetch *fetch, kp_status status, const struct kp_error *error)
{
    struct kp_error own;
    kp_error_init(&own);
    if (error)
        own = *error;
    own.status = (uint32_t)status;
    fetch->on_silence(fetch, status, &own);
}

static void replied_on_loop(void *arg, kp_status status, const struct kp_http_reply *reply,
                            const struct kp_error *error)
{
    struct azr_fetch *fetch = arg;
    fetch->http = 0;
    kp_buf_reset(&fetch->body);
    if (fetch->state != AZR_FETCH_OVER) {
        if (status == KP_OK)
            fetch->on_reply(fetch, reply);
        else
            be_silent(fetch, status, error);
    }
    azr_fetch_leave(fetch);
}

void azr_fetch_http(struct azr_fetch *fetch, enum azr_fetch_state state,
                    struct kp_http_request *request, azr_fetch_reply_fn *on_reply,
                    azr_fetch_silence_fn *on_silence)
{
    const struct kp_host *host = &fetch->access->vault->host;
    struct kp_error error;
    uint32_t left_ms = time_left_ms(fetch);
    request->struct_size = sizeof *request;
    request->timeout_ms = left_ms < REQUEST_TIMEOUT_MS ? left_ms + 1 : REQUEST_TIMEOUT_MS;
    fetch->state = state;
    fetch->on_reply = on_reply;
    fetch->on_silence = on_silence;
    kp_status st = host->http(host->self, 0, request, replied_on_loop, fetch, &fetch->http);
    if (st == KP_OK) {
        fetch->n_pending++;
        return;
    }
    fetch->http = 0;
    kpb_ignore(kpb_fail(&error, st, "the host takes no request: %s", kp_status_meaning(st)));
    be_silent(fetch, st, &error);
}

/* ---- Files ---- */

static void read_on_loop(void *arg, kp_status status, kp_span bytes, const struct kp_error *error)
{
    struct azr_fetch *fetch = arg;
    struct kp_error own;
    if (fetch->state == AZR_FETCH_READING && status == KP_OK) {
        fetch->on_file(fetch, bytes);
    } else if (fetch->state == AZR_FETCH_READING) {
        kpb_ignore(kpb_fail(&own, status, "%s",
                            error && error->text[0] ? error->text : kp_status_meaning(status)));
        kpb_error_prefix(&own, "%s cannot be read", fetch->reading);
        azr_fetch_fail(fetch, status == KP_NOT_FOUND ? KP_CONFIG : status, &own);
    }
    azr_fetch_leave(fetch);
}

void azr_fetch_read(struct azr_fetch *fetch, const char *path, const char *what, size_t max_len,
                    azr_fetch_file_fn *on_file)
{
    const struct kp_host *host = &fetch->access->vault->host;
    struct kp_error error;
    fetch->state = AZR_FETCH_READING;
    fetch->on_file = on_file;
    fetch->reading = what;
    kp_status st = host->read_file(host->self, 0, kpb_span_str(path), max_len, KP_READ_SECRET,
                                   read_on_loop, fetch);
    if (st == KP_OK) {
        fetch->n_pending++;
        return;
    }
    kpb_ignore(kpb_fail(&error, st, "%s cannot be read: %s", what, kp_status_meaning(st)));
    azr_fetch_fail(fetch, st, &error);
}

/* ---- Pauses ---- */

static void paused_on_loop(void *arg)
{
    struct azr_fetch *fetch = arg;
    fetch->pause_timer = 0;
    if (fetch->state == AZR_FETCH_PAUSING)
        FIRST_STEPS[kind_of(fetch)](fetch);
    azr_fetch_leave(fetch);
}

bool azr_fetch_pause(struct azr_fetch *fetch, uint32_t ms)
{
    if (ms >= time_left_ms(fetch))
        return false;
    if (arm(fetch, ms, paused_on_loop, &fetch->pause_timer) != KP_OK)
        return false;
    fetch->state = AZR_FETCH_PAUSING;
    return true;
}

/* ---- Tokens ---- */

struct azr_grant azr_fetch_grant(const struct azr_fetch *fetch)
{
    const struct azr_identity *identity = fetch->identity;
    bool is_workload = kind_of(fetch) == AZR_KIND_WORKLOAD;
    const struct azr_grant grant = {
        .target = &fetch->target,
        .endpoint = AZR_ENDPOINT_V2,
        .announces_cae = true,
        .client_id = kpb_span_str(is_workload ? identity->workload_client_id : identity->client_id),
        .claims = kp_buf_view(&fetch->claims),
    };
    return grant;
}

static kp_status make_token(const struct azr_fetch *fetch, const struct kp_http_reply *reply,
                            uint32_t source, struct azr_token **ret, struct kp_error *reterr)
{
    const struct azr_vault *v = fetch->access->vault;
    struct azr_lifetime lifetime;
    kp_buf text;
    kp_status st = azr_token_read(reply->body, source, azr_now_unix_s(v), &text, &lifetime, reterr);
    if (st == KP_OK)
        st = azr_token_new(&text, &lifetime, azr_now_ns(v), ret, reterr);
    kp_buf_clear(&text);
    return st;
}

void azr_fetch_take(struct azr_fetch *fetch, const struct kp_http_reply *reply, uint32_t source)
{
    struct azr_token *token = NULL;
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = make_token(fetch, reply, source, &token, &error);
    if (st != KP_OK) {
        azr_fetch_fail(fetch, st, &error);
        return;
    }
    if (fetch->has_fingerprint)
        azr_store_put(fetch->fingerprint, token);
    end_fetch(fetch, KP_OK, token);
}
