/* Finding the version behind a name by trying, and the algorithm of a version that is known. */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "ekm/keys/resolver.h"

#define VERSIONS_MAX 1000u
#define TOKEN_MAX_LEN 8192u

struct version {
    char text[KP_KEY_VERSION_MAX_LEN + 1];
    int64_t created_unix_s;
    uint32_t place; /* in the vault's own order */
    bool is_enabled;
};

/* The attempts of one call. */
struct trial {
    ekm_resolver *resolver;
    const struct ekm_query *query;
    struct ekm_resolved *resolved;
    const uint32_t *algs;
    size_t n_algs;
    ekm_try_fn *try_version;
    void *try_ctx;
    struct kp_error *err;
    struct version *versions;
    uint32_t n_versions;
    uint32_t n_tried;
};

/* `integrity` is a verdict on the data, whoever computed it; `usage` may be one of ours. */
bool ekm_is_answered_refusal(kp_status status, const struct kp_error *error)
{
    if (status == KP_INTEGRITY)
        return true;
    return status == KP_USAGE &&
           (error->exposure == KP_ANSWERED_REFUSED || error->exposure == KP_ANSWERED);
}

static kp_status attempt(struct trial *t, const char *version, uint32_t alg)
{
    kp_status st = ekm_query_check(t->resolver, t->query, t->err);

    if (st != KP_OK)
        return st;
    t->n_tried++;
    return t->try_version(t->try_ctx, kpb_span_str(t->resolved->record.name), kpb_span_str(version),
                          alg, t->err);
}

static bool may_go_on(const struct trial *t, kp_status st)
{
    return st != KP_OK && ekm_is_answered_refusal(st, t->err);
}

/* ---- A version that is known ---- */

static bool is_listed(const struct trial *t, uint32_t alg)
{
    for (size_t i = 0; i < t->n_algs; i++) {
        if (t->algs[i] == alg)
            return true;
    }
    return false;
}

static kp_status remember_alg(struct trial *t, uint32_t alg)
{
    struct ekm_record *record = &t->resolved->record;

    if (record->wrap_alg == alg || record->thumb.len == 0)
        return KP_OK;
    record->wrap_alg = alg;
    /* It is unwrapped: memory that is out now costs a search for the algorithm later. */
    kpb_ignore(ekm_resolver_remember(t->resolver, record, 1, 0, NULL));
    return KP_OK;
}

/* Each listed algorithm but the one tried first, RSA1_5 only in its own round. */
static kp_status try_others(struct trial *t, uint32_t first, bool is_rsa1_5_round, kp_status st)
{
    for (size_t i = 0; i < t->n_algs && may_go_on(t, st); i++) {
        if (t->algs[i] == first || (t->algs[i] == KP_ALG_RSA1_5) != is_rsa1_5_round)
            continue;
        st = attempt(t, t->resolved->record.version, t->algs[i]);
        if (st == KP_OK)
            return remember_alg(t, t->algs[i]);
    }
    return st;
}

static uint32_t first_alg(const struct trial *t)
{
    if (is_listed(t, t->resolved->record.wrap_alg))
        return t->resolved->record.wrap_alg;
    for (size_t i = 0; i < t->n_algs; i++) {
        if (t->algs[i] != KP_ALG_RSA1_5)
            return t->algs[i];
    }
    return t->algs[0];
}

static kp_status unwrap_known(struct trial *t)
{
    uint32_t first = first_alg(t);
    kp_status st = attempt(t, t->resolved->record.version, first);

    if (st == KP_OK)
        return remember_alg(t, first);
    st = try_others(t, first, false, st);
    return try_others(t, first, true, st);
}

/* ---- A version that is not ---- */

static kp_status push_version(void *ctx, const struct ekm_listed *entry, struct kp_error *reterr)
{
    struct trial *t = ctx;
    struct version *v = &t->versions[t->n_versions];

    if (!kpb_is_key_version(entry->version))
        return KP_OK;
    if (t->n_versions == VERSIONS_MAX)
        return kpb_fail_code(reterr, KP_UNSUPPORTED, KP_CODE_scp_err_NotSupported,
                             "key %s has more than %u versions; add the right one to the key map "
                             "with 'kp keymap add'",
                             t->resolved->record.name, VERSIONS_MAX);
    memcpy(v->text, entry->version.ptr, entry->version.len);
    v->text[entry->version.len] = '\0';
    v->created_unix_s = entry->created_unix_s;
    v->place = t->n_versions;
    v->is_enabled = (entry->flags & KP_KEY_ENABLED) != 0;
    t->n_versions++;
    return KP_OK;
}

static kp_status list_page(struct trial *t, kp_buf *token)
{
    kp_buf next;
    kp_status st = ekm_query_check(t->resolver, t->query, t->err);

    if (st != KP_OK)
        return st;
    kp_buf_init(&next, "ekm.trial.token", TOKEN_MAX_LEN);
    st = t->query->lookup.list(t->query->lookup.ctx, kpb_span_str(t->resolved->record.name),
                               kp_buf_view(token), ekm_query_left_ms(t->resolver, t->query),
                               push_version, t, &next, t->err);
    kp_buf_move(token, &next);
    return st;
}

static kp_status list_versions(struct trial *t)
{
    kp_buf token;
    kp_status st;

    kp_buf_init(&token, "ekm.trial.token", TOKEN_MAX_LEN);
    do {
        st = list_page(t, &token);
    } while (st == KP_OK && token.len > 0);
    kp_buf_clear(&token);
    return st;
}

/* Newest first; of one second, as the vault has them. */
static int compare_age(const void *a, const void *b)
{
    const struct version *x = a;
    const struct version *y = b;

    if (x->created_unix_s != y->created_unix_s)
        return x->created_unix_s > y->created_unix_s ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

/* It unwrapped, so it is the version; whoever recorded another one is told. */
static kp_status record_hit(struct trial *t, const struct version *v, uint32_t alg)
{
    struct ekm_resolved *resolved = t->resolved;
    struct ekm_record *record = &resolved->record;
    bool is_shown = strcmp(v->text, record->version) == 0;

    memcpy(record->version, v->text, sizeof record->version);
    record->wrap_alg = alg;
    record->origin = EKM_ORIGIN_PROVEN;
    resolved->is_proven = true;
    resolved->step = EKM_STEP_TRIAL;
    if (!is_shown) {
        struct kp_error ignored;

        resolved->has_key =
            ekm_query_get(t->resolver, t->query, kpb_span_str(record->name),
                          kpb_span_str(record->version), &resolved->key, &ignored) == KP_OK;
        memset(&record->key, 0, sizeof record->key);
        if (resolved->has_key)
            record->key = resolved->key.thumb;
    }
    /* Without memory for the record the next look-up tries again. */
    kpb_ignore(ekm_resolver_remember(t->resolver, record, 1, 0, NULL));
    return KP_OK;
}

static kp_status try_version_of(struct trial *t, const struct version *v, kp_status st)
{
    for (size_t i = 0; i < t->n_algs && (t->n_tried == 0 || may_go_on(t, st)); i++) {
        if (t->algs[i] == KP_ALG_RSA1_5) /* padding oracles: only where the version is known */
            continue;
        if (t->n_tried >= t->resolver->options.n_trials_max)
            break;
        st = attempt(t, v->text, t->algs[i]);
        if (st == KP_OK)
            return record_hit(t, v, t->algs[i]);
    }
    return st;
}

static kp_status fail_untried(struct trial *t, uint32_t n_disabled)
{
    return kpb_fail_code(t->err, KP_FORBIDDEN, KP_CODE_ErrorHttpOperationForbidden,
                         "none of the %u versions of key %s could be tried: %u are disabled, and "
                         "RSA1_5 is not tried on a version that is not recorded",
                         t->n_versions, t->resolved->record.name, n_disabled);
}

static kp_status try_all(struct trial *t)
{
    uint32_t n_disabled = 0;
    kp_status st = KP_FORBIDDEN;

    for (uint32_t i = 0; i < t->n_versions && (t->n_tried == 0 || may_go_on(t, st)); i++) {
        if (t->versions[i].is_enabled)
            st = try_version_of(t, &t->versions[i], st);
        else
            n_disabled++;
    }
    if (t->n_tried == 0)
        return fail_untried(t, n_disabled);
    if (may_go_on(t, st))
        kpb_error_prefix(t->err, "none of %u attempts on %u versions of %s (%u disabled)",
                         t->n_tried, t->n_versions, t->resolved->record.name, n_disabled);
    return st;
}

static kp_status unwrap_unknown(struct trial *t)
{
    kp_status st;

    t->versions = kpb_alloc_array("ekm.trial", VERSIONS_MAX, sizeof *t->versions);
    if (!t->versions)
        return kpb_fail_memory(t->err, "ekm.trial");
    st = list_versions(t);
    if (st == KP_OK) {
        qsort(t->versions, t->n_versions, sizeof *t->versions, compare_age);
        st = try_all(t);
    }
    kpb_free(t->versions);
    return st;
}

kp_status ekm_resolve_unwrap(ekm_resolver *resolver, const struct ekm_query *query,
                             struct ekm_resolved *resolved, const uint32_t *algs, size_t n_algs,
                             ekm_try_fn *try_version, void *try_ctx, struct kp_error *reterr)
{
    struct kp_error own = {0}; /* what a refusal said decides, whether the caller wants it or not */
    struct trial t = {.resolver = resolver,
                      .query = query,
                      .resolved = resolved,
                      .algs = algs,
                      .n_algs = n_algs,
                      .try_version = try_version,
                      .try_ctx = try_ctx,
                      .err = reterr ? reterr : &own};

    kp_error_init(t.err);
    if (n_algs == 0)
        return kpb_fail(t.err, KP_USAGE, "no algorithm to unwrap with");
    return resolved->is_proven ? unwrap_known(&t) : unwrap_unknown(&t);
}
