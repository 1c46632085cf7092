#include "ekm/keys/resolve.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "ekm/keys/resolver.h"

/*
 * Vaults bear thousands of requests in ten seconds, but not all for one scan: a call every 5 ms
 * leaves most of that to the databases.
 */
#define SCAN_MAX_CALLS 2000u
#define SCAN_MAX_MS 20000u
#define SCAN_REST_MS 10000u
#define SCAN_GAP_MS 5u
#define SCAN_MAX_KEYS 50000u
#define SCAN_STALE_MS 60000u
#define N_TRIALS_MAX 100u

/* ---- Life ---- */

void ekm_resolver_options_init(struct ekm_resolver_options *options)
{
    memset(options, 0, sizeof *options);
    options->scan_max_calls = SCAN_MAX_CALLS;
    options->scan_max_ms = SCAN_MAX_MS;
    options->scan_rest_ms = SCAN_REST_MS;
    options->scan_gap_ms = SCAN_GAP_MS;
    options->scan_max_keys = SCAN_MAX_KEYS;
    options->scan_stale_ms = SCAN_STALE_MS;
    options->n_trials_max = N_TRIALS_MAX;
}

kp_status ekm_resolver_new(ekm_map *map, const struct ekm_resolver_options *options,
                           ekm_resolver_note_fn *note, void *note_ctx, ekm_resolver **ret_resolver,
                           struct kp_error *reterr)
{
    static const struct ekm_clock machine = {NULL, ekm_sync_now_ms, ekm_sync_pause};
    ekm_resolver *resolver = kpb_alloc("ekm.resolver", sizeof *resolver);

    if (resolver)
        resolver->sync = ekm_sync_new();
    if (!resolver || !resolver->sync) {
        kpb_free(resolver);
        return kpb_fail_memory(reterr, "ekm.resolver");
    }
    resolver->map = map;
    if (options)
        resolver->options = *options;
    else
        ekm_resolver_options_init(&resolver->options);
    resolver->clock = resolver->options.clock ? *resolver->options.clock : machine;
    resolver->note = note;
    resolver->note_ctx = note_ctx;
    *ret_resolver = resolver;
    return KP_OK;
}

void ekm_resolver_free(ekm_resolver *resolver)
{
    if (!resolver)
        return;
    ekm_scans_free(resolver);
    ekm_sync_free(resolver->sync);
    kpb_free(resolver);
}

uint64_t ekm_resolver_now_ms(const ekm_resolver *resolver)
{
    return resolver->clock.now_ms(resolver->clock.ctx);
}

void ekm_resolver_tell(const ekm_resolver *resolver, kp_status status, uint32_t code,
                       const char *vault, const char *fmt, ...)
{
    char text[KP_ERROR_TEXT_LEN];
    va_list args;

    if (!resolver->note)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    resolver->note(resolver->note_ctx, status, code, vault, text);
}

/* ---- Asking the vault ---- */

uint32_t ekm_query_left_ms(const ekm_resolver *resolver, const struct ekm_query *query)
{
    uint64_t now = ekm_resolver_now_ms(resolver);
    uint64_t left = query->deadline_ms > now ? query->deadline_ms - now : 0;

    return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

kp_status ekm_query_check(const ekm_resolver *resolver, const struct ekm_query *query,
                          struct kp_error *reterr)
{
    if (query->lookup.is_canceled && query->lookup.is_canceled(query->lookup.ctx))
        return kpb_fail(reterr, KP_CANCELED, "the caller took the look-up back");
    if (ekm_query_left_ms(resolver, query) == 0)
        return kpb_fail_code(reterr, KP_TIMEOUT, KP_CODE_ErrorGetKeyByNameNoResponse,
                             "the time for finding the key is over");
    return KP_OK;
}

kp_status ekm_query_get(const ekm_resolver *resolver, const struct ekm_query *query, kp_span name,
                        kp_span version, struct ekm_key *ret, struct kp_error *reterr)
{
    kp_status st = ekm_query_check(resolver, query, reterr);

    if (st != KP_OK)
        return st;
    return query->lookup.get(query->lookup.ctx, name, version, ekm_query_left_ms(resolver, query),
                             ret, reterr);
}

/* ---- Records ---- */

kp_status ekm_record_of_key(struct ekm_record *record, const char *vault, const struct ekm_key *key,
                            struct kp_error *reterr)
{
    kp_status st = ekm_record_init(record, kpb_span_str(vault), kpb_span_str(key->name),
                                   kpb_span_str(key->version), reterr);

    record->thumb = key->thumb;
    record->key = key->thumb;
    record->scheme = EKM_SCHEME_PUBLIC_KEY;
    record->origin = EKM_ORIGIN_FOUND;
    return st;
}

static void tell_moved(const ekm_resolver *resolver, const struct ekm_record *record)
{
    char hex[EKM_THUMB_HEX_LEN];

    ekm_thumb_format(&record->thumb, hex);
    ekm_resolver_tell(resolver, KP_OK, 0, record->vault,
                      "key %s (thumbprint %s) has moved to this vault; its record is updated",
                      record->name, hex);
}

kp_status ekm_resolver_remember(ekm_resolver *resolver, const struct ekm_record *records, size_t n,
                                uint32_t flags, struct kp_error *reterr)
{
    struct ekm_put_report report = {0};
    struct kp_error err = {0};
    kp_status st = KP_OK;

    if (n > 0)
        st = ekm_map_put(resolver->map, records, n, flags | EKM_PUT_REMEMBER | EKM_PUT_KEEP_OLD,
                         &report, &err);
    if (st == KP_NO_MEMORY) {
        if (reterr)
            *reterr = err;
        return st;
    }
    if (st != KP_OK)
        ekm_resolver_tell(resolver, st, err.code, records[0].vault, "%s", err.text);
    if (report.n_kept > 0)
        ekm_resolver_tell(resolver, KP_CONFLICT, KP_CODE_scp_err_ThumbprintExistedInRegistry,
                          records[0].vault,
                          "%u keys of this vault have a thumbprint that is recorded for another "
                          "name or version of it; the records stay",
                          report.n_kept);
    if (report.n_moved > 0)
        tell_moved(resolver, &records[0]);
    return KP_OK;
}

/* ---- The steps ---- */

/* One question under way. */
struct asking {
    ekm_resolver *resolver;
    const struct ekm_query *query;
    const struct ekm_thumb *thumb;
    uint32_t flags;
    struct ekm_resolved *ret;
    struct kp_error *err;
};

static kp_status refuse_changed(const struct asking *a)
{
    return kpb_fail_code(a->err, KP_INTEGRITY, KP_CODE_scp_err_ConvertThumbprintToKeyName,
                         "%s/%s of the vault has another public key than the one recorded for "
                         "this thumbprint",
                         a->ret->record.name, a->ret->record.version);
}

/* What the map did not know of the key yet. */
static kp_status learn_key(const struct asking *a)
{
    struct ekm_record *record = &a->ret->record;

    if (record->key.len > 0 || a->ret->key.thumb.len == 0)
        return KP_OK;
    record->key = a->ret->key.thumb;
    return ekm_resolver_remember(a->resolver, record, 1, 0, a->err);
}

/* What the vault said stays: that it is gone altogether, its status and the request's id. */
static kp_status say_missing(const struct asking *a)
{
    const struct ekm_record *record = &a->ret->record;

    kpb_error_prefix(a->err,
                     "vault %s has no version %s of key %s, which is the one recorded for this "
                     "thumbprint; recover or restore it",
                     record->vault, record->version, record->name);
    if (a->err && a->err->code == 0)
        a->err->code = KP_CODE_ErrorHttpResourceNotFound;
    return KP_NOT_FOUND;
}

static kp_status fetch_recorded(const struct asking *a)
{
    struct ekm_record *record = &a->ret->record;
    kp_status st = ekm_query_get(a->resolver, a->query, kpb_span_str(record->name),
                                 kpb_span_str(record->version), &a->ret->key, a->err);

    if (st == KP_NOT_FOUND)
        return say_missing(a);
    if (st != KP_OK)
        return st;
    a->ret->has_key = true;
    if (record->key.len > 0 && !ekm_thumb_eq(&record->key, &a->ret->key.thumb))
        return refuse_changed(a);
    return learn_key(a);
}

/* Everything of an answer whose record and step are filled in. */
static kp_status finish_recorded(const struct asking *a)
{
    a->ret->is_proven = true;
    return a->flags & EKM_RESOLVE_WITH_KEY ? fetch_recorded(a) : KP_OK;
}

/* A name without a version: the current one is shown, and it is not proven. */
static kp_status finish_unproven(const struct asking *a)
{
    struct ekm_record *record = &a->ret->record;
    kp_span none = {NULL, 0};
    kp_status st = ekm_query_get(a->resolver, a->query, kpb_span_str(record->name), none,
                                 &a->ret->key, a->err);

    if (st != KP_OK)
        return st;
    memcpy(record->version, a->ret->key.version, sizeof record->version);
    record->key = a->ret->key.thumb;
    a->ret->has_key = true;
    a->ret->is_proven = false;
    return KP_OK;
}

static bool ask_session(const struct asking *a)
{
    return a->query->session_find &&
           a->query->session_find(a->query->session_ctx, a->thumb, a->ret) &&
           (a->ret->has_key || !(a->flags & EKM_RESOLVE_WITH_KEY));
}

static kp_status answer_from_map(const struct asking *a)
{
    a->ret->step = EKM_STEP_MAP;
    return a->ret->record.version[0] ? finish_recorded(a) : finish_unproven(a);
}

static bool is_same_key(const struct ekm_record *old, const struct ekm_key *key)
{
    return old->key.len == 0 || ekm_thumb_eq(&old->key, &key->thumb);
}

/* Whether the key recorded for another vault is in this one; not_found: it is not. */
static kp_status ask_moved(const struct asking *a)
{
    struct ekm_record *record = &a->ret->record;
    kp_status st;

    if (!ekm_map_find_elsewhere(a->resolver->map, a->thumb, a->query->vault, record) ||
        record->version[0] == '\0')
        return KP_NOT_FOUND;
    st = ekm_query_get(a->resolver, a->query, kpb_span_str(record->name),
                       kpb_span_str(record->version), &a->ret->key, a->err);
    if (st != KP_OK)
        return st;
    if (!is_same_key(record, &a->ret->key))
        return KP_NOT_FOUND;
    (void)snprintf(record->vault, sizeof record->vault, "%s", a->query->vault);
    record->key = a->ret->key.thumb;
    a->ret->step = EKM_STEP_MAP;
    a->ret->has_key = true;
    a->ret->is_proven = true;
    return ekm_resolver_remember(a->resolver, record, 1, EKM_PUT_MOVES, a->err);
}

/* not_found: the bytes encode no name, or the vault has no such key. */
static kp_status ask_name(const struct asking *a)
{
    struct ekm_record *record = &a->ret->record;
    char name[EKM_THUMB_NAME_MAX_LEN + 1];
    kp_span none = {NULL, 0};

    if (ekm_thumb_to_name(a->thumb, name, NULL) != KP_OK ||
        ekm_record_init(record, kpb_span_str(a->query->vault), kpb_span_str(name), none, NULL) !=
            KP_OK)
        return KP_NOT_FOUND;
    record->thumb = *a->thumb;
    record->scheme = EKM_SCHEME_NAME;
    a->ret->step = EKM_STEP_NAME;
    return finish_unproven(a);
}

static kp_status ask_configured_name(const struct asking *a, const char *text)
{
    struct kp_key_ref ref;
    bool is_hit;
    kp_status st = kp_key_name_parse(kpb_span_str(text), &ref, a->err);

    if (st == KP_OK)
        st = ekm_query_get(a->resolver, a->query, ref.name, ref.version, &a->ret->key, a->err);
    if (st == KP_OK && a->ret->key.thumb.len == 0)
        return KP_NOT_FOUND; /* no RSA key */
    if (st == KP_OK)
        st = ekm_record_of_key(&a->ret->record, a->query->vault, &a->ret->key, a->err);
    if (st != KP_OK)
        return st;
    is_hit = ekm_thumb_eq(&a->ret->key.thumb, a->thumb);
    st = ekm_resolver_remember(a->resolver, &a->ret->record, 1, is_hit ? EKM_PUT_MOVES : 0, a->err);
    if (st != KP_OK || !is_hit)
        return st != KP_OK ? st : KP_NOT_FOUND;
    a->ret->step = EKM_STEP_CONFIGURED;
    a->ret->has_key = true;
    a->ret->is_proven = true;
    return KP_OK;
}

static kp_status ask_configured(const struct asking *a)
{
    kp_status st = KP_NOT_FOUND;

    for (const char *const *name = a->query->names; name && *name && st == KP_NOT_FOUND; name++)
        st = ask_configured_name(a, *name);
    return st;
}

static kp_status ask_scan(const struct asking *a)
{
    kp_status st;

    if (a->flags & EKM_RESOLVE_NO_SCAN)
        return kpb_fail_code(a->err, KP_TRANSIENT, KP_CODE_ErrorGetKeyByNameNoResponse,
                             "no record and no configured name leads to this thumbprint, and vault "
                             "%s has not been searched",
                             a->query->vault);
    st = ekm_scan_for(a->resolver, a->query, a->thumb, &a->ret->record, a->err);
    if (st != KP_OK)
        return st;
    a->ret->step = EKM_STEP_SCAN;
    a->ret->has_key = false;
    return finish_recorded(a);
}

static kp_status ask_all(const struct asking *a)
{
    kp_status st = ask_moved(a);

    if (st == KP_NOT_FOUND)
        st = ask_name(a);
    if (st == KP_NOT_FOUND)
        st = ask_configured(a);
    return st == KP_NOT_FOUND ? ask_scan(a) : st;
}

kp_status ekm_resolve_thumb(ekm_resolver *resolver, const struct ekm_query *query,
                            const struct ekm_thumb *thumb, uint32_t flags, struct ekm_resolved *ret,
                            struct kp_error *reterr)
{
    struct ekm_resolved found;
    const struct asking a = {resolver, query, thumb, flags, &found, reterr};
    kp_status st = KP_OK;

    memset(&found, 0, sizeof found);
    if (thumb->len == 0 || thumb->len > EKM_THUMB_MAX_LEN)
        return kpb_fail_code(reterr, KP_INTEGRITY, KP_CODE_scp_err_ConvertThumbprintToKeyName,
                             "a thumbprint of %u bytes is none", thumb->len);
    if (ask_session(&a))
        found.step = EKM_STEP_SESSION;
    else if (ekm_map_find(resolver->map, thumb, query->vault, &found.record))
        st = answer_from_map(&a);
    else
        st = ask_all(&a);
    if (st == KP_OK)
        *ret = found;
    return st;
}

/* ---- By name ---- */

static kp_status fill_reported(struct ekm_record *record, const struct ekm_key *key,
                               enum ekm_scheme scheme, uint32_t reported_alg,
                               struct kp_error *reterr)
{
    record->scheme = scheme;
    record->origin = EKM_ORIGIN_REPORTED;
    record->reported_alg = reported_alg;
    if (scheme == EKM_SCHEME_NAME)
        return ekm_thumb_of_name(kpb_span_str(key->name), &record->thumb, reterr);
    if (scheme == EKM_SCHEME_PUBLIC_KEY)
        return KP_OK;
    return kpb_fail(reterr, KP_USAGE, "only name and public-key thumbprints can be made");
}

static kp_status put_reported(ekm_resolver *resolver, struct ekm_record *record,
                              struct kp_error *reterr)
{
    struct ekm_put_report report = {0};
    kp_status st = ekm_map_put(resolver->map, record, 1, EKM_PUT_MOVES, &report, reterr);

    if (st != KP_OK)
        return st;
    if (report.n_moved > 0)
        tell_moved(resolver, record);
    /* Read back, because an older record keeps what was reported first. */
    (void)ekm_map_find(resolver->map, &record->thumb, record->vault, record);
    return KP_OK;
}

kp_status ekm_resolve_name(ekm_resolver *resolver, const struct ekm_query *query, kp_span name,
                           kp_span version, enum ekm_scheme scheme, uint32_t reported_alg,
                           struct ekm_resolved *ret, struct kp_error *reterr)
{
    struct ekm_resolved found;
    struct ekm_thumb fits;
    kp_status st = KP_OK;

    memset(&found, 0, sizeof found);
    if (scheme == EKM_SCHEME_NAME) /* before the vault is asked for a key that cannot be reported */
        st = ekm_thumb_of_name(name, &fits, reterr);
    if (st == KP_OK)
        st = ekm_query_get(resolver, query, name, version, &found.key, reterr);
    if (st == KP_OK && found.key.thumb.len == 0)
        return kpb_fail_code(reterr, KP_UNSUPPORTED, KP_CODE_scp_err_NotSupported,
                             "key %s is no RSA key", found.key.name);
    if (st == KP_OK)
        st = ekm_record_of_key(&found.record, query->vault, &found.key, reterr);
    if (st == KP_OK)
        st = fill_reported(&found.record, &found.key, scheme, reported_alg, reterr);
    if (st == KP_OK)
        st = put_reported(resolver, &found.record, reterr);
    if (st != KP_OK)
        return st;
    found.has_key = true;
    found.is_proven = true;
    *ret = found;
    return KP_OK;
}
