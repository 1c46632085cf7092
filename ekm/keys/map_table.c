#include "ekm/keys/map_table.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"

#define FIRST_CAP 16u

void ekm_table_clear(struct ekm_table *table)
{
    if (!table)
        return;
    kpb_free(table->records);
    kpb_free(table->order);
    memset(table, 0, sizeof *table);
}

static kp_status grow(struct ekm_table *table, uint32_t cap, struct kp_error *reterr)
{
    struct ekm_record *records = kpb_alloc_array("ekm.map.records", cap, sizeof *records);
    uint32_t *order = kpb_alloc_array("ekm.map.order", cap, sizeof *order);

    if (!records || !order) {
        kpb_free(records);
        kpb_free(order);
        return kpb_fail_memory(reterr, "ekm.map.records");
    }
    if (table->n > 0) {
        memcpy(records, table->records, table->n * sizeof *records);
        memcpy(order, table->order, table->n * sizeof *order);
    }
    kpb_free(table->records);
    kpb_free(table->order);
    table->records = records; /* moved to the table */
    table->order = order;
    table->cap = cap;
    return KP_OK;
}

kp_status ekm_table_copy(const struct ekm_table *from, struct ekm_table *to,
                         struct kp_error *reterr)
{
    kp_status st = grow(to, from->n + FIRST_CAP, reterr);

    if (st != KP_OK)
        return st;
    if (from->n > 0) {
        memcpy(to->records, from->records, from->n * sizeof *from->records);
        memcpy(to->order, from->order, from->n * sizeof *from->order);
    }
    to->n = from->n;
    return KP_OK;
}

const struct ekm_record *ekm_table_at(const struct ekm_table *table, uint32_t i)
{
    return &table->records[table->order[i]];
}

/* ---- Finding ---- */

static int compare(const struct ekm_record *record, const struct ekm_thumb *thumb,
                   const char *vault)
{
    int order = ekm_thumb_compare(&record->thumb, thumb);

    return order != 0 ? order : strcmp(record->vault, vault);
}

uint32_t ekm_table_place(const struct ekm_table *table, const struct ekm_thumb *thumb,
                         const char *vault)
{
    uint32_t lo = 0;
    uint32_t hi = table->n;

    while (lo < hi) {
        uint32_t middle = lo + (hi - lo) / 2;

        if (compare(ekm_table_at(table, middle), thumb, vault) < 0)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

static struct ekm_record *find(const struct ekm_table *table, const struct ekm_thumb *thumb,
                               const char *vault)
{
    uint32_t at = ekm_table_place(table, thumb, vault);

    if (at == table->n || compare(ekm_table_at(table, at), thumb, vault) != 0)
        return NULL;
    return &table->records[table->order[at]];
}

const struct ekm_record *ekm_table_find(const struct ekm_table *table,
                                        const struct ekm_thumb *thumb, const char *vault)
{
    return find(table, thumb, vault);
}

/* ---- Taking in ---- */

static kp_status add(struct ekm_table *table, const struct ekm_record *record,
                     struct kp_error *reterr)
{
    uint32_t at = ekm_table_place(table, &record->thumb, record->vault);
    kp_status st = KP_OK;

    if (table->n >= EKM_MAP_RECORDS_MAX)
        return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_scp_err_FailureInRegistry,
                             "the key map is full: it has %u records; remove some with 'kp keymap "
                             "remove THUMBPRINT'",
                             EKM_MAP_RECORDS_MAX);
    if (table->n == table->cap)
        st = grow(table, table->cap > 0 ? table->cap * 2 : FIRST_CAP, reterr);
    if (st != KP_OK)
        return st;
    memmove(table->order + at + 1, table->order + at, (table->n - at) * sizeof *table->order);
    table->records[table->n] = *record;
    table->order[at] = table->n++;
    return KP_OK;
}

static bool same_or_unknown(const char *a, const char *b)
{
    return a[0] == '\0' || b[0] == '\0' || strcmp(a, b) == 0;
}

/* Both know their public key and it is not the same. */
static bool keys_differ(const struct ekm_record *a, const struct ekm_record *b)
{
    return a->key.len > 0 && b->key.len > 0 && !ekm_thumb_eq(&a->key, &b->key);
}

static bool is_same_version(const struct ekm_record *old, const struct ekm_record *record)
{
    return strcmp(old->name, record->name) == 0 && same_or_unknown(old->version, record->version) &&
           !keys_differ(old, record);
}

/* What the record knows better; true when that was anything. */
static bool gain(struct ekm_record *old, const struct ekm_record *record)
{
    bool is_new = false;

    if (old->version[0] == '\0' && record->version[0] != '\0') {
        memcpy(old->version, record->version, sizeof old->version);
        old->origin = record->origin;
        is_new = true;
    }
    if (old->key.len == 0 && record->key.len > 0) {
        old->key = record->key;
        is_new = true;
    }
    if (old->reported_alg == 0 && record->reported_alg != 0) {
        old->reported_alg = record->reported_alg;
        is_new = true;
    }
    if (record->wrap_alg != 0 && record->wrap_alg != old->wrap_alg) {
        old->wrap_alg = record->wrap_alg;
        is_new = true;
    }
    return is_new;
}

static kp_status refuse_conflict(const struct ekm_record *old, const struct ekm_record *record,
                                 struct kp_error *reterr)
{
    char thumb[EKM_THUMB_HEX_LEN];

    ekm_thumb_format(&old->thumb, thumb);
    return kpb_fail_code(reterr, KP_CONFLICT, KP_CODE_scp_err_ThumbprintExistedInRegistry,
                         "thumbprint %s is recorded for %.60s/%.40s of this vault and cannot be "
                         "%.60s/%.40s as well; 'kp keymap remove' forgets the record",
                         thumb, old->name, old->version, record->name, record->version);
}

static kp_status meet(struct ekm_record *old, const struct ekm_record *record, uint32_t flags,
                      struct ekm_put_report *report, struct kp_error *reterr)
{
    if (is_same_version(old, record)) {
        if (gain(old, record))
            report->n_updated++;
        else
            report->n_same++;
        return KP_OK;
    }
    if (!(flags & EKM_PUT_KEEP_OLD))
        return refuse_conflict(old, record, reterr);
    report->n_kept++;
    return KP_OK;
}

/* ---- Moving ---- */

/*
 * The same key in another vault: same name, and the same public key as far as both know it, or else
 * the same version, which restores keep and nobody guesses.
 */
static bool is_same_key(const struct ekm_record *old, const struct ekm_record *record)
{
    if (strcmp(old->name, record->name) != 0 || keys_differ(old, record))
        return false;
    return (old->key.len > 0 && record->key.len > 0) || old->scheme == EKM_SCHEME_PUBLIC_KEY ||
           strcmp(old->version, record->version) == 0;
}

static const struct ekm_record *find_moved(const struct ekm_table *table,
                                           const struct ekm_record *record)
{
    for (uint32_t i = ekm_table_place(table, &record->thumb, ""); i < table->n; i++) {
        const struct ekm_record *old = ekm_table_at(table, i);

        if (!ekm_thumb_eq(&old->thumb, &record->thumb))
            break;
        if (is_same_key(old, record))
            return old;
    }
    return NULL;
}

static kp_status move(struct ekm_table *table, const struct ekm_record *old,
                      const struct ekm_record *record, struct ekm_put_report *report,
                      struct kp_error *reterr)
{
    struct ekm_record left = *old;
    struct ekm_record moved = *record;

    moved.origin = left.origin;
    moved.scheme = left.scheme;
    if (left.reported_alg != 0)
        moved.reported_alg = left.reported_alg;
    if (moved.wrap_alg == 0)
        moved.wrap_alg = left.wrap_alg;
    if (moved.key.len == 0)
        moved.key = left.key;
    (void)ekm_table_remove(table, &left.thumb, left.vault);
    report->n_updated++;
    report->n_moved++;
    return add(table, &moved, reterr);
}

kp_status ekm_table_put(struct ekm_table *table, const struct ekm_record *record, uint32_t flags,
                        struct ekm_put_report *report, struct kp_error *reterr)
{
    struct ekm_record *old = find(table, &record->thumb, record->vault);
    const struct ekm_record *elsewhere = NULL;
    kp_status st;

    if (old)
        return meet(old, record, flags, report, reterr);
    if (flags & EKM_PUT_MOVES)
        elsewhere = find_moved(table, record);
    if (elsewhere)
        return move(table, elsewhere, record, report, reterr);
    st = add(table, record, reterr);
    if (st == KP_OK)
        report->n_added++;
    return st;
}

/* ---- Taking out ---- */

/* Record number `at` of the order goes; the last of the array takes its slot. */
static void remove_at(struct ekm_table *table, uint32_t at)
{
    uint32_t slot = table->order[at];
    uint32_t last = table->n - 1;

    memmove(table->order + at, table->order + at + 1, (last - at) * sizeof *table->order);
    table->n = last;
    if (slot == last)
        return;
    table->records[slot] = table->records[last];
    for (uint32_t i = 0; i < table->n; i++) {
        if (table->order[i] == last)
            table->order[i] = slot;
    }
}

uint32_t ekm_table_remove(struct ekm_table *table, const struct ekm_thumb *thumb, const char *vault)
{
    uint32_t at = ekm_table_place(table, thumb, vault ? vault : "");
    uint32_t n = 0;

    while (at < table->n && ekm_thumb_eq(&ekm_table_at(table, at)->thumb, thumb) &&
           (!vault || strcmp(ekm_table_at(table, at)->vault, vault) == 0)) {
        remove_at(table, at);
        n++;
    }
    return n;
}
