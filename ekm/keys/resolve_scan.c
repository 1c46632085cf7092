/*
 * A scan of a vault, in pieces that any thread may run.
 *
 *     resting --(somebody asks)--> open --(complete, bounds, failure)--> resting
 *
 * While a scan is open at most one thread runs it; the others wait, look into the map now and then,
 * and the first of them takes it over when the one that runs it has found its key, is canceled or
 * out of time. What was seen stays; only a scan that rested too long begins anew.
 */
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "ekm/keys/resolver.h"

#define SCANS_MAX 256u   /* vaults times identities in mind at once */
#define BATCH 25u        /* records put at once: a page */
#define WAIT_STEP_MS 50u /* a waiter looks into the map that often */
#define TOKEN_MAX_LEN 8192u
#define NAME_ROOM (KP_KEY_NAME_MAX_LEN + 1u)
#define PENDING_MAX_LEN (64u * 1024u) /* one page of names and versions */

struct ekm_scan {
    /* fixed at birth */
    struct ekm_scan *next;
    char vault[EKM_VAULT_MAX_LEN + 1];
    uint64_t identity;

    /* under the resolver's sync */
    uint32_t n_users;
    bool is_running;
    bool is_open;
    bool has_outcome; /* of the last time it was open: */
    kp_status status; /* ... and what it came to */
    struct kp_error error;
    uint64_t touched_ms;
    uint64_t n_closed; /* times it came to rest */
    uint64_t n_runs;   /* runs that ended */

    /* of the thread that runs it */
    uint64_t started_ms; /* this run */
    uint64_t used_ms;    /* runs before it, since the last rest */
    uint32_t n_calls;
    uint32_t n_keys;
    uint32_t n_unreadable;
    struct kp_error unreadable; /* why the first was */
    bool is_listed;             /* every name is in names */
    kp_buf names;               /* each with a NUL */
    size_t name_at;             /* whose versions are being read */
    kp_buf token;               /* next page; empty: the first */
    kp_buf pending;             /* NAME NUL VERSION NUL, still to be fetched */
    size_t pending_at;
    struct ekm_record batch[BATCH];
    uint32_t n_batch;
};

/* What a running scan works with. */
struct run {
    ekm_resolver *resolver;
    const struct ekm_query *query;
    const struct ekm_thumb *thumb;
    struct ekm_scan *scan;
    struct kp_error *err;
    struct ekm_record hit;
    bool is_hit;
    bool is_done;
};

/* ---- Life ---- */

static void forget_progress(struct ekm_scan *scan)
{
    kp_buf_clear(&scan->names);
    kp_buf_clear(&scan->token);
    kp_buf_clear(&scan->pending);
    scan->name_at = 0;
    scan->pending_at = 0;
    scan->n_keys = 0;
    scan->n_unreadable = 0;
    scan->n_batch = 0;
    scan->is_listed = false;
}

static void free_scan(struct ekm_scan *scan)
{
    forget_progress(scan);
    kpb_free(scan);
}

void ekm_scans_free(ekm_resolver *resolver)
{
    while (resolver->scans) {
        struct ekm_scan *scan = resolver->scans;

        resolver->scans = scan->next;
        free_scan(scan);
    }
    resolver->n_scans = 0;
}

static struct ekm_scan *find_scan(const ekm_resolver *resolver, const struct ekm_query *query)
{
    struct ekm_scan *scan = resolver->scans;

    while (scan && (scan->identity != query->identity || strcmp(scan->vault, query->vault) != 0))
        scan = scan->next;
    return scan;
}

/* Drops the scan that nobody has asked for the longest; false when all are in use. */
static bool drop_oldest_locked(ekm_resolver *resolver)
{
    struct ekm_scan **oldest = NULL;

    for (struct ekm_scan **at = &resolver->scans; *at; at = &(*at)->next) {
        if ((*at)->n_users == 0 && (!oldest || (*at)->touched_ms < (*oldest)->touched_ms))
            oldest = at;
    }
    if (!oldest)
        return false;
    struct ekm_scan *scan = *oldest;
    *oldest = scan->next;
    resolver->n_scans--;
    free_scan(scan);
    return true;
}

static struct ekm_scan *new_scan(const ekm_resolver *resolver, const struct ekm_query *query)
{
    struct ekm_scan *scan = kpb_alloc("ekm.scan", sizeof *scan);
    size_t len = strlen(query->vault);

    if (!scan)
        return NULL;
    memcpy(scan->vault, query->vault, len < EKM_VAULT_MAX_LEN ? len : EKM_VAULT_MAX_LEN);
    scan->identity = query->identity;
    kp_buf_init(&scan->names, "ekm.scan.names",
                (size_t)resolver->options.scan_max_keys * NAME_ROOM);
    kp_buf_init(&scan->token, "ekm.scan.token", TOKEN_MAX_LEN);
    kp_buf_init(&scan->pending, "ekm.scan.pending", PENDING_MAX_LEN);
    return scan;
}

static kp_status use_scan_locked(ekm_resolver *resolver, const struct ekm_query *query,
                                 struct ekm_scan **ret, struct kp_error *reterr)
{
    struct ekm_scan *scan = find_scan(resolver, query);

    if (!scan && resolver->n_scans >= SCANS_MAX && !drop_oldest_locked(resolver))
        return kpb_fail_code(reterr, KP_THROTTLED, KP_CODE_ErrorHttpResponseCodeThrottled,
                             "%u vaults are being searched already", SCANS_MAX);
    if (!scan) {
        scan = new_scan(resolver, query);
        if (!scan)
            return kpb_fail_memory(reterr, "ekm.scan");
        scan->next = resolver->scans;
        resolver->scans = scan;
        resolver->n_scans++;
    }
    scan->n_users++;
    *ret = scan;
    return KP_OK;
}

/* ---- Running: what was seen ---- */

static kp_status flush(struct run *run)
{
    struct ekm_scan *scan = run->scan;
    kp_status st = ekm_resolver_remember(run->resolver, scan->batch, scan->n_batch, 0, run->err);

    if (st == KP_OK)
        scan->n_batch = 0;
    return st;
}

static kp_status see_key(struct run *run, const struct ekm_key *key)
{
    struct ekm_scan *scan = run->scan;
    struct ekm_record record;
    kp_status st = scan->n_batch == BATCH ? flush(run) : KP_OK;

    /* Neither is one that is no RSA key nor one whose name no vault gives. */
    if (st != KP_OK || key->thumb.len == 0 ||
        ekm_record_of_key(&record, scan->vault, key, NULL) != KP_OK)
        return st;
    if (!ekm_thumb_eq(&key->thumb, run->thumb)) {
        scan->batch[scan->n_batch++] = record;
        return KP_OK;
    }
    run->hit = record;
    run->is_hit = true;
    return ekm_resolver_remember(run->resolver, &record, 1, EKM_PUT_MOVES, run->err);
}

/* A key that may not be read leaves a gap; one that is gone does not. */
static kp_status see_failure(struct run *run, kp_status st)
{
    struct ekm_scan *scan = run->scan;

    if (st == KP_NOT_FOUND)
        return KP_OK;
    if (st != KP_FORBIDDEN)
        return st;
    if (scan->n_unreadable++ == 0)
        scan->unreadable = *run->err;
    return KP_OK;
}

/* ---- Running: the three kinds of call ---- */

/* Only running counts: a scan that waits for somebody to ask costs the vault nothing. */
static uint64_t used_ms(const struct run *run)
{
    return run->scan->used_ms + (ekm_resolver_now_ms(run->resolver) - run->scan->started_ms);
}

static uint32_t call_ms(const struct run *run)
{
    uint64_t used = used_ms(run);
    uint64_t left = run->resolver->options.scan_max_ms;
    uint32_t query_ms = ekm_query_left_ms(run->resolver, run->query);

    left = left > used ? left - used : 1;
    return left < query_ms ? (uint32_t)left : query_ms;
}

static kp_span text_at(const kp_buf *buf, size_t at)
{
    const uint8_t *end = memchr(buf->ptr + at, 0, buf->len - at);

    return kpb_span(buf->ptr + at, (size_t)(end - (buf->ptr + at)));
}

static kp_status fetch_pending(struct run *run)
{
    struct ekm_scan *scan = run->scan;
    kp_span name = text_at(&scan->pending, scan->pending_at);
    kp_span version = text_at(&scan->pending, scan->pending_at + name.len + 1);
    struct ekm_key key;
    kp_status st =
        run->query->lookup.get(run->query->lookup.ctx, name, version, call_ms(run), &key, run->err);

    st = st == KP_OK ? see_key(run, &key) : see_failure(run, st);
    if (st != KP_OK)
        return st;
    scan->n_keys++;
    scan->pending_at += name.len + 1 + version.len + 1;
    if (scan->pending_at == scan->pending.len) {
        kp_buf_reset(&scan->pending);
        scan->pending_at = 0;
    }
    return KP_OK;
}

static kp_status push_text(kp_buf *buf, kp_span text)
{
    kp_status st = kp_buf_append(buf, text);

    return st == KP_OK ? kp_buf_append_byte(buf, 0) : st;
}

static kp_status push_key(void *ctx, const struct ekm_listed *entry, struct kp_error *reterr)
{
    struct run *run = ctx;
    kp_span none = {NULL, 0};
    kp_status st;

    if (!kpb_is_key_name(entry->name))
        return KP_OK;
    st = push_text(&run->scan->names, entry->name);
    if (st == KP_USAGE)
        return kpb_fail_code(reterr, KP_TRANSIENT, KP_CODE_ErrorGetKeyByNameNoResponse,
                             "vault %s has more than %u keys, more than a search looks at; import "
                             "the key map of a node that knows the key, or configure its name",
                             run->scan->vault, run->resolver->options.scan_max_keys);
    if (st == KP_OK)
        st = push_text(&run->scan->pending, entry->name);
    if (st == KP_OK)
        st = push_text(&run->scan->pending, none);
    return st == KP_OK ? KP_OK : kpb_fail_memory(reterr, "ekm.scan.names");
}

/* Seen by this scan and not put yet, or recorded. */
static bool is_known(const struct run *run, kp_span name, kp_span version)
{
    const struct ekm_scan *scan = run->scan;
    struct ekm_record known;

    for (uint32_t i = 0; i < scan->n_batch; i++) {
        if (kpb_span_eq_str(name, scan->batch[i].name) &&
            kpb_span_eq_str(version, scan->batch[i].version))
            return true;
    }
    return ekm_map_find_version(run->resolver->map, scan->vault, name, version,
                                EKM_SCHEME_PUBLIC_KEY, &known);
}

/* Versions that are known need not be fetched again. */
static kp_status push_version(void *ctx, const struct ekm_listed *entry, struct kp_error *reterr)
{
    struct run *run = ctx;
    kp_span name = text_at(&run->scan->names, run->scan->name_at);
    kp_status st;

    if (!kpb_is_key_version(entry->version) || is_known(run, name, entry->version))
        return KP_OK;
    st = push_text(&run->scan->pending, name);
    if (st == KP_OK)
        st = push_text(&run->scan->pending, entry->version);
    return st == KP_OK ? KP_OK : kpb_fail_memory(reterr, "ekm.scan.pending");
}

/* One page of keys (name empty) or versions; what it brings is taken in whole or not at all. */
static kp_status list_page(struct run *run, kp_span name, ekm_listed_fn *push)
{
    struct ekm_scan *scan = run->scan;
    size_t names_len = scan->names.len;
    kp_buf next;
    kp_status st;

    kp_buf_init(&next, "ekm.scan.token", TOKEN_MAX_LEN);
    st = run->query->lookup.list(run->query->lookup.ctx, name, kp_buf_view(&scan->token),
                                 call_ms(run), push, run, &next, run->err);
    if (st == KP_OK) {
        kp_buf_move(&scan->token, &next);
    } else {
        scan->names.len = names_len;
        kp_buf_reset(&scan->pending);
    }
    kp_buf_clear(&next);
    return st;
}

static kp_status refuse_list(struct run *run, kp_status st)
{
    if (st != KP_FORBIDDEN)
        return st;
    return kpb_fail_code(run->err, st, KP_CODE_ErrorHttpOperationForbidden,
                         "vault %s may not be searched for the key of this thumbprint: grant the "
                         "identity 'list', configure the key's name, or import the key map of a "
                         "node that knows it",
                         run->scan->vault);
}

static kp_status list_keys(struct run *run)
{
    kp_span none = {NULL, 0};
    kp_status st = list_page(run, none, push_key);

    if (st == KP_OK)
        run->scan->is_listed = run->scan->token.len == 0;
    return refuse_list(run, st);
}

static kp_status list_versions(struct run *run)
{
    struct ekm_scan *scan = run->scan;
    kp_span name = text_at(&scan->names, scan->name_at);
    kp_status st = list_page(run, name, push_version);

    if (st == KP_NOT_FOUND) {
        kp_buf_reset(&scan->token);
        st = KP_OK;
    }
    if (st == KP_OK && scan->token.len == 0)
        scan->name_at += name.len + 1;
    return refuse_list(run, st);
}

static kp_status step(struct run *run)
{
    struct ekm_scan *scan = run->scan;

    scan->n_calls++;
    if (scan->pending.len > 0)
        return fetch_pending(run);
    if (!scan->is_listed)
        return list_keys(run);
    return list_versions(run);
}

/* ---- Running: until something ends it ---- */

static bool has_seen_all(const struct ekm_scan *scan)
{
    return scan->is_listed && scan->pending.len == 0 && scan->name_at == scan->names.len;
}

static bool is_spent(const struct run *run)
{
    const struct ekm_resolver_options *options = &run->resolver->options;

    return run->scan->n_calls >= options->scan_max_calls || used_ms(run) >= options->scan_max_ms;
}

static kp_status fail_spent(struct run *run)
{
    return kpb_fail_code(run->err, KP_TRANSIENT, KP_CODE_ErrorGetKeyByNameNoResponse,
                         "vault %s has been searched for a while: %u keys seen, not this "
                         "thumbprint, and not all; asking again goes on. Its key map of another "
                         "node or the key's name in the configuration finds it at once",
                         run->scan->vault, run->scan->n_keys);
}

/* The failure is the asker's own and says nothing about the vault. */
static bool is_own(const struct run *run, kp_status st)
{
    return st == KP_CANCELED || st == KP_NO_MEMORY ||
           (st == KP_TIMEOUT && ekm_query_left_ms(run->resolver, run->query) == 0);
}

static kp_status run_on(struct run *run)
{
    kp_status st = KP_OK;

    while (st == KP_OK && !run->is_hit) {
        if (has_seen_all(run->scan)) {
            st = flush(run);
            run->is_done = st == KP_OK;
            break;
        }
        if (is_spent(run))
            return fail_spent(run);
        st = ekm_query_check(run->resolver, run->query, run->err);
        if (st == KP_OK)
            st = step(run);
        if (st == KP_TIMEOUT && !is_own(run, st) && is_spent(run))
            return fail_spent(run);
        if (st == KP_OK && run->resolver->options.scan_gap_ms > 0)
            run->resolver->clock.pause(run->resolver->clock.ctx,
                                       run->resolver->options.scan_gap_ms);
    }
    return st;
}

static kp_status fail_not_found(const struct ekm_scan *scan, struct kp_error *reterr)
{
    if (scan->n_unreadable > 0)
        return kpb_fail_code(reterr, KP_FORBIDDEN, KP_CODE_ErrorHttpOperationForbidden,
                             "%u keys of vault %s may not be read, so the key of this thumbprint "
                             "may be among them; enable them or grant 'get'. The first said: %.80s",
                             scan->n_unreadable, scan->vault, scan->unreadable.text);
    return kpb_fail_code(reterr, KP_NOT_FOUND, KP_CODE_scp_err_NotFound,
                         "no version of any of the keys of vault %s has this thumbprint (%u seen); "
                         "if another provider made it, import its map with 'kp keymap import'",
                         scan->vault, scan->n_keys);
}

static void rest_locked(struct ekm_scan *scan, kp_status st)
{
    scan->status = st;
    scan->is_open = false;
    scan->has_outcome = true;
    scan->n_closed++;
}

static void close_locked(struct run *run, kp_status st)
{
    struct ekm_scan *scan = run->scan;

    scan->used_ms = used_ms(run);
    scan->is_running = false;
    scan->n_runs++;
    scan->touched_ms = ekm_resolver_now_ms(run->resolver);
    if (run->is_done) {
        rest_locked(scan, fail_not_found(scan, &scan->error));
        forget_progress(scan);
    } else if (st != KP_OK && !is_own(run, st)) {
        scan->error = *run->err;
        rest_locked(scan, st);
    }
    ekm_sync_wake(run->resolver->sync);
}

static void open_locked(ekm_resolver *resolver, struct ekm_scan *scan)
{
    uint64_t now = ekm_resolver_now_ms(resolver);

    if (now - scan->touched_ms > resolver->options.scan_stale_ms)
        forget_progress(scan);
    if (!scan->is_open || now - scan->touched_ms >= resolver->options.scan_rest_ms) {
        scan->is_open = true;
        scan->used_ms = 0;
        scan->n_calls = 0;
    }
    scan->started_ms = now;
    scan->is_running = true;
}

/*
 * Runs the scan without the lock. The asker's own failures are returned, the scan's stay in it; ok
 * means "look again", with *ret_hit when the key was met.
 */
static kp_status run_locked(ekm_resolver *resolver, const struct ekm_query *query,
                            const struct ekm_thumb *thumb, struct ekm_scan *scan, bool *ret_is_hit,
                            struct ekm_record *ret_hit, struct kp_error *reterr)
{
    struct kp_error err;
    struct run run = {
        .resolver = resolver, .query = query, .thumb = thumb, .scan = scan, .err = &err};
    kp_status st;

    open_locked(resolver, scan);
    ekm_sync_unlock(resolver->sync);
    kp_error_init(&err);
    st = run_on(&run);
    run.err = NULL; /* the first failure is the one to tell; what cannot be put now stays */
    kpb_ignore(flush(&run));
    run.err = &err;
    ekm_sync_lock(resolver->sync);
    close_locked(&run, st);
    *ret_is_hit = run.is_hit;
    if (run.is_hit)
        *ret_hit = run.hit;
    if (run.is_hit || st == KP_OK || !is_own(&run, st))
        return KP_OK;
    if (reterr)
        *reterr = err;
    return st;
}

/* ---- Asking ---- */

static bool is_resting_locked(const ekm_resolver *resolver, const struct ekm_scan *scan)
{
    return !scan->is_open && scan->has_outcome &&
           ekm_resolver_now_ms(resolver) - scan->touched_ms < resolver->options.scan_rest_ms;
}

static kp_status tell_outcome_locked(const struct ekm_scan *scan, struct kp_error *reterr)
{
    if (reterr)
        *reterr = scan->error;
    return scan->status;
}

static bool look_locked(ekm_resolver *resolver, const struct ekm_query *query,
                        const struct ekm_thumb *thumb, struct ekm_record *ret)
{
    bool is_found;

    ekm_sync_unlock(resolver->sync);
    is_found = ekm_map_find(resolver->map, thumb, query->vault, ret);
    ekm_sync_lock(resolver->sync);
    return is_found;
}

static kp_status ask_locked(ekm_resolver *resolver, const struct ekm_query *query,
                            const struct ekm_thumb *thumb, struct ekm_scan *scan,
                            struct ekm_record *ret, struct kp_error *reterr)
{
    const uint64_t n_closed = scan->n_closed;
    bool is_hit = false;

    for (;;) {
        const uint64_t n_runs = scan->n_runs;
        kp_status st;

        if (is_hit || look_locked(resolver, query, thumb, ret))
            return KP_OK;
        if (n_runs != scan->n_runs)
            continue; /* a run ended behind the look: its keys are in the map now */
        st = ekm_query_check(resolver, query, reterr);
        if (st != KP_OK)
            return st;
        if (scan->is_running) {
            ekm_sync_wait(resolver->sync, WAIT_STEP_MS);
            continue;
        }
        if (scan->n_closed != n_closed || is_resting_locked(resolver, scan))
            return tell_outcome_locked(scan, reterr);
        st = run_locked(resolver, query, thumb, scan, &is_hit, ret, reterr);
        if (st != KP_OK)
            return st;
    }
}

kp_status ekm_scan_for(ekm_resolver *resolver, const struct ekm_query *query,
                       const struct ekm_thumb *thumb, struct ekm_record *ret,
                       struct kp_error *reterr)
{
    struct ekm_scan *scan = NULL;
    kp_status st;

    ekm_sync_lock(resolver->sync);
    st = use_scan_locked(resolver, query, &scan, reterr);
    if (st == KP_OK) {
        st = ask_locked(resolver, query, thumb, scan, ret, reterr);
        scan->n_users--;
    }
    ekm_sync_unlock(resolver->sync);
    return st;
}
