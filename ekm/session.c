#include "ekm/session.h"

#include <stdatomic.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "ekm/call.h"
#include "ekm/vault.h"

/* Counts through all providers of the process: a number is never used twice. */
static _Atomic uint64_t last_id;

/* ---- Making and freeing ---- */

static void free_session(struct ekm_session *session)
{
    if (!session)
        return;
    ekm_vault_release(session->provider, session->vault);
    ekm_sync_free(session->sync);
    kpb_free(session->copies);
    kpb_free(session->listed);
    kpb_free(session);
}

static struct ekm_session *new_session(struct ekm_provider *provider, struct ekm_vault *vault)
{
    struct ekm_session *session = kpb_alloc("ekm.session", sizeof *session);

    if (!session) {
        ekm_vault_release(provider, vault);
        return NULL;
    }
    session->provider = provider;
    session->vault = vault; /* moved to the session */
    session->n_refs = 1;    /* the table's */
    session->sync = ekm_sync_new();
    if (session->sync)
        return session;
    free_session(session);
    return NULL;
}

static kp_status add_locked(struct ekm_provider *provider, struct ekm_session *session,
                            struct kp_error *reterr)
{
    struct ekm_session **bucket;

    if (provider->is_closing)
        return kpb_fail(reterr, KP_CANCELED, "the provider is being freed");
    if (provider->n_sessions >= provider->settings.max_sessions)
        return kpb_fail_code(reterr, KP_THROTTLED, KP_CODE_scp_err_Failure,
                             "%u sessions are open, as many as ekm.max_sessions allows",
                             provider->n_sessions);
    session->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    bucket = &provider->buckets[session->id % EKM_SESSION_BUCKETS];
    session->next = *bucket;
    *bucket = session; /* moved to the table */
    provider->n_sessions++;
    return KP_OK;
}

kp_status ekm_session_open(struct ekm_provider *provider, struct ekm_vault *vault, uint64_t *ret_id,
                           struct kp_error *reterr)
{
    struct ekm_session *session = new_session(provider, vault);
    uint64_t id = 0;
    kp_status st;

    if (!session)
        return kpb_fail_memory(reterr, "ekm.session");
    ekm_sync_lock(provider->sync);
    st = add_locked(provider, session, reterr);
    id = session->id;
    ekm_sync_unlock(provider->sync);
    if (st == KP_OK)
        *ret_id = id;
    else
        free_session(session);
    return st;
}

static struct ekm_session **find_locked(struct ekm_provider *provider, uint64_t id)
{
    struct ekm_session **at = &provider->buckets[id % EKM_SESSION_BUCKETS];

    while (*at && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

struct ekm_session *ekm_session_acquire(struct ekm_provider *provider, uint64_t id)
{
    struct ekm_session *session;

    ekm_sync_lock(provider->sync);
    session = *find_locked(provider, id);
    if (session)
        session->n_refs++;
    ekm_sync_unlock(provider->sync);
    return session;
}

void ekm_session_release(struct ekm_session *session)
{
    struct ekm_provider *provider = session->provider;
    bool last;

    ekm_sync_lock(provider->sync);
    last = --session->n_refs == 0;
    ekm_sync_unlock(provider->sync);
    if (last)
        free_session(session);
}

/* ---- Closing ---- */

static void abort_session(struct ekm_session *session)
{
    ekm_sync_lock(session->sync);
    session->is_aborted = true;
    ekm_waits_cancel_locked(session);
    ekm_sync_wake(session->sync);
    ekm_sync_unlock(session->sync);
}

bool ekm_session_close(struct ekm_provider *provider, uint64_t id, bool abort)
{
    struct ekm_session *session;

    ekm_sync_lock(provider->sync);
    struct ekm_session **at = find_locked(provider, id);
    session = *at;
    if (session) {
        *at = session->next; /* its reference is ours now */
        provider->n_sessions--;
    }
    ekm_sync_unlock(provider->sync);
    if (!session)
        return false;
    if (abort)
        abort_session(session);
    ekm_session_release(session);
    return true;
}

/* Under provider->sync a session's own sync is taken, never the other way round. */
void ekm_sessions_abort(struct ekm_provider *provider)
{
    ekm_sync_lock(provider->sync);
    for (size_t i = 0; i < EKM_SESSION_BUCKETS; i++) {
        for (struct ekm_session *s = provider->buckets[i]; s; s = s->next)
            abort_session(s);
    }
    ekm_sync_unlock(provider->sync);
}

void ekm_sessions_clear(struct ekm_provider *provider)
{
    for (size_t i = 0; i < EKM_SESSION_BUCKETS; i++) {
        while (provider->buckets[i])
            (void)ekm_session_close(provider, provider->buckets[i]->id, false);
    }
}

bool ekm_session_is_aborted(struct ekm_session *session)
{
    bool aborted;

    ekm_sync_lock(session->sync);
    aborted = session->is_aborted;
    ekm_sync_unlock(session->sync);
    return aborted;
}

/* ---- Copies ---- */

static struct ekm_copy *find_copy_locked(struct ekm_session *session, const struct ekm_thumb *thumb)
{
    for (size_t i = 0; session->copies && i < EKM_COPIES_MAX; i++) {
        struct ekm_copy *copy = &session->copies[i];

        if (copy->used && ekm_thumb_eq(&copy->resolved.record.thumb, thumb))
            return copy;
    }
    return NULL;
}

static struct ekm_copy *longest_unused_locked(struct ekm_session *session)
{
    struct ekm_copy *found = &session->copies[0];

    for (size_t i = 1; i < EKM_COPIES_MAX; i++) {
        if (session->copies[i].used < found->used)
            found = &session->copies[i];
    }
    return found;
}

static struct ekm_copy *find_asked_locked(struct ekm_session *session, const char *asked)
{
    for (size_t i = 0; session->copies && i < EKM_COPIES_MAX; i++) {
        if (session->copies[i].used && strcmp(session->copies[i].asked, asked) == 0)
            return &session->copies[i];
    }
    return NULL;
}

static bool make_copies_locked(struct ekm_session *session)
{
    if (!session->copies)
        session->copies = kpb_alloc_array("ekm.copies", EKM_COPIES_MAX, sizeof *session->copies);
    return session->copies != NULL;
}

static void keep_locked(struct ekm_session *session, const struct ekm_resolved *resolved,
                        const char *asked)
{
    struct ekm_copy *copy;

    if (!make_copies_locked(session))
        return;
    copy = find_copy_locked(session, &resolved->record.thumb);
    if (!copy)
        copy = longest_unused_locked(session);
    memset(copy, 0, sizeof *copy);
    copy->resolved = *resolved;
    copy->fetched_ms = ekm_provider_now_ms(session->provider);
    copy->used = ++session->uses;
    if (asked)
        memcpy(copy->asked, asked, strlen(asked) + 1);
}

void ekm_session_keep(struct ekm_session *session, const struct ekm_resolved *resolved,
                      const char *asked)
{
    ekm_sync_lock(session->sync);
    keep_locked(session, resolved, asked);
    ekm_sync_unlock(session->sync);
}

/* Copies it out if it is not too old. */
static bool give_locked(struct ekm_session *session, struct ekm_copy *copy, uint64_t max_age_ms,
                        struct ekm_resolved *ret)
{
    uint64_t now = ekm_provider_now_ms(session->provider);

    if (!copy || now - copy->fetched_ms > max_age_ms)
        return false;
    copy->used = ++session->uses;
    *ret = copy->resolved;
    return true;
}

bool ekm_session_find(struct ekm_session *session, const struct ekm_thumb *thumb,
                      uint64_t max_age_ms, struct ekm_resolved *ret)
{
    bool found;

    ekm_sync_lock(session->sync);
    found = give_locked(session, find_copy_locked(session, thumb), max_age_ms, ret);
    ekm_sync_unlock(session->sync);
    return found;
}

bool ekm_session_find_asked(struct ekm_session *session, const char *asked,
                            struct ekm_resolved *ret)
{
    bool found;

    ekm_sync_lock(session->sync);
    found = give_locked(session, find_asked_locked(session, asked), EKM_COPY_FRESH_MS, ret);
    ekm_sync_unlock(session->sync);
    return found;
}

void ekm_session_forget_asked(struct ekm_session *session, const char *asked)
{
    struct ekm_copy *copy;

    ekm_sync_lock(session->sync);
    copy = find_asked_locked(session, asked);
    if (copy)
        copy->asked[0] = '\0';
    ekm_sync_unlock(session->sync);
}

void ekm_session_forget(struct ekm_session *session, const struct ekm_thumb *thumb)
{
    struct ekm_copy *copy;

    ekm_sync_lock(session->sync);
    copy = find_copy_locked(session, thumb);
    if (copy)
        memset(copy, 0, sizeof *copy);
    ekm_sync_unlock(session->sync);
}
