/*
 * The keys of a vault in the engine's way: ids from 1, each a place in a list that the session
 * keeps from one enumeration to the next. Keys of other types than the provider serves are passed
 * over.
 */
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "ekm/algorithms.h"
#include "ekm/functions.h"
#include "ekm/keys.h"
#include "ekm/vault.h"

#define PAGES_MAX 1000u
#define TOKEN_MAX_LEN 8192u

/* What is left of the call, for one request of it. */
static uint32_t call_time(const struct ekm_call *call)
{
    return (uint32_t)ekm_call_left_ms(call); /* hours at most: config_limits.h */
}

/* ---- The list ---- */

struct listing {
    struct ekm_listed_key *keys;
    uint32_t n;
    uint32_t cap;
};

static kp_status make_room(struct listing *l, struct kp_error *reterr)
{
    uint32_t cap = l->cap ? 2 * l->cap : 64;
    struct ekm_listed_key *keys;

    if (l->n < l->cap)
        return KP_OK;
    keys = kpb_alloc_array("ekm.listing", cap, sizeof *keys);
    if (!keys)
        return kpb_fail_memory(reterr, "ekm.listing");
    if (l->n)
        memcpy(keys, l->keys, l->n * sizeof *keys);
    kpb_free(l->keys);
    l->keys = keys; /* moved to the list */
    l->cap = cap;
    return KP_OK;
}

/* ekm_listed_fn */
static kp_status add_key(void *ctx, const struct ekm_listed *entry, struct kp_error *reterr)
{
    struct listing *l = ctx;
    kp_status st;

    if (l->n == EKM_LISTED_MAX)
        return kpb_fail(reterr, KP_UNSUPPORTED, "the vault has more than %u keys", EKM_LISTED_MAX);
    if (entry->name.len > KP_KEY_NAME_MAX_LEN)
        return kpb_fail(reterr, KP_PROTOCOL, "the vault lists a key with too long a name");
    st = make_room(l, reterr);
    if (st != KP_OK)
        return st;
    memcpy(l->keys[l->n].name, entry->name.ptr, entry->name.len);
    l->n++;
    return KP_OK;
}

static kp_status list_page(struct ekm_call *call, const struct ekm_lookup *lookup, kp_buf *token,
                           struct listing *l)
{
    kp_buf next;
    kp_status st;

    kp_buf_init(&next, "ekm.page_token", TOKEN_MAX_LEN);
    st = lookup->list(lookup->ctx, kpb_span(NULL, 0), kp_buf_view(token), call_time(call), add_key,
                      l, &next, &call->err);
    kp_buf_move(token, &next);
    kp_buf_clear(&next);
    return st;
}

static kp_status list_keys(struct ekm_call *call, struct listing *l)
{
    struct ekm_asking asking;
    kp_buf token;
    kp_status st = KP_OK;
    uint32_t pages = 0;

    ekm_call_ask(call, &asking);
    kp_buf_init(&token, "ekm.page_token", TOKEN_MAX_LEN);
    do {
        st = list_page(call, &asking.query.lookup, &token, l);
    } while (st == KP_OK && token.len > 0 && ++pages < PAGES_MAX);
    kp_buf_clear(&token);
    return st;
}

/* Replaces the session's list; an enumeration begins. */
static kp_status begin_list(struct ekm_call *call)
{
    struct ekm_session *session = call->session;
    struct listing l = {0};
    struct ekm_listed_key *old;
    kp_status st = list_keys(call, &l);

    if (st != KP_OK) {
        kpb_free(l.keys);
        return st;
    }
    ekm_sync_lock(session->sync);
    old = session->listed;
    session->listed = l.keys; /* moved to the session */
    session->n_listed = l.n;
    ekm_sync_unlock(session->sync);
    kpb_free(old);
    return KP_OK;
}

static bool listed_at(struct ekm_session *session, SqlCpKeyId id, struct ekm_listed_key *ret)
{
    bool there;

    ekm_sync_lock(session->sync);
    there = id >= 1 && id <= session->n_listed;
    if (there)
        *ret = session->listed[id - 1];
    ekm_sync_unlock(session->sync);
    return there;
}

static kp_status fail_no_key(struct ekm_call *call, SqlCpKeyId id)
{
    return kpb_fail_code(&call->err, KP_NOT_FOUND, KP_CODE_scp_err_NotFound,
                         "there is no key with id %u", id);
}

/* ---- One key of it ---- */

/* What is reported for a listed key: by the record where there is one, otherwise by its size. */
struct listed_info {
    struct ekm_key key;
    struct ekm_thumb thumb;
    SqlCpAlgId alg;
};

static kp_status thumb_of(struct ekm_call *call, const struct ekm_key *key, struct ekm_thumb *ret)
{
    if (ekm_reported_scheme(call) == EKM_SCHEME_NAME)
        return ekm_thumb_of_name(kpb_span_str(key->name), ret, &call->err);
    *ret = key->thumb;
    return KP_OK;
}

static kp_status describe(struct ekm_call *call, struct listed_info *ret)
{
    const struct ekm_algorithm *alg =
        ekm_algorithm_for(ret->key.bits, call->provider->settings.report_3072_as_2048);
    struct ekm_record record;
    kp_status st;

    if (ret->key.n_len == 0 || !alg)
        return kpb_fail_code(&call->err, KP_UNSUPPORTED, KP_CODE_scp_err_NotSupported,
                             "key %s is of no type that is served", ret->key.name);
    st = thumb_of(call, &ret->key, &ret->thumb);
    if (st != KP_OK)
        return st;
    ret->alg = alg->id;
    if (ekm_map_find(call->provider->map, &ret->thumb, call->session->vault->text, &record) &&
        record.reported_alg)
        ret->alg = record.reported_alg;
    return KP_OK;
}

static kp_status fetch(struct ekm_call *call, const struct ekm_listed_key *listed,
                       struct listed_info *ret)
{
    struct ekm_asking asking;
    const struct ekm_lookup *lookup = &asking.query.lookup;
    kp_status st;

    ekm_call_ask(call, &asking);
    st = lookup->get(lookup->ctx, kpb_span_str(listed->name), kpb_span(NULL, 0), call_time(call),
                     &ret->key, &call->err);
    return st == KP_OK ? describe(call, ret) : st;
}

/* Gone meanwhile, of another type, not ours to read, or with a name no thumbprint can carry. */
static bool is_passed_over(kp_status st)
{
    return st == KP_NOT_FOUND || st == KP_UNSUPPORTED || st == KP_FORBIDDEN || st == KP_USAGE;
}

/* The next id after *id whose key is served. */
static kp_status find_next(struct ekm_call *call, SqlCpKeyId *id)
{
    struct ekm_listed_key listed;
    struct listed_info info;

    for (SqlCpKeyId at = *id; at < UINT32_MAX && listed_at(call->session, at + 1, &listed); at++) {
        kp_status st = fetch(call, &listed, &info);

        if (st == KP_OK)
            *id = at + 1;
        if (!is_passed_over(st))
            return st;
        call->act = EKM_ACT_LOCAL;
    }
    return fail_no_key(call, *id);
}

kp_status ekm_next_key(struct ekm_call *call, SqlCpKeyId *id)
{
    kp_status st = KP_OK;

    call->is_enumeration = true;
    if (!id)
        return ekm_call_refuse(call, "the key id is NULL");
    if (*id == x_scp_KeyIdBad)
        st = begin_list(call);
    return st == KP_OK ? find_next(call, id) : st;
}

kp_status ekm_key_info_by_id(struct ekm_call *call, SqlCpKeyId id, SqlCpKeyInfo *info)
{
    struct ekm_listed_key listed;
    struct listed_info found;
    kp_status st;

    if (!info)
        return ekm_call_refuse(call, "the key info is NULL");
    if (!listed_at(call->session, id, &listed))
        return fail_no_key(call, id);
    ekm_call_name_key(call, kpb_span_str(listed.name), kpb_span(NULL, 0));
    st = fetch(call, &listed, &found);
    if (st == KP_OK)
        st = ekm_fill_key_info(call, kpb_span_str(listed.name), &found.thumb, found.alg, info);
    return st;
}
