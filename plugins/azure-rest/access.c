#include "plugins/azure-rest/access.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/fetch.h"
#include "plugins/azure-rest/token_store.h"
#include "plugins/azure-rest/vault.h"

#define SITE "azure-rest.access"
#define NS_PER_MS UINT64_C(1000000)

/* Between two tries to renew a token that is still good. */
#define REFRESH_PAUSE_MS UINT64_C(30000)

/* ---- The ring of those who wait ---- */

static void ring_init(struct azr_waiter *ring)
{
    ring->prev = ring;
    ring->next = ring;
}

static void ring_append(struct azr_waiter *ring, struct azr_waiter *waiter)
{
    waiter->prev = ring->prev;
    waiter->next = ring;
    ring->prev->next = waiter;
    ring->prev = waiter;
    waiter->is_waiting = true;
}

static void ring_remove(struct azr_waiter *waiter)
{
    waiter->prev->next = waiter->next;
    waiter->next->prev = waiter->prev;
    waiter->is_waiting = false;
}

/* Moves those that a fetch of this epoch serves. */
static void ring_split(struct azr_waiter *from, uint64_t epoch, struct azr_waiter *to)
{
    struct azr_waiter *waiter = from->next;
    ring_init(to);
    while (waiter != from) {
        struct azr_waiter *next = waiter->next;
        if (waiter->epoch <= epoch) {
            ring_remove(waiter);
            ring_append(to, waiter);
        }
        waiter = next;
    }
}

/* Each is out of the ring before it is called: what it does next is its own business. */
static void ring_tell(struct azr_waiter *ring, kp_status status, struct azr_token *token,
                      const struct kp_error *error)
{
    while (ring->next != ring) {
        struct azr_waiter *waiter = ring->next;
        ring_remove(waiter);
        waiter->cb(waiter, status, token, error);
    }
}

/* ---- Life ---- */

void azr_access_init(struct azr_access *access, struct azr_vault *vault,
                     struct azr_identity *identity)
{
    memset(access, 0, sizeof *access);
    access->vault = vault;
    access->identity = identity;
    kp_buf_init(&access->claims, SITE, AZR_CLAIMS_MAX_LEN);
    ring_init(&access->waiters);
}

static void forget_token(struct azr_access *access)
{
    azr_token_release(access->token);
    access->token = NULL;
    access->next_refresh_ns = 0;
}

bool azr_access_close(struct azr_access *access)
{
    access->is_closing = true;
    if (!azr_fetch_close_all(access))
        return false;
    forget_token(access);
    azr_identity_release(access->identity);
    access->identity = NULL;
    kp_buf_clear(&access->claims);
    return true;
}

void azr_access_use(struct azr_access *access, struct azr_identity *identity)
{
    azr_identity_release(access->identity);
    access->identity = identity;
    access->epoch++;
    kp_buf_reset(&access->claims);
    forget_token(access);
}

/* ---- For operations ---- */

/* Nobody waits for it: what goes wrong is logged when it ends. */
static void refresh_ahead(struct azr_access *access, uint64_t now_ns)
{
    struct kp_error ignored;
    if (access->fetch || now_ns < access->next_refresh_ns)
        return;
    access->next_refresh_ns = now_ns + REFRESH_PAUSE_MS * NS_PER_MS;
    kpb_ignore(azr_fetch_begin(access, &ignored)); /* the next try comes after the pause */
}

struct azr_token *azr_access_get(struct azr_access *access)
{
    uint64_t now_ns = azr_now_ns(access->vault);
    if (!access->token || !azr_token_is_good(access->token, now_ns))
        return NULL;
    if (azr_token_is_due(access->token, now_ns))
        refresh_ahead(access, now_ns);
    return azr_token_acquire(access->token);
}

kp_status azr_access_wait(struct azr_access *access, struct azr_waiter *waiter, azr_waited_fn *cb,
                          struct kp_error *reterr)
{
    kp_status st = access->fetch ? KP_OK : azr_fetch_begin(access, reterr);
    if (st != KP_OK)
        return st;
    waiter->epoch = access->epoch;
    waiter->cb = cb;
    ring_append(&access->waiters, waiter);
    return KP_OK;
}

void azr_access_leave(struct azr_access *access, struct azr_waiter *waiter)
{
    (void)access;
    if (waiter->is_waiting)
        ring_remove(waiter);
}

/* ---- A 401 ---- */

static bool is_same_target(const struct azr_target *a, const struct azr_target *b)
{
    return strcmp(a->login, b->login) == 0 && strcmp(a->tenant, b->tenant) == 0 &&
           strcmp(a->resource, b->resource) == 0;
}

static kp_status take_claims(struct azr_access *access, const struct azr_challenge *challenge,
                             struct kp_error *reterr)
{
    kp_buf claims;
    kp_status st = azr_challenge_claims(challenge, &claims, reterr);
    if (st == KP_OK && !kpb_span_eq(kp_buf_view(&claims), kp_buf_view(&access->claims))) {
        kp_buf_reset(&access->claims);
        st = kp_buf_append(&access->claims, kp_buf_view(&claims));
        if (st != KP_OK)
            st = kpb_fail_memory(reterr, SITE);
        access->epoch++;
    }
    kp_buf_clear(&claims);
    return st;
}

static kp_status take_target(struct azr_access *access, const struct azr_challenge *challenge,
                             struct kp_error *reterr)
{
    const struct azr_vault *v = access->vault;
    struct azr_target target;
    kp_status st =
        azr_challenge_check(challenge, kpb_span_str(v->host_port), &v->trust, &target, reterr);
    if (st == KP_OK)
        azr_access_found_target(access, &target);
    return st;
}

kp_status azr_access_refused(struct azr_access *access, const struct azr_token *token,
                             const struct kp_http_reply *reply, struct kp_error *reterr)
{
    struct azr_challenge challenge;
    if (access->token && access->token != token)
        return KP_OK; /* renewed meanwhile: that one has not been refused yet */
    azr_store_drop(token);
    forget_token(access);
    kp_status st = azr_challenge_read(reply, &challenge, reterr);
    if (st != KP_OK)
        return st;
    return azr_challenge_has_claims(&challenge) ? take_claims(access, &challenge, reterr)
                                                : take_target(access, &challenge, reterr);
}

bool azr_access_asks_claims(const struct kp_http_reply *reply)
{
    struct azr_challenge challenge;
    return azr_challenge_read(reply, &challenge, NULL) == KP_OK &&
           azr_challenge_has_claims(&challenge);
}

/* ---- For fetches ---- */

void azr_access_found_target(struct azr_access *access, const struct azr_target *target)
{
    if (access->has_target && is_same_target(&access->target, target))
        return;
    if (access->has_target)
        access->epoch++; /* a token for the old one would be asked for, or is on its way */
    access->has_target = true;
    access->target = *target;
}

static void log_failure(const struct azr_access *access, const struct kp_error *error)
{
    azr_log(access->vault, KP_LOG_WARN, "token_refresh_failed",
            "the token in use stays until it expires; getting a new one failed: %s", error->text);
}

static void take_token(struct azr_access *access, const struct azr_fetch *fetch,
                       struct azr_token *token)
{
    if (fetch->epoch != access->epoch) {
        azr_token_release(token); /* asked for what is not wanted any more */
        return;
    }
    forget_token(access);
    access->token = token;
    kp_buf_reset(&access->claims);
}

/* Those who began to wait when what a token is asked for had changed already. */
static void fetch_for_the_rest(struct azr_access *access)
{
    struct kp_error error;
    kp_error_init(&error);
    if (access->waiters.next == &access->waiters || access->fetch || access->is_closing)
        return;
    kp_status st = azr_fetch_begin(access, &error);
    if (st != KP_OK)
        ring_tell(&access->waiters, st, NULL, &error);
}

void azr_access_fetched(struct azr_access *access, struct azr_fetch *fetch, kp_status status,
                        struct azr_token *token, const struct kp_error *error)
{
    struct azr_waiter served;
    access->fetch = NULL;
    ring_split(&access->waiters, fetch->epoch, &served);
    if (status == KP_OK)
        take_token(access, fetch, azr_token_acquire(token));
    else if (access->token)
        log_failure(access, error);
    ring_tell(&served, status, token, error);
    azr_token_release(token);
    fetch_for_the_rest(access);
}
