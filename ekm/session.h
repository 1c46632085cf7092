/*
 * Sessions: what OpenSession makes. The engine holds a counted number, never a pointer, so a call
 * with a session that is closed meanwhile, or was never one, finds nothing and nobody.
 *
 * A session keeps copies of the keys it has met: the second call of a two-call pair is answered
 * from the copy the first one fetched.
 *
 * Threads: any; one session is used by many at once, and closed by yet another.
 */
#ifndef KP_EKM_SESSION_H
#define KP_EKM_SESSION_H

#include "ekm/provider.h"

#define EKM_COPIES_MAX 32u       /* keys a session keeps; of more the longest unused goes */
#define EKM_COPY_FRESH_MS 30000u /* time a copy answers for the vault in info and export */
#define EKM_LISTED_MAX 10000u    /* keys of one enumeration */
#define EKM_ASKED_MAX_LEN (KP_KEY_NAME_MAX_LEN + 1u + KP_KEY_VERSION_MAX_LEN)

/* What was answered for a key, by value. */
struct ekm_copy {
    struct ekm_resolved resolved;
    char asked[EKM_ASKED_MAX_LEN + 1]; /* NAME or NAME/VERSION of a probe that waits for its second
                                        * call; empty: none does */
    uint64_t fetched_ms;
    uint64_t used; /* order of last use; 0: empty */
};

/* One key of an enumeration; its id is its place, from 1. */
struct ekm_listed_key {
    char name[KP_KEY_NAME_MAX_LEN + 1];
};

struct ekm_wait;

struct ekm_session {
    /* ---- fixed after open ---- */
    uint64_t id;
    struct ekm_provider *provider;
    struct ekm_vault *vault;
    struct ekm_sync *sync;

    /* ---- under provider->sync ---- */
    struct ekm_session *next; /* in its bucket */
    uint32_t n_refs;

    /* ---- under sync ---- */
    bool is_aborted;
    struct ekm_wait *waits;  /* operations under way */
    struct ekm_copy *copies; /* EKM_COPIES_MAX; made with the first */
    uint64_t uses;
    struct ekm_listed_key *listed;
    uint32_t n_listed;
};

/*
 * Opens a session on a vault, whose reference moves in, also on failure.
 * Errors: throttled with 1 (max_sessions are open), canceled (Free is under way), no_memory.
 */
kp_status ekm_session_open(struct ekm_provider *provider, struct ekm_vault *vault, uint64_t *ret_id,
                           struct kp_error *reterr) KP_MUST_USE;
/* The session of that number, held until release; NULL: there is none. */
struct ekm_session *ekm_session_acquire(struct ekm_provider *provider, uint64_t id);
void ekm_session_release(struct ekm_session *session);
/*
 * Takes a session away from new calls. abort: calls under way end as soon as they can. It is freed
 * when the last of them has left. false: there is no such session.
 */
bool ekm_session_close(struct ekm_provider *provider, uint64_t id, bool abort);

/* Cancels what runs in all sessions. */
void ekm_sessions_abort(struct ekm_provider *provider);
/* Frees them all; no call is inside. */
void ekm_sessions_clear(struct ekm_provider *provider);

/* Whether CloseSession or Free took the calls of this session back. */
bool ekm_session_is_aborted(struct ekm_session *session);

/* ---- Copies ---- */

/* Keeps a copy, in place of an older one of the same thumbprint. asked may be NULL. Without memory
 * nothing is kept. */
void ekm_session_keep(struct ekm_session *session, const struct ekm_resolved *resolved,
                      const char *asked);
/* The copy of a thumbprint. max_age_ms UINT64_MAX: however old. false: there is none. */
bool ekm_session_find(struct ekm_session *session, const struct ekm_thumb *thumb,
                      uint64_t max_age_ms, struct ekm_resolved *ret);
/* The copy that a probe for `asked` left. */
bool ekm_session_find_asked(struct ekm_session *session, const char *asked,
                            struct ekm_resolved *ret);
/* The pair is complete: the next call for `asked` asks the vault again. */
void ekm_session_forget_asked(struct ekm_session *session, const char *asked);
/* The key was dropped. */
void ekm_session_forget(struct ekm_session *session, const struct ekm_thumb *thumb);

#endif /* KP_EKM_SESSION_H */
